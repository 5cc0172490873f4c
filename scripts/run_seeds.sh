#!/usr/bin/env bash
# Runs a recipe once for each seed, into runs/<recipe>-seed<k>, and prints a table of the results. Complete runs are kept.
# Usage: [RANKS=2] scripts/run_seeds.sh RECIPE SEED... [-- arguments of `reckon train`]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -ge 2 ]] || fail 2 "a recipe and a seed are needed (usage: scripts/run_seeds.sh RECIPE SEED... [-- ARGUMENTS])"
recipe="$1"
shift
[[ -f $recipe ]] || fail 66 "$recipe: not there (need a recipe, by its path from the top of the source tree)"
seeds=()
while [[ $# -gt 0 && $1 != -- ]]; do
  [[ $1 =~ ^[0-9]+$ ]] || fail 2 "seed $1 (need a whole number, 0 or more)"
  seeds+=("$1")
  shift
done
if [[ $# -gt 0 ]]; then shift; fi

name="$(basename "$recipe" .toml)"
summaries=()
for seed in "${seeds[@]}"; do
  folder="runs/$name-seed$seed"
  if run_complete "$folder"; then
    say "$folder is complete"
  else
    timed "$folder" launch "${RANKS:-2}" build/release/bin/reckon train "$recipe" --set "run.seed=$seed" \
      --out "$folder" "$@"
  fi
  summaries+=("$folder/summary.json")
done
python3 scripts/seed_table.py "${summaries[@]}"

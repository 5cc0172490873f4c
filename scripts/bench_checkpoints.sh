#!/usr/bin/env bash
# What checkpoints cost: the stage rl-1 of recipes/r1-mini-arithmetic.toml from random weights on two ranks, in turns without
# checkpoints and with one every EVERY steps. Prints seconds of the stage for each run, and how long steps waited.
# Usage: scripts/bench_checkpoints.sh [EVERY] [REPEATS]; 5 and 3 where they are not given
# Exit codes: 0 done; 2 usage.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

every="${1:-5}"
repeats="${2:-3}"
[[ $# -le 2 && $every =~ ^[1-9][0-9]*$ && $repeats =~ ^[1-9][0-9]*$ ]] ||
  fail 2 "$* (usage: scripts/bench_checkpoints.sh [EVERY] [REPEATS])"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 - "$work/rl.toml" <<'PYTHON'
import re
import sys

text = open("recipes/r1-mini-arithmetic.toml").read()
stages = re.split(r"(?m)^(?=\[\[stage\]\])", text)
reinforcement = next(stage for stage in stages if 'name = "rl-1"' in stage)
with open(sys.argv[1], "w") as out:
    out.write(stages[0] + reinforcement.replace('from = "cold-start"', 'from = "model"'))
PYTHON

# seconds_of FOLDER: seconds of the stage, and those that its steps waited for checkpoints.
seconds_of() {
  python3 - "$1" <<'PYTHON'
import json
import sys

stage = json.load(open(sys.argv[1] + "/summary.json"))["stages"]["rl-1"]
rows = [json.loads(line) for line in open(sys.argv[1] + "/metrics.jsonl")]
waited = sum(row.get("checkpoint_seconds", 0) for row in rows)
print(f"{stage['seconds']:.2f} s, of them {waited:.3f} s waited for checkpoints ({100 * waited / stage['seconds']:.2f} %)")
PYTHON
}

for ((i = 1; i <= repeats; i++)); do
  for steps in 0 "$every"; do
    out="$work/run-$i-$steps"
    launch 2 build/release/bin/reckon train "$work/rl.toml" --out "$out" --set "checkpoint.every_steps=$steps" >/dev/null
    say "every_steps = $steps: $(seconds_of "$out")"
  done
done

#!/usr/bin/env bash
# From a fresh Debian 12 machine to a rising reward: installs what is needed, builds, and runs recipes/r1-mini-arithmetic.toml on two
# ranks. What is done is skipped. Usage: scripts/quickstart.sh [arguments of `reckon train`, such as --set or --out]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The CPU build everywhere: the preset cuda is for machines on which a GPU answers, once training runs on it.
preset=release
recipe=recipes/r1-mini-arithmetic.toml
reckon="build/$preset/bin/reckon"

timed "set-up" bash scripts/bootstrap.sh
timed "build" bash scripts/build.sh "$preset" reckon  # without the tests: scripts/test.sh builds them
if [[ $# -eq 0 ]] && run_complete runs/r1-mini-arithmetic; then
  say "runs/r1-mini-arithmetic is complete: its summary is runs/r1-mini-arithmetic/summary.json"
  say "to run again elsewhere: scripts/quickstart.sh --out runs/r1-mini-arithmetic-again"
  exit 0
fi
if [[ $# -eq 0 && -e runs/r1-mini-arithmetic ]]; then
  aside="runs/r1-mini-arithmetic-unfinished-$(date +%s)"
  mv runs/r1-mini-arithmetic "$aside"
  say "runs/r1-mini-arithmetic had not come to its end: it is now $aside"
fi
timed "training" launch 2 "$reckon" train "$recipe" "$@"

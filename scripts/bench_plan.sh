#!/usr/bin/env bash
# Holds the forecasts of `reckon plan` for this machine against short runs of r1-mini and r1-mini-arithmetic.
# Usage: scripts/bench_plan.sh [arguments of scripts/bench/plan_check.py]; BUILD: the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/bench/plan_check.py "${BUILD:-build/release}/bin/reckon" \
  recipes/r1-mini.toml recipes/r1-mini-arithmetic.toml "$@"

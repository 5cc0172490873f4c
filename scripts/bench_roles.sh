#!/usr/bin/env bash
# What ranks and roles are worth on the CPU: the stage rl-1 of recipes/r1-mini-arithmetic.toml from its cold start, in turns on one rank,
# on two that both sample and learn, and on one that samples and one that learns, in turns and with sampling one step ahead.
# Prints the mean seconds of a step for each run, and the ratios of their medians. The cold start is trained first, once.
# Usage: scripts/bench_roles.sh [STEPS] [REPEATS]; 25 and 3 where they are not given
# Exit codes: 0 done; 2 usage.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

steps="${1:-25}"
repeats="${2:-3}"
[[ $# -le 2 && $steps =~ ^[1-9][0-9]*$ && $repeats =~ ^[1-9][0-9]*$ ]] ||
  fail 2 "$* (usage: scripts/bench_roles.sh [STEPS] [REPEATS])"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# A completion that is not trained on is not compared either: sampling and learning then take about the same time.
python3 - "$work" <<'PYTHON'
import re
import sys

work = sys.argv[1]
head, *stages = re.split(r"(?m)^(?=\[\[stage\]\])", open("recipes/r1-mini-arithmetic.toml").read())
start = next(stage for stage in stages if 'name = "cold-start"' in stage)
reinforcement = next(stage for stage in stages if 'name = "rl-1"' in stage)
open(work + "/start.toml", "w").write(head + start)
head = re.sub(r"\[model\].*?(?=\n\[)", f'[model]\npath = "{work}/model"\n', head, flags=re.S)
open(work + "/rl.toml", "w").write(head + reinforcement.replace('from = "cold-start"', 'from = "model"'))
PYTHON
say "training the cold start"
launch 2 build/release/bin/reckon train "$work/start.toml" --out "$work/start" >/dev/null
cp -r "$work"/start/checkpoints/cold-start/step-* "$work/"
mv "$(ls -d "$work"/step-* | tail -n 1)" "$work/model"

# mean_step FOLDER: seconds of a step, without the first three; of them those of sampling or of waiting for it.
mean_step() {
  python3 - "$1" <<'PYTHON'
import json
import sys

rows = [json.loads(line) for line in open(sys.argv[1] + "/metrics.jsonl")][3:]
mean = lambda name: sum(row[name] for row in rows) / len(rows)
print(f"{mean('seconds'):.4f} {mean('sample_seconds'):.4f} {mean('update_seconds'):.4f}")
PYTHON
}

split='cluster.mode="split"'
for ((i = 1; i <= repeats; i++)); do
  for kind in one two sync async; do
    case "$kind" in
      one) ranks=1 settings=() ;;
      two) ranks=2 settings=() ;;
      sync) ranks=2 settings=(--set "$split") ;;
      async) ranks=2 settings=(--set "$split" --set stage.rl-1.max_staleness=1) ;;
    esac
    out="$work/$kind-$i"
    launch "$ranks" build/release/bin/reckon train "$work/rl.toml" --out "$out" --set "stage.rl-1.steps=$steps" \
      --set checkpoint.every_steps=0 --set 'stage.rl-1.exactness="trained"' ${settings[@]+"${settings[@]}"} >/dev/null
    read -r step sample update <<<"$(mean_step "$out")"
    echo "$kind $step" >>"$work/steps"
    say "$kind: $step s a step (sampling, or waiting for it, $sample; update $update)"
  done
done
python3 - "$work/steps" <<'PYTHON'
import collections
import statistics
import sys

steps = collections.defaultdict(list)
for line in open(sys.argv[1]):
    kind, seconds = line.split()
    steps[kind].append(float(seconds))
median = {kind: statistics.median(values) for kind, values in steps.items()}
print(f"two ranks are {median['one'] / median['two']:.2f} times as fast as one")
print(f"sampling one step ahead is {median['sync'] / median['async']:.2f} times as fast as in turns")
PYTHON

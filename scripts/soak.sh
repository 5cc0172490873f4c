#!/usr/bin/env bash
# Does the program keep its memory? Trains a tiny model for STEPS steps (2,000; a third supervised, the rest GRPO) on a task in a
# program of its own and on answers that only the certifier can prove equal, and compares the resident memory of the program and of its
# helper processes: after 200 steps of each stage and at its end they may differ by 2 % (in a stage of fewer than 400 steps, after half of
# them, by 2 % and 2 MiB).
# Usage: [RANKS=1] [BUILD=build/release] scripts/soak.sh [STEPS] [FOLDER]; exit code 1 where memory grows.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

steps="${1:-2000}"
folder="${2:-}"
reckon="${BUILD:-build/release}/bin/reckon"
[[ "$steps" -ge 30 ]] || fail 2 "STEPS is $steps (need at least 30)"
[[ -x "$reckon" ]] || fail 66 "$reckon is not there (scripts/build.sh release makes it)"
if [[ -z "$folder" ]]; then
  folder="$(mktemp -d "${TMPDIR:-/tmp}/reckon-soak.XXXXXX")"
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"

# Questions that say nothing of the answer, which is one of two forms of a number, and too many to learn by heart: the policy writes
# either form. (A digit behind the answer must make a wrong one: the grader is tested so.)
forms=('\\sqrt[3]{2+\\sqrt{5}}/1' '(1+\\sqrt{5})/2')
for question in {100..599}; do
  printf '{"problem": "%s?", "solution": "", "answer": "%s"}\n' "$((question * 617 % 9973))" "${forms[question * 31 % 101 % 2]}"
done > "$folder/surds.jsonl"

cat > "$folder/soak.toml" << END
[run]
name = "soak"
seed = 3
[model]
hidden_size = 64
intermediate_size = 128
num_hidden_layers = 2
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 32
max_position_embeddings = 160
[[task]]
name = "words"
kind = "command"
levels = [1, 2]
source = { command = ["python3", "$root/examples/reverse_words.py"] }
[[task]]
name = "surds"
kind = "jsonl"
path = "$folder/surds.jsonl"
split = "train"
[[stage]]
name = "sft"
kind = "sft"
from = "model"
steps = $((steps / 3))
learning_rate = 3e-3
tokens_per_step = 600
mix_schedule = [{ until = 1.0, think_share = 0.0 }]
[[stage]]
name = "rl"
kind = "grpo"
from = "sft"
steps = $((steps - steps / 3))
learning_rate = 3e-5
prompts_per_step = 4
group_size = 6
max_new_tokens = 60
[stage.reward]
random = 0.5
END

launch "${RANKS:-1}" "$reckon" train "$folder/soak.toml" --out "$folder/run" --progress plain
python3 scripts/soak_table.py "$folder/run/metrics.jsonl"

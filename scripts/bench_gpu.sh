#!/usr/bin/env bash
# Measures the kernels, the sampler and the learner on a GPU, and the same work by torch and Liger-Kernel on the same machine, one after
# another; docs/benchmarks.md says how to read the table. A program that is missing, fails or finds no time left has a line that says so.
#
# Usage: scripts/bench_gpu.sh [--json] [--seconds N] [--build DIR] [--rows FILE] [--reckon-only] [--tiny]
#   --json         the last line is one object instead of the table
#   --seconds N    for everything together (600)
#   --build DIR    where gpu_bench is built: build/gpu where not given, as scripts/gpu_check.sh --only build leaves it
#   --rows FILE    also keeps what each program said, an object a line, as soon as it has said it
#   --reckon-only  not the others
#   --tiny         sizes that the emulator takes, and torch on the CPU: a test of these scripts
# The others take python3 where it has torch, else .deps/oracles; Liger-Kernel is that of .gpu/wheels (scripts/gpu_check.sh --prepare).
# Exit codes: 0 done, with whatever was left out; 1 a part of gpu_bench failed; 2 usage; 78 gpu_bench is not built.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
usage="usage: scripts/bench_gpu.sh [--json] [--seconds N] [--build DIR] [--rows FILE] [--reckon-only] [--tiny]"

json=no total=600 build="$root/build/gpu" rows="" reckon_only=no tiny=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h)
      show_help "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --json) json=yes ;;
    --reckon-only) reckon_only=yes ;;
    --tiny) tiny=(--tiny) ;;
    --seconds | --build | --rows)
      [[ -n "${2:-}" ]] || fail 2 "$1 needs a value ($usage)"
      case "$1" in
        --seconds) total="$2" ;;
        --build) build="$2" ;;
        --rows) rows="$2" ;;
      esac
      shift
      ;;
    *) fail 2 "unknown argument $1 ($usage)" ;;
  esac
  shift
done
[[ $total =~ ^[1-9][0-9]*$ ]] || fail 2 "--seconds \"$total\" (need a whole number of seconds)"
program="$build/bin/gpu_bench"
[[ -x $program ]] || fail 78 "$program is not built (scripts/gpu_check.sh --only build)"
if [[ -z $rows ]]; then
  rows="$(mktemp)"
  trap 'rm -f "$rows"' EXIT
fi
: >"$rows"
python=python3 device=(--device cuda)
python3 -c 'import torch' 2>/dev/null || python="$root/.deps/oracles/bin/python"
if [[ ${#tiny[@]} -gt 0 ]]; then device=(--device cpu --system eager); fi
SECONDS=0

install_liger() {
  compgen -G ".gpu/wheels/*.whl" >/dev/null || return 0
  local site="$build/site"
  [[ -d $site ]] || "$python" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --target "$site" .gpu/wheels/*.whl >&2 || return 0
  export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
}

# measure SYSTEM LABEL LIMIT COMMAND...: keeps the last line that it prints, or why there is none.
measure() {
  local system="$1" label="$2" limit="$3" start=$SECONDS status=0 out end="done"
  shift 3
  local left=$((total - SECONDS))
  out="$(mktemp)"
  if ((left < 5)); then
    end="not run: no time was left"
  else
    timeout --kill-after=5 "$((limit < left ? limit : left))" "$@" >"$out" 2>"$out.err" || status=$?
    if [[ $status -eq 124 || $status -eq 137 ]]; then
      end="stopped after $((SECONDS - start)) s"
    elif [[ $status -ne 0 ]]; then
      end="exit code $status: $(grep -v '^ *$' "$out.err" | tail -n 1 | cut -c1-300)"
    fi
  fi
  [[ $end == "done" ]] || say "$label: $end"
  python3 scripts/bench/gpu_table.py --keep "$rows" "$system" "$label" "$end" "$((SECONDS - start))" "$out"
  rm -f "$out" "$out.err"
}
ours() {
  measure reckon "gpu_bench $*" 90 "$program" --json --each ${tiny[@]+"${tiny[@]}"} --part "$@"
}
others() {
  [[ $reckon_only == yes ]] || measure others "gpu_rivals.py $1" 75 "$python" scripts/bench/gpu_rivals.py --seconds 65 \
    "${device[@]}" ${tiny[@]+"${tiny[@]}"} --part "$1"
}
# ours_for MODEL PART: of a model, which at tiny sizes is the tiny one.
ours_for() {
  if [[ ${#tiny[@]} -gt 0 ]]; then ours "$2"; else ours "$2" --model "$1"; fi
}

# In the order in which numbers are wanted where time is short.
[[ $reckon_only == yes ]] || install_liger
ours loss
others loss
ours agreement
ours fused
others fused
ours exact
ours_for 1.5b learner
ours_for 1.5b decode
ours adamw
others adamw
ours elementwise
others elementwise
if [[ ${#tiny[@]} -eq 0 ]]; then
  ours_for 0.5b decode
  ours_for 0.5b learner
  ours_for 7b decode
fi
table=(scripts/bench/gpu_table.py)
if [[ $json == yes ]]; then table+=(--json); fi
status=0
python3 "${table[@]}" "$rows" || status=$?
if [[ $status -ne 0 ]]; then exit "$status"; fi

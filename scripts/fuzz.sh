#!/usr/bin/env bash
# Fuzzes what reads other people's bytes with libFuzzer under AddressSanitizer and UBSan, each target in tests/fuzz with
# inputs up to 4 KiB and then up to 64 KiB. New inputs are kept in build/fuzz/corpus, findings in build/fuzz/findings.
# Usage: scripts/fuzz.sh [SECONDS | --each SECONDS] [TARGET...]
#   SECONDS: in all, 300 where it is not given; --each: for each target. TARGET: extract, parse, grade, safetensors, tokenizer,
#   chat_template, recipe, rollout_log, log_wire, group_wire; all where none is given
# Exit codes: 0 nothing found; 1 something found, whose path is printed; 2 usage; 78 no clang.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

known=(extract parse grade safetensors tokenizer chat_template recipe rollout_log log_wire group_wire)
usage="usage: scripts/fuzz.sh [SECONDS | --each SECONDS] [TARGET...], targets: ${known[*]}"
arguments="$*"
each=0
seconds=300
if [[ ${1:-} == --each ]]; then
  each=1
  shift
  [[ $# -gt 0 ]] || fail 2 "$arguments ($usage)"
fi
if [[ $each -eq 1 || ${1:-} =~ ^[0-9] ]]; then
  seconds="$1"
  shift
fi
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail 2 "$arguments ($usage)"
targets=("$@")
[[ $# -gt 0 ]] || targets=("${known[@]}")
for name in "${targets[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || fail 2 "no target is named \"$name\" ($usage)"
done
compiler="$(command -v clang++ || command -v clang++-14 || true)"
[[ -n $compiler ]] || fail 78 "clang++ is not there (need clang with libFuzzer: apt-get install clang)"

build="$root/build/fuzz"
export CCACHE_BASEDIR="$root"
build_targets() {
  if [[ ! -f "$build/build.ninja" ]]; then
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER="$compiler" -DRECKON_FUZZ=ON \
      -DRECKON_TORCH=OFF >/dev/null
  fi
  cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]/%/_fuzz}"
}
timed "build" build_targets

# FLINT and its kin keep memory in caches of their own until the program ends.
export ASAN_OPTIONS=detect_leaks=0
if [[ $each -eq 0 ]]; then seconds=$((seconds / ${#targets[@]})); fi
share=$((seconds / 2))
if [[ $share -lt 1 ]]; then share=1; fi

# seconds_for NAME: how long one input may take. The grader promises its times; the automata of a tokenizer may take seconds
# under the sanitizers.
seconds_for() {
  case "$1" in
    extract | parse | grade) echo 1 ;;
    *) echo 10 ;;
  esac
}

# run_target NAME MAX_LENGTH: fuzzes for the share; prints executions; adds what is found to `found`.
found=()
total=0
run_target() {
  local name="$1" max_length="$2" status=0 executions
  local corpus="$build/corpus/$name" findings="$build/findings" log="$build/$1-$2.log"
  mkdir -p "$corpus" "$findings"
  "$build/bin/${name}_fuzz" -max_total_time="$share" -max_len="$max_length" -timeout="$(seconds_for "$name")" \
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$findings/$name-" "$corpus" "tests/fuzz/corpus/$name" \
    >"$log" 2>&1 || status=$?
  executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)"
  say "$name, up to $max_length bytes: ${executions:-?} executions in $share s"
  total=$((total + ${executions:-0}))
  if [[ $status -ne 0 ]]; then
    found+=("$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)")
    say "$name: found ${found[-1]:-something}, see $log"
  fi
}
for name in "${targets[@]}"; do
  run_target "$name" 4096
  run_target "$name" 65536
done
say "$total executions, ${#found[@]} finding(s)"
if [[ ${#found[@]} -gt 0 ]]; then
  printf '%s\n' "${found[@]}"
  exit 1
fi

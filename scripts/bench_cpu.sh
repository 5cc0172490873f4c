#!/usr/bin/env bash
# Measures a GRPO step of reckon, and the same work by TRL's GRPOTrainer, transformers.generate and llama.cpp, one after another on
# this machine: a Qwen2 of 3.3 million random weights, then the shape of Qwen2.5-0.5B. docs/benchmarks.md says how to read the table.
# The first run installs the others into .deps/rivals; one that cannot be had is left out, with a sentence that says so.
#
# Usage: [CORES=2] scripts/bench_cpu.sh [--json] [--reckon-only] [--small-only] [--dtype float32|bfloat16]
#   --json         the last line is one object: the small shape's numbers by system
#   --reckon-only  only reckon     --small-only  only the small shape
#   --dtype        of the small shape; float32 where not given. The large one is bfloat16 where a system has it.
# Exit codes: 0 done, with whatever was left out; 2 usage; 70 reckon was not measured with the small shape; 75 stopped.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

small_limit=1200 # seconds a system may take
large_limit=300
llama_package=llama-cpp-python==0.3.36 # the newest release of llama.cpp that a package index has as source

json=no reckon_only=no small_only=no dtype=float32
while [[ $# -gt 0 ]]; do
  case "$1" in
    --json) json=yes ;;
    --reckon-only) reckon_only=yes ;;
    --small-only) small_only=yes ;;
    --dtype)
      dtype="${2:-}"
      [[ $dtype == float32 || $dtype == bfloat16 ]] || fail 2 "--dtype \"$dtype\" (need float32 or bfloat16)"
      shift
      ;;
    *) fail 2 "unknown argument $1 (usage: scripts/bench_cpu.sh [--json] [--reckon-only] [--small-only] [--dtype float32|bfloat16])" ;;
  esac
  shift
done

cores="${CORES:-$(nproc)}"
rivals="$root/.deps/rivals"
build="$root/build/bench"
results="$build/results.jsonl"
export CCACHE_BASEDIR="$root"
# For the Python programs: no GPU, no network, nothing written beside the sources.
export CUDA_VISIBLE_DEVICES="" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

build_bench() {
  if [[ ! -f "$build/build.ninja" ]]; then
    cmake --preset release -B "$build" -DRECKON_BENCH=ON -DRECKON_TESTS=OFF >/dev/null
  fi
  cmake --build "$build" --parallel "${BUILD_JOBS:-$(nproc)}" --target step_bench >&2
}

# Their packages lie over those of .deps/oracles, which has torch and transformers.
install_python() {
  local list="$root/scripts/bench/requirements.txt" oracles=("$root"/.deps/oracles/lib/python*/site-packages) stamp
  stamp="$(cat "$root/.deps/oracles/.complete") $(sha256sum <"$list")" || return 1
  [[ -f "$rivals/python/.complete" && "$(cat "$rivals/python/.complete")" == "$stamp" ]] && return 0
  rm -rf "$rivals/python"
  /usr/bin/python3 -m venv "$rivals/python" || return 1
  mkdir -p "$rivals/python/tmp"
  TMPDIR="$rivals/python/tmp" "$rivals/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-compile --only-binary=:all: --requirement "$list" >&2 || return 1
  local site=("$rivals"/python/lib/python*/site-packages)
  # Relative to the folder it stands in.
  printf '../../../../../oracles/%s\n' "${oracles[0]#"$root"/.deps/oracles/}" >"${site[0]}/oracles.pth"
  rm -rf "$rivals/python/tmp"
  printf '%s' "$stamp" >"$rivals/python/.complete"
}

install_llama() {
  local target="$rivals/llama" options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_OPENSSL=OFF)
  local stamp="$llama_package ${options[*]}"
  [[ -f "$target/.complete" && "$(cat "$target/.complete")" == "$stamp" ]] && return 0
  rm -rf "$target"
  mkdir -p "$target/tmp" "$target/source" || return 1
  TMPDIR="$target/tmp" "$rivals/python/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary=llama-cpp-python --dest "$target" "$llama_package" >&2 || return 1
  tar -xzf "$target"/llama_cpp_python-*.tar.gz -C "$target/source" --strip-components=3 --wildcards '*/vendor/llama.cpp/*' ||
    return 1
  say "llama.cpp: building, some minutes"
  cmake -S "$target/source" -B "$target/build" "${options[@]}" >"$target/build.log" 2>&1 || return 1
  cmake --build "$target/build" --parallel "${BUILD_JOBS:-$(nproc)}" --target llama-batched-bench >>"$target/build.log" 2>&1 ||
    return 1
  mv "$target/build/bin/llama-batched-bench" "$target/" || return 1
  rm -rf "$target/tmp" "$target/source" "$target/build" "$target"/*.tar.gz
  printf '%s' "$stamp" >"$target/.complete"
}

# gguf SHAPE DTYPE: writes the model once, and prints its path.
gguf() {
  local file="$rivals/models/$1-$2.gguf"
  if [[ ! -f $file ]]; then
    mkdir -p "$rivals/models"
    "$rivals/python/bin/python" scripts/bench/write_gguf.py "$1" "$2" "$file" || return 1
  fi
  printf '%s' "$file"
}

# measure LABEL LIMIT COMMAND...: runs it for at most LIMIT seconds; the last line it prints is its row of the results.
measure() {
  local label="$1" limit="$2" status=0 output="$build/measure.out" start=$SECONDS
  shift 2
  # timeout has a group of its own, out of reach of Ctrl-C, and passes TERM on to all of it.
  timeout --kill-after=20 "$limit" "$@" >"$output" 2>"$output.err" &
  local pid=$!
  trap 'kill "$pid" 2>/dev/null; wait "$pid" || true; fail 75 "stopped"' INT TERM HUP
  wait "$pid" || status=$?
  trap - INT TERM HUP
  if [[ $status -eq 0 ]] && tail -n 1 "$output" | grep '^{' >>"$results"; then
    grep '^llama.cpp:' "$output.err" >&2 || true
    say "$label took $((SECONDS - start)) s"
    return 0
  fi
  case "$status" in
    124) say "$label: left out, it was not done after $limit s" ;;
    137) say "$label: left out, it was killed after $((SECONDS - start)) s (out of memory?)" ;;
    # What reckon says; of others the last line, which in Python is the exception.
    *) say "$label: left out, exit code $status: $(grep -m 1 '^error: ' "$output.err" || grep -v '^ *$' "$output.err" | tail -n 1)" ;;
  esac
  return 1
}

# measure_reckon SHAPE DTYPE RANKS LIMIT [OPTION...]
measure_reckon() {
  local options=(-n "$3" --oversubscribe) work
  if [[ $(id -u) -eq 0 ]]; then options+=(--allow-run-as-root); fi
  read -r -a work <<<"$(python3 scripts/bench/shapes.py "$1")"
  OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 measure "reckon, $1, $2, $3 rank(s)" "$4" \
    mpirun "${options[@]}" "$build/bin/step_bench" --json --dtype "$2" "${work[@]}" "${@:5}"
}

# measure_rivals SHAPE DTYPE LIMIT
measure_rivals() {
  local python="$rivals/python/bin/python" model
  export OMP_NUM_THREADS="$cores"
  if [[ $have_python == yes ]]; then
    measure "TRL, $1, $2" "$3" "$python" scripts/bench/trl_step.py "$1" "$2" "$cores" || true
    measure "transformers, $1, $2" "$3" "$python" scripts/bench/generate.py "$1" "$2" "$cores" || true
  fi
  if [[ $have_llama == yes ]]; then
    if model="$(gguf "$1" "$2")"; then
      measure "llama.cpp, $1, $2" "$3" "$python" scripts/bench/llama_bench.py "$1" "$2" "$cores" \
        "$rivals/llama/llama-batched-bench" "$model" "llama.cpp of ${llama_package/==/ }" || true
    else
      say "llama.cpp, $1, $2: left out, its model could not be written"
    fi
  fi
  unset OMP_NUM_THREADS
}

have_python=no have_llama=no
timed "set-up" bash scripts/bootstrap.sh
if [[ $reckon_only == no ]]; then
  mkdir -p "$rivals"
  if timed "oracles" bash scripts/bootstrap.sh --oracles && timed "Python packages" install_python; then
    have_python=yes
    if timed "llama.cpp" install_llama; then
      have_llama=yes
    else
      say "llama.cpp: left out, $llama_package could not be had or built (see .deps/rivals/llama/build.log)"
    fi
  else
    say "TRL, transformers, llama.cpp: left out, the packages of scripts/oracles-requirements.txt and" \
      "scripts/bench/requirements.txt could not be had"
  fi
fi
timed "build" build_bench

: >"$results"
reckon_status=0
measure_reckon small "$dtype" "$cores" "$small_limit" || reckon_status=70
# llama.cpp's cache is float16 beside float32 weights: so is this one.
if [[ $dtype == float32 ]]; then
  measure_reckon small float32 "$cores" "$small_limit" --kv-dtype bfloat16 || true
fi
measure_rivals small "$dtype" "$small_limit"
if [[ $small_only == no ]]; then
  # With less precision, or on one rank, only where it does not go otherwise; the table says so.
  measure_reckon qwen2.5-0.5b bfloat16 "$cores" "$large_limit" ||
    measure_reckon qwen2.5-0.5b bfloat16 1 "$large_limit" ||
    measure_reckon qwen2.5-0.5b float32 1 "$large_limit" || true
  measure_rivals qwen2.5-0.5b bfloat16 "$large_limit"
fi
table=(scripts/bench/table.py)
if [[ $json == yes ]]; then table+=(--json); fi
python3 "${table[@]}" "$results"
if [[ $reckon_status -ne 0 ]]; then exit "$reckon_status"; fi

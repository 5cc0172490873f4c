#!/usr/bin/env bash
# Builds what runs on a GPU, for the GPU of this machine alone; runs every test with the label gpu, the benchmarks beside the same work
# in torch and Liger-Kernel, and the small cases once more under compute-sanitizer. It writes one JSON object with all results, and ends
# within eight minutes: what did not run is named in it.
#
# Usage: scripts/gpu_check.sh --prepare
#        scripts/gpu_check.sh [--seconds N] [--only PART[,PART...]] [--torch DIR] [RESULT.json]
#   --prepare    downloads, on Debian 12, what a machine without a package registry needs, into .gpu: it goes there with the tree
#   --seconds N  for everything together (480)
#   --only       of build, tests, bench, sanitizer; what is not built must have been built before
#   --torch DIR  folder that holds torch/ of the torch wheel; else .deps/libtorch, else that of python3
#   RESULT.json  $OUT/gpu_check.json, or gpu_check.json where OUT is not set
# Exit codes: 0 every test passed, and nothing that ran failed; 1 something failed or was not run; 2 usage; 74 a download failed;
# 78 there is no GPU, nvcc or torch.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
usage="usage: scripts/gpu_check.sh --prepare | [--seconds N] [--only PART,...] [--torch DIR] [RESULT.json]"

# Headers and libraries of the modules that RECKON_PROGRAM=OFF leaves, with what the linker looks up behind them.
packages=(libopenmpi-dev libopenmpi3 libhwloc15 libevent-core-2.1-7 libevent-pthreads-2.1-7 libhdf5-dev libhdf5-103-1 libsz2 libaec0
  libsimdjson-dev libsimdjson14 nlohmann-json3-dev libcli11-dev libgtest-dev libgmock-dev libssl-dev libssl3
  pkgconf-bin libpkgconf3)
wheels=(liger-kernel==0.8.5)

prepare=no only="" total=480 torch_dir="" result="${OUT:-.}/gpu_check.json"
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h)
      show_help "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --prepare) prepare=yes ;;
    --seconds | --only | --torch)
      [[ -n "${2:-}" ]] || fail 2 "$1 needs a value ($usage)"
      case "$1" in
        --seconds) total="$2" ;;
        --only) only="$2" ;;
        --torch) torch_dir="$2" ;;
      esac
      shift
      ;;
    -*) fail 2 "unknown argument $1 ($usage)" ;;
    *) result="$1" ;;
  esac
  shift
done
[[ $total =~ ^[1-9][0-9]*$ ]] || fail 2 "--seconds \"$total\" (need a whole number of seconds)"
for part in ${only//,/ }; do
  [[ " build tests bench sanitizer " == *" $part "* ]] || fail 2 "--only \"$part\" (need build, tests, bench or sanitizer)"
done
[[ -d "$(dirname "$result")" ]] || fail 2 "$result: its folder is not there"
result="$(cd "$(dirname "$result")" && pwd)/$(basename "$result")"

build="$root/build/gpu"
logs="$build/check"
sysroot="$build/sysroot"
libraries="$sysroot/usr/lib/x86_64-linux-gnu"

download() {
  rm -rf .gpu
  mkdir -p .gpu/debs .gpu/wheels
  (cd .gpu/debs && apt-get download -qq "${packages[@]}") || fail 74 "apt-get download failed (need Debian 12 and its package lists)"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest .gpu/wheels "${wheels[@]}" ||
    fail 74 "pip download failed"
  git rev-parse HEAD >.gpu/commit
  [[ -z "$(git status --porcelain --untracked-files=no)" ]] || echo "with changes" >>.gpu/commit
  say ".gpu: $(find .gpu -type f | wc -l) files, $(du -sh .gpu | cut -f1)"
}
if [[ $prepare == yes ]]; then
  download
  exit 0
fi

# Seconds that the running part has left, at least one.
part_end=$total
left() {
  local seconds=$((part_end - SECONDS))
  printf '%s' $((seconds > 0 ? seconds : 1))
}

# run_part NAME LIMIT FUNCTION: notes how it ended and how long it took.
run_part() {
  local name="$1" limit="$2" start=$SECONDS status=0 end="done"
  if [[ -n $only && ",$only," != *",$name,"* ]]; then
    end="not asked for"
  elif [[ $failed == build ]]; then
    end="not run: the build failed"
  elif ((total - SECONDS < 10)); then
    end="not run: no time was left"
  else
    say "$name"
    part_end=$((SECONDS + limit < total ? SECONDS + limit : total))
    "$3" || status=$?
    if [[ $status -eq 124 || $status -eq 137 ]]; then
      end="stopped after $((SECONDS - start)) s"
    elif [[ $status -ne 0 ]]; then
      end="failed"
    fi
    [[ $status -eq 0 || $name != build ]] || failed=build
  fi
  printf '%s\t%s\t%s\n' "$name" "$end" "$((SECONDS - start))" >>"$logs/parts.tsv"
  say "$name: $end ($((SECONDS - start)) s)"
}

find_torch() {
  if [[ -z $torch_dir && -d .deps/libtorch/torch ]]; then torch_dir="$root/.deps/libtorch"; fi
  if [[ -z $torch_dir ]]; then
    torch_dir="$(python3 -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parent.parent)' 2>/dev/null)" || true
  fi
  [[ -f "$torch_dir/torch/lib/libtorch_cpu.so" ]] || fail 78 "torch is not there (need --torch, or a python3 that has it)"
}

find_nvcc() {
  nvcc="$(command -v nvcc || true)"
  if [[ -z $nvcc && -x /usr/local/cuda/bin/nvcc ]]; then nvcc=/usr/local/cuda/bin/nvcc; fi
  [[ -n $nvcc ]] || fail 78 "nvcc is not there (need the CUDA toolkit 13)"
}

# The GPU's own architecture alone: 90a for 9.0. Where there is no GPU, the one that kernels are written for.
find_architecture() {
  local capability
  capability="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')" || true
  case "${capability:-90}" in
    90) architecture=90a-real ;;
    *) architecture="$capability-real" ;;
  esac
}

# Sets `options`: how cmake finds what was carried.
carried_options() {
  options=()
  if compgen -G ".gpu/debs/*.deb" >/dev/null; then
    rm -rf "$sysroot"
    mkdir -p "$sysroot"
    local deb
    for deb in .gpu/debs/*.deb; do dpkg -x "$deb" "$sysroot"; done
    export PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_PATH="$libraries/pkgconfig" OPAL_PREFIX="$sysroot/usr"
    cat >"$build/pkg-config" <<END
#!/bin/sh
LD_LIBRARY_PATH="$libraries" exec "$sysroot/usr/bin/pkgconf" "\$@"
END
    chmod +x "$build/pkg-config"
    options+=("-DCMAKE_PREFIX_PATH=$sysroot/usr" "-DPKG_CONFIG_EXECUTABLE=$build/pkg-config" "-DOPENSSL_ROOT_DIR=$sysroot/usr"
      -DMPI_ASSUME_NO_BUILTIN_MPI=ON "-DMPI_CXX_COMPILER_INCLUDE_DIRS=$libraries/openmpi/include"
      -DMPI_CXX_LIB_NAMES=mpi "-DMPI_mpi_LIBRARY=$libraries/libmpi.so.40" "-DMPI_CXX_HEADER_DIR=$libraries/openmpi/include"
      -DMPI_CXX_SKIP_MPICXX=ON "-DCMAKE_CXX_FLAGS=-isystem $sysroot/usr/include/x86_64-linux-gnu") # OpenSSL's second folder
  fi
  # The library's run path reaches what it needs itself, and what nothing calls is not loaded.
  options+=("-DCMAKE_EXE_LINKER_FLAGS=-Wl,--as-needed -Wl,--disable-new-dtags -Wl,-rpath,$libraries -Wl,-rpath-link,$libraries")
  # NCCL of the toolkit, or of the torch wheel.
  local header
  header="$(find "$torch_dir/nvidia" -path '*nccl*' -name nccl.h -print -quit 2>/dev/null)" || true
  if [[ ! -f "$(dirname "$nvcc")/../include/nccl.h" && -n $header ]]; then
    options+=("-DNCCL_INCLUDE=$(dirname "$header")" "-DNCCL_LIBRARY=$(dirname "$header")/../lib/libnccl.so.2")
  fi
}

build_all() {
  carried_options
  timeout --kill-after=5 "$(left)" cmake --preset cuda -B "$build" "-DCMAKE_CUDA_COMPILER=$nvcc" \
    "-DRECKON_CUDA_ARCHITECTURES=$architecture" "-DRECKON_TORCH_DIR=$torch_dir" -DRECKON_PROGRAM=OFF -DRECKON_WERROR=OFF \
    "${options[@]}" >"$logs/configure.log" 2>&1 || { tail -n 20 "$logs/configure.log" >&2; return 1; }
  timeout --kill-after=5 "$(left)" cmake --build "$build" --parallel "${BUILD_JOBS:-$(nproc)}" >"$logs/build.log" 2>&1 ||
    { local status=$?; grep -E 'error|FAILED' "$logs/build.log" | head -n 20 >&2 || true; return "$status"; }
}

run_tests() {
  local status=0
  rm -rf "$build/test-results" "$build/ctest.xml"
  mkdir -p "$build/test-results"
  # ctest stops by itself before it would be stopped: then what it ran is counted, and the rest as failed.
  RECKON_REQUIRE_CUDA=1 timeout --kill-after=5 "$(left)" ctest --test-dir "$build" --label-regex '^gpu$' --no-tests=error \
    --output-on-failure --stop-time "$(date --date "+$(($(left) - 5)) seconds" +%H:%M:%S)" --output-junit "$build/ctest.xml" >"$logs/tests.log" 2>&1 || status=$?
  python3 scripts/count_tests.py "$build/ctest.xml" "$build/test-results" | tee "$logs/tests.txt" >&2 || status=$((status > 0 ? status : 1))
  return "$status"
}

run_bench() {
  local status=0
  timeout --kill-after=5 "$(left)" bash scripts/bench_gpu.sh --build "$build" --seconds "$(($(left) - 3))" \
    --rows "$logs/bench.jsonl" >"$logs/bench.txt" 2>"$logs/bench.log" || status=$?
  tail -n 80 "$logs/bench.txt" >&2 || true
  return "$status"
}

# One line a run of the sanitizer: tool, program, how it ended, what it found.
sanitize() {
  local tool="$1" program="$2" log status=0
  log="$logs/sanitizer/$tool.$(basename "$program").log"
  shift 2
  timeout --kill-after=5 "$(left)" compute-sanitizer --tool "$tool" --error-exitcode 99 "$program" "$@" >"$log" 2>&1 || status=$?
  local found
  found="$(grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$log" | tail -n 1 | sed 's/^=* *//')" || true
  printf '%s\t%s\t%s\t%s\n' "$tool" "$(basename "$program")" "$status" "$found" >>"$logs/sanitizer.tsv"
  [[ $status -eq 0 || $status -eq 124 || $status -eq 137 ]]
}

# Every kernel at small sizes by gpu_bench, then the tests of the kernels, some at once.
run_sanitizer() {
  command -v compute-sanitizer >/dev/null || { say "compute-sanitizer is not there"; return 1; }
  mkdir -p "$logs/sanitizer"
  : >"$logs/sanitizer.tsv"
  local tool program status=0 running=()
  for program in "$build/bin/gpu_bench" "$build"/tests/cuda_*_test; do
    [[ $program != *nccl* ]] || continue
    for tool in memcheck racecheck; do
      if [[ $program == */gpu_bench ]]; then
        sanitize "$tool" "$program" --tiny --json &
      else
        sanitize "$tool" "$program" &
      fi
      running+=("$!")
      if [[ ${#running[@]} -ge 6 ]]; then
        wait "${running[0]}" || status=1
        running=("${running[@]:1}")
      fi
    done
  done
  local pid
  for pid in ${running[@]+"${running[@]}"}; do wait "$pid" || status=1; done
  return "$status"
}

find_nvcc
find_torch
find_architecture
if [[ "$only" != build ]] && ! nvidia-smi -L 2>/dev/null | grep -q GPU; then
  fail 78 "no GPU that a driver answers for (--only build needs none)"
fi
mkdir -p "$logs"
: >"$logs/parts.tsv"
failed=""
SECONDS=0
run_part build 200 build_all
run_part tests 90 run_tests
bench_limit=$((total - SECONDS - 65)) # all that is left but the sanitizer's
run_part bench "$((bench_limit > 10 ? bench_limit : 10))" run_bench
run_part sanitizer 60 run_sanitizer
status=0
python3 scripts/gpu_check_report.py "$logs" "$result" || status=$?
say "$SECONDS s; $result"
if [[ $status -ne 0 ]]; then exit "$status"; fi

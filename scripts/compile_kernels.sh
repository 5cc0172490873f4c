#!/usr/bin/env bash
# Compiles every kernels/*.cu to an object with the flags of the CUDA build (kernels/nvcc_flags), warnings as errors, and prints what
# each kernel needs of a multiprocessor. No GPU is needed. A kernel that spills registers fails.
#
# Usage: scripts/compile_kernels.sh [--out DIR] [architecture...]
#   --out DIR     where objects and reports go (build/kernel_objects where not given)
#   architecture  as in sm_90a: 80, 90, 90a, 100 (90a where none is given)
# Exit codes: 0 done; 2 usage; 70 a kernel does not compile, or spills; 77 there is no nvcc.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
usage="usage: scripts/compile_kernels.sh [--out DIR] [architecture...]"

out="$root/build/kernel_objects" architectures=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h)
      show_help "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --out)
      [[ -n "${2:-}" ]] || fail 2 "--out needs a folder ($usage)"
      out="$2"
      shift
      ;;
    *)
      [[ $1 =~ ^[0-9]{2,3}[af]?$ ]] || fail 2 "architecture \"$1\" (need digits as in 90a; $usage)"
      architectures+=("$1")
      ;;
  esac
  shift
done
[[ ${#architectures[@]} -gt 0 ]] || architectures=(90a)

nvcc="$(command -v nvcc || true)"
if [[ -z $nvcc && -x /usr/local/cuda/bin/nvcc ]]; then nvcc=/usr/local/cuda/bin/nvcc; fi
if [[ -z $nvcc ]]; then fail 77 "nvcc is not there (need the CUDA toolkit 13)"; fi
# ccache knows nvcc, and gives its warnings and report again.
compiler=("$nvcc")
if command -v ccache >/dev/null; then
  compiler=(ccache "$nvcc")
  export CCACHE_BASEDIR="$root"
fi
mapfile -t flags <kernels/nvcc_flags
flags+=(-std=c++20 -O3 -DNDEBUG) # those of the preset cuda

# compile ARCHITECTURE SOURCE: writes object and report. Keeps the words of the compiler where it fails.
compile() {
  local architecture="$1" op
  op="$(basename "$2" .cu)"
  "${compiler[@]}" "${flags[@]}" -Xptxas=-v -gencode="arch=compute_${architecture},code=sm_${architecture}" \
    -Iinclude -Ikernels -c "$2" -o "$out/$architecture/$op.o" >"$out/$architecture/$op.report" 2>&1
}
compile_all() {
  local architecture source failed=0 running=()
  for architecture in "${architectures[@]}"; do
    mkdir -p "$out/$architecture"
    rm -f "$out/$architecture"/*
    for source in kernels/*.cu; do
      compile "$architecture" "$source" &
      running+=("$!")
      if [[ ${#running[@]} -ge ${JOBS:-$(nproc)} ]]; then
        wait "${running[0]}" || failed=1
        running=("${running[@]:1}")
      fi
    done
  done
  local pid
  for pid in ${running[@]+"${running[@]}"}; do wait "$pid" || failed=1; done
  return "$failed"
}

status=0
timed "compiling $(find kernels -maxdepth 1 -name '*.cu' | wc -l) files for sm_${architectures[*]}" compile_all || status=70
python3 scripts/kernel_report.py "$out" "${architectures[@]}" || status=70
if [[ $status -ne 0 ]]; then exit "$status"; fi

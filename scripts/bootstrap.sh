#!/usr/bin/env bash
# Installs what reckon is built from, on Debian 12: packages of the distribution, and LibTorch from the torch wheel into
# .deps/libtorch. What is there already is skipped, so it may be run at any time.
#
# Usage: scripts/bootstrap.sh [--oracles] [--cuda]
#   --oracles  also what tests need: the Python packages that they compare with (transformers, h5py, ...), into .deps/oracles, and shellcheck
#              and debootstrap
#   --cuda     also the CUDA libraries that the torch wheel names (3 GB), beside LibTorch: for the preset cuda on a machine
#              with a GPU. The CUDA 13 toolkit (nvcc, headers) must be there.
# Exit codes: 0 done; 2 usage; 74 a download or installation failed; 78 not root and a Debian package is missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages=(
  ca-certificates ccache cmake g++ git ninja-build pkg-config
  libopenmpi-dev openmpi-bin openssh-client
  libantic-dev libcalcium-dev libflint-arb-dev libflint-dev
  libcli11-dev libhdf5-dev libsimdjson-dev libssl-dev libtomlplusplus-dev nlohmann-json3-dev
  libbenchmark-dev libgmock-dev libgtest-dev librapidcheck-dev
  python3 python3-venv
)

# For tests: shell scripts, and a folder in which containers' steps are run (scripts/test.sh --full).
test_packages=(debootstrap shellcheck)

# The CPU libraries of the wheel name libcudart and libcupti, so these two come with it; its other CUDA libraries with --cuda alone.
libtorch=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
# As the wheel's metadata pins them.
cuda_libraries=(nvidia-cublas==13.1.0.3 nvidia-cuda-nvrtc==13.0.88 nvidia-cudnn-cu13==9.19.0.56 nvidia-cufft==12.0.0.61
  nvidia-cufile==1.15.1.6 nvidia-curand==10.4.0.35 nvidia-cusolver==12.0.4.66 nvidia-cusparse==12.6.3.3
  nvidia-cusparselt-cu13==0.8.0 nvidia-nccl-cu13==2.28.9 nvidia-nvjitlink==13.0.88 nvidia-nvshmem-cu13==3.4.5)
# The libraries do not depend on the Python that fetches them: the wheel is chosen by name, not by what runs pip.
wheel_choice=(--only-binary=:all: --implementation cp --python-version 3.11)

python=/usr/bin/python3  # Debian's, whatever else is first in PATH
deps="$root/.deps"

install_packages() {
  command -v dpkg-query >/dev/null || fail 78 "this is not Debian (need Debian 12, or its packages: ${packages[*]})"
  local missing=() package
  for package in "${packages[@]}"; do
    if [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      missing+=("$package")
    fi
  done
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "Debian packages: all there"
    return
  fi
  if [[ $(id -u) -ne 0 ]]; then
    say "Debian packages are missing, and installing them takes root. Ask an administrator to run:"
    printf '  apt-get update && apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
    exit 78
  fi
  say "Debian packages: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || fail 74 "apt-get update failed"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || fail 74 "apt-get install failed"
}

# stamped FOLDER TEXT: whether the folder was completely made from just this. The stamp is written last.
stamped() {
  [[ -f "$1/.complete" && "$(cat "$1/.complete")" == "$2" ]]
}

install_libtorch() {
  local target="$deps/libtorch" stamp="${libtorch[*]}"
  if stamped "$target" "$stamp"; then
    say "LibTorch: there (${libtorch[0]})"
    return
  fi
  say "LibTorch: installing ${libtorch[*]}"
  local work="$deps/libtorch.tmp"
  rm -rf "$work"
  mkdir -p "$work/tmp"
  "$python" -m venv "$work/pip" || fail 74 "cannot make a Python environment in $work/pip"
  # TMPDIR: pip unpacks into it and renames, which across file systems is a copy of more than a gigabyte.
  TMPDIR="$work/tmp" "$work/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    "${wheel_choice[@]}" --target "$work/libtorch" "${libtorch[@]}" || fail 74 "LibTorch: pip failed"
  printf '%s' "$stamp" >"$work/libtorch/.complete"
  rm -rf "$target"
  mv "$work/libtorch" "$target"
  rm -rf "$work"
}

# Into the folder of LibTorch, whose libraries name them by paths relative to themselves.
install_cuda_libraries() {
  local target="$deps/libtorch" work="$deps/cuda.tmp"
  if [[ -f "$target/.cuda" && "$(cat "$target/.cuda")" == "${cuda_libraries[*]}" ]]; then
    say "CUDA libraries: there"
    return
  fi
  say "CUDA libraries: installing ${cuda_libraries[*]}"
  rm -rf "$work"
  mkdir -p "$work/tmp"
  "$python" -m venv "$work/pip" || fail 74 "cannot make a Python environment in $work/pip"
  TMPDIR="$work/tmp" "$work/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    "${wheel_choice[@]}" --target "$work/libraries" "${cuda_libraries[@]}" || fail 74 "CUDA libraries: pip failed"
  cp -al "$work/libraries/nvidia/." "$target/nvidia/" || fail 74 "CUDA libraries: cannot link them into $target/nvidia"
  printf '%s' "${cuda_libraries[*]}" >"$target/.cuda"
  rm -rf "$work"
}

# Made in place, for an environment of Python cannot be moved; without its stamp it is made anew.
install_oracles() {
  local target="$deps/oracles" list="$root/scripts/oracles-requirements.txt" stamp
  stamp="$("$python" --version) $(sha256sum <"$list")"
  if stamped "$target" "$stamp"; then
    say "oracles: there"
    return
  fi
  say "oracles: installing scripts/oracles-requirements.txt"
  rm -rf "$target"
  "$python" -m venv "$target" || fail 74 "cannot make a Python environment in $target"
  mkdir "$target/tmp"
  TMPDIR="$target/tmp" "$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    --only-binary=:all: --requirement "$list" || fail 74 "oracles: pip failed"
  rm -rf "$target/tmp"
  printf '%s' "$stamp" >"$target/.complete"
}

oracles=no
cuda=no
for argument in "$@"; do
  case "$argument" in
    --oracles) oracles=yes; packages+=("${test_packages[@]}") ;;
    --cuda) cuda=yes ;;
    *) fail 2 "unknown argument $argument (usage: scripts/bootstrap.sh [--oracles] [--cuda])" ;;
  esac
done

timed "Debian packages" install_packages
mkdir -p "$deps"
exec 9>"$deps/.lock"
flock 9 # of two bootstraps the second waits, and then finds everything there
timed "LibTorch" install_libtorch
if [[ $oracles == yes ]]; then timed "oracles" install_oracles; fi
if [[ $cuda == yes ]]; then timed "CUDA libraries" install_cuda_libraries; fi

#!/usr/bin/env bash
# Builds build/<preset>/bin/reckon and the tests. Usage: scripts/build.sh [release | debug | cuda] [target...]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Paths below the tree count as relative: another clone of it finds what this one compiled.
export CCACHE_BASEDIR="$root"

preset="${1:-release}"
targets=("${@:2}")
if [[ ! -f "build/$preset/build.ninja" ]]; then cmake --preset "$preset"; fi
cmake --build "build/$preset" --parallel "$(nproc)" ${targets[@]+--target "${targets[@]}"}

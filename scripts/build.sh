#!/usr/bin/env bash
# Builds build/<preset>/bin/reckon and the tests. Usage: scripts/build.sh [release | debug | cuda]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

preset="${1:-release}"
if [[ ! -f "build/$preset/build.ninja" ]]; then cmake --preset "$preset"; fi
cmake --build "build/$preset" --parallel "$(nproc)"

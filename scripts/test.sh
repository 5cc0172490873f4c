#!/usr/bin/env bash
# Installs what is needed, builds, runs the tests; the last line reads `N passed, N failed, N skipped`.
# Usage: scripts/test.sh [--full] [arguments of ctest, such as -R text]
#   --full  all of every long sweep instead of a fixed sample of it
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --full ]]; then
  export RECKON_TEST_FULL=1
  shift
fi

timed "set-up" bash scripts/bootstrap.sh --oracles
timed "build" bash scripts/build.sh release

build="$root/build/release"
rm -rf "$build/test-results" "$build/ctest.xml"
mkdir -p "$build/test-results"
status=0
timed "tests" ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure --no-tests=error \
  --output-junit "$build/ctest.xml" "$@" || status=$?
python3 scripts/count_tests.py "$build/ctest.xml" "$build/test-results" || exit 1
exit "$status"

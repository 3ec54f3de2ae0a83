#!/usr/bin/env bash
# Measures line and branch coverage of the Python package and the C++ library by the everyday tests, and prints the
# lines that are not covered.
#
#   pip install '.[dev,frameworks]' && tests/tools/coverage.sh        # some 25 minutes on two cores
#   tests/tools/coverage.sh tests/core/test_programs.py               # of some tests only
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$(mktemp -d) elsewhere=$(mktemp -d)
trap 'rm -rf "$build" "$elsewhere"' EXIT
tests/tools/build_module.sh "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS="--coverage -O1 -fprofile-update=atomic"

export PYTHONPATH=$build/package FASTNN_BUILD=$build CXXFLAGS=--coverage GCOV_ERROR_FILE=$build/gcov_errors
# Tests that inspect machine code, or that fail because coverage adds files, memory, stack or interpreters.
unfit="internal_linkage or nothing_of_libm or as_many_instructions or full_disk or failed_save or sub_interpreter or \
signals_handler"
failed=0
covered() {
  coverage run --data-file="$build/.coverage" -m pytest -q -p no:cacheprovider -m "not exhaustive" -k "not ($unfit)" "$@" || failed=1
}
# This test has processes that may write little or nothing and would damage the counts. Theirs go elsewhere.
spoils=tests/io/test_saving.py
covered "--ignore=$spoils" "$@"
[ $# -gt 0 ] || GCOV_PREFIX=$elsewhere covered "$spoils"

coverage combine -q --data-file="$build/.coverage" "$build" || true
coverage report --data-file="$build/.coverage" --skip-covered --show-missing
# gcovr rejects some counts of multi-threaded code and of long loops; these options make it accept them.
counted() {
  gcovr --root . --filter cpp/ --merge-lines --exclude-throw-branches --exclude-unreachable-branches \
    --gcov-ignore-parse-errors=negative_hits.warn --gcov-ignore-parse-errors=suspicious_hits.warn_once_per_file \
    "$@" "$build"
}
counted --txt-metric line
counted --txt-metric branch | cut -c-70
exit $failed

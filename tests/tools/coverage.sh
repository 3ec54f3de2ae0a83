#!/usr/bin/env bash
# Line and branch coverage of the Python package and the C++ library by the everyday tests, and the lines that are left.
#
#   pip install '.[dev,frameworks]' && tests/tools/coverage.sh        # some 25 minutes on two cores
#   tests/tools/coverage.sh tests/core/test_forward.py                     # of some tests only
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$(mktemp -d) elsewhere=$(mktemp -d)
trap 'rm -rf "$build" "$elsewhere"' EXIT
tests/tools/build_module.sh "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS="--coverage -O1 -fprofile-update=atomic"

export PYTHONPATH=$build/package FASTNN_BUILD=$build CXXFLAGS=--coverage GCOV_ERROR_FILE=$build/gcov_errors
# What looks at machine code, or fails by coverage's own files, memory, stack or interpreter.
unfit="internal_linkage or nothing_of_libm or as_many_instructions or full_disk or failed_save or sub_interpreter or \
signals_handler"
failed=0
covered() {
  coverage run --data-file="$build/.coverage" -m pytest -q -p no:cacheprovider -n 2 -k "not ($unfit)" "$@" || failed=1
}
# Its processes that may write nothing, or not much, would spoil the counts: theirs go elsewhere.
spoils=tests/io/test_saving.py
covered "--ignore=$spoils" "$@"
[ $# -gt 0 ] || GCOV_PREFIX=$elsewhere covered "$spoils"

coverage combine -q --data-file="$build/.coverage" "$build" || true
coverage report --data-file="$build/.coverage" --skip-covered --show-missing
# Counts of several threads and of loops that run for long look wrong to it.
counted() {
  gcovr --root . --filter cpp/ --merge-lines --exclude-throw-branches --exclude-unreachable-branches \
    --gcov-ignore-parse-errors=negative_hits.warn --gcov-ignore-parse-errors=suspicious_hits.warn_once_per_file \
    "$@" "$build"
}
counted --txt-metric line
counted --txt-metric branch | cut -c-70
exit $failed

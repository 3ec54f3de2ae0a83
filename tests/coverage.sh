#!/usr/bin/env bash
# Line and branch coverage of the Python package and the C++ library by the everyday tests, and the lines that are left.
#
#   pip install '.[dev,frameworks]' && tests/coverage.sh        # some 20 minutes on two cores
#   tests/coverage.sh tests/test_forward.py                     # of some tests only
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
tests/build_module.sh "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS="--coverage -O1 -fprofile-update=atomic"

# Tests that count instructions or symbols of an optimised build say nothing of this one.
PYTHONPATH="$build/package" coverage run --data-file="$build/.coverage" -m pytest -q -p no:cacheprovider "$@" || true
coverage combine -q --data-file="$build/.coverage" "$build" || true
coverage report --data-file="$build/.coverage" --skip-covered --show-missing
gcovr --root . --filter cpp/ --exclude-throw-branches --exclude-unreachable-branches --merge-lines --txt-metric line \
  --gcov-ignore-parse-errors=negative_hits.warn "$build"
gcovr --root . --filter cpp/ --exclude-throw-branches --exclude-unreachable-branches --txt-metric branch "$build" | tail -4

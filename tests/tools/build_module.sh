#!/usr/bin/env bash
# Builds the Python module of this tree: tests/tools/build_module.sh FOLDER [CMAKE_OPTION…]
# To use it, set PYTHONPATH to FOLDER/package.
set -euo pipefail
build=$(realpath -m "$1")
shift
cd "$(dirname "$0")/../.."

cmake -S . -B "$build" -G Ninja -DFASTNN_PYTHON=ON -DPython_EXECUTABLE="$(command -v python)" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" "$@" > /dev/null
cmake --build "$build" > "$build/log" || { cat "$build/log"; exit 1; }
mkdir -p "$build/package/fastnn"
ln -sfn "$PWD"/python/fastnn/* "$build"/_core*.so "$build/package/fastnn"

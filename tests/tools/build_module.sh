#!/usr/bin/env bash
# Builds the module of this tree in a folder, with CMake's options: tests/tools/build_module.sh FOLDER [OPTION…]
# FOLDER/package is then what PYTHONPATH names.
set -euo pipefail
build=$(realpath -m "$1")
shift
cd "$(dirname "$0")/../.."

cmake -S . -B "$build" -G Ninja -DFASTNN_PYTHON=ON -DPython_EXECUTABLE="$(command -v python)" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" "$@" > /dev/null
cmake --build "$build" > "$build/log" || { cat "$build/log"; exit 1; }
mkdir -p "$build/package/fastnn"
ln -sfn "$PWD"/python/fastnn/* "$build"/_core*.so "$build/package/fastnn"

#!/usr/bin/env bash
# The tests under sanitizers: tests/sanitize.sh address|thread [tests of pytest].
#
# address: the C++ programs and the Python tests, by default those of numbers, files and arguments, under
#   AddressSanitizer and UndefinedBehaviorSanitizer. thread: those of threads under ThreadSanitizer.
# Everything that has been compiled is instrumented, the module and the C++ programs that tests compile; Python is not,
# so the sanitizer is loaded before it. It builds in build/address or build/thread, with g++.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1
shift
build=build/$kind
export CXX=g++
cmake --preset "$kind" -DPython_EXECUTABLE="$(command -v python)" -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" \
  > /dev/null
cmake --build "$build" > "$build/log" || { cat "$build/log"; exit 1; }

package=$build/python/fastnn
mkdir -p "$package"
ln -sfn "$PWD"/python/fastnn/* "$package/"
ln -sfn "$PWD/$build"/_core*.so "$package/"
export PYTHONPATH=$PWD/$build/python
export CXXFLAGS="-O1 -g1 -fno-sanitize-recover=all"

case $kind in
  address)
    "$build/tests/shapes" 100
    "$build/tests/floating_point_mode"
    "$build/bench/forward" 256 > /dev/null
    CXXFLAGS+=" -fsanitize=address,undefined,float-cast-overflow"
    # Python keeps much to its end, so leaks are looked for in the C++ programs above and those of tests/fuzz alone.
    # A request for more memory than there is has to fail, as some tests want to see it.
    export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
    library=libasan.so
    tests=(tests/test_forward.py tests/test_out_of_bounds.py tests/test_malformed_models.py tests/test_model_file.py
      tests/test_arguments.py tests/test_inputs.py tests/test_outputs.py tests/test_blocks.py tests/test_golden.py
      tests/test_thread_pool.py)
    ;;
  thread)
    CXXFLAGS+=" -fsanitize=thread"
    export TSAN_OPTIONS=halt_on_error=1
    library=libtsan.so
    tests=(tests/test_thread_pool.py tests/test_threads.py tests/test_shared_work.py tests/test_forward.py)
    ;;
  *)
    sed -n '2,4s/^# //p' "$0"
    exit 1
    ;;
esac
[ $# -eq 0 ] || tests=("$@")

# libstdc++ too: the sanitizer takes __cxa_throw from it when it is loaded itself. PYTHONMALLOC: each object of Python's
# has memory of its own, with a red zone around it.
LD_PRELOAD="$(g++ -print-file-name=$library) $(g++ -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
  python -m pytest -p no:cacheprovider -q "${tests[@]}"

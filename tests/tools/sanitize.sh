#!/usr/bin/env bash
# Runs the tests under sanitizers: tests/tools/sanitize.sh address|thread [arguments of pytest].
#
# address: all C++ programs and Python tests under AddressSanitizer and UndefinedBehaviorSanitizer, some 16 minutes
#   on two cores. thread: the tests of threads under ThreadSanitizer.
# The module and the C++ programs of the tests are instrumented. Python is not, so the sanitizer is preloaded. The build
# is in build/address or build/thread and uses g++.
set -euo pipefail
cd "$(dirname "$0")/../.."

options=()
settings=()
case ${1:-} in
  address)
    library=libasan.so
    programs=("tests/programs/shapes 100" "tests/programs/floating_point_mode" "bench/forward 16")
    tests=(tests)
    # Its kernels compile for minutes, in vain where they cannot run.
    grep -q avx512vl /proc/cpuinfo && settings=(-DFASTNN_AVX512=ON) || settings=(-DFASTNN_AVX512=OFF)
    # Skips tests of speed, machine code, text and memory over time, and tests with their own compiler, sanitizer or
    # allocator.
    for name in bench benchmark codebase mutations objects emulated fuzz header_export header_names real_time \
      allocation_failures soak; do options+=("--ignore-glob=*/test_$name.py"); done
    # The sanitizer itself needs memory, /proc and time. It delays the reuse of addresses, which fills Python's caches
    # (no_reference_and_no_memory), and 40 s to import Keras (of_keras, keras_config).
    options+=(-k "not (threads_refused or refuses_threads or little_memory or within_memory or larger_than_the_memory or that_is_short or \
one_row_takes or no_reference_and_no_memory or kept_memory or without_proc or ctrl_c or signals_handler or \
of_keras or keras_config)")
    ;;
  thread)
    library=libtsan.so
    programs=()
    # test_changing_arrays.py is left out: writing to an array during a call is a race in the caller's code.
    tests=(tests/core/test_thread_pool.py tests/core/test_threads.py tests/core/test_shared_work.py tests/io/test_torn_states.py
      tests/training/test_same_bits.py)
    # The preset has -ftls-model=initial-exec because the sanitizer of gcc 12 crashes in __tls_get_addr after some hundred
    # threads. The sanitizer supports neither threads in a child of a multi-threaded process, nor processes with limited
    # memory. It is many times too slow for tests with timeouts and timers, keeps memory of its own for each thread, and
    # threads share the work of the portable kernels as they share that of the others.
    options=(-k "not (portable or fork_during_calls_of_others or refuse or do_not_grow or leave_no_memory_behind or ctrl_c or \
signals_handler)")
    ;;
  *)
    sed -n '2,5s/^# //p' "$0"
    exit 1
    ;;
esac
build=build/$1
export CXX=g++
tests/tools/build_module.sh "$build" --preset "$1" "${settings[@]}"
shift
[ $# -eq 0 ] || tests=("$@")

# Only these programs and those of tests/fuzz are checked for leaks: Python keeps much memory until it ends.
for program in "${programs[@]}"; do (cd "$build" && eval "$program" > /dev/null); done

# A request for too much memory must fail instead of ending the process: some tests check that.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0:suppressions=$PWD/tests/tools/thread_sanitizer.txt
export PYTHONPATH=$PWD/$build/package FASTNN_BUILD=$PWD/$build
# The flags for the programs that tests compile.
CXXFLAGS=$(sed -n 's/^CMAKE_CXX_FLAGS:STRING=//p' "$build/CMakeCache.txt")
export CXXFLAGS
# libstdc++ is preloaded too: the sanitizer looks up __cxa_throw in it when it is loaded. PYTHONMALLOC=malloc gives every
# Python object its own allocation, with a red zone around it.
LD_PRELOAD="$(g++ -print-file-name=$library) $(g++ -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
  python -m pytest -p no:cacheprovider -q -m "not exhaustive" "${options[@]}" "${tests[@]}"

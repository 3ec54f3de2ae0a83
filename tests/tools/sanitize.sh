#!/usr/bin/env bash
# The tests under sanitizers: tests/tools/sanitize.sh address|thread [tests of pytest].
#
# address: the C++ programs and the Python tests under AddressSanitizer and UndefinedBehaviorSanitizer, some 16 minutes
#   with -n 2. thread: those of threads under ThreadSanitizer.
# Everything that has been compiled is instrumented, the module and the C++ programs that tests compile; Python is not,
# so the sanitizer is loaded before it. It builds in build/address or build/thread, with g++.
set -euo pipefail
cd "$(dirname "$0")/../.."

options=()
case ${1:-} in
  address)
    library=libasan.so
    programs=("tests/programs/shapes 100" "tests/programs/floating_point_mode" "bench/forward 256")
    tests=(tests)
    # Of speed, machine code, text, memory over time; with compilers, sanitizers or an allocator of their own.
    for name in bench benchmark codebase mutations objects emulated fuzz header_export header_names real_time \
      allocation_failures soak; do options+=("--ignore-glob=*/test_$name.py"); done
    # The sanitizer needs memory, /proc and time of its own. It gives out an address again only late, which fills Python's
    # caches (no_reference_and_no_memory).
    options+=(-k "not (threads_refused or refuses_threads or little_memory or within_memory or that_is_short or \
one_row_takes or no_reference_and_no_memory or without_proc or ctrl_c or signals_handler)")
    ;;
  thread)
    library=libtsan.so
    programs=()
    # Without test_changing_arrays.py: numbers that the caller writes during a call are a race, of the caller's.
    tests=(tests/core/test_thread_pool.py tests/core/test_threads.py tests/core/test_shared_work.py tests/io/test_torn_states.py)
    # The preset's -ftls-model=initial-exec: gcc 12's sanitizer itself crashes in __tls_get_addr after some hundred threads.
    # The sanitizer cannot run threads of a child that was forked off among threads, nor a process that has no room for
    # more of its own memory, which grows; what it runs is many times as slow as limits of time and timers expect.
    options=(-k "not (fork_during_calls_of_others or refuse or do_not_grow or ctrl_c or signals_handler)")
    ;;
  *)
    sed -n '2,5s/^# //p' "$0"
    exit 1
    ;;
esac
build=build/$1
export CXX=g++
tests/tools/build_module.sh "$build" --preset "$1"
shift
[ $# -eq 0 ] || tests=("$@")

# Leaks are looked for in these and in the programs of tests/fuzz alone: Python keeps much to its end.
for program in "${programs[@]}"; do (cd "$build" && eval "$program" > /dev/null); done

# A request for more memory than there is has to fail, as some tests want to see it.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0:suppressions=$PWD/tests/tools/thread_sanitizer.txt
export PYTHONPATH=$PWD/$build/package FASTNN_BUILD=$PWD/$build
# Of what tests compile:
CXXFLAGS=$(sed -n 's/^CMAKE_CXX_FLAGS:STRING=//p' "$build/CMakeCache.txt")
export CXXFLAGS
# libstdc++ too: the sanitizer takes __cxa_throw from it when it is loaded itself. PYTHONMALLOC: each object of Python's
# has memory of its own, with a red zone around it.
LD_PRELOAD="$(g++ -print-file-name=$library) $(g++ -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
  python -m pytest -p no:cacheprovider -q "${options[@]}" "${tests[@]}"

// Runs numbered parts of work on several threads, which sleep while there is none. Which thread runs a part never shows
// in a result.
#pragma once

#include <cstddef>

#include "fastnn/function_ref.hpp"

namespace fastnn {

// Runs run_part(part) once for every part in [0, parts), on the calling thread and up to `threads` - 1 others. Returns
// true when all parts have ended. Parts start in order, each on the next free thread.
//
// The other threads have the default floating-point mode; the caller has set its own (floating_point_mode.hpp).
//
// One caller at a time uses the threads. Meanwhile other callers, and nested calls from run_part, run their parts on
// their own thread. If the system refuses threads, fewer are used. If a part throws std::bad_alloc on another thread,
// the call starts again on the calling thread alone.
//
// `go_on`, unless empty, is called on the calling thread: between its parts, and every 20 ms while it waits for others.
// When it returns false, no further part starts, and share returns false after the running parts have ended. An
// exception in go_on or in a part stops the call in the same way and is rethrown here.
//
// go_on or a part may fork on the calling thread. The child has no other threads, so there the call starts again on the
// calling thread alone: a part may run twice. Parts must not fork on other threads.
bool share(std::size_t parts, std::size_t threads, FunctionRef<void(std::size_t part)> run_part,
           FunctionRef<bool()> go_on = {});

}  // namespace fastnn

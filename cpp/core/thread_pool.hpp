// Work shared out between threads that sleep when there is none.
#pragma once

#include <cstddef>

#include "fastnn/function_ref.hpp"

namespace fastnn {

// Runs run_part(part) once for every part in [0, parts), on the calling thread and on up to `threads` - 1 others, and
// returns true when all have ended. The parts are handed out in order, each to whichever thread is free; the calling
// thread takes at least the first that it can get. While the threads work for one caller, all others run their parts
// on their own thread, as one does whose `run_part` calls share. Fewer threads are used where the system refuses them,
// or memory: where a part throws std::bad_alloc on another thread, the call begins again on this one alone.
//
// `go_on`, unless empty, is asked on the calling thread between its parts, and every 20 ms while it waits for the
// others'. Once it says false no further part begins, and share returns false when the running ones have ended. An
// exception in go_on or, but for that one, in a part stops the others in the same way and is thrown here.
//
// A process that is forked off meanwhile on the calling thread, by `go_on` or a part, has none of the threads: there
// too the call begins again on this thread alone, so that a part may run twice. Parts do not fork on other threads.
bool share(std::size_t parts, std::size_t threads, FunctionRef<void(std::size_t part)> run_part,
           FunctionRef<bool()> go_on = {});

}  // namespace fastnn

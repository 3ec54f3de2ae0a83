// usable_cpus() of fastnn/threads.hpp with proc/ and sys/ below another root directory, for tests.
#pragma once

#include <cstddef>
#include <string>

namespace fastnn {

std::size_t usable_cpus(const std::string& root);

}  // namespace fastnn

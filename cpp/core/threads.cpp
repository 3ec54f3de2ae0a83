// See threads.hpp. The number of threads is one atomic, set on first use from the environment or the usable CPUs.
// usable_cpus() itself reads files and is therefore in cpp/io.
#include "fastnn/threads.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <optional>
#include <string_view>

#include "environment.hpp"
#include "fastnn/error.hpp"
#include "floating_point_mode.hpp"

namespace fastnn {
namespace {

std::string range() { return "from 1 to " + std::to_string(kMostThreads); }

// Parses decimal digits and nothing else. A number that is too large for its type becomes the largest one.
std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return error == std::errc::result_out_of_range ? std::size_t(-1) : value;
}

// OMP_NUM_THREADS is "4", or "4, 2" for nested regions. An invalid value is ignored: the variable belongs to OpenMP,
// which reports it.
std::optional<std::size_t> first_of_list(std::string_view list) {
  list = list.substr(0, list.find(','));
  const std::size_t begin = std::min(list.find_first_not_of(" \t"), list.size());
  const std::size_t end = list.find_last_not_of(" \t") + 1;
  const auto threads = number(list.substr(begin, end - std::min(begin, end)));
  return threads == std::size_t{0} ? std::nullopt : threads;
}

std::size_t first_choice() {
  const std::string_view own = variable("FASTNN_NUM_THREADS");
  if (own.empty()) return std::min(first_of_list(variable("OMP_NUM_THREADS")).value_or(usable_cpus()), kMostThreads);
  const std::size_t threads = number(own).value_or(0);
  if (threads >= 1 && threads <= kMostThreads) return threads;
  throw Error("expected FASTNN_NUM_THREADS to be a number " + range() + "; received '" + printable(own) + "'");
}

std::atomic<std::size_t> chosen{0};  // 0: not chosen yet

}  // namespace

std::size_t num_threads() {
  std::size_t threads = chosen.load(std::memory_order_relaxed);
  if (threads != 0) return threads;
  const DefaultFloatingPointMode mode;
  const std::size_t first = first_choice();
  return chosen.compare_exchange_strong(threads, first) ? first : threads;  // keep the choice of a faster thread
}

void set_num_threads(std::size_t threads) {
  if (threads < 1 || threads > kMostThreads)
    throw Error("expected a number of threads " + range() + "; received " + std::to_string(threads));
  chosen.store(threads, std::memory_order_relaxed);
}

}  // namespace fastnn

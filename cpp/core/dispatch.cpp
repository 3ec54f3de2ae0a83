// The list of instruction sets, best first. The first one that this CPU supports is used, unless FASTNN_ISA or set_isa
// names another. To add an instruction set is to add a row here.
#include "dispatch.hpp"

#include <atomic>

#include "environment.hpp"
#include "fastnn/error.hpp"
#include "fastnn/isa.hpp"

namespace fastnn {
namespace {

struct Isa {
  const char* name;
  const KernelTable* kernels;
  bool (*supported)();
};

// __builtin_cpu_supports also checks that the operating system saves the registers (XCR0).
const Isa kIsas[] = {
#if defined(FASTNN_AVX512)
    {"avx512", &avx512::kTable,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
     }},
#endif
#if defined(__x86_64__)
    {"avx2", &avx2::kTable, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
#if defined(__aarch64__)
    {"neon", &portable::kTable, [] { return true; }},  // on aarch64 the portable 128-bit vectors compile to NEON
#else
    {"portable", &portable::kTable, [] { return true; }},
#endif
};

std::vector<std::string> names(bool supported) {
  std::vector<std::string> result;
  for (const Isa& isa : kIsas)
    if (isa.supported() == supported) result.emplace_back(isa.name);
  return result;
}

const Isa& find(const std::string& name, const char* source) {
  for (const Isa& isa : kIsas)
    if (isa.name == name && isa.supported()) return isa;
  std::string valid;
  for (const std::string& each : isas()) valid += (valid.empty() ? "" : ", ") + each;
  throw Error(std::string("expected ") + source + " to be one of this CPU's instruction sets (" + valid +
              "); received '" + printable(name) + "'");
}

const Isa& first_choice() {
  const std::string name(variable("FASTNN_ISA"));
  return name.empty() ? find(isas().front(), "isa") : find(name, "FASTNN_ISA");
}

std::atomic<const Isa*> chosen{nullptr};

const Isa& current() {
  const Isa* isa = chosen.load(std::memory_order_relaxed);
  if (isa != nullptr) return *isa;
  const Isa& first = first_choice();
  return chosen.compare_exchange_strong(isa, &first) ? first : *isa;  // keep the choice of a faster thread
}

}  // namespace

std::vector<std::string> isas() { return names(true); }
std::vector<std::string> unsupported_isas() { return names(false); }
std::string isa() { return current().name; }
void set_isa(const std::string& name) { chosen.store(&find(name, "isa"), std::memory_order_relaxed); }
const KernelTable& active_kernels() { return *current().kernels; }

}  // namespace fastnn

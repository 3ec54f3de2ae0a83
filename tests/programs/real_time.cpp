// For test_real_time.py: `program MODE CALLS MODEL…` counts allocations, locks and system calls in CALLS calls of
// prepared models. It prints "ISA calls C allocations A locks L system_calls S wrong W"; W calls gave other bits than
// the network. Instruction sets other than the best get a hundredth of the calls. MODE is one of:
// - "prepared";
// - "network": calls networks instead of prepared models;
// - "malloc", "lock", "system_call": also does one of these in the middle, to check that it is counted.
//
// The calls run in a child process, on a thread that has never called the library, as on a real-time thread. A system
// call there raises SIGSYS.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fastnn/fastnn.hpp>
#include <fastnn/isa.hpp>
#include <fastnn/model_file.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "child.hpp"

namespace {
struct Counts {
  int calls, allocations, locks, system_calls, wrong;
};
Counts own{};
Counts* counts = &own;  // in the child, memory shared with the parent
}  // namespace

// These replace the functions of the C library: all allocations and locks of the process pass here, also operator new.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) { return ++counts->allocations, __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) { return ++counts->allocations, __libc_calloc(n, size); }
void* realloc(void* old, std::size_t size) { return ++counts->allocations, __libc_realloc(old, size); }
void* aligned_alloc(std::size_t to, std::size_t size) { return ++counts->allocations, __libc_memalign(to, size); }
int posix_memalign(void** memory, std::size_t to, std::size_t size) {
  *memory = aligned_alloc(to, size);
  return *memory == nullptr;
}
void free(void* memory) { ++counts->allocations, __libc_free(memory); }

#define FASTNN_COUNT_LOCK(name, Lock)                                                   \
  int name(Lock* lock) noexcept {                                                       \
    static const auto next = reinterpret_cast<int (*)(Lock*)>(dlsym(RTLD_NEXT, #name)); \
    return ++counts->locks, next(lock);                                                 \
  }
FASTNN_COUNT_LOCK(pthread_mutex_lock, pthread_mutex_t)
FASTNN_COUNT_LOCK(pthread_mutex_trylock, pthread_mutex_t)
FASTNN_COUNT_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
FASTNN_COUNT_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
}

namespace {

using fastnn::Network;
using fastnn::Prepared;

constexpr int kNoFilters = 77;

// From here on every system call but exit_group and rt_sigreturn raises SIGSYS. Returns false if the system does not
// support seccomp filters.
bool forbid_system_calls() {
  struct sigaction action{};
  action.sa_handler = [](int) { ++counts->system_calls; };
  sigaction(SIGSYS, &action, nullptr);
  sock_filter steps[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {sizeof steps / sizeof *steps, steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// A network, and its outputs as computed on another thread.
class Case {
 public:
  virtual ~Case() = default;
  virtual bool call(std::size_t number, bool is_prepared) = 0;  // returns whether the bits are right
};

template <class T>
class CaseOf : public Case {
 public:
  CaseOf(Network<T> network, std::size_t rows)
      : network_(std::make_shared<const Network<T>>(std::move(network))),
        prepared_(network_, rows),
        x_(rows * network_->inputs()),
        y_(rows * network_->units()),
        expected_(y_.size()) {
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<T>(i % 37) / 16 - 1;
    std::thread([&] { network_->forward(some(rows), expected_.data()); }).join();
  }

  bool call(std::size_t number, bool is_prepared) override {
    static_assert(noexcept(prepared_.predict(x_.data(), 1, y_.data())));
    const std::size_t rows = 1 + number % prepared_.max_rows();
    if (!is_prepared)
      network_->forward(some(rows), y_.data());
    else if (!prepared_.predict(x_.data(), rows, y_.data()))
      return false;
    return std::memcmp(y_.data(), expected_.data(), rows * network_->units() * sizeof(T)) == 0;
  }

 private:
  fastnn::Rows<T> some(std::size_t rows) const {
    return {x_.data(), rows, static_cast<std::ptrdiff_t>(network_->inputs())};
  }

  std::shared_ptr<const Network<T>> network_;
  Prepared<T> prepared_;
  std::vector<T> x_, y_, expected_;
};

std::unique_ptr<Case> case_of_file(const char* path) {
  constexpr std::size_t kRows = 40;
  const fastnn::ModelFile file = fastnn::load_model(path);
  if (file.architecture->dtype == fastnn::Dtype::float32)
    return std::make_unique<CaseOf<float>>(fastnn::build_network<float>(file), kRows);
  return std::make_unique<CaseOf<double>>(fastnn::build_network<double>(file), kRows);
}

// A case with calls so long that a network would share them between threads: up to 8 rows of 300,000 units, each of
// which counts as 16 multiply-adds.
std::unique_ptr<Case> long_case() {
  constexpr std::size_t kUnits = 300'000;
  const std::vector<fastnn::Layer<float>> layers = {
      fastnn::activation_layer<float>(kUnits, fastnn::Activation::relu),
      fastnn::activation_layer<float>(kUnits, fastnn::Activation::softmax)};
  return std::make_unique<CaseOf<float>>(Network<float>(kUnits, layers), 8);
}

void break_promise(const std::string& mode) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  [[maybe_unused]] static void* volatile memory;
  if (mode == "malloc") memory = std::malloc(1);
  if (mode == "lock") pthread_mutex_trylock(&mutex);
  if (mode == "system_call") syscall(SYS_getppid);
}

using Cases = std::vector<std::unique_ptr<Case>>;

// Runs in the child. Every model is called with every number of rows. Ten of the calls are long ones.
void make_calls(const Cases& cases, Case& longer, std::size_t calls, const std::string& mode) {
  const bool is_prepared = mode != "network";
  for (std::size_t i = 0; i < calls; ++i) {
    const bool is_long = is_prepared && i % (calls / 10) == 0;
    Case& each = is_long ? longer : *cases[i % cases.size()];
    counts->wrong += !each.call(is_long ? i / (calls / 10) : i / cases.size(), is_prepared);
    ++counts->calls;
    if (i == calls / 2) break_promise(mode);
  }
}

Counts count(const Cases& cases, Case& longer, std::size_t calls, const std::string& mode) {
  Counts* const found = shared<Counts>(1);
  const auto work = [&] {
    break_promise("lock");               // looks up the C library's function, which needs system calls
    std::free(std::malloc(100 * 1000));  // leaves free memory, so that networks can allocate without system calls
    if (!forbid_system_calls()) _exit(kNoFilters);
    counts = found;
    make_calls(cases, longer, calls, mode);
  };
  const int status = status_of_child(work, 500);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoFilters) {
    std::puts("this system has no seccomp filters");
    std::exit(0);
  }
  CHECK(status == 0);
  return *found;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argv[1];
  Cases cases;
  const std::size_t calls = std::stoul(argv[2]);
  for (int i = 3; i < argc; ++i) cases.push_back(case_of_file(argv[i]));
  const std::unique_ptr<Case> longer = long_case();
  for (const std::string& isa : fastnn::isas()) {
    fastnn::set_isa(isa);  // after prepare, whose memory must fit every instruction set
    const Counts found = count(cases, *longer, isa == fastnn::isas().front() ? calls : calls / 100, mode);
    std::printf("%s calls %d allocations %d locks %d system_calls %d wrong %d\n", isa.c_str(), found.calls,
                found.allocations, found.locks, found.system_calls, found.wrong);
    std::fflush(stdout);
  }
}

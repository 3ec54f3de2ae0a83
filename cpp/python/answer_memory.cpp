#include "answer_memory.hpp"

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "../core/memory.hpp"
#include "gil.hpp"

namespace py = pybind11;

namespace fastnn::border {
namespace {

// A block begins with its capacity in a cache line of its own; the numbers follow.
struct Block {
  void* begin = nullptr;
  std::size_t capacity = 0;  // bytes of numbers
};

constexpr std::size_t kHeaderBytes = kCacheLineBytes;
constexpr std::align_val_t kAlignment{kHugePageBytes};

Block kept;  // NumPy calls these functions with the GIL held

void release(Block block) { ::operator delete(block.begin, kAlignment); }

void keep(Block block) {
  offer_pages(block.begin, kHeaderBytes + block.capacity);
  release(std::exchange(kept, block));
}

Block new_block(std::size_t size) {
  void* const begin = ::operator new(kHeaderBytes + size, kAlignment, std::nothrow);
  if (begin != nullptr) ask_for_huge_pages(begin, kHeaderBytes + size);
  return {begin, size};
}

void* allocate(void*, std::size_t size) {
  Block block = std::exchange(kept, {});
  // Of a block of more than twice the size, much would be idle for as long as the answer lives.
  if (block.begin == nullptr || size > block.capacity || size < block.capacity / 2) {
    release(block);
    block = new_block(size);
  }
  if (block.begin == nullptr) return nullptr;
  std::memcpy(block.begin, &block.capacity, sizeof(block.capacity));
  return static_cast<char*>(block.begin) + kHeaderBytes;
}

Block block_of(void* numbers) {
  Block block{static_cast<char*>(numbers) - kHeaderBytes};
  std::memcpy(&block.capacity, block.begin, sizeof(block.capacity));
  return block;
}

void free(void*, void* numbers, std::size_t) {
  if (numbers == nullptr) return;
  const Block block = block_of(numbers);
  if (block.capacity >= kLargeAnswerBytes && block.capacity <= kMostKeptBytes)
    keep(block);
  else
    release(block);
}

void* allocate_zeros(void* context, std::size_t count, std::size_t size) {
  void* const numbers = allocate(context, count * size);
  return numbers == nullptr ? nullptr : std::memset(numbers, 0, count * size);
}

void* reallocate(void* context, void* numbers, std::size_t size) {
  void* const to = allocate(context, size);
  if (to == nullptr || numbers == nullptr) return to;
  std::memcpy(to, numbers, std::min(size, block_of(numbers).capacity));
  free(context, numbers, 0);
  return to;
}

// NumPy's PyDataMem_Handler, version 1 (NEP 49), the name of its capsules, and the place of PyDataMem_SetHandler in
// NumPy's table of functions.
struct Handler {
  char name[127];
  std::uint8_t version;
  void* context;
  void* (*malloc)(void*, std::size_t);
  void* (*calloc)(void*, std::size_t, std::size_t);
  void* (*realloc)(void*, void*, std::size_t);
  void (*free)(void*, void*, std::size_t);
};
constexpr const char* kCapsule = "mem_handler";
constexpr std::size_t kSetHandler = 304;

Handler handler = {"fastnn", 1, nullptr, allocate, allocate_zeros, reallocate, free};

PyObject* (*set_handler_of_numpy)(PyObject*) = nullptr;
PyObject* capsule = nullptr;

// Returns the handler that was set before. A context variable holds it, so Python's garbage may be collected.
PyObject* set_handler(PyObject* to) {
  return taking_gil([&] { return set_handler_of_numpy(to); });
}

bool is_numpys_own(PyObject* of_array) {
  const auto* const found = static_cast<const Handler*>(PyCapsule_GetPointer(of_array, kCapsule));
  return found != nullptr && std::strcmp(found->name, "default_allocator") == 0;
}

}  // namespace

void prepare_answer_memory() {
  const py::object table = py::detail::import_numpy_core_submodule("multiarray").attr("_ARRAY_API");
  const auto* const functions = static_cast<void**>(PyCapsule_GetPointer(table.ptr(), nullptr));
  capsule = PyCapsule_New(&handler, kCapsule, nullptr);
  if (functions == nullptr || capsule == nullptr) throw py::error_already_set();
  set_handler_of_numpy = reinterpret_cast<PyObject* (*)(PyObject*)>(functions[kSetHandler]);
}

AnswerMemory::AnswerMemory() : before_(set_handler(capsule)) {
  if (before_ == nullptr) throw py::error_already_set();
  if (!is_numpys_own(before_)) set_back();
}

AnswerMemory::~AnswerMemory() {
  set_back();
  Py_DECREF(before_);
}

void AnswerMemory::set_back() {
  PyObject* const set = set_handler(before_);
  if (set == nullptr) PyErr_Clear();  // no memory for it: the next arrays take their memory here too
  Py_XDECREF(set);
}

}  // namespace fastnn::border

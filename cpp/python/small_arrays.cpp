#include "small_arrays.hpp"

#include <cstdint>
#include <cstring>

#include "../core/floating_point_mode.hpp"

namespace fastnn::border {
namespace {

constexpr py::ssize_t kMost = 1 << 14;  // numbers; they take some µs, during which other threads wait for the GIL

struct Bool {
  std::uint8_t byte;
  template <class T>
  explicit operator T() const {
    return byte != 0 ? T(1) : T(0);
  }
};

// IEEE 754's binary16.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const std::uint32_t sign = std::uint32_t(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
    // A subnormal number is its mantissa in units of 2^-24. Others move from the bias 15 to 127; infinity and NaN from
    // 31 to 255.
    const std::uint32_t moved = (magnitude << 13) + (magnitude >= 0x7c00 ? (255u - 31) << 23 : (127u - 15) << 23);
    const float subnormal = float(magnitude) * 0x1p-24f;
    std::uint32_t word;
    std::memcpy(&word, &subnormal, sizeof word);
    word = sign | (magnitude < 0x400 ? word : moved);
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

template <class From, class T>
void copy_row(const char* from, py::ssize_t stride, py::ssize_t count, T* to) {
  for (py::ssize_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, from + i * stride, sizeof value);  // perhaps not aligned
    to[i] = static_cast<T>(value);
  }
}

template <class T>
using CopyRow = void (*)(const char*, py::ssize_t, py::ssize_t, T*);

// Returns the function for a dtype's kind and size, null if there is none.
template <class T>
CopyRow<T> function_for(char kind, py::ssize_t size) {
  switch (kind) {
    case 'b': return &copy_row<Bool, T>;
    case 'f':
      return size == 8   ? &copy_row<double, T>
             : size == 4 ? &copy_row<float, T>
             : size == 2 ? &copy_row<Half, T>
                         : nullptr;
    case 'i':
      return size == 8   ? &copy_row<std::int64_t, T>
             : size == 4 ? &copy_row<std::int32_t, T>
             : size == 2 ? &copy_row<std::int16_t, T>
                         : &copy_row<std::int8_t, T>;
    case 'u':
      return size == 8   ? &copy_row<std::uint64_t, T>
             : size == 4 ? &copy_row<std::uint32_t, T>
             : size == 2 ? &copy_row<std::uint16_t, T>
                         : &copy_row<std::uint8_t, T>;
    default: return nullptr;
  }
}

}  // namespace

template <class T>
py::object small_converted(const py::array& array) {
  const py::ssize_t dimensions = array.ndim();
  if (dimensions < 1 || dimensions > 2 || array.size() > kMost) return {};
  const py::dtype dtype = array.dtype();
  const char order = dtype.byteorder();
  const CopyRow<T> copy = function_for<T>(dtype.kind(), dtype.itemsize());
  if (copy == nullptr || (order != '=' && order != '|')) return {};

  py::array result = new_array<T>(Shape(array, static_cast<std::size_t>(array.shape(dimensions - 1))));
  const char* from = static_cast<const char*>(array.data());
  T* to = static_cast<T*>(result.mutable_data());
  const DefaultFloatingPointMode mode;
  if ((array.flags() & py::array::c_style) != 0) {
    copy(from, array.itemsize(), array.size(), to);
    return std::move(result);
  }
  const py::ssize_t columns = array.shape(dimensions - 1);
  for (py::ssize_t row = 0; row * columns < array.size(); ++row)
    copy(from + row * array.strides(0), array.strides(dimensions - 1), columns, to + row * columns);
  return std::move(result);
}

template py::object small_converted<float>(const py::array&);
template py::object small_converted<double>(const py::array&);

}  // namespace fastnn::border

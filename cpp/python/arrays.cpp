// See arrays.hpp. The common case, a NumPy array of the model's dtype, takes no Python call; all others go through
// NumPy, and what is no array of real numbers through as_numbers in python/fastnn/models/frames.py. Every call into
// Python may release the GIL, so arrays that are read meanwhile are Held.
#include "arrays.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "../core/floating_point_mode.hpp"
#include "answer_memory.hpp"
#include "gil.hpp"
#include "small_arrays.hpp"

namespace fastnn::border {
namespace {

bool is_plain_array(py::handle x) {
  return reinterpret_cast<PyObject*>(Py_TYPE(x.ptr())) ==
         reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_);
}

py::array as_array(py::handle x, py::handle as_numbers) { return call(as_numbers, py::make_tuple(x)); }

bool is_real(const py::array& array) {
  return std::string_view("biuf").find(array.dtype().kind()) != std::string::npos;
}

template <class T>
bool usable(const py::array& array) {
  const py::dtype dtype = array.dtype();
  return dtype.num() == py::detail::npy_format_descriptor<T>::value && dtype.byteorder() == '=' &&
         (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

// Returns the address of the first byte of an array, and the address after its last byte.
std::pair<const char*, const char*> extent(const py::array& array) {
  const char* begin = static_cast<const char*>(array.data());
  if (array.size() == 0) return {begin, begin};
  const char* end = begin + array.itemsize();
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    const py::ssize_t reach = (array.shape(i) - 1) * array.strides(i);
    (reach < 0 ? begin : end) += reach;
  }
  return {begin, end};
}

// Returns how to make flat rows of images, or of one image; empty for other arrays.
std::string flat_rows_advice(const py::array& array, std::size_t inputs) {
  if (array.ndim() < 2) return "";
  const auto numbers = [&](int first_axis) {
    return std::accumulate(array.shape() + first_axis, array.shape() + array.ndim(), std::size_t{1},
                           std::multiplies<>());
  };
  if (array.ndim() > 2 && numbers(1) == inputs) return "; rows are flat: use x.reshape(len(x), -1)";
  return numbers(0) == inputs ? "; for one row use x.reshape(1, -1)" : "";
}

std::string wrong_columns(const py::array& array, std::size_t inputs) {
  const std::string n = std::to_string(inputs);
  std::string text = "expected input with " + n + (inputs == 1 ? " column" : " columns") +
                     ", the model's input size; received shape " + shape_text(array);
  if (array.ndim() == 0 && inputs == 1) return text + "; for one row use x.reshape(1, 1)";
  if (array.ndim() == 1) {
    if (array.shape(0) > 0 && static_cast<std::size_t>(array.shape(0)) % inputs == 0)
      text += "; for rows of " + n + " use x.reshape(-1, " + n + ")";
    else
      text += "; one row has shape (" + n + ",), many rows (rows, " + n + ")";
  }
  return text + flat_rows_advice(array, inputs);
}

constexpr py::ssize_t kAtOnce = 1 << 20;  // numbers copied between two checks for Ctrl-C; takes some ms

// Copies in halves, along the axis with the largest stride, until a piece has at most kAtOnce numbers. Checks for
// Ctrl-C after each piece.
void copy_in_parts(const py::object& copyto, const py::array& to, const py::array& from) {
  if (to.size() <= kAtOnce) {
    call(copyto, py::make_tuple(to, from), py::dict(py::arg("casting") = "unsafe"));
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    return;
  }
  py::ssize_t axis = 0, longest = -1;
  for (py::ssize_t i = 0; i < to.ndim(); ++i)
    if (to.shape(i) > 1 && to.strides(i) > longest) longest = to.strides(axis = i);
  const py::ssize_t half = to.shape(axis) / 2;
  for (const auto& [begin, end] : {std::pair{py::ssize_t{0}, half}, {half, to.shape(axis)}}) {
    py::tuple part(axis + 1);
    for (py::ssize_t i = 0; i < axis; ++i) part[i] = py::slice(py::none(), py::none(), py::none());
    part[axis] = py::slice(begin, end, 1);
    copy_in_parts(copyto, to[part], from[part]);
  }
}

// A double, since the product may be larger than any integer.
template <class T>
double bytes_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), double{sizeof(T)}, std::multiplies<>());
}

}  // namespace

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")).cast<std::string>(); }

bool may_share_memory(const py::array& a, const py::array& b) {
  const auto [a_begin, a_end] = extent(a);
  const auto [b_begin, b_end] = extent(b);
  return a_begin < b_end && b_begin < a_end;
}

Held::Held(const std::vector<py::array>& arrays) {
  for (py::object each : arrays)
    while (each && py::isinstance<py::array>(each)) {
      references_.emplace_back(each);
      each = py::reinterpret_borrow<py::array>(each).base();
    }
}

py::array converted(const py::array& array, const py::dtype& dtype) {
  const Held held({array});
  const DefaultFloatingPointMode mode;
  const py::module_ numpy = py::module_::import("numpy");
  const py::object quiet = call(numpy.attr("errstate"), py::tuple(), py::dict(py::arg("all") = "ignore"));
  const auto quietly = [&](const py::object& function) {  // errstate as a decorator: it ends with the call
    return call(quiet, py::make_tuple(function));
  };
  if (array.ndim() == 0 || array.size() <= kAtOnce) return call(quietly(array.attr("astype")), py::make_tuple(dtype));

  const py::object from = call(array.attr("view"), py::tuple());  // no other thread can change a view's shape
  py::array to = call(numpy.attr("empty_like"), py::make_tuple(from), py::dict(py::arg("dtype") = dtype));
  copy_in_parts(quietly(numpy.attr("copyto")), to, from);
  return to;
}

template <class T>
Input<T> input_rows(py::handle x, std::size_t inputs, py::handle as_numbers) {
  py::array array = is_plain_array(x) ? py::reinterpret_borrow<py::array>(x) : as_array(x, as_numbers);
  if (!usable<T>(array)) {
    if (const py::object small = small_converted<T>(array)) {
      array = py::reinterpret_borrow<py::array>(small);
    } else {
      if (!is_real(array)) array = as_array(x, as_numbers);
      array = converted(array, py::dtype::of<T>());
    }
  }
  const py::ssize_t dimensions = array.ndim();
  if (dimensions == 0 || static_cast<std::size_t>(array.shape(dimensions - 1)) != inputs)
    throw py::value_error(wrong_columns(array, inputs));

  py::array flat = array;
  if (dimensions > 2) {
    array = call(array.attr("view"), py::tuple());  // no other thread can change its shape while NumPy copies
    const Held held({array});
    flat = call(array.attr("reshape"), py::make_tuple(-1, inputs));
  }
  const bool one_row = dimensions == 1;
  constexpr py::ssize_t size = sizeof(T);
  const Rows<T> rows = {static_cast<const T*>(flat.data()), one_row ? 1 : static_cast<std::size_t>(flat.shape(0)),
                        one_row ? 0 : flat.strides(0) / size, flat.strides(one_row ? 0 : 1) / size};
  return {std::move(array), flat, rows};
}

Shape::Shape(const py::array& x, std::size_t units) : dimensions_(static_cast<int>(x.ndim())) {
  *std::copy_n(x.shape(), dimensions_ - 1, sizes_) = static_cast<py::ssize_t>(units);
}

template <class T>
py::array new_array(const Shape& shape) {
  std::optional<AnswerMemory> memory;
  if (bytes_of<T>(shape) >= static_cast<double>(kLargeAnswerBytes)) memory.emplace();
  const auto& numpy = py::detail::npy_api::get();
  PyObject* dtype =
      numpy.PyArray_DescrFromType_(py::detail::npy_format_descriptor<T>::value);  // the new array takes this reference
  PyObject* array = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, dtype, shape.dimensions(), shape.begin(), nullptr,
                                                nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(array);
}

template <class T>
py::array output_array(py::handle out, const Shape& shape) {
  const auto expected = [&] {
    return "expected out to be a writeable, C-contiguous array of shape " +
           py::str(py::tuple(py::cast(std::vector(shape.begin(), shape.end())))).cast<std::string>() + " and dtype " +
           py::str(py::dtype::of<T>()).cast<std::string>() + "; received ";
  };
  if (!py::isinstance<py::array>(out))
    throw py::type_error(expected() + py::str(py::type::of(out).attr("__name__")).cast<std::string>());
  py::array array = py::reinterpret_borrow<py::array>(out);
  if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim()))
    throw py::value_error(expected() + "shape " + shape_text(array));
  if (!usable<T>(array))
    throw py::value_error(expected() + "dtype " + py::repr(array.dtype()).cast<std::string>() +
                          (array.dtype().num() == py::dtype::of<T>().num() ? ", not native or not aligned" : ""));
  if (!array.writeable()) throw py::value_error(expected() + "a read-only array");
  if ((array.flags() & py::array::c_style) == 0) throw py::value_error(expected() + "a strided array");
  return array;
}

template Input<float> input_rows<float>(py::handle, std::size_t, py::handle);
template Input<double> input_rows<double>(py::handle, std::size_t, py::handle);
template py::array new_array<float>(const Shape&);
template py::array new_array<double>(const Shape&);
template py::array output_array<float>(py::handle, const Shape&);
template py::array output_array<double>(py::handle, const Shape&);

}  // namespace fastnn::border

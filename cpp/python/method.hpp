// Methods that CPython calls as it calls its own. pybind11's dispatcher is general: it takes 0.2 µs, as long as a small
// network's answer.
#pragma once

#include <pybind11/pybind11.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

// function(the C++ object in self, arguments, how many they are) -> a Python object. Exceptions become Python's as in a
// method bound by pybind11. `Class` is bound with py::is_final(): then self is of exactly that type, which holds
// exactly one C++ object, or none when __init__ was not called.
template <class Class, pybind11::object (*function)(const Class&, PyObject* const*, Py_ssize_t)>
PyObject* call_method(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  namespace py = pybind11;
  try {
    const auto* object =
        reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().template value_ptr<Class>();
    if (object == nullptr) throw py::type_error("expected an object whose __init__ was called");
    return function(*object, arguments, count).release().ptr();
#if defined(__GLIBCXX__)
  } catch (abi::__forced_unwind&) {  // the end of a thread whose interpreter has ended
    throw;
#endif
  } catch (...) {
    py::detail::try_translate_exceptions();
    return nullptr;
  }
}

// Adds it under this name; `text` is its documentation as CPython writes it: "name($self, x, /)\n--\n\nWhat it does."
template <class Class, pybind11::object (*function)(const Class&, PyObject* const*, Py_ssize_t)>
void add_method(pybind11::class_<Class>& type, const char* name, const char* text) {
  namespace py = pybind11;
  static PyMethodDef definition = {
      name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&call_method<Class, function>)), METH_FASTCALL,
      text};
  PyObject* method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &definition);
  if (method == nullptr) throw py::error_already_set();
  type.attr(name) = py::reinterpret_steal<py::object>(method);
}

}  // namespace fastnn::border

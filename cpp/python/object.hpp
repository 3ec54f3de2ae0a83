// Defines Python types directly with the C API, each around one immutable C++ object. pybind11's classes do not fit:
// their calls take 0.2 µs, as long as a small network, and the process ends if there is no memory for their list of
// instances (test_allocation_failures.py).
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::border {

template <class Class>
struct Object {
  PyObject base;
  Class* value;
};

// Returns function(), a new reference. C++ exceptions become Python exceptions, as in functions bound by pybind11.
template <class Function>
#if defined(__GLIBCXX__)
__attribute__((no_sanitize("undefined")))  // as taking_gil in gil.hpp
#endif
PyObject* translated(const Function& function) {
  try {
    return function();
#if defined(__GLIBCXX__)
  } catch (abi::__forced_unwind&) {  // the interpreter has ended (gil.hpp)
    throw;
#endif
  } catch (...) {
    pybind11::detail::try_translate_exceptions();
    return nullptr;
  }
}

template <class Class, Class (*make)(const pybind11::args&, const pybind11::kwargs&)>
PyObject* new_object(PyTypeObject* type, PyObject* arguments, PyObject* named) {
  namespace py = pybind11;
  return translated([&] {
    auto value =
        std::make_unique<Class>(make(py::reinterpret_borrow<py::args>(arguments),
                                     named == nullptr ? py::kwargs() : py::reinterpret_borrow<py::kwargs>(named)));
    PyObject* self = type->tp_alloc(type, 0);
    if (self == nullptr) throw py::error_already_set();
    reinterpret_cast<Object<Class>*>(self)->value = value.release();
    return self;
  });
}

template <class Class>
void delete_object(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete reinterpret_cast<Object<Class>*>(self)->value;
  type->tp_free(self);
  Py_DECREF(type);
}

// Calls function(object, arguments, count), object being the C++ object of `self`.
template <class Class, pybind11::object (*function)(const Class&, PyObject* const*, Py_ssize_t)>
PyObject* call_method(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  return translated(
      [&] { return function(*reinterpret_cast<Object<Class>*>(self)->value, arguments, count).release().ptr(); });
}

// Returns the definition of a method. `text` is its docstring in CPython's form:
// "name($self, x, /)\n--\n\nWhat it does."
template <class Class, pybind11::object (*function)(const Class&, PyObject* const*, Py_ssize_t)>
PyMethodDef method(const char* name, const char* text) {
  return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&call_method<Class, function>)),
          METH_FASTCALL, text};
}

// Adds a type to the module, which cannot be subclassed. `methods` ends with an empty element. All texts must outlive
// the module.
template <class Class, Class (*make)(const pybind11::args&, const pybind11::kwargs&)>
void add_type(pybind11::module_& module, const char* name, const char* full_name, const char* text,
              PyMethodDef* methods) {
  namespace py = pybind11;
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(&new_object<Class, make>)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(&delete_object<Class>)},
                         {Py_tp_methods, methods},
                         {Py_tp_doc, const_cast<char*>(text)},
                         {0, nullptr}};
  PyType_Spec spec = {full_name, sizeof(Object<Class>), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
  module.attr(name) = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
}

}  // namespace fastnn::border

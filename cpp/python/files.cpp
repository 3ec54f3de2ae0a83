// How Python reads and writes files: descriptors of open files in, arrays out; the GIL is released while the system
// reads and writes.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "../io/file.hpp"
#include "../io/format.hpp"
#include "../io/model_file.hpp"
#include "../io/safetensors.hpp"
#include "../io/text.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "object.hpp"

namespace fastnn::border {
namespace {

int open_to_read(const std::string& path, bool or_fifo) {
  for (;;) {
    try {
      const GilRelease release;
      return io::open_to_read(path, or_fifo ? io::Kind::regular_file_or_fifo : io::Kind::regular_file).release();
    } catch (const FileError& error) {
      if (error.code != EINTR) throw;
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

py::array array_of(const std::string& dtype, const std::vector<std::size_t>& shape, const std::vector<char>& bytes) {
  py::array array(dtype == "F32" ? py::dtype::of<float>() : py::dtype::of<double>(), shape);
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(array.mutable_data()));
  return array;
}

// -> (config as JSON, [{weight: array} for each layer], part for training), the weights in Keras' order. The part is
// (settings as JSON, {tensor: array}), or None if the file has none or it is not wanted.
py::tuple read_model(int descriptor, const std::string& path, bool with_training) {
  io::TrainingPart training;
  const ModelFile model = [&] {
    const GilRelease release;
    io::InputFile input(descriptor, path);
    return io::read_model(input, with_training ? &training : nullptr);
  }();
  const Architecture& architecture = *model.architecture;
  const char* dtype = architecture.dtype == Dtype::float32 ? "F32" : "F64";
  py::list layers;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    py::dict weights;
    for (const WeightRow& weight : architecture.layers[i].weights) {
      std::vector<std::size_t> shape = {architecture.layers[i].units};
      if (weight.shape == WeightShape::inputs_by_units) shape.insert(shape.begin(), architecture.layers[i].inputs);
      weights[weight.name] = array_of(dtype, shape, model.weights[i].at(weight.name));
    }
    layers.append(weights);
  }
  py::object part = py::none();
  if (!training.settings.empty()) {
    py::dict tensors;
    for (std::size_t i = 0; i < training.tensors.size(); ++i) {
      const io::TensorInfo& tensor = training.tensors[i];
      const std::string name = tensor.name.substr(std::string(io::kTrainingPrefix).size());
      tensors[py::str(name)] = array_of(tensor.dtype, tensor.shape, training.data[i]);
    }
    part = py::make_tuple(py::str(training.settings), tensors);
  }
  return py::make_tuple(py::str(architecture.config), layers, part);
}

std::vector<char> bytes_of(const py::array& array) {
  const auto* data = static_cast<const char*>(array.data());
  return {data, data + array.nbytes()};
}

// `layers` has the weights of each layer by name; `settings` and `tensors` are the part for training, settings "" for
// none. Arrays are C-contiguous, of float or double.
void write_model(const std::string& path, const std::string& config,
                 const std::vector<std::map<std::string, py::array>>& layers, const std::string& settings,
                 const std::map<std::string, py::array>& tensors) {
  ModelFile model = {parse_config(config, io::escaped(path)), {}};
  for (const auto& arrays : layers) {
    auto& weights = model.weights.emplace_back();
    for (const auto& [name, array] : arrays) weights[name] = bytes_of(array);
  }
  io::TrainingPart training{settings, {}, {}};
  for (const auto& [name, array] : tensors) {
    const std::vector<std::size_t> shape(array.shape(), array.shape() + array.ndim());
    training.tensors.push_back({io::kTrainingPrefix + name, array.itemsize() == 4 ? "F32" : "F64", shape});
    training.data.push_back(bytes_of(array));
  }
  const GilRelease release;
  io::write_model(path, model, training);
}

// -> (metadata, [(name, dtype, shape, bytes)] in the order of the data); the bytes are None unless with_data.
py::tuple read_safetensors(int descriptor, const std::string& path, bool with_data) {
  io::InputFile input(descriptor, path);
  const io::Header header = [&] {
    const GilRelease release;
    return io::read_header(input, io::Contents::any);
  }();
  py::list tensors;
  std::vector<char*> data;
  for (const io::TensorInfo& tensor : header.tensors) {
    py::object bytes = py::none();
    if (with_data) {
      py::array_t<char> array(static_cast<py::ssize_t>(io::data_bytes(tensor, input.name())));
      data.push_back(array.mutable_data());
      bytes = array;
    }
    tensors.append(py::make_tuple(tensor.name, tensor.dtype, py::tuple(py::cast(tensor.shape)), bytes));
  }
  if (with_data) {
    const GilRelease release;
    io::read_data(input, header, data);
  }
  return py::make_tuple(header.metadata, tensors);
}

// In a pointer, since object.hpp's methods see a const object.
using Output = std::unique_ptr<io::OutputFile>;

Output open_output(const py::args& arguments, const py::kwargs&) {
  if (arguments.size() != 1) throw py::type_error("expected OutputFile(path)");
  const auto path = arguments[0].cast<std::string>();
  const GilRelease release;
  return std::make_unique<io::OutputFile>(path);
}

// In pieces, between which Python's handlers of signals run.
py::object write(const Output& file, PyObject* const* arguments, Py_ssize_t count) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  Py_buffer buffer;
  if (count != 1) throw py::type_error("expected write(bytes); received " + std::to_string(count) + " arguments");
  if (PyObject_GetBuffer(arguments[0], &buffer, PyBUF_SIMPLE) != 0) throw py::error_already_set();
  const std::unique_ptr<Py_buffer, decltype(&PyBuffer_Release)> held(&buffer, &PyBuffer_Release);
  without_gil([&](FunctionRef<bool()> go_on) {
    const auto size = static_cast<std::size_t>(buffer.len);
    for (std::size_t i = 0; i < size; i += kPiece) {
      file->write({static_cast<const char*>(buffer.buf) + i, std::min(kPiece, size - i)});
      if (go_on && !go_on()) return false;
    }
    return true;
  });
  return py::none();
}

template <void (io::OutputFile::*function)()>
py::object call_output(const Output& file, PyObject* const*, Py_ssize_t count) {
  if (count != 0) throw py::type_error("expected no arguments; received " + std::to_string(count));
  {
    const GilRelease release;
    (file.get()->*function)();
  }
  return py::none();  // counts a reference, so with the GIL
}

// System errors become OSErrors, with the subclass, errno and file name that Python's open() gives them.
void translate_file_error(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const FileError& error) {
    errno = error.code;
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, error.path.c_str());
  }
}

}  // namespace

void bind_files(py::module_& module) {
  py::register_exception_translator(&translate_file_error);
  static PyMethodDef methods[] = {
      method<Output, &write>("write", "write($self, data, /)\n--\n\nAppend bytes."),
      method<Output, &call_output<&io::OutputFile::rewind>>(
          "rewind", "rewind($self, /)\n--\n\nLet the next bytes overwrite the first."),
      method<Output, &call_output<&io::OutputFile::commit>>(
          "commit", "commit($self, /)\n--\n\nPut the file on the disk, under its name."),
      method<Output, &call_output<&io::OutputFile::abandon>>(
          "abandon", "abandon($self, /)\n--\n\nRemove what was written, unless it was committed."),
      {}};
  add_type<Output, &open_output>(module, "OutputFile", "fastnn._core.OutputFile",
                                 "OutputFile(path)\n--\n\nA new file that appears whole or not at all.", methods);
  module.def("open_to_read", &open_to_read, py::arg("path"), py::arg("or_fifo"),
             "The descriptor of a regular file; with or_fifo, of a FIFO whose writer is waited for.");
  module.attr("beginning_bytes") = io::kBeginningBytes;
  module.attr("save_keras") = io::kSaveKeras;
  module.def(
      "format_of", [](const std::string& beginning) { return io::format_of(beginning).reader; }, py::arg("beginning"),
      "Who reads a file with these first beginning_bytes: 'keras', 'onnx', 'torch', 'nnet' or 'fastnn'; else 'other'.");
  module.def(
      "refuse_foreign",
      [](const std::string& beginning, const std::string& path, const std::string& expected) {
        io::refuse_foreign(beginning, io::escaped(path), expected);
      },
      py::arg("beginning"), py::arg("path"), py::arg("expected"),
      "Raise ModelFormatError for a file with these first bytes that is none of safetensors.");
  module.def("read_safetensors", &read_safetensors, py::arg("descriptor"), py::arg("path"), py::arg("with_data"));
  module.def("read_model", &read_model, py::arg("descriptor"), py::arg("path"), py::arg("with_training") = false);
  module.def("write_model", &write_model, py::arg("path"), py::arg("config"), py::arg("layers"),
             py::arg("settings") = "", py::arg("tensors") = py::dict());
}

}  // namespace fastnn::border

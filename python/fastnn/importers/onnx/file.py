"""Models of .onnx files, of whichever program: what their graph computes becomes layers in a row.

Nothing of a file is executed, and of its parts in other files only those of its own folder are read. The onnx package
parses the file; it is imported here, when it is needed.
"""

import importlib
import os
from typing import Any, BinaryIO, NoReturn

from fastnn._core import LimitError, ModelFormatError
from fastnn.files import open_regular
from fastnn.importers.onnx.answers import find as find_answers
from fastnn.importers.onnx.graph import Graph
from fastnn.importers.onnx.graph import read as read_graph
from fastnn.importers.onnx.steps import steps as graph_steps
from fastnn.importers.onnx.tensors import Folder
from fastnn.importers.onnx.wire import check as check_wire
from fastnn.importers.refusals import refusal
from fastnn.importers.report import convert
from fastnn.models.sequential import Sequential

_MOST_BYTES = 2**31 - 1  # of a protobuf message, by its own rules


def load(path: str | os.PathLike[str], *, fold: bool = True, check: Any = None, name: str | None = None) -> Sequential:
    """Return the model of an .onnx file: a dense network, whose nodes are layers in a row.

    path: the file; numbers in other files ("external data") are read from its folder alone, and through no link.
    fold: whether affine steps, such as BatchNormalization, are folded into the layer beside them, in float64.
    check: (x, y), rows and the answers to them, for ``model.conversion.difference``.

    The answers are (rows, units): a last Squeeze or Reshape that would make (rows,) of (rows, 1) is left out. Those of
    classifiers are the probabilities, also where there is one for two classes; ``model.classes`` are the labels.
    A model of float64 kernels alone computes in float64, any other in float32: casts to other floats are left out.
    Raises UnsupportedModelError (a ValueError) naming the first node that fastnn cannot do, ModelFormatError (a
    ValueError) for a file that contradicts itself, of which LimitError for one too large; ImportError without the onnx
    package; OSError.

    >>> load("model.onnx").predict(x)  # doctest: +SKIP
    """
    path = os.fsdecode(path)
    with open_regular(path) as file:
        try:
            graph = read_graph(_parsed(file), Folder(os.path.dirname(path)))  # noqa: PTH120
            return _model(graph, fold=fold, check=check, name=name, source=f"ONNX model {path!r}")
        except ModelFormatError as error:
            _refuse(error, path)


def from_proto(
    proto: Any,
    *,
    folder: str | None = None,
    fold: bool = True,
    check: Any = None,
    name: str | None = None,
    source: str = "ONNX model",
) -> Sequential:
    """Return the model of an onnx.ModelProto; as load(), which see for the rest.

    folder: where its external data is, if any. source: what errors and the report call it.

    >>> from_proto(onnx.load("model.onnx")).predict(x)  # doctest: +SKIP
    """
    try:
        return _model(read_graph(proto, Folder(folder)), fold=fold, check=check, name=name, source=source)
    except ModelFormatError as error:
        _refuse(error, source)


def _refuse(error: ModelFormatError, where: str) -> NoReturn:
    raise refusal(where, error) from None


def _parsed(file: BinaryIO) -> Any:
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError:
        raise ImportError("reading .onnx files needs onnx: pip install 'fastnn[onnx]'") from None
    size = os.fstat(file.fileno()).st_size
    if size > _MOST_BYTES:
        raise LimitError(f"has {size} bytes; expected at most {_MOST_BYTES}, the rest in external data")
    content = file.read(size)
    proto = onnx.ModelProto()
    check_wire(content, proto.DESCRIPTOR)
    try:
        proto.ParseFromString(content)
    except Exception as error:  # DecodeError, of a package that onnx alone needs
        raise ModelFormatError(f"is no ONNX model: {error!s:.100}") from None
    return proto


def _model(graph: Graph, *, fold: bool, check: Any, name: str | None, source: str) -> Sequential:
    answers = find_answers(graph)
    steps = graph_steps(graph, answers.value)
    inputs = graph.shape[-1] if graph.shape is not None and len(graph.shape) == 2 else None
    dtype = "float64" if graph.is_double else "float32"
    model = convert(source, steps, inputs=inputs, fold=fold, name=name, check=check, dtype=dtype)
    try:
        model.classes = answers.classes
    except ValueError as error:
        raise ModelFormatError(str(error)) from None
    return model

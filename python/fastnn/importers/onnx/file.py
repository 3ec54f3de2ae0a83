"""Models of .onnx files, whichever program wrote them: the nodes of their graph become layers in a row.

Nothing of a file is executed, and other files are read from its own folder only. The onnx package parses the file; it
is imported only when a file is read.
"""

import importlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from fastnn._core import LimitError
from fastnn.importers.onnx.answers import choice, stored_names
from fastnn.importers.onnx.answers import find as find_answers
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.evaluation import Program
from fastnn.importers.onnx.graph import Graph, Part
from fastnn.importers.onnx.graph import read as read_graph
from fastnn.importers.onnx.walk import steps as part_steps
from fastnn.importers.onnx.wire import check as check_wire
from fastnn.importers.refusals import in_one_sentence, refusing
from fastnn.importers.report import convert
from fastnn.importers.steps import Product, Step
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential

_MOST_BYTES = 2**31 - 1  # of a protobuf message, by its own rules


def load(
    file: BinaryIO,
    *,
    outputs: str | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
) -> Sequential:
    """Return the model of an .onnx file: a dense network, whose nodes are layers in a row.

    file: open. Numbers in other files ("external data") are read from its folder only, and through no link.
    outputs: the name of one output; the model is the part of the graph that makes it. Default: the only output.
    fold: whether affine steps, such as BatchNormalization, are folded into the layer beside them, in float64.
    check: (x, y), rows and the answers to them, for ``model.conversion.difference``.
    verify: whether the graph and the model answer some rows, and a model whose answers differ is refused (default).

    The answers are (rows, units): a last Squeeze or Reshape that makes (rows,) of (rows, 1) is left out. A classifier
    answers with probabilities, a single one for two classes included; ``model.classes`` are the labels. Where the graph
    ends with ArgMax, the answers are the scores that it takes; ``model.predict_classes`` returns the class numbers.
    A model whose kernels are all float64 computes in float64, any other in float32: casts to other floats are left out.
    Raises UnsupportedModelError (a ValueError) naming the first node that fastnn cannot do, ModelFormatError (a
    ValueError) for a file that contradicts itself, its subclass LimitError for one that is too large; ImportError
    without the onnx package; OSError.

    >>> import onnx
    >>> Sequential([fastnn.layers.Dense(3, input_shape=(2,))]).export("model.onnx")
    >>> with open("model.onnx", "rb") as file:
    ...     load(file).output_shape
    (None, 3)
    """
    with in_one_sentence(file.name):
        budget = Budget()
        proto = _parsed(file, budget)
        graph = read_graph(proto, os.path.dirname(file.name), budget)  # noqa: PTH120
        program = Program(proto) if verify else None
        del proto  # for its memory
        source = f"ONNX model {file.name!r}"
        return _model(graph, budget, program, outputs=outputs, fold=fold, check=check, source=source)


def from_proto(
    proto: Any,
    *,
    folder: str | None = None,
    outputs: str | None = None,
    fold: bool = True,
    check: Any = None,
    name: str | None = None,
    names: Mapping[str, str] | None = None,
    source: str = "ONNX model",
    verify: bool = True,
    reference: Reference | None = None,
) -> Sequential:
    """Return the model of an onnx.ModelProto; see load() for the other parameters.

    folder: of its external data, if there is any. source: its name in errors and the report.
    names: of layers, by the names of their nodes; default the names of the nodes.
    reference: what answers rows instead of the graph, to verify the model with.

    >>> import onnx
    >>> Sequential([fastnn.layers.Dense(3, input_shape=(2,))]).export("model.onnx")
    >>> from_proto(onnx.load("model.onnx")).output_shape
    (None, 3)
    """
    with in_one_sentence(source):
        budget = Budget()
        graph = read_graph(proto, folder, budget)
        program = None if not verify else reference or Program(proto)
        return _model(
            graph, budget, program, outputs=outputs, fold=fold, check=check, name=name, names=names, source=source
        )


def _parsed(file: BinaryIO, budget: Budget) -> Any:
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError:
        raise ImportError("reading .onnx files needs onnx: pip install onnx") from None
    size = os.fstat(file.fileno()).st_size
    if size > _MOST_BYTES:
        raise LimitError(f"has {size} bytes; expected at most {_MOST_BYTES}, the rest in external data")
    content = file.read(size)
    proto = onnx.ModelProto()
    check_wire(content, proto.DESCRIPTOR, budget)
    with refusing("is no ONNX model", Exception):  # protobuf's DecodeError, which only onnx depends on
        proto.ParseFromString(content)
    return proto


def _model(
    graph: Graph,
    budget: Budget,
    program: Program | Reference | None,
    *,
    outputs: str | None,
    fold: bool,
    check: Any,
    name: str | None = None,
    names: Mapping[str, str] | None = None,
    source: str,
) -> Sequential:
    if outputs is not None and outputs not in graph.outputs:
        raise ValueError(f"{source}: expected outputs to name one output; received {outputs!r:.100}; {choice(graph)}")
    answers = find_answers(graph, outputs)
    part = graph.part(answers.value)
    steps = part_steps(part, budget)
    inputs = part.shape[-1] if part.shape is not None and len(part.shape) == 2 else None
    dtype = "float64" if graph.is_double else "float32"
    features = stored_names(graph, "feature_names")
    model = convert(
        source,
        steps,
        inputs=inputs,
        fold=fold,
        name=name,
        names=_layer_names(part, steps, names),
        feature_names=features,
        check=check,
        dtype=dtype,
        reference=program.reference(part) if isinstance(program, Program) else program,
    )
    with refusing("has classes that fastnn cannot keep", ValueError):
        model.classes = answers.classes
    return model


def _layer_names(part: Part, steps: Iterable[Step], names: Mapping[str, str] | None) -> dict[str, str]:
    """Return the names of layers by the source of their step: that of its nodes, or of the product among them."""
    if names is None:
        names = {node.name: node.name for node in part.nodes}
        if part.graph.producer == "fastnn":  # whose nodes are "layer/operation/number"
            names = {name: name.rsplit("/", 2)[0] for name in names}
    by_node = {str(node): names.get(node.name, "") for node in part.nodes}
    found = {}
    for step in steps:
        first, *others = (by_node.get(each, "") for each in re.split(r"(?<=\)), (?=node )", step.source))
        if isinstance(step, Product) or all(each == first for each in others):
            found[step.source] = first
    return found

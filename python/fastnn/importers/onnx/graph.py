"""The graph of an ONNX model, checked: nodes in order, with what onnx's schemas say of them, constants, one input."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.onnx.advice import for_operations
from fastnn.importers.onnx.budget import NODE, Budget
from fastnn.importers.onnx.functions import domain_of, inlined
from fastnn.importers.onnx.tensors import DOUBLE, DTYPES, Tensors
from fastnn.importers.refusals import refusing

_OPSETS = {"": range(7, 29), "ai.onnx.ml": range(1, 6)}  # the versions for which fastnn's authors read each operation
LINEAR_CLASSIFIER = "ai.onnx.ml.LinearClassifier"  # whose outputs are its scores, then labels
# AttributeProto.AttributeType: the field of the value. Graphs, sparse tensors and types are not followed.
_ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
_LISTED = 6  # numbers in memory: a Python object in a list


@dataclass(eq=False)
class Node:
    """An operation, with the attributes of its schema, defaults included; `str()` names it in errors and reports.

    refusal: why fastnn cannot compute it, which matters only if the answers need it.
    """

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    refusal: UnsupportedModelError | None = None

    def __str__(self) -> str:
        return f"node {self.name or ', '.join(filter(None, self.outputs))!r:.100} ({self.op})"


Given = Sequence[Array | None]  # a node's inputs: None for the rows, and for an input that is left out


@dataclass
class Graph:
    """The operations from `inputs` to `outputs`; inputs: their shapes by name, None for a size that is no number."""

    inputs: dict[str, list[int | None] | None]
    outputs: list[str]
    nodes: list[Node]
    constants: dict[str, Array]
    opset: int
    producer: str
    metadata: dict[str, str]
    is_double: bool

    def part(self, target: str) -> "Part":
        """Return the part that makes a value; UnsupportedModelError if it takes several inputs."""
        needed, nodes = {target}, []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(filter(None, node.inputs))
                nodes.append(node)
        inputs = [name for name in self.inputs if name in needed]
        if len(inputs) > 1 or not self.inputs:
            raise UnsupportedModelError(
                f"has the inputs {', '.join(map(repr, inputs)) or 'none':.200}; expected one: fastnn's models take one "
                "array of rows; export the part behind one of them, or the model with its inputs side by side"
            )
        if not inputs:
            raise UnsupportedModelError(f"has the output {target!r:.100}, which does not depend on the input")
        return Part(self, target, inputs[0], self.inputs[inputs[0]], nodes[::-1])


@dataclass
class Part:
    """The nodes of a graph from one input to one value; shape: of the input."""

    graph: Graph
    target: str
    input: str
    shape: list[int | None] | None
    nodes: list[Node]


def read(model: Any, folder: str | None, budget: Budget) -> Graph:
    """Return the graph of a ModelProto; ModelFormatError if something in it is wrong, OSError for external data."""
    if not model.HasField("graph"):
        raise ModelFormatError("is no ONNX model: expected a graph; found none")
    graph = model.graph
    if len(graph.sparse_initializer):
        raise UnsupportedModelError("has sparse initializers; expected dense ones: export the model without sparsity")
    if len(graph.quantization_annotation):
        raise UnsupportedModelError("is quantized; expected a model in floats: export it before its quantization")
    protos, opset_import = inlined(model, budget)
    opsets = _opsets(opset_import)
    budget.take(NODE * (len(protos) + len(graph.initializer)), f"one of {len(protos)} nodes")
    tensors, constants = Tensors(folder), dict[str, Array]()
    for tensor in graph.initializer:
        if tensor.name in constants or not tensor.name:
            raise ModelFormatError(f"has two initializers {tensor.name!r:.100}, or one without a name")
        value = constants[tensor.name] = tensors.array(tensor, f"initializer {tensor.name!r:.100}")
        budget.add(value.size)
    inputs = _inputs(graph, constants)
    outputs = [each.name for each in graph.output]
    nodes = _sorted([_node(node, opsets, tensors, budget) for node in protos], {*inputs, *constants})
    made = {*inputs, *constants, *(each for node in nodes for each in node.outputs if each)}
    if not outputs or len(set(outputs)) != len(outputs) or not made.issuperset(outputs):
        raise ModelFormatError(
            f"has the outputs {outputs!r:.200}, of which one is missing, there twice, or made nowhere"
        )
    types = {each.type.tensor_type.elem_type for each in graph.output}
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return Graph(inputs, outputs, nodes, constants, opsets[""], model.producer_name, metadata, types == {DOUBLE})


def _opsets(listed: Any) -> dict[str, int]:
    """Return the version of each operator set; a model may name one again, if it is the same version."""
    versions: dict[str, int] = {}
    for each in listed:
        domain = domain_of(each)
        if versions.setdefault(domain, each.version) != each.version:
            raise ModelFormatError(
                f"needs versions {versions[domain]} and {each.version} of the operations of {domain or 'ONNX':.60}; "
                "expected one version of each"
            )
    if not versions:
        raise ModelFormatError("is no ONNX model: expected the version of its operations; found none")
    for domain, known in _OPSETS.items():
        if versions.setdefault(domain, known[-1]) not in known:
            raise UnsupportedModelError(
                f"needs version {versions[domain]} of the operations of {domain or 'ONNX'}; fastnn knows "
                f"{known[0]} to {known[-1]}: convert it with onnx.version_converter"
            )
    return versions


def _inputs(graph: Any, constants: dict[str, Array]) -> dict[str, list[int | None] | None]:
    """Return the shapes of the inputs that are no constants, by name."""
    if len({each.name for each in graph.input}) != len(graph.input):
        raise ModelFormatError("has two inputs of the same name")
    shapes = {}
    for each in graph.input:
        shape, constant = _shape(each), constants.get(each.name)
        if shape is not None and constant is not None and not _fits(constant.shape, shape):
            raise ModelFormatError(f"initializer {each.name!r:.100} has another shape than the input of that name")
        if constant is None:
            if each.type.WhichOneof("value") != "tensor_type" or each.type.tensor_type.elem_type not in DTYPES:
                raise UnsupportedModelError(f"has the input {each.name!r:.100}, which is no tensor of numbers")
            shapes[each.name] = shape
    return shapes


def _shape(value: Any) -> list[int | None] | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in value.type.tensor_type.shape.dim]
    # Some tools write 0 or -1 for "any".
    return [size if size is not None and size > 0 else None for size in sizes]


def _fits(shape: tuple[int, ...], said: list[int | None]) -> bool:
    return len(shape) == len(said) and all(b in (None, a) for a, b in zip(shape, said, strict=True))


def _node(node: Any, opsets: dict[str, int], tensors: Tensors, budget: Budget) -> Node:
    domain = domain_of(node)
    made = Node(node.op_type, node.name, list(node.input), list(node.output))
    made.op = f"{domain}.{made.op}" if domain else made.op
    if made.op == LINEAR_CLASSIFIER:  # labels, made of the scores that follow
        made.outputs = [*made.outputs, ""][1::-1]
    if domain not in _OPSETS:
        made.refusal = UnsupportedModelError(
            f"{made} is of the domain {domain!r:.60}, whose operations are not ONNX's; expected operations of ONNX: "
            "export the model without that extension"
        )
        return made
    schema = _schema(node.op_type, opsets[domain], domain)
    try:
        _read_attributes(node, made, schema, tensors, budget)
    except UnsupportedModelError as error:
        made.refusal = error
    if schema is not None:
        _complete(made, schema)
    return made


def _read_attributes(node: Any, made: Node, schema: Any, tensors: Tensors, budget: Budget) -> None:
    attributes = {} if schema is None else schema.attributes
    for attribute in node.attribute:
        if attribute.name in made.attributes:
            raise ModelFormatError(f"{made} has the attribute {attribute.name!r:.60} twice")
        value = made.attributes[attribute.name] = _attribute(attribute, made, tensors, budget)
        known = attribute.name in attributes
        if schema is not None and not known:
            raise UnsupportedModelError(f"{made} has the attribute {attribute.name!r:.60}, which fastnn does not know")
        if known and attribute.type != (kind := attributes[attribute.name].type.value):
            expected = _ATTRIBUTES.get(kind, "another kind")
            raise ModelFormatError(f"{made} has the attribute {attribute.name} {value!r:.60}; expected {expected}")
        if isinstance(value, np.ndarray):
            budget.add(value.size)


@cache
def _schema(op: str, version: int, domain: str) -> Any:
    """Return onnx's OpSchema; None for an operation that it does not know, which is refused if the answers need it."""
    onnx: Any = importlib.import_module("onnx")
    try:
        return onnx.defs.get_schema(op, version, domain)
    except (onnx.defs.SchemaError, TypeError):  # TypeError: protobuf returns text that is not UTF-8 as bytes
        return None


def _complete(node: Node, schema: Any) -> None:
    """Add the attributes' defaults, and "" for each input left out at the end; refuse a wrong number of inputs."""
    for name, each in schema.attributes.items():
        if each.required and name not in node.attributes and node.refusal is None:
            raise ModelFormatError(f"{node} lacks the attribute {name!r}")
        if name not in node.attributes and (default := each.default_value).type:
            node.attributes[name] = _plain(getattr(default, _ATTRIBUTES[default.type]))
    if not schema.min_input <= len(node.inputs) <= schema.max_input:
        raise ModelFormatError(
            f"{node} has {len(node.inputs)} inputs; expected {schema.min_input} to {schema.max_input}"
        )
    if len(node.outputs) > schema.max_output:
        raise ModelFormatError(f"{node} has {len(node.outputs)} outputs; expected at most {schema.max_output}")
    formal = schema.inputs
    node.inputs += [""] * (len(formal) - len(node.inputs))
    for i, name in enumerate(node.inputs):
        # The last of a schema's inputs may stand for many.
        if not name and formal[min(i, len(formal) - 1)].option.name != "Optional":
            raise ModelFormatError(f"{node} lacks an input")


def _attribute(attribute: Any, node: Node, tensors: Tensors, budget: Budget) -> Any:
    field = _ATTRIBUTES.get(attribute.type)
    if field is None or attribute.ref_attr_name:
        raise UnsupportedModelError(
            f"{node} has the attribute {attribute.name!r:.60}, a graph or something else that fastnn does not follow; "
            + for_operations({node.op})
        )
    value = getattr(attribute, field)
    if field in ("floats", "ints", "strings"):
        budget.take(_LISTED * len(value), f"the attribute {attribute.name!r:.60} of {node}")
    if field == "t":
        return tensors.array(value, f"{attribute.name!r:.60} of {node}")
    with refusing(f"{node} has a text {attribute.name!r:.60} that is not UTF-8", UnicodeDecodeError):
        return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value of protobuf as str, number or list of these."""
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, (int, float)) else [_plain(each) for each in value]


def _sorted(nodes: list[Node], given: set[str]) -> list[Node]:
    """Return the nodes, each after the makers of its inputs; refuse what nothing makes, a circle, a name made twice."""
    makers: dict[str, int] = {}
    known, in_order = set(given), True
    for i, node in enumerate(nodes):
        in_order = in_order and known.issuperset(filter(None, node.inputs))
        for name in filter(None, node.outputs):
            if name in known:
                raise ModelFormatError(f"{node} makes {name!r:.100}, which is there already")
            known.add(name)
            makers[name] = i
    for node in nodes if not in_order else []:
        for name in node.inputs:
            if name and name not in known:
                raise ModelFormatError(f"{node} uses {name!r:.100}, which nothing makes")
    if in_order:
        return nodes
    order = TopologicalSorter(
        {i: [makers[name] for name in node.inputs if name in makers] for i, node in enumerate(nodes)}
    )
    try:
        return [nodes[i] for i in order.static_order()]
    except CycleError as error:
        raise ModelFormatError(
            f"{nodes[error.args[1][0]]} needs its own output; expected a graph without circles"
        ) from None

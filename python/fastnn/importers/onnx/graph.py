"""The graph of an ONNX model, as its file describes it, checked: nodes in order, constants, one input of rows."""

from dataclasses import dataclass, field
from typing import Any

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.tensors import DTYPES, Array, Folder
from fastnn.importers.onnx.tensors import array as tensor_array

_OPSETS = {"": range(7, 29), "ai.onnx.ml": range(1, 6)}  # of which the meaning of every operation here was read
_MOST_NODES = 50_000
_LARGEST_SIZE = 2**31 - 1
_DOUBLE = 11


@dataclass(eq=False)
class Node:
    """An operation; `str()` is how errors and reports name it."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"node {self.name or ', '.join(self.outputs)!r:.100} ({self.op})"

    def take(self, name: str, default: Any) -> Any:
        """Return an attribute of the default's type, which is then known; see finish()."""
        value = self.attributes.get(name, default)
        self._taken.add(name)
        if default is not None and type(value) is not type(default):
            raise ModelFormatError(f"{self} has the attribute {name} {value!r:.60}; expected {type(default).__name__}")
        return value

    def finish(self, inputs: range) -> None:
        """Refuse attributes that were not taken, and another number of inputs."""
        if unknown := self.attributes.keys() - self._taken:
            raise UnsupportedModelError(f"{self} has the attribute {min(unknown)!r:.60}, which fastnn does not know")
        if len(self.inputs) not in inputs:
            raise ModelFormatError(
                f"{self} has {len(self.inputs)} inputs; expected {inputs.start} to {inputs.stop - 1}"
            )

    def __post_init__(self) -> None:
        self._taken: set[str] = set()


@dataclass
class Graph:
    """The operations from `input` to `outputs`; shape: of the input, None where it is not a number."""

    input: str
    shape: list[int | None] | None
    outputs: list[str]
    nodes: list[Node]
    constants: dict[str, Array | list[str]]
    opset: int
    producer: str
    metadata: dict[str, str]
    is_double: bool


def read(model: Any, folder: Folder) -> Graph:
    """Return the graph of a ModelProto; ModelFormatError for what is wrong in it, OSError of external data."""
    opset = _opset(model)
    graph = model.graph
    if len(graph.node) > _MOST_NODES or len(graph.initializer) > _MOST_NODES:
        raise LimitError(f"has {len(graph.node)} nodes; fastnn reads at most {_MOST_NODES}")
    if len(model.functions) or len(graph.sparse_initializer) or len(graph.quantization_annotation):
        raise UnsupportedModelError(
            "has functions of its own, sparse initializers or quantization; expected nodes of ONNX and dense numbers"
        )
    constants: dict[str, Array | list[str]] = {}
    for tensor in graph.initializer:
        if tensor.name in constants or not tensor.name:
            raise ModelFormatError(f"has two initializers {tensor.name!r:.100}, or one without a name")
        constants[tensor.name] = tensor_array(tensor, folder, f"initializer {tensor.name!r:.100}")
    name, shape = _input(graph, constants)
    outputs = [each.name for each in graph.output]
    nodes = [_node(node, folder) for node in graph.node]
    _check_names(nodes, {name, *constants}, outputs)
    types = {each.type.tensor_type.elem_type for each in graph.output}
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return Graph(name, shape, outputs, nodes, constants, opset, model.producer_name, metadata, types == {_DOUBLE})


def _opset(model: Any) -> int:
    versions = {"" if each.domain == "ai.onnx" else each.domain: each.version for each in model.opset_import}
    if len(versions) != len(model.opset_import) or not versions or not model.HasField("graph"):
        raise ModelFormatError("is no ONNX model: expected a graph, and the version of each set of operations once")
    for domain, known in _OPSETS.items():
        if versions.get(domain, known[0]) not in known:
            raise UnsupportedModelError(
                f"needs version {versions[domain]} of the operations of {domain or 'ONNX'}; fastnn knows "
                f"{known[0]} to {known[-1]}: onnx.version_converter makes others of it"
            )
    return int(versions.get("", _OPSETS[""][-1]))


def _input(graph: Any, constants: dict[str, Array | list[str]]) -> tuple[str, list[int | None] | None]:
    """Return the name and shape of the only input that is no constant."""
    names = [each.name for each in graph.input]
    if len(set(names)) != len(names):
        raise ModelFormatError("has two inputs of the same name")
    for each in graph.input:
        constant = constants.get(each.name)
        if constant is None or isinstance(constant, list):
            continue
        shape = _shape(each)
        if shape is not None and (
            len(shape) != constant.ndim or any(a not in (None, b) for a, b in zip(shape, constant.shape, strict=True))
        ):
            raise ModelFormatError(f"initializer {each.name!r:.100} has another shape than the input of that name")
    real = [each for each in graph.input if each.name not in constants]
    if len(real) != 1:
        listed = ", ".join(repr(each.name) for each in real) or "none"
        raise UnsupportedModelError(
            f"has the inputs {listed:.200}; expected one: fastnn's models take one array of rows"
        )
    if real[0].type.WhichOneof("value") != "tensor_type" or real[0].type.tensor_type.elem_type not in DTYPES:
        raise UnsupportedModelError(f"has the input {real[0].name!r:.100}, which is no tensor of numbers")
    shape = _shape(real[0])
    if max(filter(None, shape or ()), default=0) > _LARGEST_SIZE:
        raise LimitError(f"has an input of shape {shape!s:.100}; expected sizes of at most {_LARGEST_SIZE}")
    return real[0].name, shape


def _shape(value: Any) -> list[int | None] | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in value.type.tensor_type.shape.dim]
    # 0 and -1 are what some tools write for "any".
    return [size if size is not None and size > 0 else None for size in sizes]


def _node(node: Any, folder: Folder) -> Node:
    domain = "" if node.domain == "ai.onnx" else node.domain
    made = Node(node.op_type, node.name, list(node.input), list(node.output))
    if domain not in _OPSETS:
        raise UnsupportedModelError(f"{made} is of the domain {domain!r:.60}, whose operations are not ONNX's")
    made.op = f"{domain}.{made.op}" if domain else made.op
    for attribute in node.attribute:
        if attribute.name in made.attributes:
            raise ModelFormatError(f"{made} has the attribute {attribute.name!r:.60} twice")
        made.attributes[attribute.name] = _attribute(attribute, made, folder)
    return made


def _attribute(attribute: Any, node: Node, folder: Folder) -> Any:
    kinds = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
    kind = kinds.get(attribute.type)
    if kind is None or attribute.ref_attr_name:
        raise UnsupportedModelError(
            f"{node} has the attribute {attribute.name!r:.60}, a graph or something else that fastnn does not follow"
        )
    value = getattr(attribute, kind)
    if kind == "t":
        return tensor_array(value, folder, f"{attribute.name!r:.60} of {node}")
    try:
        if kind == "s":
            return value.decode()
        return [each.decode() for each in value] if kind == "strings" else list(value) if kind[-1] == "s" else value
    except UnicodeDecodeError:
        raise ModelFormatError(f"{node} has a text {attribute.name!r:.60} that is not UTF-8") from None


def _check_names(nodes: list[Node], known: set[str], outputs: list[str]) -> None:
    """Refuse what is used before it is there, and what two nodes make: so there is no cycle."""
    known = set(known)
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise ModelFormatError(f"{node} uses {name!r:.100}, which nothing before it makes")
        for name in node.outputs:
            if name and name in known:
                raise ModelFormatError(f"{node} makes {name!r:.100}, which is there already")
        if not any(node.outputs):
            raise ModelFormatError(f"{node} has no output")
        known.update(filter(None, node.outputs))
    if not outputs or len(set(outputs)) != len(outputs) or not known.issuperset(outputs):
        raise ModelFormatError(
            f"has the outputs {outputs!r:.200}, of which one is missing, there twice, or made nowhere"
        )

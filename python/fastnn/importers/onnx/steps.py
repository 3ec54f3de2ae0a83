"""The steps of an ONNX graph: its nodes in order, cut where one value alone goes on.

What stands between two cuts is a layer, or nodes that compute one function of the value at the first cut.
"""

from typing import NoReturn

import numpy as np

from fastnn import _core
from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx import forms, joined
from fastnn.importers.onnx.algebra import Sum, TooManyTermsError, X, constant
from fastnn.importers.onnx.answers import with_two_probabilities
from fastnn.importers.onnx.constants import Constants, Value
from fastnn.importers.onnx.functions import OPERATIONS, Kind
from fastnn.importers.onnx.graph import Graph, Node
from fastnn.importers.onnx.layers import LAYERS, Rows
from fastnn.importers.steps import Function, Normalize, Nothing, Step

_MOST_STEPS = 3 * 4096  # of as many layers as fastnn's own files have: kernel, activation, affine
_MOST_AGAIN = 2**21  # how many numbers of the model may be others of the file again, beyond as many as that has
_MOST_CUTS = 6  # how far back an activation of several nodes may begin, each of which could be one of its own


def steps(graph: Graph, target: str) -> list[Step]:
    """Return the steps from the graph's input to the value `target`."""
    made = joined.merged(_Walk(graph, target).steps())
    if len(made) > _MOST_STEPS:
        raise LimitError(f"has {len(made)} layers and activations; fastnn reads at most {_MOST_STEPS}")
    width = None if graph.shape is None else graph.shape[-1]
    made = joined.widened(made, width, 2 * _count(graph) + _MOST_AGAIN)
    made = with_two_probabilities(made)
    for step in made:
        _check_parameters(step)
    return made


def _check_parameters(step: Step) -> None:
    try:
        if isinstance(step, Normalize):
            _core.check_parameters("LayerNormalization", "linear", {"epsilon": step.epsilon})
        if isinstance(step, Function):
            _core.check_parameters("Activation", step.activation, step.parameters)
    except ValueError as error:
        raise ModelFormatError(f"{step.source}: {error}") from None


class _Walk:
    def __init__(self, graph: Graph, target: str) -> None:
        self._graph, self._target = graph, target
        self._constants: dict[str, Value] = dict(graph.constants)
        self._folding = Constants(graph.opset, 4 * _count(graph) + 100_000)
        self._nodes = _leading_to(graph, target)
        self._varying = _varying(self._nodes, graph.input)
        self._last_use = _last_uses(self._nodes, self._varying)
        self._last_use[target] = len(self._nodes)
        self._rows = Rows(graph)
        self._steps: list[Step] = []
        self._begin(0, graph.input)
        self._cuts: list[tuple[int, str, int]] = []  # of before: the first node, the value, how many steps there were

    def _begin(self, node: int, value: str) -> None:
        """Go on from a cut: this value alone is of use to this node and those after it."""
        self._first, self._base = node, value
        self._values = {value: X}

    def steps(self) -> list[Step]:
        """Return the steps of all nodes."""
        if self._graph.input not in self._last_use:
            raise UnsupportedModelError(f"has the output {self._target!r:.100}, which does not depend on the input")
        for i, node in enumerate(self._nodes):
            if node.outputs[0] not in self._varying:
                self._constants[node.outputs[0]] = self._constant(node)
                continue
            if any(name in self._last_use for name in node.outputs[1:]):
                raise UnsupportedModelError(f"{node} has more than one output that is used; fastnn has no branches")
            live = {name for name in (*self._values, *node.outputs) if self._last_use.get(name, -1) > i}
            if node.op in LAYERS:
                self._layer(i, node, live)
            else:
                self._values[node.outputs[0]] = self._sum(node, self._values)
                if live == {node.outputs[0]}:
                    self._cut(i)
        if self._base != self._target:
            self._refuse(len(self._nodes) - 1)
        return self._steps

    def _constant(self, node: Node) -> Value:
        if node.op == "Shape":
            return self._rows.shape_of(node)
        return self._folding.made_by(node, [self._constants[name] if name else None for name in node.inputs])

    def _layer(self, i: int, node: Node, live: set[str]) -> None:
        given = [name for name in node.inputs if name in self._varying]
        if self._base != given[0]:
            self._refuse(i - 1)
        if len(given) > 1 or live != {node.outputs[0]}:
            self._refuse_branch(i, node, next(iter(live - {node.outputs[0]}), given[-1]))
        arguments = [self._constants.get(name) if name else None for name in node.inputs]
        self._steps += LAYERS[node.op](node, arguments, node.inputs.index(given[0]), self._rows, self._steps)
        self._cuts = []
        self._begin(i + 1, node.outputs[0])
        self._rows.note(node.outputs[0])

    def _sum(self, node: Node, values: dict[str, Sum]) -> Sum:
        """Return what a node computes, of x at the last cut."""
        operation = OPERATIONS.get(node.op)
        if operation is None:
            raise UnsupportedModelError(
                f"{node}, opset {self._graph.opset}, is no operation that fastnn has; expected a dense network: "
                "Gemm or MatMul, activations, normalization"
            )
        given: list[Sum | None] = []
        for name in node.inputs:
            if name in self._varying and name not in values:
                self._refuse_branch(self._nodes.index(node), node, name)
            given.append(None if not name else values[name] if name in values else self._number(node, name))
        kind = Kind(self._graph.opset, self._graph.is_double, len(self._rows.shape))
        self._rows.note(node.outputs[0])
        try:
            return operation(node, given, kind)
        except TooManyTermsError:
            self._refuse(self._nodes.index(node))

    def _number(self, node: Node, name: str) -> Sum:
        """Return a constant as one number, or as one for each unit."""
        value = self._constants[name]
        if isinstance(value, list) or value.dtype.kind not in "fiub":
            raise ModelFormatError(f"{node} computes with {name!r:.100}, which is not of numbers")
        if value.size == 1 and value.ndim <= len(self._rows.shape) and not self._rows.is_of_units(value):
            return constant(value.reshape(()))
        if value.size != value.shape[-1] or value.ndim > len(self._rows.shape):
            raise UnsupportedModelError(
                f"{node} computes with {name!r:.100} of shape {value.shape}; expected one number for each unit"
            )
        self._rows.expect(value.size, node)
        return constant(value.reshape(-1))

    def _cut(self, i: int) -> None:
        """Make steps of the nodes since the last cut, or since one before that if they are an activation together."""
        output = self._nodes[i].outputs[0]
        for first, base, count in self._cuts[-_MOST_CUTS:]:
            nodes, values = self._since(first, i), {base: X}
            for node in nodes:
                values[node.outputs[0]] = self._sum(node, values)
            if forms.is_form(values[output]):
                made = forms.recognized(values[output], _source(nodes))
                del self._steps[count:]
                self._begin(first, base)
                self._cuts = [cut for cut in self._cuts if cut[0] < first]
                break
        else:
            nodes = self._since(self._first, i)
            made = forms.recognized(self._values[output], _source(nodes))
        if made is None:  # perhaps it is one together with the nodes that follow
            return
        self._cuts.append((self._first, self._base, len(self._steps)))
        self._steps += made or [Nothing(_source(nodes))]
        self._begin(i + 1, output)

    def _since(self, first: int, i: int) -> list[Node]:
        return [node for node in self._nodes[first : i + 1] if node.outputs[0] in self._varying]

    def _refuse(self, i: int) -> NoReturn:
        nodes = self._since(self._first, i) or self._nodes[i : i + 1]
        raise UnsupportedModelError(
            f"{_source(nodes)}, opset {self._graph.opset}: compute nothing that fastnn has an activation for"
        )

    def _refuse_branch(self, i: int, node: Node, value: str) -> NoReturn:
        user = next((other for other in self._nodes[i + 1 :] if value in other.inputs), None)
        raise UnsupportedModelError(
            f"{node}, opset {self._graph.opset}: {value!r:.100} is used "
            f"{'by it twice' if user is None else f'by {user} too'}; fastnn has no branches, expected layers in a row"
        )


def _count(graph: Graph) -> int:
    return sum(each.size for each in graph.constants.values() if isinstance(each, np.ndarray))


def _source(nodes: list[Node]) -> str:
    listed = [str(node) for node in nodes]
    return ", ".join(listed if len(listed) < 12 else [*listed[:5], "…", *listed[-5:]])


def _leading_to(graph: Graph, target: str) -> list[Node]:
    """Return the nodes that the target needs, in order."""
    needed, found = {target}, []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            needed.update(filter(None, node.inputs))
            found.append(node)
    return found[::-1]


def _varying(nodes: list[Node], given: str) -> set[str]:
    """Return the names of what depends on the rows, shapes apart."""
    varying = {given}
    for node in nodes:
        if node.op != "Shape" and varying.intersection(node.inputs):
            varying.update(filter(None, node.outputs))
    return varying


def _last_uses(nodes: list[Node], varying: set[str]) -> dict[str, int]:
    return {name: i for i, node in enumerate(nodes) if node.op != "Shape" for name in node.inputs if name in varying}

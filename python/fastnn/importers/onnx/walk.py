"""From the nodes of an ONNX graph to steps: cut at each value that alone goes on.

Between two cuts is a layer, or nodes that together compute one function of the value at the first cut.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NoReturn

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers import bounds
from fastnn.importers.onnx import advice, columns, constants, forms
from fastnn.importers.onnx.algebra import Sum, TooManyTermsError, X, constant
from fastnn.importers.onnx.budget import NODE, Budget
from fastnn.importers.onnx.graph import Node, Part
from fastnn.importers.onnx.layers import LAYERS
from fastnn.importers.onnx.operations import OPERATIONS
from fastnn.importers.onnx.shapes import Rows
from fastnn.importers.steps import Bounds, Columns, Normalize, Nothing, Product, Scale, Step, clip, is_of_row

_MOST_CUTS = 6  # how far back an activation of several nodes may begin, whose parts are steps of their own
_Cut = tuple[int, str, int]  # the first node after it, the value, the number of steps before it


def steps(part: Part, budget: Budget) -> list[Step]:
    """Return the steps of a part of a graph."""
    made: list[Step] = []
    for step in _Walk(part, budget).steps():
        merged = _merged(made[-1] if made else None, step)
        made[-1:] = [merged] if merged is not None else [*made[-1:], step]
    _charge(made, None if part.shape is None else part.shape[-1], budget)
    return made


def _merged(last: Step | None, step: Step) -> Step | None:
    """Return one step for two: a sum is the bias of the product before it, the shift of the scale before it."""
    if isinstance(step, Product) and step.kernel is forms.ZERO_AND_X:
        if not isinstance(last, Product):
            raise UnsupportedModelError(f"{step.source} joins 1 - p and p, where p is no sigmoid of a Gemm or MatMul")
        bias = None if last.bias is None else np.pad(last.bias, (1, 0))
        return replace(last, kernel=np.pad(last.kernel, ((0, 0), (1, 0))), bias=bias)
    if last is None:
        return None
    source = last.source if last.source == step.source else f"{last.source}, {step.source}"
    if (first := bounds.of_step(last)) and (then := bounds.of_step(step)):
        low, high = bounds.within(first, then)
        return Bounds(source, low, high) if low.ndim or high.ndim else clip(source, float(low), float(high))
    if not isinstance(step, Scale):
        return None
    # A node's number has no axis; those of a layer are one for each unit.
    is_sum = step.scale.ndim == 0 and step.scale == 1
    match last:
        case Product(bias=None) if is_sum:
            return replace(last, source=source, bias=np.broadcast_to(step.shift, last.kernel.shape[1]))
        case Scale() if is_sum and last.shift.ndim == 0 and last.shift == 0:
            return replace(last, source=source, shift=step.shift, is_literal=True)
        case Normalize() if last.beta.ndim == 0 and last.beta == 0:
            if is_sum:
                return replace(last, source=source, beta=step.shift)
            if last.gamma.ndim == 0 and last.gamma == 1:
                return replace(last, source=source, gamma=step.scale, beta=step.shift)
    return None


def _charge(made: list[Step], width: int | None, budget: Budget) -> None:
    """Take the steps' numbers from the budget: a single one stands for many, and many steps may share a matrix.

    width: of the first step's inputs.
    """
    since: int | None = None  # as many since the last product, which columns are taken of
    waiting = 0  # the units of which columns wait for a product that follows
    for step in made:
        width = next((array.shape[-1] for array in step.arrays if array.ndim), width)
        count = NODE + sum(array.size if array.ndim else width or 0 for array in step.arrays)
        match step:
            case Columns():
                waiting = waiting or (step.width if since is None else 0)
                count += waiting * len(step.index) if waiting else since or 0
            case Product():
                count += waiting * step.kernel.shape[1]
                since = 0
            case Scale():
                count += waiting
            case Bounds():
                count *= bounds.MOST_PARTS
        budget.take(count, step.source)
        if not isinstance(step, Columns | Scale | Nothing):
            waiting = 0
        if is_of_row(step):
            since = None
        elif since is not None or isinstance(step, Columns):
            since = (since or 0) + count


class _Walk:
    def __init__(self, part: Part, budget: Budget) -> None:
        self._graph, self._target, self._budget = part.graph, part.target, budget
        self._constants: dict[str, Array] = dict(part.graph.constants)
        self._nodes = columns.joined(part.nodes)
        self._varying = _varying(self._nodes, part.input)
        self._last_use = _last_uses(self._nodes, self._varying)
        self._last_use[part.target] = len(self._nodes)
        self._nodes = [_narrowed(node, self._last_use) for node in self._nodes]
        self._passing = _passing(self._nodes, self._varying)
        self._steps: list[Step] = []
        self._rows = Rows(part, self._steps, budget)
        self._begin(0, part.input)
        self._cuts: list[_Cut] = []

    def _begin(self, node: int, value: str) -> None:
        """Go on from a cut: only this value is used by the node and those after it."""
        self._first, self._base = node, value
        self._values = {value: X}

    def steps(self) -> list[Step]:
        """Return the steps of all nodes."""
        for i, node in enumerate(self._nodes):
            if node.refusal is not None:
                raise node.refusal
            if self._varying.isdisjoint(node.outputs):
                self._make_constants(i, node)
                continue
            if not node.outputs[0]:
                self._refuse_operation(node)
            if any(name in self._last_use for name in node.outputs[1:]):
                raise UnsupportedModelError(f"{node} has more than one output that is used; {advice.BRANCHES}")
            live = {name for name in (*self._values, *node.outputs) if self._last_use.get(name, -1) > i}
            if node.op in LAYERS:
                self._layer(i, node, live)
            else:
                self._values[node.outputs[0]] = self._sum(node, self._values)
                if live == {node.outputs[0]}:
                    self._cut(i)
        if self._base != self._target:
            self._refuse(len(self._nodes) - 1)
        self._rows.check_end(self._target)
        return self._steps

    def _make_constants(self, i: int, node: Node) -> None:
        """Add what a node makes of constants, and forget those that only nodes up to this one need."""
        if node.op == "Shape" and node.inputs[0] in self._varying:
            self._constants[node.outputs[0]] = self._rows.shape_of(node)
            return
        given = [self._constants[name] if name else None for name in node.inputs]
        made = constants.made_by(node, given, self._graph.opset, self._budget)
        self._constants.update((name, value) for name, value in zip(node.outputs, made, strict=True) if name)
        for name in self._passing.get(i, ()):
            self._budget.give_back(self._constants.pop(name).size)

    def _layer(self, i: int, node: Node, live: set[str]) -> None:
        given = [name for name in node.inputs if name in self._varying]
        others = live - {node.outputs[0]}
        if self._base != given[0] and not others:
            self._refuse(i - 1)
        if len(given) > 1 or others:
            self._refuse_branch(i, node, min(others, default=given[-1]))
        if node.inputs[0] != given[0] and node.op != "MatMul":
            raise UnsupportedModelError(
                f"{node} has the rows as input {node.inputs.index(given[0])}; expected them as the first, or MatMul"
            )
        arguments = [self._constants.get(name) for name in node.inputs]
        self._steps += LAYERS[node.op](node, arguments, self._rows)
        self._cuts = []
        self._begin(i + 1, node.outputs[0])
        self._rows.note(node.outputs[0])

    def _sum(self, node: Node, values: dict[str, Sum]) -> Sum:
        """Return what a node computes, of x at the last cut."""
        operation = OPERATIONS.get(node.op)
        if operation is None:
            self._refuse_operation(node)
        given: list[Sum | None] = []
        for name in node.inputs:
            if name in self._varying and name not in values:
                self._refuse_branch(self._nodes.index(node), node, name)
            given.append(None if not name else values[name] if name in values else self._number(node, name))
        self._rows.note(node.outputs[0])
        try:
            return operation(node, self._rows, *given)
        except TooManyTermsError:
            self._refuse(self._nodes.index(node))

    def _number(self, node: Node, name: str) -> Sum:
        """Return a constant as one number, or as one for each unit."""
        value = self._constants[name]
        if value.dtype.kind not in "fiub":
            raise ModelFormatError(f"{node} computes with {name!r:.100}, which is not of numbers")
        if constants.depends_on_rows(value):
            raise UnsupportedModelError(f"{node} computes with the number of rows, {name!r:.100}; expected a constant")
        if node.op == "BatchNormalization" and value.ndim == 1:  # whose numbers are along axis 1, not the last
            value = value.reshape(-1, *[1] * (len(self._rows.shape) - 2))
        units = self._rows.units_of(value)
        if units is None:
            raise UnsupportedModelError(
                f"{node} computes with {name!r:.100} of shape {value.shape}; expected one number for each unit of "
                f"{self._rows.shown}"
            )
        if units.ndim:
            self._rows.expect(units.size, node)
        return constant(units)

    def _cut(self, i: int) -> None:
        """Make steps of the nodes since the last cut, or since an earlier one if only together they are something."""
        here = (self._first, self._base, len(self._steps))
        tried = [(cut, self._total(cut, i)) for cut in (*self._cuts[-_MOST_CUTS:], here)]
        named = [each for each in tried if forms.name_of(each[1])]
        for (first, base, count), total in named or [tried[-1], *tried[:-1]]:
            source = _source(self._since(first, i))
            made = forms.recognized(total, source)
            if made is not None:
                self._steps[count:] = made or [Nothing(source)]
                self._cuts = [*(cut for cut in self._cuts if cut[0] < first), (first, base, count)]
                self._begin(i + 1, self._nodes[i].outputs[0])
                return
        # Perhaps they are an activation together with the nodes that follow.

    def _total(self, cut: _Cut, i: int) -> Sum:
        """Return what the nodes from a cut on compute."""
        if cut[0] == self._first:
            return self._values[self._nodes[i].outputs[0]]
        values = {cut[1]: X}
        for node in self._since(cut[0], i):
            values[node.outputs[0]] = self._sum(node, values)
        return values[self._nodes[i].outputs[0]]

    def _since(self, first: int, i: int) -> list[Node]:
        return [node for node in self._nodes[first : i + 1] if node.outputs[0] in self._varying]

    def _refuse_operation(self, node: Node) -> NoReturn:
        raise UnsupportedModelError(
            f"{node}, opset {self._graph.opset}, is no operation that fastnn has; {advice.for_operations({node.op})}"
        )

    def _refuse(self, i: int) -> NoReturn:
        nodes = self._since(self._first, i) or self._nodes[i : i + 1]
        raise UnsupportedModelError(
            f"{_source(nodes)}, opset {self._graph.opset}: compute nothing that fastnn has an activation for; "
            + advice.for_operations({node.op for node in nodes})
        )

    def _refuse_branch(self, i: int, node: Node, value: str) -> NoReturn:
        user = next((other for other in self._nodes[i + 1 :] if value in other.inputs), None)
        raise UnsupportedModelError(
            f"{node}, opset {self._graph.opset}: {value!r:.100} is used "
            f"{'by it twice' if user is None else f'by {user} too'}; {advice.BRANCHES}"
        )


def _source(nodes: list[Node]) -> str:
    listed = [str(node) for node in nodes]
    return ", ".join(listed if len(listed) < 12 else [*listed[:5], "…", *listed[-5:]])


def _narrowed(node: Node, used: Collection[str]) -> Node:
    """Return a Split as a node of the one output that is used; any other node as it is."""
    parts = [part for part, name in enumerate(node.outputs) if name in used]
    if node.op != "Split" or len(parts) != 1:
        return node
    attributes = {**node.attributes, "part": parts[0], "parts": len(node.outputs)}
    return replace(node, outputs=[node.outputs[parts[0]]], attributes=attributes)


def _varying(nodes: list[Node], given: str) -> set[str]:
    """Return the names of what depends on the rows, shapes apart."""
    varying = {given}
    for node in nodes:
        if node.op != "Shape" and varying.intersection(node.inputs):
            varying.update(filter(None, node.outputs))
    return varying


def _last_uses(nodes: list[Node], varying: set[str]) -> dict[str, int]:
    return {name: i for i, node in enumerate(nodes) if node.op != "Shape" for name in node.inputs if name in varying}


def _passing(nodes: list[Node], varying: set[str]) -> dict[int, list[str]]:
    """Return the constants that nodes make for other constants alone, by the node that needs them last."""
    makers = [node for node in nodes if varying.isdisjoint(node.outputs)]
    made = {name for node in makers if node.op not in ("Constant", "Shape") for name in filter(None, node.outputs)}
    made.difference_update(name for node in nodes if not varying.isdisjoint(node.outputs) for name in node.inputs)
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs if name in made}
    found: dict[int, list[str]] = {}
    for name, i in last.items():
        found.setdefault(i, []).append(name)
    return found

"""The shape of the rows on their way through the nodes."""

import math
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.constants import ROWS
from fastnn.importers.onnx.graph import Graph, Node
from fastnn.importers.onnx.tensors import Array
from fastnn.importers.steps import Function, Nothing, Scale, Step

Shape = list[int | None]


class Rows:
    """The present shape: ROWS, then sizes, None where unknown; and what else the meaning of operations depends on."""

    def __init__(self, graph: Graph, steps: list[Step], budget: Budget) -> None:
        """steps: those up to the present shape, to which the importer appends."""
        self._steps, self.budget = steps, budget
        self.is_double, self.producer = graph.is_double, graph.producer
        if graph.shape is not None and len(graph.shape) < 2:
            raise UnsupportedModelError(
                f"has the input {graph.input!r:.100} of shape {graph.shape}; expected rows: (rows, inputs)"
            )
        self.batch = graph.shape[0] if graph.shape else None
        self.shape: Shape = [ROWS, *([None] if graph.shape is None else graph.shape[1:])]
        self._shapes = {graph.input: self.shape}

    def number(self, value: float) -> float:
        """Return the number that an attribute means: 0.01, not 0.0099999998, which is its float32."""
        return float(np.float32(value)) if self.is_double else float(str(np.float32(value)))

    @property
    def width(self) -> int | None:
        """The number of units of a row."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    def note(self, value: str) -> None:
        """Remember the present shape as that of a value."""
        self._shapes[value] = self.shape

    def shape_of(self, node: Node) -> Array:
        """Return the answer of the operation Shape."""
        shape = self._shapes[node.inputs[0]][slice(node.attributes.get("start", 0), node.attributes.get("end"))]
        if None in shape:
            raise UnsupportedModelError(f"{node} is of sizes that are known only when the model runs")
        return np.asarray(shape, np.int64)

    def expect(self, width: int, node: Node) -> None:
        """Check the number of units against that of a constant, or learn it."""
        if self.width not in (None, width):
            raise ModelFormatError(f"{node} is for {width} units; {self.width} come out before it")
        if len(self.shape) > 1:
            self.shape = [*self.shape[:-1], width]

    def check_axis(self, node: Node, axis: Any) -> None:
        """Refuse an axis other than that of the units."""
        if len(self.shape) < 2 or axis not in (-1, len(self.shape) - 1):
            raise UnsupportedModelError(f"{node} works on axis {axis}; expected the last, the units of a row")

    def is_of_units(self, array: Array) -> bool:
        """Whether an array of one number is that of the only unit, and not of any number of units."""
        return array.ndim == 1 and self.width == 1 and self.producer == "fastnn"

    def reshape(self, node: Node, shape: Shape) -> list[Step]:
        """Take another shape that leaves the numbers of each row where they are."""
        old, known = self.shape[1:], f"{['rows', *self.shape[1:]]!s:.60}"
        units = None if None in old else math.prod(filter(None, old))
        first, *others = shape or [0]
        if first not in (ROWS, self.batch) and (first != -1 or -1 in others):
            raise UnsupportedModelError(f"{node} makes the shape {shape!s:.60} of {known}; rows are no longer rows")
        if others.count(-1) == 1 and units is not None:
            rest = math.prod(size for size in others if size not in (-1, None))
            others = [units // rest if size == -1 and rest else size for size in others]
        others = [None if size == -1 else size for size in others]
        made = None if None in others else math.prod(filter(None, others))
        # Constants of one number for each unit, and functions of a row, stay right if only axes of size 1 go.
        keeps = all(size == 1 for size in old[:-1]) or all(map(_works_on_any_shape, self._steps))
        if (None not in (units, made) and units != made) or (others != old and not (len(others) <= 1 and keeps)):
            raise UnsupportedModelError(f"{node} makes the shape {shape!s:.60} of {known}")
        if not others and units != 1:
            raise UnsupportedModelError(f"{node} makes one axis of {known}")
        self.shape = [ROWS, *others]
        return [Nothing(str(node))]


def _works_on_any_shape(step: Step) -> bool:
    if isinstance(step, Function):
        return step.activation not in ("softmax", "log_softmax")
    return isinstance(step, Nothing) or (isinstance(step, Scale) and step.scale.ndim == step.shift.ndim == 0)


def axes_of(node: Node, given: Array | None) -> list[int] | None:
    """Return the axes of an operation, which are an attribute or, in later opsets, an input; None if it has none."""
    listed = node.attributes.get("axes") if given is None else np.asarray(given).reshape(-1).tolist()
    if listed is not None and not all(each in range(-64, 64) for each in listed):
        raise ModelFormatError(f"{node} has the axes {listed!r:.60}")
    return listed

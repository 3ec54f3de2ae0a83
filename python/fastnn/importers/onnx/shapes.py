"""The shape of the rows on their way through the nodes."""

import math

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.constants import ROWS, UNKNOWN
from fastnn.importers.onnx.graph import Node, Part
from fastnn.importers.steps import Function, Nothing, Scale, Step

Shape = list[int | None]


class Rows:
    """The present shape, and what else the meaning of operations depends on.

    A shape has ROWS on the axis of the rows, then sizes, None where unknown. A graph for a single row, with an input
    [5] or [1, 5], may have no axis of rows. Functions of a row, and numbers for each unit, are along the units' axis.
    """

    def __init__(self, part: Part, steps: list[Step], budget: Budget) -> None:
        """steps: those up to the present shape, to which the importer appends."""
        self._steps, self.budget = steps, budget
        self.is_double, self.producer = part.graph.is_double, part.graph.producer
        given = part.shape
        if given == []:
            raise UnsupportedModelError(
                f"has the input {part.input!r:.100} of shape []; expected rows (rows, inputs), or one row (inputs,)"
            )
        self._batch = given[0] if given is not None and len(given) > 1 else None  # rows that the exporter ran
        self.shape: Shape = [ROWS, None] if given is None else given if len(given) == 1 else [ROWS, *given[1:]]
        self.axis = _only_axis(self.shape)
        self._shapes = {part.input: self.shape}
        self._is_multiplied = False

    def number(self, value: float) -> float:
        """Return the number that an attribute means: 0.01, not 0.0099999998, which is its float32."""
        return float(np.float32(value)) if self.is_double else float(str(np.float32(value)))

    @property
    def width(self) -> int | None:
        """The number of units of a row."""
        return 1 if self.axis is None else self.shape[self.axis]

    @property
    def shown(self) -> str:
        """The present shape, for errors."""
        return shown(self.shape)

    def size_of(self, axis: int) -> int | None:
        """Return the size of an axis; None where it is unknown, as that of the rows is unless the exporter fixed it."""
        if not -len(self.shape) <= axis < len(self.shape):
            return None
        return self._batch if self.shape[axis] == ROWS else self.shape[axis]

    def note(self, value: str) -> None:
        """Remember the present shape as that of a value."""
        self._shapes[value] = self.shape

    def shape_of(self, node: Node) -> Array:
        """Return the answer of the operation Shape."""
        shape = self._shapes[node.inputs[0]][slice(node.attributes.get("start", 0), node.attributes.get("end"))]
        return np.asarray([UNKNOWN if size is None else size for size in shape], np.int64)

    def expect(self, width: int, node: Node) -> None:
        """Check the number of units against that of a constant, or learn it."""
        if self.width not in (None, width):
            raise ModelFormatError(f"{node} is for {width} units; {self.width} come out before it")
        if self.axis is not None:
            self.set_units(width)

    def set_units(self, width: int) -> None:
        """Take another number of units."""
        self.shape = [width if i == self.axis else size for i, size in enumerate(self.shape)]

    @property
    def are_probabilities(self) -> bool:
        """Whether the last step is a softmax."""
        return bool(self._steps) and isinstance(self._steps[-1], Function) and self._steps[-1].activation == "softmax"

    def check_axis(self, node: Node, axis: float) -> None:
        """Refuse an axis other than that of the units."""
        at = int(axis) + (len(self.shape) if axis < 0 else 0)
        # A row of one number is the same along all of its axes.
        is_one = self.width == 1 and at in range(len(self.shape)) and self.shape[at] == 1
        if at != self.axis and not is_one:
            raise UnsupportedModelError(
                f"{node} works on axis {axis:g} of {self.shown}; expected the axis of a row's units, since fastnn "
                "computes each row by itself"
            )

    def check_end(self, name: str) -> None:
        """Refuse answers of several rows that are columns, since those of fastnn are rows."""
        before = self.shape[: self.shape.index(ROWS)] if ROWS in self.shape and self._batch != 1 else []
        if any(size != 1 for size in before):
            raise UnsupportedModelError(
                f"has the output {name!r:.100} of shape {self.shown}; expected rows first: leave out the last Transpose"
            )

    def units_of(self, array: Array) -> Array | None:
        """Return a constant as (units,), or as () if it is one number for all; None if it is neither."""
        more = array.ndim - len(self.shape)
        if more > 0:  # NumPy puts axes before those of the shape
            if ROWS in self.shape or self.axis is None or array.shape[:more] != (1,) * more:
                return None
            self.shape, self.axis = [ROWS, *[1] * (more - 1), *self.shape], self.axis + more
        # Of one number that fastnn wrote, the axis says that it is that of the only unit.
        if array.size == 1 and not (array.ndim == 1 and self.width == 1 and self.producer == "fastnn"):
            return array.reshape(())
        axes = [i + len(self.shape) - array.ndim for i, size in enumerate(array.shape) if size != 1]
        return array.reshape(-1) if array.size and axes in ([], [self.axis]) else None

    def multiply(self, node: Node, kernel: Array, is_left: bool) -> Array:
        """Take the shape of rows times a matrix, or of a matrix times columns; return the kernel (inputs, units)."""
        axis, last = len(self.shape) - 1, self.shape[-1] if self.shape else ROWS
        if is_left and len(self.shape) > 1:
            axis, last = axis - 1, self.shape[-2] if self.shape[-1] in (ROWS, 1) else ROWS
        # Another axis than that of the units, such as the last of [16, 1], has its own rows.
        if kernel.ndim != 2 or last == ROWS or (axis != self.axis and not self._works_on_any_shape()):
            raise UnsupportedModelError(
                f"{node} multiplies {self.shown} with an array of shape {kernel.shape}; expected a matrix for the "
                "units of each row, on the right of rows"
            )
        if axis != self.axis and ROWS not in self.shape:
            self.shape = [ROWS, *self.shape[1:]]
        self._is_multiplied = True
        self.axis, kernel = axis, kernel.T if is_left else kernel
        self.expect(kernel.shape[0], node)
        self.set_units(kernel.shape[1])
        return kernel

    def reshape(self, node: Node, shape: Shape) -> list[Step]:
        """Take another shape, with -1 for what is left, that leaves the numbers of each row where they are."""
        old = [size for size in self.shape if size != ROWS]
        units = None if None in old else math.prod(filter(None, old))
        others = self._without_rows(shape, units)
        if others is None or (self._batch != 1 and ROWS in self.shape[1:]):
            raise self._refusal(node, shape)
        if others.count(-1) == 1 and units is not None:
            rest = math.prod(size for size in others if size not in (-1, None, ROWS))
            others = [units // rest if size == -1 and rest else size for size in others]
        others = [None if size == -1 else size for size in others]
        sizes = [size for size in others if size != ROWS]
        made = None if None in sizes else math.prod(filter(None, sizes))
        if (None not in (units, made) and units != made) or (not sizes and units != 1):
            raise self._refusal(node, shape)
        return self.become(node, others)

    def _without_rows(self, shape: Shape, units: int | None) -> Shape | None:
        """Return the shape with ROWS at its place, if rows stay rows; None if not."""
        first, *others = shape or [None]
        if ROWS in others:
            return None
        if first == ROWS or (first is not None and ROWS in self.shape and first == self._batch):
            return [ROWS, *others]
        is_rest = first == -1 and -1 not in others and units in (None, math.prod(filter(None, others)))
        if is_rest and ROWS in self.shape:
            return [ROWS, *others]
        if ROWS not in shape and (ROWS not in self.shape or self._batch == 1):  # a single row
            return [ROWS, *others] if first == 1 and others else shape
        return None

    def become(self, node: Node, shape: Shape) -> list[Step]:
        """Take a shape whose axes other than 1 are the same; or flatten, where no function of a row came before."""
        old, new = _long_axes(self.shape), _long_axes(shape)
        is_same = [self.shape[i] for i in old] == [shape[i] for i in new]
        if is_same and self.axis in old:
            axis: int | None = new[old.index(self.axis)]
        elif (is_same and not old) or (self._works_on_any_shape() and (is_same or len(new) <= 1)):
            axis = _only_axis(shape)
        else:
            raise self._refusal(node, shape)
        self.shape, self.axis = shape, axis
        return [Nothing(str(node))]

    def without(self, node: Node, axes: list[int] | None) -> list[Step]:
        """Take the shape without axes of size 1, by default all; the axis of a single row is one of them."""
        one = (1, ROWS) if self._batch == 1 else (1,)
        n = len(self.shape)
        gone = [i for i, size in enumerate(self.shape) if size in one] if axes is None else [i % n for i in axes if n]
        if any(self.shape[i] not in one for i in gone):
            raise self._refusal(node, [size for i, size in enumerate(self.shape) if i not in gone])
        return self.become(node, [size for i, size in enumerate(self.shape) if i not in gone])

    def _works_on_any_shape(self) -> bool:
        return not self._is_multiplied and all(map(_works_on_any_shape, self._steps))

    def _refusal(self, node: Node, shape: Shape) -> UnsupportedModelError:
        return UnsupportedModelError(
            f"{node} makes the shape {shown(shape)} of {self.shown}; expected one in which each row's numbers stay "
            "together and in order"
        )


def shown(shape: Shape) -> str:
    """Return a shape for errors: [rows, 3, ?]."""
    texts = ("rows" if size == ROWS else "?" if size in (None, UNKNOWN) else str(size) for size in shape)
    return f"[{', '.join(texts)}]"[:60]


def _long_axes(shape: Shape) -> list[int]:
    return [i for i, size in enumerate(shape) if size not in (1, ROWS)]


def _only_axis(shape: Shape) -> int | None:
    """Return the axis of the units where nothing has told it yet: the only long one, else the last; None if none is."""
    long, axes = _long_axes(shape), [i for i, size in enumerate(shape) if size != ROWS]
    return long[0] if len(long) == 1 else axes[-1] if axes else None


def _works_on_any_shape(step: Step) -> bool:
    if isinstance(step, Function):
        return step.activation not in ("softmax", "log_softmax")
    return isinstance(step, Nothing) or (isinstance(step, Scale) and step.scale.ndim == step.shift.ndim == 0)


def axes_of(node: Node, given: Array | None) -> list[int] | None:
    """Return the axes of an operation, which are an attribute or, in later opsets, an input; None if it has none."""
    listed = node.attributes.get("axes") if given is None else np.asarray(given).reshape(-1).tolist()
    if listed is not None and not all(each in range(-64, 64) for each in listed):
        raise ModelFormatError(f"{node} has the axes {shown(listed)}")
    return listed

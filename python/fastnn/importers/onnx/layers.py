"""The operations of ONNX that are layers, or change the shape of what rows go through."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.algebra import ONE, ZERO, Array, float64
from fastnn.importers.onnx.constants import ROWS, Value
from fastnn.importers.onnx.functions import axes, number
from fastnn.importers.onnx.graph import Graph, Node
from fastnn.importers.steps import (
    Function,
    Normalize,
    Nothing,
    Product,
    Scale,
    Slopes,
    Step,
    batch_normalization,
    leaky_relu,
)

Given = list[Value | None]


class Rows:
    """The shape of what goes through the nodes; sizes are None where unknown, and ROWS in front."""

    def __init__(self, graph: Graph) -> None:
        self.opset, self.is_double, self.producer = graph.opset, graph.is_double, graph.producer
        shape = [ROWS, None] if graph.shape is None else [ROWS, *graph.shape[1:]]
        if graph.shape is not None and len(graph.shape) < 2:
            raise UnsupportedModelError(
                f"has the input {graph.input!r:.100} of shape {graph.shape}; expected rows: (rows, inputs)"
            )
        self.batch = graph.shape[0] if graph.shape else None
        self.shape: list[int | None] = shape
        self._shapes = {graph.input: self.shape}

    @property
    def width(self) -> int | None:
        """How many units a row has."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    def note(self, value: str) -> None:
        """Keep the present shape as that of a value."""
        self._shapes[value] = self.shape

    def shape_of(self, node: Node) -> Array:
        """Return what the operation Shape gives."""
        node.finish(range(1, 2))
        shape = self._shapes[node.inputs[0]]
        if None in shape:
            raise UnsupportedModelError(f"{node} is of sizes that are known only when the model runs")
        return np.asarray(shape, np.int64)

    def expect(self, width: int, node: Node | Step) -> None:
        """Check the number of units against that of a constant, or learn it."""
        if self.width not in (None, width):
            raise ModelFormatError(f"{_name(node)} is for {width} units; {self.width} come out before it")
        if len(self.shape) > 1:
            self.shape = [*self.shape[:-1], width]

    def is_of_units(self, array: Array) -> bool:
        """Whether an array of one number is that of the only unit, and not of any number of units."""
        return array.ndim == 1 and self.width == 1 and self.producer == "fastnn"


def _name(node: Node | Step) -> str:
    return str(node) if isinstance(node, Node) else node.source


def _floats(node: Node, value: Value | None, name: str) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise UnsupportedModelError(f"{node} has no constant numbers of floats as its {name}")
    return value


def _vector(node: Node, value: Value | None, name: str, width: int | None) -> Array:
    """Return a constant of one number for each unit."""
    array = _floats(node, value, name)
    if array.size != (array.shape[-1] if array.ndim else 1):
        raise UnsupportedModelError(f"{node} has a {name} of shape {array.shape}; expected one number for each unit")
    if array.size == 1 and width is not None:
        return np.broadcast_to(array.reshape(()), width)
    if width not in (None, array.size):
        raise ModelFormatError(f"{node} has a {name} of shape {array.shape}; expected {width} numbers")
    return array.reshape(-1)


def _product(node: Node, rows: Rows, kernel: Array, bias: Array | None) -> Product:
    if kernel.ndim != 2:
        raise UnsupportedModelError(f"{node} multiplies with an array of shape {kernel.shape}; expected a matrix")
    if len(rows.shape) < 2:
        raise UnsupportedModelError(f"{node} multiplies what has no axis of units any more")
    rows.expect(kernel.shape[0], node)
    rows.shape = [*rows.shape[:-1], kernel.shape[1]]
    return Product(str(node), kernel, bias)


def _gemm(node: Node, given: Given, position: int, rows: Rows, _: list[Step]) -> list[Step]:
    alpha, beta = (number(node.take(each, 1.0), rows.is_double) for each in ("alpha", "beta"))
    transposed, of_rows = node.take("transB", 0), node.take("transA", 0)
    node.finish(range(2, 4))
    if position != 0 or of_rows or len(rows.shape) != 2:
        raise UnsupportedModelError(f"{node} does not multiply rows with a matrix: transA, or the rows on the right")
    kernel = _floats(node, given[1], "matrix")
    if kernel.ndim != 2:
        raise ModelFormatError(f"{node} multiplies with an array of shape {kernel.shape}; expected a matrix")
    kernel = kernel.T if transposed else kernel
    has_bias = len(node.inputs) > 2 and node.inputs[2] != ""
    bias = _vector(node, given[2], "bias", kernel.shape[1]) if has_bias else None
    if bias is not None and beta != 1:
        bias = bias.astype(np.float64) * beta
    if alpha == 1:
        return [_product(node, rows, kernel, bias)]
    shift = ZERO if bias is None else bias.astype(np.float64)
    return [_product(node, rows, kernel, None), Scale(str(node), float64(alpha), shift)]


def _matmul(node: Node, given: Given, position: int, rows: Rows, _: list[Step]) -> list[Step]:
    node.finish(range(2, 3))
    if position != 0:
        raise UnsupportedModelError(f"{node} has the rows on the right of the product; expected them on the left")
    return [_product(node, rows, _floats(node, given[1], "matrix"), None)]


def _batch_normalization(node: Node, given: Given, _: int, rows: Rows, __: list[Step]) -> list[Step]:
    epsilon = number(node.take("epsilon", 1e-5), rows.is_double)
    node.take("momentum", 0.9)
    node.take("spatial", 1)
    training = node.take("training_mode", 0)
    node.finish(range(5, 6))
    if training or len(rows.shape) != 2:
        raise UnsupportedModelError(f"{node} is in training mode, or not of the units of a row; expected model.eval()")
    names = ("scale", "bias", "mean", "variance")
    gamma, beta, mean, variance = (_floats(node, each, name) for each, name in zip(given[1:], names, strict=True))
    step = batch_normalization(str(node), gamma, beta, mean, variance, epsilon)
    rows.expect(step.scale.size, node)
    return [step]


def _layer_normalization(node: Node, given: Given, _: int, rows: Rows, __: list[Step]) -> list[Step]:
    epsilon, axis = number(node.take("epsilon", 1e-5), rows.is_double), node.take("axis", -1)
    node.take("stash_type", 1)
    node.finish(range(2, 4))
    if axis not in (-1, len(rows.shape) - 1):
        raise UnsupportedModelError(f"{node} normalizes from axis {axis} on; expected the last alone")
    gamma = _vector(node, given[1], "scale", rows.width)
    rows.expect(gamma.size, node)
    has_bias = len(node.inputs) > 2 and node.inputs[2] != ""
    beta = _vector(node, given[2], "bias", gamma.size) if has_bias else np.zeros(gamma.size)
    return [Normalize(str(node), gamma, beta, epsilon)]


def _prelu(node: Node, given: Given, position: int, rows: Rows, _: list[Step]) -> list[Step]:
    node.finish(range(2, 3))
    slopes = _floats(node, given[1], "slope") if position == 0 else None
    if slopes is None:
        raise UnsupportedModelError(f"{node} has slopes that are no constants")
    if slopes.size == 1 and not rows.is_of_units(slopes):
        slope = float(slopes.reshape(()))
        return [leaky_relu(str(node), slope if slopes.dtype.itemsize == 8 else number(slope))]
    vector = _vector(node, slopes, "slope", rows.width)
    rows.expect(vector.size, node)
    return [Slopes(str(node), vector)]


def _scaler(node: Node, given: Given, _: int, rows: Rows, __: list[Step]) -> list[Step]:
    offset, scale = (np.asarray(node.take(name, [default])) for name, default in (("offset", 0.0), ("scale", 1.0)))
    node.finish(range(1, 2))
    made = []
    for array, size in ((offset, offset.size), (scale, scale.size)):
        if array.ndim != 1 or size < 1:
            raise ModelFormatError(f"{node} has no numbers to scale with")
        if size > 1:
            rows.expect(size, node)
        made.append(array.reshape(()) if size == 1 else array)
    # As two, since scale * x + shift would lose digits where x is large: for those who do not fold.
    return [Scale(str(node), ONE, -made[0]), Scale(str(node), made[1], ZERO)]


def _flatten(node: Node, _: Given, __: int, rows: Rows, before: list[Step]) -> list[Step]:
    axis = node.take("axis", 1)
    node.finish(range(1, 2))
    if axis not in (1, 1 - len(rows.shape)):
        raise UnsupportedModelError(f"{node} flattens from axis {axis} on; expected 1, what belongs to a row")
    return _to_shape(node, [ROWS, -1], rows, before)


def _reshape(node: Node, given: Given, position: int, rows: Rows, before: list[Step]) -> list[Step]:
    zero_is_zero = node.take("allowzero", 0)
    node.finish(range(2, 3))
    if position != 0 or not isinstance(given[1], np.ndarray) or given[1].dtype.kind not in "iu":
        raise UnsupportedModelError(f"{node} makes a shape that is known only when the model runs")
    shape: list[int | None] = [int(size) for size in given[1].reshape(-1)]
    if shape == [-1, 1] and rows.producer == "skl2onnx" and rows.width != 1:
        return [Nothing(str(node))]  # its regressors of several targets end so, by mistake
    if not zero_is_zero:
        shape = [(rows.shape[i] if i < len(rows.shape) else 0) if size == 0 else size for i, size in enumerate(shape)]
    return _to_shape(node, shape, rows, before)


def _squeeze(node: Node, given: Given, position: int, rows: Rows, before: list[Step]) -> list[Step]:
    listed = axes(node, given[1] if len(given) > 1 else None)  # type: ignore[arg-type]
    node.finish(range(1, 3))
    if node.op == "Unsqueeze" and rows.shape == [ROWS] and listed in ([-1], [1]):
        return _to_shape(node, [ROWS, 1], rows, before)
    if node.op == "Squeeze" and rows.shape[1:] == [1] and listed in (None, [-1], [1]):
        return _to_shape(node, [ROWS], rows, before)
    raise UnsupportedModelError(f"{node} gives rows another shape, on the axes {listed}")


def _transpose(node: Node, _: Given, __: int, rows: Rows, ___: list[Step]) -> list[Step]:
    order = node.take("perm", None)
    node.finish(range(1, 2))
    if order != list(range(len(rows.shape))):
        raise UnsupportedModelError(f"{node} puts the axes {order} in another order")
    return [Nothing(str(node))]


def _to_shape(node: Node, shape: Sequence[int | None], rows: Rows, before: list[Step]) -> list[Step]:
    """Give the rows another shape that leaves their numbers where they are, row by row."""
    units = None if None in rows.shape[1:] else math.prod(filter(None, rows.shape[1:]))
    shape = list(shape)
    first, *others = shape or [0]
    if first not in (ROWS, rows.batch) and (first != -1 or -1 in others):
        raise UnsupportedModelError(f"{node} makes the shape {shape!s:.60}, in which rows are no longer rows")
    if others.count(-1) == 1 and units is not None:
        rest = math.prod(size for size in others if size not in (-1, None))
        others = [units // rest if size == -1 and rest else size for size in others]
    others = [None if size == -1 else size for size in others]
    known = None if None in others else math.prod(filter(None, others))
    is_flat = len(others) <= 1 and (len(rows.shape) <= 2 or all(map(_works_on_any_shape, before)))
    if (units is not None and known is not None and units != known) or (others != rows.shape[1:] and not is_flat):
        raise UnsupportedModelError(f"{node} makes the shape {shape!s:.60} of {rows.shape[1:]!s:.60} for each row")
    if not others and units != 1:
        raise UnsupportedModelError(f"{node} makes one axis of rows and their {units} units")
    rows.shape = [ROWS, *others]
    return [Nothing(str(node))]


def _works_on_any_shape(step: Step) -> bool:
    if isinstance(step, Function):
        return step.activation not in ("softmax", "log_softmax")
    return isinstance(step, Nothing) or (isinstance(step, Scale) and step.scale.ndim == step.shift.ndim == 0)


LAYERS: dict[str, Callable[[Node, Given, int, Rows, list[Step]], list[Step]]] = {
    "Gemm": _gemm, "MatMul": _matmul, "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization, "PRelu": _prelu, "ai.onnx.ml.Scaler": _scaler,
    "Flatten": _flatten, "Reshape": _reshape, "Squeeze": _squeeze, "Unsqueeze": _squeeze, "Transpose": _transpose,
}  # fmt: skip

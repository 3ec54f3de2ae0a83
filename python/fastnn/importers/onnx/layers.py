"""The operations of ONNX that mix units, that are two steps, or that give rows another shape."""

from collections.abc import Callable

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.onnx import columns, linear_models
from fastnn.importers.onnx.algebra import ONE, ZERO, float64
from fastnn.importers.onnx.constants import ROWS, UNKNOWN
from fastnn.importers.onnx.graph import Given, Node
from fastnn.importers.onnx.shapes import Rows, Shape, axes_of
from fastnn.importers.steps import Product, Scale, Step


def _floats(node: Node, value: Array | None, name: str) -> Array:
    if value is None or value.dtype.kind != "f":
        raise UnsupportedModelError(f"{node} has no constant numbers of floats as its {name}")
    return value


def _product(node: Node, rows: Rows, kernel: Array, *, is_left: bool = False) -> Product:
    return Product(str(node), rows.multiply(node, kernel, is_left))


def _matmul(node: Node, given: Given, rows: Rows) -> list[Step]:
    is_left = given[0] is not None
    kernel = _floats(node, given[0 if is_left else 1], "matrix")
    if kernel.ndim != 1:
        return [_product(node, rows, kernel, is_left=is_left)]
    product = _product(node, rows, kernel.reshape((1, -1) if is_left else (-1, 1)), is_left=is_left)
    return [product, *rows.without(node, [rows.axis or 0])]  # a vector makes one number of each row, without an axis


def _gemm(node: Node, given: Given, rows: Rows) -> list[Step]:
    alpha, beta = (rows.number(node.attributes[each]) for each in ("alpha", "beta"))
    if node.attributes["transA"] or len(rows.shape) != 2 or given[0] is not None:
        raise UnsupportedModelError(
            f"{node} does not multiply rows with a matrix on their right; expected rows (rows, units) first, transA 0"
        )
    kernel = _floats(node, given[1], "matrix")
    product = _product(node, rows, kernel.T if node.attributes["transB"] else kernel)
    bias = _floats(node, given[2], "bias") if node.inputs[2] else ZERO
    if bias.size not in (1, rows.width) or bias.size != (bias.shape or (1,))[-1]:
        raise UnsupportedModelError(f"{node} has a bias of shape {bias.shape}; expected one number for each unit")
    shift = bias.astype(np.float64).reshape(-1 if bias.size > 1 else ()) * beta
    return [product, Scale(str(node), float64(alpha), shift)] if node.inputs[2] or alpha != 1 else [product]


def _scaler(node: Node, _: Given, rows: Rows) -> list[Step]:
    made = []
    for name, default in (("offset", 0.0), ("scale", 1.0)):
        array = np.asarray(node.attributes.get(name, [default]))
        if array.size == 0:
            raise ModelFormatError(f"{node} has no numbers to scale with")
        if array.size > 1:
            rows.expect(array.size, node)
        made.append(array if array.size > 1 else array.reshape(()))
    # Two steps, since scale * x + shift would lose digits of large x if they are not folded.
    return [Scale(str(node), ONE, -made[0]), Scale(str(node), made[1], ZERO)]


def _flatten(node: Node, _: Given, rows: Rows) -> list[Step]:
    axis = node.attributes["axis"]
    before, after = rows.shape[:axis], rows.shape[axis:]
    if ROWS in before and all(each in (1, ROWS) for each in before):
        return rows.reshape(node, [ROWS, -1])
    if all(each == 1 for each in before):
        return rows.reshape(node, [1, -1])
    if all(each == 1 for each in after) and abs(axis) <= len(rows.shape):
        return rows.reshape(node, [-1, 1])
    raise UnsupportedModelError(f"{node} flattens {rows.shown} from axis {axis} on; expected what belongs to a row")


def _reshape(node: Node, given: Given, rows: Rows) -> list[Step]:
    if given[1] is None or given[1].dtype.kind not in "iu":
        raise UnsupportedModelError(f"{node} makes a shape that is known only when the model runs")
    shape: Shape = [None if size == UNKNOWN else int(size) for size in given[1].reshape(-1)]
    if shape == [-1, 1] and rows.producer == "skl2onnx" and rows.width != 1:
        shape = rows.shape  # its regressors of several targets end so, by mistake
    elif not node.attributes.get("allowzero"):
        shape = [(rows.shape[i] if i < len(rows.shape) else 0) if size == 0 else size for i, size in enumerate(shape)]
    return rows.reshape(node, shape)


def _squeeze(node: Node, given: Given, rows: Rows) -> list[Step]:
    axes, n = axes_of(node, given[1] if len(given) > 1 else None), len(rows.shape)
    if len(given) > 1 and node.inputs[1] and given[1] is None:
        raise UnsupportedModelError(f"{node} has axes that are known only when the model runs; expected constant ones")
    if any(not -n <= axis < n for axis in axes or []):
        raise ModelFormatError(f"{node} has the axes {axes!r:.60} of {rows.shown}")
    return rows.without(node, axes)


def _unsqueeze(node: Node, given: Given, rows: Rows) -> list[Step]:
    axes = axes_of(node, given[1] if len(given) > 1 else None) or []
    n = len(rows.shape) + len(axes)
    if any(not -n <= axis < n for axis in axes) or len({axis % n for axis in axes}) != len(axes) or not axes:
        raise ModelFormatError(f"{node} has the axes {axes!r:.60} of {rows.shown}")
    old, new = iter(rows.shape), {axis % n for axis in axes}
    return rows.become(node, [1 if i in new else next(old) for i in range(n)])


def _transpose(node: Node, _: Given, rows: Rows) -> list[Step]:
    n = len(rows.shape)
    order = node.attributes.get("perm") or list(range(n))[::-1]
    moved = [axis for axis in order if axis in range(n) and rows.shape[axis] not in (1, ROWS)]
    if sorted(order) != list(range(n)) or moved != sorted(moved):
        raise UnsupportedModelError(
            f"{node} puts the axes of {rows.shown} in the order {order!r:.60}; expected each row's numbers in order"
        )
    return rows.become(node, [rows.shape[axis] for axis in order])


LAYERS: dict[str, Callable[[Node, Given, Rows], list[Step]]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "ai.onnx.ml.Scaler": _scaler,
    "ai.onnx.ml.LinearRegressor": linear_models.regressor,
    "ai.onnx.ml.LinearClassifier": linear_models.classifier,
    "ai.onnx.ml.Normalizer": linear_models.normalizer,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Split": columns.split,
    "SplitToSequence": columns.of_sequence,
    "Slice": columns.slice_of,
    "Gather": columns.gather,
    "GatherND": columns.gather_of_last,
    "ai.onnx.ml.ArrayFeatureExtractor": columns.extractor,
}

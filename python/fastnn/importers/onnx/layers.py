"""The operations of ONNX that mix units, that are two steps, or that give rows another shape."""

from collections.abc import Callable

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx import columns
from fastnn.importers.onnx.algebra import ONE, ZERO, float64
from fastnn.importers.onnx.constants import ROWS
from fastnn.importers.onnx.graph import Node
from fastnn.importers.onnx.shapes import Rows, Shape, axes_of
from fastnn.importers.onnx.tensors import Array
from fastnn.importers.steps import Product, Scale, Step

Given = list[Array | None]  # a node's inputs: None for the rows, and for an input that is left out


def _floats(node: Node, value: Array | None, name: str) -> Array:
    if value is None or value.dtype.kind != "f":
        raise UnsupportedModelError(f"{node} has no constant numbers of floats as its {name}")
    return value


def _product(node: Node, rows: Rows, value: Array | None, is_transposed: bool = False) -> Product:
    kernel = _floats(node, value, "matrix")
    if kernel.ndim != 2 or len(rows.shape) < 2:
        raise UnsupportedModelError(f"{node} multiplies with an array of shape {kernel.shape}; expected a matrix")
    kernel = kernel.T if is_transposed else kernel
    rows.expect(kernel.shape[0], node)
    rows.shape = [*rows.shape[:-1], kernel.shape[1]]
    return Product(str(node), kernel)


def _gemm(node: Node, given: Given, rows: Rows) -> list[Step]:
    alpha, beta = (rows.number(node.attributes[each]) for each in ("alpha", "beta"))
    if node.attributes["transA"] or len(rows.shape) != 2:
        raise UnsupportedModelError(f"{node} does not multiply rows with a matrix: expected transA 0 and two axes")
    product = _product(node, rows, given[1], bool(node.attributes["transB"]))
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
    if axis not in (1, 1 - len(rows.shape)):
        raise UnsupportedModelError(f"{node} flattens from axis {axis} on; expected 1, what belongs to a row")
    return rows.reshape(node, [ROWS, -1])


def _reshape(node: Node, given: Given, rows: Rows) -> list[Step]:
    if given[1] is None or given[1].dtype.kind not in "iu":
        raise UnsupportedModelError(f"{node} makes a shape that is known only when the model runs")
    shape: Shape = [int(size) for size in given[1].reshape(-1)]
    if shape == [-1, 1] and rows.producer == "skl2onnx" and rows.width != 1:
        shape = rows.shape  # its regressors of several targets end so, by mistake
    elif not node.attributes.get("allowzero"):
        shape = [(rows.shape[i] if i < len(rows.shape) else 0) if size == 0 else size for i, size in enumerate(shape)]
    return rows.reshape(node, shape)


def _squeeze(node: Node, given: Given, rows: Rows) -> list[Step]:
    axes, shape = axes_of(node, given[1] if len(given) > 1 else None), rows.shape
    if node.op == "Unsqueeze" and shape == [ROWS] and axes in ([-1], [1]):
        return rows.reshape(node, [ROWS, 1])
    if node.op == "Squeeze" and shape[1:] == [1] and axes in (None, [-1], [1]):
        return rows.reshape(node, [ROWS])
    raise UnsupportedModelError(f"{node} gives rows another shape, on the axes {axes}")


def _transpose(node: Node, _: Given, rows: Rows) -> list[Step]:
    order = node.attributes.get("perm")
    if order != list(range(len(rows.shape))):
        raise UnsupportedModelError(f"{node} puts the axes {order} in another order")
    return rows.reshape(node, rows.shape)


LAYERS: dict[str, Callable[[Node, Given, Rows], list[Step]]] = {
    "Gemm": _gemm,
    "MatMul": lambda node, given, rows: [_product(node, rows, given[1])],
    "ai.onnx.ml.Scaler": _scaler,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _squeeze,
    "Transpose": _transpose,
    "Split": columns.split,
    "SplitToSequence": columns.of_sequence,
    "Slice": columns.slice_of,
    "Gather": columns.gather,
    "GatherND": columns.gather_of_last,
    "ai.onnx.ml.ArrayFeatureExtractor": columns.extractor,
}

"""The operations of ONNX that mix units, that are two steps, or that give rows another shape."""

from collections.abc import Callable

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.algebra import ONE, ZERO, float64
from fastnn.importers.onnx.graph import Node
from fastnn.importers.onnx.shapes import SHAPES, Given, Rows
from fastnn.importers.onnx.tensors import Array
from fastnn.importers.steps import Product, Scale, Step


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


LAYERS: dict[str, Callable[[Node, Given, Rows], list[Step]]] = {
    "Gemm": _gemm,
    "MatMul": lambda node, given, rows: [_product(node, rows, given[1])],
    "ai.onnx.ml.Scaler": _scaler,
    **SHAPES,
}

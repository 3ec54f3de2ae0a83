"""What nodes make of constants alone, computed in the constants' own types as a runtime would."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.functions import axes
from fastnn.importers.onnx.graph import Node
from fastnn.importers.onnx.tensors import DTYPES, Array

Value = Array | list[str]
ROWS = -(2**62)  # the number of rows in a shape: no real size, and not -1, which means "as many as there are"

_FLOAT_OPERATIONS: dict[str, Callable[..., Array]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "Neg": np.negative,
    "Sqrt": np.sqrt, "Reciprocal": np.reciprocal, "Exp": np.exp, "Log": np.log, "Abs": np.abs,
    "Max": np.maximum, "Min": np.minimum,
}  # fmt: skip


class Constants:
    """Computes constants of constants, of at most `most` numbers together."""

    def __init__(self, opset: int, most: int) -> None:
        self._opset, self._left = opset, most

    def made_by(self, node: Node, given: list[Value | None]) -> Value:
        """Return the first output of a node of constants."""
        if node.op == "Constant":
            return _constant(node)
        if node.op == "Identity" and len(given) == 1 and given[0] is not None:
            return given[0]
        arrays = [each for each in given if isinstance(each, np.ndarray)]
        if len(arrays) != len(given) or not arrays:
            raise UnsupportedModelError(f"{node} works on constants that are not numbers")
        try:
            if node.op in _FLOAT_OPERATIONS:
                return self._floats(node, arrays)
            if node.op in _SHAPED:
                made = _SHAPED[node.op](node, arrays)
                self._allow(made.size, node)
                return np.ascontiguousarray(made) if made.ndim else np.asarray(made)
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            if isinstance(error, ModelFormatError):
                raise
            raise ModelFormatError(f"{node} cannot be done with its constants: {error!s:.100}") from None
        raise UnsupportedModelError(
            f"{node}, opset {self._opset}, works on constants in a way that fastnn does not know; "
            "simplify the model first, onnxsim or ONNX Runtime can"
        )

    def _allow(self, count: int, node: Node) -> None:
        self._left -= count
        if self._left < 0:
            raise LimitError(f"{node} makes more numbers of constants than the whole file has")

    def _floats(self, node: Node, arrays: list[Array]) -> Array:
        node.finish(range(1, 3))
        if any(each.dtype.kind != "f" for each in arrays):
            raise UnsupportedModelError(f"{node} computes with integers, as of shapes that are not fixed")
        self._allow(math.prod(np.broadcast_shapes(*(each.shape for each in arrays))), node)
        with np.errstate(all="ignore"):
            return np.asarray(_FLOAT_OPERATIONS[node.op](*arrays))


def _constant(node: Node) -> Value:
    (kind, value), *others = node.attributes.items() or [("", None)]
    if others or kind not in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        raise UnsupportedModelError(f"{node} has the attributes {sorted(node.attributes)!r:.100}; expected a value")
    if kind == "value":
        return np.asarray(value) if not isinstance(value, list) else value
    dtype = np.float32 if "float" in kind else np.int64
    return np.asarray(value, dtype)


def _cast(node: Node, arrays: list[Array]) -> Array:
    dtype = DTYPES.get(node.take("to", 0))
    node.take("saturate", 1)
    node.finish(range(1, 2))
    if dtype is None:
        raise UnsupportedModelError(f"{node} makes constants of a type that NumPy has not")
    with np.errstate(all="ignore"):
        return arrays[0].astype(dtype)


def _transposed(node: Node, arrays: list[Array]) -> Array:
    order = node.take("perm", None)
    node.finish(range(1, 2))
    return arrays[0].transpose(order)


def _reshaped(node: Node, arrays: list[Array]) -> Array:
    zero_is_zero = node.take("allowzero", 0)
    node.finish(range(2, 3))
    shape = [int(size) for size in arrays[1].reshape(-1)]
    if not zero_is_zero:
        shape = [arrays[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return arrays[0].reshape(shape)


def _squeezed(node: Node, arrays: list[Array]) -> Array:
    listed = axes(node, arrays[1] if len(arrays) > 1 else None)
    node.finish(range(1, 3))
    return arrays[0].squeeze(None if listed is None else tuple(listed))


def _unsqueezed(node: Node, arrays: list[Array]) -> Array:
    listed = axes(node, arrays[1] if len(arrays) > 1 else None)
    node.finish(range(1, 3))
    return np.expand_dims(arrays[0], tuple(listed or ()))


def _concatenated(node: Node, arrays: list[Array]) -> Array:
    axis: Any = node.take("axis", 0)
    node.finish(range(1, 1_000_000))
    return np.concatenate(arrays, axis=axis)


def _gathered(node: Node, arrays: list[Array]) -> Array:
    axis = node.take("axis", 0)
    node.finish(range(2, 3))
    return np.take(arrays[0], arrays[1], axis=axis)


def _sliced(node: Node, arrays: list[Array]) -> Array:
    node.finish(range(3, 6))
    starts, stops, *others = ([int(each) for each in array.reshape(-1)] for array in arrays[1:])
    if len(starts) != 1 or others not in ([], [[0]], [[0], [1]]):
        raise UnsupportedModelError(f"{node} takes a part of constants along several axes, or in steps")
    return arrays[0][starts[0] : stops[0]]


_SHAPED: dict[str, Callable[[Node, list[Array]], Array]] = {
    "Cast": _cast, "Transpose": _transposed, "Reshape": _reshaped, "Squeeze": _squeezed, "Unsqueeze": _unsqueezed,
    "Concat": _concatenated, "Gather": _gathered, "Slice": _sliced,
}  # fmt: skip

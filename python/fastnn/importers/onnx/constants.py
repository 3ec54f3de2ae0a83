"""Constants that nodes make of other constants, computed by onnx's evaluator in the constants' own types."""

import importlib
import math
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.graph import Node
from fastnn.importers.onnx.tensors import DTYPES, Array
from fastnn.importers.refusals import refusing

# The number of rows in a shape: no real size, and not -1, which means "as many as there are". An int32 can hold it.
ROWS = -(2**30)

# The attributes of Constant, and the type of their numbers; a tensor has its own.
_STORED = {"value": None, "value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
_OF_NUMBERS = ["Add", "Sub", "Mul", "Div", "Pow", "Neg", "Sqrt", "Reciprocal", "Exp", "Log", "Abs", "Max", "Min"]
_OF_ARRAYS = ["Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Concat", "Gather", "Slice"]


def made_by(node: Node, given: list[Array | None], opset: int, budget: Budget) -> Array:
    """Return the first output of a node whose inputs are constants; None stands for an input that is left out."""
    if node.op == "Constant":
        return _constant(node)
    if node.op == "Identity" and given[0] is not None:
        return given[0]
    if node.op not in (*_OF_NUMBERS, *_OF_ARRAYS):
        raise UnsupportedModelError(
            f"{node}, opset {opset}, works on constants in a way that fastnn does not know; "
            "simplify the model first, with onnxsim or ONNX Runtime"
        )
    arrays = [each for each in given if each is not None]
    if any(each.dtype.kind == "O" for each in arrays):
        raise UnsupportedModelError(f"{node} works on constants that are not numbers")
    unknown = arrays if node.op in _OF_NUMBERS else arrays[1:]
    if node.op not in ("Cast", "Concat") and any((each == ROWS).any() for each in unknown):
        raise UnsupportedModelError(f"{node} depends on the number of rows, which is known only when the model runs")
    if node.op == "Cast" and node.attributes["to"] not in DTYPES:
        raise UnsupportedModelError(f"{node} makes constants of a type that NumPy has not")
    with refusing(f"{node} cannot be done with its constants", Exception):  # onnx and NumPy raise many kinds
        budget.take(_size(node, arrays), f"the constant of {node}")
        return _evaluated(node, given, opset)


def _constant(node: Node) -> Array:
    (kind, value), *others = node.attributes.items() or [("", None)]
    if others or kind not in _STORED:
        raise UnsupportedModelError(f"{node} has the attributes {sorted(node.attributes)!r:.100}; expected a value")
    return np.asarray(value, _STORED[kind])


def _size(node: Node, arrays: list[Array]) -> int:
    """Return how many numbers a node makes, at most."""
    if node.op in _OF_NUMBERS:
        return int(math.prod(np.broadcast_shapes(*(each.shape for each in arrays))))
    if node.op == "Gather":
        return int(arrays[1].size) * int(arrays[0].size) // int(arrays[0].shape[node.attributes["axis"]])
    return sum(int(each.size) for each in arrays)


def _evaluated(node: Node, given: list[Array | None], opset: int) -> Array:
    helper: Any = importlib.import_module("onnx.helper")
    reference: Any = importlib.import_module("onnx.reference")
    names = ["" if each is None else f"i{i}" for i, each in enumerate(given)]
    proto = helper.make_node(node.op, names, ["o"], **node.attributes)
    values = {name: each for name, each in zip(names, given, strict=True) if name}
    with np.errstate(all="ignore"):
        (made,) = reference.ReferenceEvaluator(proto, opsets={"": opset}).run(None, values)
    made = np.asarray(made)
    return np.ascontiguousarray(made, None if made.dtype in DTYPES.values() else "f4").reshape(made.shape)

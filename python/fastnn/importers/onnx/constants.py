"""Constants that nodes make of other constants, computed by onnx's evaluator in the constants' own types.

onnx's shape inference says how large they are before they are made.
"""

import importlib
import math
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.graph import Given, Node
from fastnn.importers.onnx.tensors import DTYPES
from fastnn.importers.refusals import refusing

# The number of rows in a shape, and a size that the file does not say: no real sizes, and not -1, which means "as many
# as there are". An int32 can hold them.
ROWS = -(2**30)
UNKNOWN = ROWS - 1

# The attributes of Constant, and the type of their numbers; a tensor has its own.
_STORED = {"value": None, "value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}

# Operations that read and make numbers of the sizes that shape inference says. Others are refused: they draw random
# numbers, slide windows, whose padding no shape shows, or run steps in Python.
_BY_ELEMENT = frozenset(
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr "  # noqa: SIM905
    "BitwiseXor Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor Greater GreaterOrEqual "
    "HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg "
    "Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt "
    "Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor".split()
)
_OTHERS = frozenset(
    "ArgMax ArgMin Cast CastLike Compress Concat ConstantOfShape CumProd CumSum DepthToSpace Det "  # noqa: SIM905
    "Expand EyeLike Flatten Gather GatherElements GatherND Gemm Hardmax Identity LogSoftmax "
    "LpNormalization MatMul NonZero OneHot Pad Range ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
    "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Reshape ReverseSequence "
    "ScatterElements ScatterND Shape Size Slice Softmax SpaceToDepth Split Squeeze Tile TopK "
    "Transpose Trilu Unique Unsqueeze".split()
)
_MOVES = {"Concat", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
_SOME = {"Compress", "NonZero", "Unique"}  # how many numbers they keep depends on the numbers
_SLOW = {
    "Erf",
    "GatherElements",
    "GatherND",
    "ReverseSequence",
    "ScatterElements",
    "ScatterND",
}  # a step of Python for each number
_SLOWNESS = 16
_MOST_SIZES = 200  # in a constant of sizes: two for each of NumPy's 64 axes
_CALL = 2048  # of a call of the evaluator, some 0.5 ms
_PRODUCTS = 256  # of a matrix product, in the time of another operation's number


def made_by(node: Node, given: Given, opset: int, budget: Budget) -> list[Array]:
    """Return the outputs of a node whose inputs are constants; None stands for an input that is left out."""
    if node.op == "Constant":
        return [_constant(node)]
    if node.op not in _BY_ELEMENT | _OTHERS:
        raise UnsupportedModelError(
            f"{node}, opset {opset}, works on constants in a way that fastnn does not know; "
            "simplify the model first, with onnxsim or ONNX Runtime"
        )
    arrays = [each for each in given if each is not None]
    if any(each.dtype.kind == "O" for each in arrays):
        raise UnsupportedModelError(f"{node} works on constants that are not numbers; expected numbers alone")
    if node.op == "Cast" and node.attributes["to"] not in DTYPES:
        raise UnsupportedModelError(f"{node} makes constants of a type that NumPy has not; expected floats or integers")
    _check_sizes_of_rows(node, arrays)
    with refusing(f"{node} cannot be done with its constants", Exception):  # onnx and NumPy raise many kinds
        made = _size(node, given, opset)
        budget.take(made, f"the constant of {node}")
        budget.work(_work(node, arrays, made), str(node))
        return _evaluated(node, given, opset)


def _constant(node: Node) -> Array:
    (kind, value), *others = node.attributes.items() or [("", None)]
    if others or kind not in _STORED:
        raise UnsupportedModelError(f"{node} has the attributes {sorted(node.attributes)!r:.100}; expected a value")
    return np.asarray(value, _STORED[kind])


def depends_on_rows(array: Array) -> bool:
    """Return whether an array has sizes that are known only when the model runs."""
    return array.dtype.kind in "iu" and bool(np.isin(array, (ROWS, UNKNOWN)).any())


def _check_sizes_of_rows(node: Node, arrays: list[Array]) -> None:
    """Let sizes that are known only when the model runs be moved, but not computed with."""
    unknown = list(map(depends_on_rows, arrays))
    if not any(unknown):
        return
    is_moved = node.op in _MOVES or (node.op == "Cast" and DTYPES[node.attributes["to"]] in ("i4", "i8"))
    if not is_moved or (node.op != "Concat" and any(unknown[1:])):
        raise UnsupportedModelError(
            f"{node} depends on the number of rows, which is known only when the model runs; "
            "export the model with a fixed number of rows"
        )


def _proto(node: Node, given: Given) -> tuple[Any, dict[str, Array]]:
    """Return the node as a NodeProto, its inputs named i0, i1, …, and these inputs by name."""
    onnx: Any = importlib.import_module("onnx")
    names = ["" if each is None else f"i{i}" for i, each in enumerate(given)]
    attributes = {
        name: onnx.numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }
    outputs = [f"o{i}" for i in range(len(node.outputs))]
    proto = onnx.helper.make_node(node.op, names, outputs, **attributes)
    return proto, {name: each for name, each in zip(names, given, strict=True) if each is not None}


def _size(node: Node, given: Given, opset: int) -> int:
    """Return how many numbers a node makes, at most."""
    if node.op in _BY_ELEMENT:  # onnx's evaluator broadcasts all inputs, which inference does not expect of some
        return math.prod(np.broadcast_shapes(*(each.shape for each in given if each is not None)))
    onnx: Any = importlib.import_module("onnx")
    proto, values = _proto(node, given)
    types = {
        name: onnx.helper.make_tensor_type_proto(onnx.helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
        for name, each in values.items()
    }
    data = {name: onnx.numpy_helper.from_array(each) for name, each in values.items() if each.size < _MOST_SIZES}
    schema, opsets = onnx.defs.get_schema(node.op, opset, ""), [onnx.helper.make_opsetid("", opset)]
    made = onnx.shape_inference.infer_node_outputs(schema, proto, types, data, opset_imports=opsets)
    if node.op in _SOME:
        stored = sum(each.size for each in values.values())
        return len(made) * stored * max(1, *(each.ndim for each in values.values()))
    return sum(_product(each.tensor_type) for each in made.values())


def _product(kind: Any) -> int:
    sizes = [each.dim_value if each.HasField("dim_value") else -1 for each in kind.shape.dim]
    if not kind.HasField("shape") or min(sizes, default=0) < 0:
        raise ValueError("onnx cannot say how large its outputs are")
    return math.prod(sizes)


def _work(node: Node, arrays: list[Array], made: int) -> int:
    """Return the work of a node, in numbers read or made."""
    numbers = _CALL + made + sum(each.size for each in arrays)
    if node.op in ("MatMul", "Gemm", "Det"):
        is_fast = all(each.dtype in ("f4", "f8") for each in arrays)  # others have no BLAS
        products = max(made, arrays[0].size) if node.op == "Det" else made
        return numbers + products * max(arrays[0].shape, default=1) // (_PRODUCTS if is_fast else 1)
    return numbers * (_SLOWNESS if node.op in _SLOW else 1)


def _evaluated(node: Node, given: Given, opset: int) -> list[Array]:
    reference: Any = importlib.import_module("onnx.reference")
    proto, values = _proto(node, given)
    with np.errstate(all="ignore"):
        made = reference.ReferenceEvaluator(proto, opsets={"": opset}).run(None, values)
    if len(made) != len(node.outputs):
        raise ValueError(f"onnx makes {len(made)} outputs, not {len(node.outputs)}")
    return [_owned(np.asarray(each)) for each in made]


def _owned(array: Array) -> Array:
    """Return an array of a type that ONNX's tensors have here, in its own memory: a view would keep all of another."""
    return np.array(array, None if array.dtype in DTYPES.values() else "f4", order="C")

"""What an ONNX graph computes of its constants before it meets the rows: the values that NumPy gives, or a sentence."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import ModelFormatError, UnsupportedModelError

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'fastnn[onnx]'")

from fastnn.importers.onnx.file import from_proto
from onnx_graphs import Chain, refused, written

KERNEL = uniform(1, (5, 4), "float32")
INT64 = np.int64
# Nodes of which the last makes KERNEL.
MADE = {
    "squeezed": [("Squeeze", KERNEL[None, :, None], INT64([0, 2]))],
    "squeezed wholly": [("Squeeze", KERNEL[None, :, None])],
    "unsqueezed": [("Unsqueeze", KERNEL.reshape(-1), INT64([0])), ("Reshape", "#0", INT64([5, 4]))],
    "gathered": [("Gather", KERNEL[::-1].copy(), INT64([4, 3, 2, 1, 0]))],
    "gathered of columns": [("Gather", KERNEL[:, ::-1].copy(), INT64([3, 2, 1, 0]), {"axis": 1})],
    "sliced": [("Slice", np.vstack([KERNEL, KERNEL]), INT64([5]), INT64([10]))],
    "sliced along an axis": [("Slice", np.vstack([KERNEL, KERNEL]), INT64([0]), INT64([5]), INT64([0]), INT64([1]))],
    "sliced along several axes": [("Slice", np.pad(KERNEL, 1), INT64([1, 1]), INT64([6, 5]))],
    "sliced in steps": [("Slice", np.repeat(KERNEL, 2, axis=0), INT64([0]), INT64([10]), INT64([0]), INT64([2]))],
    "reshaped, an axis kept": [("Reshape", KERNEL.reshape(5, 2, 2), INT64([0, 4]))],
    "transposed": [("Transpose", KERNEL.T.copy())],
    "cast": [("Cast", KERNEL.astype("float64"), {"to": 1})],
    "of a node": [("Constant", {"value_floats": KERNEL.ravel().tolist()}), ("Reshape", "#0", INT64([5, 4]))],
    "of a node of one number": [("Constant", {"value_float": 2.0}), ("Mul", KERNEL / 2, "#0")],
    "of a node of integers": [("Constant", {"value_ints": [5, 4]}), ("Reshape", KERNEL.reshape(-1), "#0")],
    "of a node of one integer": [("Constant", {"value_int": 0}), ("Unsqueeze", "#0", INT64([0])),
                                 ("Squeeze", KERNEL[None], "#1")],
}  # fmt: skip


def product(nodes):
    """Return the graph of the rows times what the last of the nodes makes."""
    chain = Chain(5)
    written(*nodes, ("MatMul", "x", f"#{len(nodes) - 1}"))(chain)
    return chain.proto()


@pytest.mark.parametrize("case", MADE)
def test_a_kernel_that_is_made_of_constants_has_numpys_values(case):
    (dense,) = from_proto(product(MADE[case])).layers
    np.testing.assert_array_equal(dense.kernel, KERNEL, strict=True)


REFUSED = {
    "a type of text": ([("Cast", KERNEL, {"to": 8})], UnsupportedModelError, "of a type that NumPy has not"),
    "random numbers": ([("RandomNormalLike", KERNEL)], UnsupportedModelError, "does not know"),
    "windows": ([("MaxPool", KERNEL[None], {"kernel_shape": [1]})], UnsupportedModelError, "does not know"),
    "a shape that does not fit": ([("Reshape", KERNEL, INT64([3, 3]))], ModelFormatError, "cannot be done with"),
    "an axis that is not there": ([("Gather", KERNEL, INT64([0]), {"axis": 7})], ModelFormatError, "cannot be done"),
    "shapes that do not match": ([("Add", KERNEL, KERNEL[:, :3])], ModelFormatError, "cannot be done"),
    "text": ([("Constant", {"value_string": "a"}), ("Reshape", KERNEL, "#0")], UnsupportedModelError, "a value"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_constants_that_cannot_be_computed_are_refused_by_node(case):
    nodes, error, match = REFUSED[case]
    refused(product(nodes), f"node 'n.*{match}", error)

"""What an ONNX graph computes of its constants before it meets the rows: the values that NumPy gives, or a sentence."""

import contextlib
import itertools

import numpy as np
import pytest

from arrays import uniform
from fastnn import LimitError, ModelFormatError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

from fastnn.importers.onnx import constants  # noqa: E402
from fastnn.importers.onnx.budget import Budget  # noqa: E402
from fastnn.importers.onnx.file import from_proto  # noqa: E402
from fastnn.importers.onnx.graph import Node  # noqa: E402
from onnx_graphs import Chain, reference, refused, written  # noqa: E402

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
    "of computed integers": [("Shape", "x", {"start": 1}), ("Sub", "#0", INT64(1)), ("Concat", "#0", "#1", {"axis": 0}),
                             ("Reshape", KERNEL.reshape(-1), "#2")],
    "of a node of one integer": [("Constant", {"value_int": 0}), ("Unsqueeze", "#0", INT64([0])),
                                 ("Squeeze", KERNEL[None], "#1")],
    "expanded": [("Expand", np.float32(1), INT64([5, 4])), ("Mul", KERNEL, "#0")],
    "of ones": [("ConstantOfShape", INT64([5, 4]), {"value": onnx.numpy_helper.from_array(np.ones(1, "f4"))}),
                ("Mul", "#0", KERNEL)],
    "tiled": [("Tile", np.ones((1, 4), "f4"), INT64([5, 1])), ("Mul", "#0", KERNEL)],
    "padded": [("Pad", KERNEL[:4, :3], INT64([0, 0, 1, 1])), ("Pad", KERNEL[4:] , INT64([4, 0, 0, 0])),
               ("Pad", KERNEL[:4, 3:], INT64([0, 3, 1, 0])), ("Sum", "#0", "#1", "#2")],
    "flattened": [("Flatten", KERNEL.reshape(5, 2, 2))],
    "multiplied": [("MatMul", np.eye(5, dtype="f4"), KERNEL)],
    "chosen": [("Greater", KERNEL, 0.0), ("Neg", KERNEL), ("Neg", "#1"), ("Where", "#0", KERNEL, "#2")],
    "by sizes computed": [("Mul", INT64([5]), INT64([2])), ("Div", "#0", INT64([2])),
                          ("Concat", "#1", INT64([4]), {"axis": 0}), ("Reshape", KERNEL.reshape(-1), "#2")],
    "by the shape of a constant": [("Shape", KERNEL), ("Reshape", KERNEL.reshape(-1), "#0")],
    "of a range": [("Range", np.int64(0), np.int64(5), np.int64(1)), ("Gather", KERNEL, "#0")],
    "of the largest": [("TopK", INT64([3, 9, 7, 8, 5]), INT64([5])), ("ArgMax", KERNEL * 0, {"axis": 0, "keepdims": 0}),
                       ("Gather", KERNEL, INT64([0, 1, 2, 3, 4]))],
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
    "the number of rows computed": (
        [("Shape", "x"), ("Gather", "#0", INT64([0])), ("Mul", "#1", INT64([2])), ("Reshape", KERNEL, "#2")],
        UnsupportedModelError, "depends on the number of rows",
    ),
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


def test_the_norm_of_a_kernel_is_computed_in_the_file():
    """As torch.nn.utils.weight_norm writes it."""
    chain, kernel = Chain(5), uniform(4, (5, 3), "float32")
    written(("ReduceL2", kernel, INT64([0])), ("Div", kernel, "#0"), ("Mul", "#1", 2.0), ("MatMul", "x", "#2"))(chain)
    (dense,) = from_proto(chain.proto()).layers
    np.testing.assert_allclose(dense.kernel, 2 * kernel / np.linalg.norm(kernel, axis=0), rtol=1e-6)


@pytest.mark.parametrize("kind", ["Identity of an initializer", "Constant", "Cast"])
@pytest.mark.parametrize("is_last", [False, True])
def test_what_makes_constants_stands_anywhere_in_the_list(kind, is_last):
    chain = Chain(5)
    chain.add("Identity", "x")
    make = {"Constant": lambda: chain.add("Constant", {}), "Cast": lambda: chain.add("Cast", KERNEL.astype("f8"), to=1)}
    kernel = make[kind]() if kind == "Cast" else chain.add("Identity", KERNEL)
    if kind == "Constant":
        chain.nodes[-1].CopyFrom(onnx.helper.make_node("Constant", [], [kernel], value=chain.tensors.pop()))
    chain.add("MatMul", "v0", kernel)
    chain.then("Identity")
    proto = chain.proto()
    if is_last:
        proto.graph.node.append(proto.graph.node[1])
        del proto.graph.node[1]
    (dense,) = from_proto(proto).layers
    np.testing.assert_array_equal(dense.kernel, KERNEL)


def test_empty_constants_are_the_shapes_of_single_numbers():
    """And an empty kernel, or an empty factor, is none."""
    chain = Chain(5)
    written(("Reshape", np.float32([2]), np.zeros(0, "i8")), ("Mul", KERNEL / 2, "#0"), ("MatMul", "x", "#1"))(chain)
    (dense,) = from_proto(chain.proto()).layers
    np.testing.assert_array_equal(dense.kernel, KERNEL)
    for op, empty in (
        ("MatMul", np.zeros((5, 0), "f4")),
        ("Mul", np.zeros(0, "f4")),
        ("MatMul", np.zeros((0, 0), "f4")),
    ):
        chain = Chain(5)
        chain.then(op, empty)
        refused(chain.proto(), "node 'n0'")


def test_an_output_that_is_not_the_first_is_a_constant_too():
    chain = Chain(5)
    chain.add("TopK", KERNEL[0], INT64([4]))
    chain.nodes[-1].output[:] = ["", "order"]
    chain.add("Gather", KERNEL, "order", axis=1)
    chain.add("MatMul", "x", chain.value)
    (dense,) = from_proto(chain.proto()).layers
    np.testing.assert_array_equal(dense.kernel, KERNEL[:, np.argsort(-KERNEL[0])])


@pytest.mark.parametrize("types", [("float64", "float32"), ("float32", "float64"), ("float16", "float64")])
def test_casts_between_floats_keep_a_model_of_floats(types):
    """Inputs and answers of one type, kernels of another: computed in the kernels' type."""
    outside, inside = types
    chain = Chain(5, outside)
    numbers = {"float16": 10, "float32": 1, "float64": 11}
    chain.add("Sub", "x", uniform(8, 5).astype(outside))
    chain.then("Cast", to=numbers[inside])
    chain.then("MatMul", KERNEL.astype(inside))
    chain.then("Relu")
    chain.then("Cast", to=numbers[outside])
    x = uniform(9, (30, 5)).astype(outside)
    model = from_proto(chain.proto())
    assert model.dtype == inside
    assert np.abs(model.predict(x) - reference(chain.proto(), x)).max() <= 5e-3 if "float16" in types else 1e-6


SIZES = {
    "added": [("Add", "#0", INT64([1]))],
    "divided": [("Div", "#0", INT64([2]))],
    "a number for all rows": [("Cast", "#0", {"to": 1}), ("Reciprocal", "#1")],
    "in few bits": [("Cast", "#0", {"to": 3}), ("Cast", "#1", {"to": 7})],
    "compared": [("Equal", "#0", INT64([1])), ("Cast", "#1", {"to": 7})],
    "ones for all rows": [("ConstantOfShape", "#0")],
    "repeated": [("Tile", INT64([1]), "#0")],
}


@pytest.mark.parametrize("case", SIZES)
def test_what_depends_on_the_number_of_rows_is_refused(case):
    """Such as x / n of a mean over the rows: an answer for one row would depend on the others."""
    for batch in ("rows", 1, 16):
        chain = Chain(5, shape=[batch, 5])
        nodes = [("Shape", "x", {"start": 0, "end": 1}), *SIZES[case]]
        written(*nodes, ("Cast", f"#{len(nodes) - 1}", {"to": 1}), ("Mul", "x", f"#{len(nodes)}"))(chain)
        refused(chain.proto(), "depends on the number of rows, which is known only", UnsupportedModelError)


HUGE, ROW = 10**6, np.ones((1, 3000), "f4")
BOMBS = {
    "Expand": (np.float32(1), INT64([HUGE, HUGE])),
    "Tile": (np.ones((1, 1), "f4"), INT64([HUGE, HUGE])),
    "ConstantOfShape": (INT64([HUGE, HUGE]),),
    "Range": (np.float32(0), np.float32(1), np.float32(1e-9)),
    "OneHot": (INT64([1, 2]), INT64(10**9), np.float32([0, 1])),
    "Pad": (np.ones((1, 1), "f4"), INT64([0, 0, HUGE, HUGE])),
    "MatMul": (ROW.T.copy(), ROW),
    "Gemm": (ROW.T.copy(), ROW),
    "Pow": (ROW.T.copy(), ROW),
    "PRelu": (ROW, ROW.T.copy()),
    "Clip": (ROW, ROW.T.copy()),
    "Where": (np.array(True), ROW, ROW.T.copy()),
    "Gather": (np.ones((2, 3000), "f4"), np.zeros(3000, "i8")),
    "Concat": (*[np.ones(10**6, "f4")] * 6,),
    "Erf": (np.ones(2 * 10**6, "f4"),),
}
ATTRIBUTES = {"Concat": {"axis": 0}}


@pytest.mark.parametrize("op", BOMBS)
def test_small_constants_do_not_become_large_ones(op):
    """A budget of what the nodes' own constants add, as if they were other nodes' outputs."""
    attributes = {"transA": 0, "transB": 0, "alpha": 1.0, "beta": 1.0} if op == "Gemm" else ATTRIBUTES.get(op, {})
    node = Node(op, "bomb", [f"i{i}" for i in range(len(BOMBS[op]))], ["o"], attributes)
    with pytest.raises(LimitError, match="'bomb'"):
        constants.made_by(node, list(BOMBS[op]), 20, Budget())


def test_work_on_constants_has_a_limit():
    """Each sum reads a million numbers and makes one."""
    many = np.zeros(10**6, "f4")
    for count, is_allowed in ((8, True), (200, False)):
        chain = Chain(5)
        shared = chain.constant(many)
        sums = [chain.add("ReduceSum", shared, keepdims=0) for _ in range(count)]
        chain.add("Add", "x", chain.add("Sum", *sums))
        chain.dense(2, 1)
        if is_allowed:
            assert from_proto(chain.proto()).output_shape == (None, 2)
        else:
            refused(chain.proto(), "computes too much before the model runs", LimitError)


@pytest.mark.parametrize(("dtype", "is_allowed"), [("f4", True), ("f8", True), ("f2", False), ("i8", False)])
def test_products_of_matrices_without_blas_have_a_smaller_limit(dtype, is_allowed):
    square = np.ones((400, 400), dtype)
    node = Node("MatMul", "product", ["i0", "i1"], ["o"])
    if is_allowed:
        assert constants.made_by(node, [square, square], 20, Budget())[0].shape == (400, 400)
    else:
        with pytest.raises(LimitError, match="'product'.* computes too much"):
            constants.made_by(node, [square, square], 20, Budget())


def test_very_many_small_constants_have_a_limit():
    chain = Chain(5)
    kernel = chain.constant(np.ones((5, 1), "f4"))
    for _ in range(9000):
        kernel = chain.add("Neg", kernel)
    chain.add("MatMul", "x", kernel)
    refused(chain.proto(), "computes too much before the model runs", LimitError)


def test_the_outputs_of_a_split_are_constants():
    chain = Chain(5)
    chain.add("Split", np.hstack([KERNEL, KERNEL[:, :2]]), INT64([4, 2]), axis=1)
    chain.nodes[-1].output.append("rest")
    kernels = [chain.value, "rest"]
    for kernel, values in zip(kernels, (KERNEL, KERNEL[:, :2]), strict=True):
        chain.add("MatMul", "x", kernel)
        (dense,) = from_proto(chain.proto()).layers
        np.testing.assert_array_equal(dense.kernel, values)


def test_the_size_that_is_foretold_is_no_smaller_than_what_is_made():
    """For every operation on constants that takes one, two or three arrays of one of these shapes."""
    found = []
    for op in sorted(constants._BY_ELEMENT | constants._OTHERS):
        schema = onnx.defs.get_schema(op, 28)
        attributes = {name: 1 if op == "Cast" else 0 for name, each in schema.attributes.items() if each.required}
        count = max(1, min(3, schema.max_input))
        for picked in itertools.product([(2, 3), (3,), (2, 1), ()], repeat=count):
            for kind in ("f4", "i8", "?"):
                arrays = [np.ones(shape, kind) for shape in picked]
                node = Node(op, "", [f"i{i}" for i in range(count)], ["o"], attributes)
                with contextlib.suppress(Exception):  # onnx raises many kinds for inputs that do not fit
                    made = sum(each.size for each in constants._evaluated(node, arrays, 28))
                    found.append((op, picked, kind, made, constants._size(node, arrays, 28)))
    assert not [each for each in found if each[3] > each[4]]
    assert len({op for op, *_ in found}) > 80

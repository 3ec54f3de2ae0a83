"""Shapes on their way through a graph: rows stay rows, whatever batch the exporter ran, or the graph is refused."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import ModelFormatError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import Chain, reference, refused, written  # noqa: E402

INT64 = np.int64
KERNEL, BIAS, LAST = uniform(7, (5, 4), "float32"), uniform(8, 4, "float32"), uniform(9, (4, 2), "float32")
LEFT, COLUMN = KERNEL.T.copy(), BIAS[:, None]


def graph(shape, nodes):
    chain = Chain(5, shape=shape)
    written(*nodes)(chain)
    return chain.proto()


def answers_of_one_row(proto, x):
    """Return what ONNX answers to each row alone, in the shape that the graph's input has."""
    shape = [each.dim_value or 1 for each in proto.graph.input[0].type.tensor_type.shape.dim]
    return np.stack([reference(proto, row.reshape(shape)).reshape(-1) for row in x])


# A graph for one row: shape of its input, nodes.
ONE_ROW = {
    "a vector": ([5], [("MatMul", "x", KERNEL), ("Add", "#0", BIAS), ("Relu", "#1"), ("MatMul", "#2", LAST)]),
    "a vector, bias first": ([5], [("MatMul", "x", KERNEL), ("Add", BIAS, "#0")]),
    "a vector and a bias in a row": ([5], [("MatMul", "x", KERNEL), ("Add", "#0", BIAS[None]), ("Softmax", "#1")]),
    "a vector of unknown length": ([None], [("MatMul", "x", KERNEL), ("Elu", "#0")]),
    "a matrix on the left": ([5], [("MatMul", LEFT, "x"), ("Add", "#0", BIAS), ("MatMul", LAST.T.copy(), "#1")]),
    "a matrix on the left of a column": (
        [5],
        [("Unsqueeze", "x", INT64([1])), ("MatMul", LEFT, "#0"), ("Add", "#1", COLUMN), ("Squeeze", "#2", INT64([1]))],
    ),
    "a matrix on the left of a reshaped column": (
        [1, 5],
        [("Reshape", "x", INT64([5, 1])), ("MatMul", LEFT, "#0"), ("Relu", "#1"), ("Reshape", "#2", INT64([1, -1]))],
    ),
    "a vector that becomes a row": ([5], [("Unsqueeze", "x", INT64([0])), ("Gemm", "#0", KERNEL, BIAS)]),
    "a vector reshaped": ([5], [("Reshape", "x", INT64([1, -1])), ("Gemm", "#0", KERNEL, BIAS)]),
    "a vector flattened": ([5], [("Flatten", "x", {"axis": 0}), ("Gemm", "#0", KERNEL, BIAS)]),
    "softmax of a vector": ([5], [("MatMul", "x", KERNEL), ("Softmax", "#0", {"axis": 0})]),
    "the axis of rows squeezed": ([1, 5], [("Squeeze", "x", INT64([0])), ("MatMul", "#0", KERNEL), ("Softmax", "#1")]),
    "all axes squeezed": ([1, 1, 5], [("Squeeze", "x"), ("MatMul", "#0", KERNEL)]),
    "one axis at the end": ([1, 5], [("MatMul", "x", KERNEL), ("Reshape", "#0", INT64([-1])), ("Softmax", "#1")]),
    "four axes": ([1, 1, 1, 5], [("Flatten", "x"), ("MatMul", "#0", KERNEL)]),
    "four axes less a mean": (
        [1, 1, 1, 5],
        [("Sub", "x", uniform(3, (1, 1, 1, 5), "float32")), ("Reshape", "#0", INT64([1, 5])), ("MatMul", "#1", KERNEL)],
    ),
    "four axes, units not last": (
        [1, 5, 1, 1],
        [("Sub", "x", KERNEL[:, 0].reshape(1, 5, 1, 1)), ("Flatten", "#0"), ("MatMul", "#1", KERNEL)],
    ),
    "flattened from axis 0": ([1, 1, 5], [("Flatten", "x", {"axis": 0}), ("Gemm", "#0", KERNEL, BIAS)]),
    "four axes to one": ([1, 1, 1, 5], [("Reshape", "x", INT64([5])), ("MatMul", "#0", KERNEL)]),
}


@pytest.mark.parametrize("case", ONE_ROW)
def test_a_graph_for_one_row_is_a_model_of_rows(case):
    proto, x = graph(*ONE_ROW[case]), uniform(1, (9, 5), "float32")
    if case == "a vector of unknown length":
        wanted = np.stack([reference(proto, row) for row in x])
    else:
        wanted = answers_of_one_row(proto, x)
    assert np.abs(from_proto(proto).predict(x) - wanted).max() <= 20 * np.finfo("float32").eps


# A graph for n rows of 5, with n written into it.
FROZEN = {
    "Reshape": lambda n: [("Reshape", "x", INT64([n, 5])), ("MatMul", "#0", KERNEL)],
    "Reshape to more axes and back": lambda n: [
        ("Reshape", "x", INT64([n, 1, 5])),
        ("Reshape", "#0", INT64([n, -1])),
        ("MatMul", "#1", KERNEL),
    ],
    "Reshape at the end": lambda n: [("MatMul", "x", KERNEL), ("Reshape", "#0", INT64([n, 4]))],
    "one unit": lambda n: [("MatMul", "x", KERNEL[:, :1]), ("Reshape", "#0", INT64([n]))],
    "one unit squeezed": lambda n: [("MatMul", "x", KERNEL[:, :1]), ("Squeeze", "#0", INT64([1]))],
    "a vector of weights": lambda n: [
        ("MatMul", "x", KERNEL[:, 0]),
        ("Sigmoid", "#0"),
        ("Unsqueeze", "#1", INT64([1])),
    ],
    "by its shape": lambda n: [("Shape", "x"), ("Reshape", "x", "#0"), ("MatMul", "#1", KERNEL)],
    "turned and back": lambda n: [
        ("Transpose", "x"),
        ("MatMul", LEFT, "#0"),
        ("Add", "#1", COLUMN),
        ("Transpose", "#2"),
    ],
}


@pytest.mark.parametrize("rows", [1, 2, 5, 16])
@pytest.mark.parametrize("case", FROZEN)
def test_rows_are_rows_whatever_batch_was_exported(case, rows):
    nodes = FROZEN[case](rows)
    proto, x = graph([rows, 5], nodes), uniform(1, (rows, 5), "float32")
    model = from_proto(proto)
    wanted = reference(proto, x).reshape(rows, -1)
    assert np.abs(model.predict(x) - wanted).max() <= 20 * np.finfo("float32").eps
    more = uniform(2, (33, 5), "float32")
    assert model.predict(more).shape == (33, wanted.shape[1])
    assert (model.predict(more)[7] == model.predict(more[7:8])).all()


@pytest.mark.parametrize("shape", [[1], [16], [None], [1, 1], [16, 1], ["n", 1]], ids=repr)
def test_keys_of_a_learned_index_are_rows_of_one_number(shape):
    kernel = uniform(3, (1, 4), "float32")
    proto = graph(
        shape, [("Mul", "x", 0.5), ("Reshape", "#0", INT64([-1, 1])), ("Gemm", "#1", kernel, BIAS), ("Relu", "#2")]
    )
    x = uniform(1, [each if isinstance(each, int) else 3 for each in shape], "float32")
    np.testing.assert_allclose(from_proto(proto).predict(x.reshape(-1, 1)), reference(proto, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [["n", 5], [1, 5], [8, 5]], ids=repr)
def test_a_batch_norm_between_unsqueeze_and_squeeze_is_affine(shape):
    """PyTorch up to 1.6 wrote BatchNorm1d so."""
    numbers = [np.abs(uniform(i, 4, "float32")) + 0.1 for i in range(4)]
    nodes = [("Gemm", "x", KERNEL, BIAS), ("Unsqueeze", "#0", {"axes": [2]}), ("BatchNormalization", "#1", *numbers)]
    chain = Chain(5, opset=9, shape=shape)
    written(*nodes, ("Squeeze", "#2", {"axes": [2]}), ("Relu", "#3"))(chain)
    model, x = from_proto(chain.proto()), uniform(1, (8, 5), "float32")
    gamma, beta, mean, variance = numbers
    wanted = np.maximum((x @ KERNEL + BIAS - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0)
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-4, atol=1e-5)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]


ROWS_MIXED = {
    "softmax over rows": (["n", 5], [("Softmax", "x", {"axis": 0})]),
    "of a frozen batch": ([16, 5], [("Softmax", "x", {"axis": 0})]),
    "of a batch of one": ([1, 5], [("Softmax", "x", {"axis": 0})]),
    "of scores": (["n", 5], [("MatMul", "x", KERNEL[:, :1]), ("Squeeze", "#0", INT64([1])), ("Softmax", "#1")]),
    "of scores of a frozen batch": (
        [16, 5],
        [("MatMul", "x", KERNEL[:, :1]), ("Reshape", "#0", INT64([16])), ("Softmax", "#1")],
    ),
    "of scores of one": ([1, 5], [("MatMul", "x", KERNEL[:, :1]), ("Reshape", "#0", INT64([-1])), ("Softmax", "#1")]),
    "of scores in a row": (
        ["n", 5],
        [("MatMul", "x", KERNEL[:, 0]), ("Unsqueeze", "#0", INT64([0])), ("Softmax", "#1")],
    ),
    "of scores of steps": (["n", 3, 5], [("MatMul", "x", KERNEL[:, :1]), ("Softmax", "#0", {"axis": 1})]),
    "of scores of steps, squeezed": (["n", 3, 5], [("MatMul", "x", KERNEL[:, 0]), ("Softmax", "#0")]),
    "a mean over rows": (["n", 5], [("ReduceMean", "x", INT64([0])), ("Sub", "x", "#0")]),
    "a norm over rows": ([4, 5], [("Transpose", "x"), ("Softmax", "#0")]),
    "columns as answers": (["n", 5], [("Transpose", "x"), ("MatMul", LEFT, "#0")]),
    "a matrix that mixes rows": ([4, 5], [("MatMul", np.eye(4, dtype="f4"), "x")]),
    "rows in a row": (["n", 5], [("Reshape", "x", INT64([1, -1]))]),
    "rows in a row by Flatten": (["n", 5], [("Flatten", "x", {"axis": 0})]),
    "rows twice": (["n", 5], [("Shape", "x"), ("Concat", "#0", "#0", {"axis": 0}), ("Reshape", "x", "#1")]),
    "rows last": (
        ["n", 1],
        [("Shape", "x", {"end": 1}), ("Concat", INT64([1]), "#0", {"axis": 0}), ("Reshape", "x", "#1")],
    ),
    "rows cut anew": ([4, 6], [("Reshape", "x", INT64([8, 3]))]),
    "rows and units turned": (["n", 5], [("Reshape", "x", INT64([5, -1]))]),
    "functions of rows, flattened": (["n", 2, 5], [("MatMul", "x", KERNEL), ("Flatten", "#0")]),
    "pixels turned": (["n", 2, 3], [("Transpose", "x", {"perm": [0, 2, 1]}), ("Flatten", "#0")]),
}


@pytest.mark.parametrize("case", ROWS_MIXED)
def test_what_is_of_several_rows_is_refused(case):
    refused(graph(*ROWS_MIXED[case]), "node|output", UnsupportedModelError)


@pytest.mark.parametrize("case", ROWS_MIXED)
def test_no_message_shows_an_internal_number(case):
    with pytest.raises(ModelFormatError) as caught:
        from_proto(graph(*ROWS_MIXED[case]))
    assert "107374182" not in str(caught.value)


@pytest.mark.parametrize("nodes", [
    [("Shape", "x"), ("Squeeze", "x", "#0")],
    [("Shape", "x"), ("Unsqueeze", "x", "#0")],
    [("Shape", "x", {"end": 1}), ("Mul", "x", "#0")],
    [("Shape", "x", {"end": 1}), ("Sub", "x", "#0"), ("MatMul", "#1", KERNEL)],
    [("Shape", "x"), ("Reshape", "x", "#0"), ("Softmax", "#1", {"axis": 0})],
])  # fmt: skip
@pytest.mark.parametrize("shape", [["n", 5], [1, 5], ["n", None]], ids=repr)
def test_the_number_of_rows_is_no_number_to_compute_with(nodes, shape):
    """In a graph of integers it would be of the right type."""
    with pytest.raises(ModelFormatError, match="node") as caught:
        from_proto(graph(shape, nodes))
    assert "107374182" not in str(caught.value)


MOVES = ["Reshape", "Squeeze", "Unsqueeze", "Transpose", "Flatten"]
OTHERS = ["MatMul", "left MatMul", "Softmax", "Add", "BatchNormalization", "Relu"]


def random_node(op, given, shape, constant, rng):
    """Return a node of some operation on a value of a shape, which may not fit; None where none can be."""
    n, axis = len(shape), int(rng.integers(-4, 5))
    numbers = lambda *sizes: constant(rng.normal(size=sizes).astype("f4"))  # noqa: E731
    match op:
        case "Reshape":
            sizes = [[-1], [1, -1], [-1, 1], [0, -1], [-1, shape[-1] if n else 1], [*shape[::-1]], [1, 1, -1]]
            return ("Reshape", [given, constant(INT64(sizes[rng.integers(len(sizes))]))], {})
        case "Squeeze" | "Unsqueeze":
            return (op, [given, constant(INT64([axis]))], {})
        case "Transpose" if n:
            return (op, [given], {"perm": rng.permutation(n).tolist()})
        case "Flatten" | "Softmax":
            return (op, [given], {"axis": axis})
        case "MatMul" if n:
            return (op, [given, numbers(shape[-1], int(rng.integers(1, 4)))], {})
        case "left MatMul" if n:
            return ("MatMul", [numbers(int(rng.integers(1, 4)), shape[-2] if n > 1 else shape[0]), given], {})
        case "Add":
            return (op, [given, numbers(*rng.integers(1, 4, rng.integers(0, 4)))], {})
        case "BatchNormalization" if n > 1:
            return (
                op,
                [given, *(constant(np.abs(rng.normal(size=shape[1])).astype("f4") + 0.1) for _ in range(4))],
                {},
            )
        case "Relu":
            return (op, [given], {})
    return None


@pytest.mark.parametrize("seed", range(0, 400, 25))
def test_random_graphs_that_move_axes_are_right_or_refused(seed):
    accepted = sum(check_random_graph(np.random.default_rng(each)) for each in range(seed, seed + 25))
    assert accepted >= 1


def check_random_graph(rng):
    """Compare a model with what ONNX answers to batches of 1, 2 and 5 rows; return whether there is one."""
    n, batch = int(rng.integers(1, 5)), int(rng.choice([1, 1, 4]))
    shape = [batch, *[1] * (n - 2), int(rng.integers(1, 4))][-n:]
    is_dynamic = n > 1 and rng.random() < 0.4
    nodes, tensors, values = [], [], {"x": rng.normal(size=shape).astype("f4")}

    def constant(array):
        tensors.append(numpy_helper.from_array(array, f"c{len(tensors)}"))
        values[tensors[-1].name] = array
        return tensors[-1].name

    value = "x"
    for _ in range(rng.integers(1, 8)):
        op = str(rng.choice(MOVES + OTHERS))
        if (made := random_node(op, value, values[value].shape, constant, rng)) is None:
            continue
        node = helper.make_node(made[0], made[1], [f"v{len(nodes)}"], **made[2])
        try:
            answer = ReferenceEvaluator(node, opsets={"": 17}).run(None, {name: values[name] for name in made[1]})[0]
        except Exception:  # NumPy and onnx raise many kinds where it does not fit
            continue
        nodes.append(node)
        value = node.output[0]
        values[value] = np.asarray(answer)
    if not nodes:
        return False
    ends = [helper.make_tensor_value_info("x", 1, ["n", *shape[1:]] if is_dynamic else shape)]
    ends.append(helper.make_tensor_value_info(value, 1, None))
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    try:
        model = from_proto(proto)
    except ModelFormatError:
        return False
    for rows in (1, 2, 5) if is_dynamic else (batch,):
        x = rng.normal(size=[rows, *shape[1:]] if n > 1 else shape).astype("f4")
        try:
            wanted = ReferenceEvaluator(proto).run(None, {"x": x})[0]
        except ValueError:  # a graph that says it takes any number of rows, and does not
            continue
        answers = model.predict(x.reshape(-1, model.input_shape[1]))
        np.testing.assert_allclose(answers.reshape(-1), np.asarray(wanted).reshape(-1), rtol=1e-3, atol=1e-4)
    return True

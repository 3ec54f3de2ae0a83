"""Models of .onnx files: what trained ones answer, and every way in which a graph may say what a layer is."""

import math
from pathlib import Path

import numpy as np
import pytest

from conftest import uniform
from fastnn import load_model

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'fastnn[onnx]'")
from fastnn.importers.onnx_file import from_proto  # noqa: E402
from onnx_graphs import Chain, reference, saved  # noqa: E402

MODELS = Path(__file__).with_name("models")
STORED = sorted(path.name for path in MODELS.glob("*.onnx"))
ULPS = 8


@pytest.mark.parametrize("fold", [True, False], ids=["folded", "as it is"])
@pytest.mark.parametrize("file", STORED)
def test_trained_models_give_their_tools_own_answers(file, fold):
    expected = np.load(MODELS / f"{file.split('.')[0]}.expected.npz")
    y = next(expected[key] for key in ("y", "proba", "predict") if key in expected)
    model = load_model(MODELS / file, fold=fold)
    off = np.abs(model.predict(expected["x"]).astype(np.float64) - y.reshape(len(y), -1)).max(axis=-1)
    # Keras' float32 answers are 8.4 ulps off what its own graph says in float64; folded ones are 6.8 off that.
    ulps = 9 if file == "keras_digits.tf2onnx.onnx" and fold else ULPS
    assert (off <= ulps * np.spacing(np.abs(y.reshape(len(y), -1)).max(axis=-1).astype(np.float32))).all()


@pytest.mark.parametrize(("file", "classes"), [("sklearn_cancer", (0, 1)), ("sklearn_wine", (0, 1, 2))])
def test_classifiers_say_the_same_labels(file, classes):
    expected = np.load(MODELS / f"{file}.expected.npz")
    model = load_model(MODELS / f"{file}.skl2onnx.onnx")
    assert model.classes == classes
    np.testing.assert_array_equal(model.predict_classes(expected["x"]), expected["predict"])


def between(body, dtype="float32", opset=20):
    """Return a graph: Dense, what `body` appends, Dense."""
    chain = Chain(5, dtype, opset)
    chain.dense(6, 1, scale=8.0)
    body(chain)
    chain.dense(3, 3)
    return chain.proto()


def check(proto, expected=None, dtype="float32", columns=5):
    """Compare with ONNX's evaluator, and the activation of the first layer with the expected one."""
    model = from_proto(proto)
    x = uniform(9, (30, columns), dtype)
    y = reference(proto, x)
    # Two sums of at most 6 terms below 8, each 9 roundings, and an activation between them.
    assert np.abs(model.predict(x) - y).max() <= 400 * np.finfo(dtype).eps * max(1, np.abs(y).max())
    if expected is not None:
        found = [(each.activation, *each.parameters.values()) for each in model.layers]
        assert found == [expected if isinstance(expected, tuple) else (expected,), ("linear",)]
    return model


def of_one(op, **attributes):
    return lambda chain: chain.then(op, **attributes)


def value_of(each, before, made):
    """Return what stands for "x", the value before, and "#0", that of the first node; others are constants."""
    if isinstance(each, str):
        return before if each == "x" else made[int(each[1:])]
    return each


def written(*nodes):
    """Return what appends nodes, which may refer to the value before them, x, and to one another by number."""

    def body(chain):
        before, made = chain.value, []
        for op, *inputs in nodes:
            names = [value_of(each, before, made) for each in inputs]
            attributes = names.pop() if isinstance(names[-1], dict) else {}
            made.append(chain.add(op, *names, **attributes))

    return body


INNER = [
    ("Mul", "x", "x"),
    ("Mul", "x", "#0"),
    ("Mul", "#1", 0.044715),
    ("Add", "x", "#2"),
    ("Mul", "#3", math.sqrt(2 / math.pi)),
]
ACTIVATIONS = {
    "Relu": (of_one("Relu"), "relu"),
    "Sigmoid": (of_one("Sigmoid"), "sigmoid"),
    "Tanh": (of_one("Tanh"), "tanh"),
    "LeakyRelu": (of_one("LeakyRelu"), ("leaky_relu", 0.01)),
    "LeakyRelu 0.3": (of_one("LeakyRelu", alpha=0.3), ("leaky_relu", 0.3)),
    "leaky relu by Max": (written(("Mul", "x", 0.25), ("Max", "x", "#0")), ("leaky_relu", 0.25)),
    "leaky relu by Where": (
        written(("Greater", "x", 0), ("Mul", 0.5, "x"), ("Where", "#0", "x", "#1")),
        ("leaky_relu", 0.5),
    ),
    "PRelu of one slope": (lambda chain: chain.then("PRelu", np.float32([0.125])), ("leaky_relu", 0.125)),
    "Elu": (of_one("Elu", alpha=0.7), ("elu", 0.7)),
    "elu by Where": (
        written(("Exp", "x"), ("Sub", "#0", 1), ("Mul", "#1", 0.5), ("Less", "x", 0), ("Where", "#3", "#2", "x")),
        ("elu", 0.5),
    ),
    "Celu": (of_one("Celu", alpha=0.7), ("celu", 0.7)),
    "Selu": (of_one("Selu"), "selu"),
    "Gelu": (of_one("Gelu"), "gelu"),
    "Gelu tanh": (of_one("Gelu", approximate="tanh"), "gelu_tanh"),
    "gelu as torch": (
        written(("Div", "x", math.sqrt(2)), ("Erf", "#0"), ("Add", "#1", 1), ("Mul", "x", "#2"), ("Mul", "#3", 0.5)),
        "gelu",
    ),
    "gelu as tf2onnx": (
        written(("Mul", math.sqrt(0.5), "x"), ("Erf", "#0"), ("Add", 1, "#1"), ("Mul", 0.5, "x"), ("Mul", "#3", "#2")),
        "gelu",
    ),
    "gelu tanh by hand": (
        written(*INNER, ("Tanh", "#4"), ("Add", "#5", 1), ("Mul", "x", 0.5), ("Mul", "#7", "#6")),
        "gelu_tanh",
    ),
    "gelu tanh with Pow": (
        written(
            *(
                ("Pow", "x", 3),
                ("Mul", 0.044715, "#0"),
                ("Add", "#1", "x"),
                ("Mul", "#2", math.sqrt(2 / math.pi)),
                ("Tanh", "#3"),
            ),
            *(("Add", 1, "#4"), ("Mul", "#5", "x"), ("Mul", 0.5, "#6")),
        ),
        "gelu_tanh",
    ),
    "silu": (written(("Sigmoid", "x"), ("Mul", "#0", "x")), "silu"),
    "silu by Exp": (written(("Neg", "x"), ("Exp", "#0"), ("Add", "#1", 1), ("Div", "x", "#2")), "silu"),
    "sigmoid by Exp": (written(("Neg", "x"), ("Exp", "#0"), ("Add", "#1", 1), ("Reciprocal", "#2")), "sigmoid"),
    "Mish": (of_one("Mish"), "mish"),
    "mish by hand": (written(("Softplus", "x"), ("Tanh", "#0"), ("Mul", "x", "#1")), "mish"),
    "HardSwish": (of_one("HardSwish"), "hard_swish"),
    "hard swish by hand": (
        written(("Add", "x", 3), ("Clip", "#0", 0, 6), ("Div", "#1", 6), ("Mul", "x", "#2")),
        "hard_swish",
    ),
    "HardSigmoid of a sixth": (of_one("HardSigmoid", alpha=1 / 6), "hard_sigmoid"),
    "hard sigmoid by hand": (written(("Add", "x", 3), ("Clip", "#0", 0, 6), ("Mul", "#1", 1 / 6)), "hard_sigmoid"),
    "HardSigmoid": (of_one("HardSigmoid"), ("clip", 0.0, 1.0)),
    "Softplus": (of_one("Softplus"), "softplus"),
    "softplus as torch": (
        written(("Softplus", "x"), ("Greater", "x", 20), ("Where", "#1", "x", "#0")),
        "softplus",
    ),
    "softplus by Log": (written(("Exp", "x"), ("Add", "#0", 1), ("Log", "#1")), "softplus"),
    "Softsign": (of_one("Softsign"), "softsign"),
    "softsign by hand": (written(("Abs", "x"), ("Add", "#0", 1), ("Div", "x", "#1")), "softsign"),
    "Exp": (of_one("Exp"), "exponential"),
    "Clip": (lambda chain: chain.then("Clip", -0.5, 0.25), ("clip", -0.5, 0.25)),
    "Clip from below": (lambda chain: chain.then("Clip", 0.0), "relu"),
    "Clip from above": (written(("Clip", "x", 0, 6)), "relu6"),
    "relu by Max": (written(("Max", 0, "x")), "relu"),
    "ThresholdedRelu of 0": (of_one("ThresholdedRelu", alpha=0.0), "relu"),
    "Softmax": (of_one("Softmax"), "softmax"),
    "LogSoftmax": (of_one("LogSoftmax", axis=1), "log_softmax"),
    "log softmax by hand": (written(("Softmax", "x"), ("Log", "#0")), "log_softmax"),
    "step": (written(("GreaterOrEqual", "x", 0), ("Cast", "#0", {"to": 1})), "step"),
    "nothing": (written(("Identity", "x"), ("Dropout", "#0"), ("Cast", "#1", {"to": 1}), ("Flatten", "#2")), "linear"),
}


@pytest.mark.parametrize("case", ACTIVATIONS)
def test_an_activation_is_found_however_it_is_written(case):
    body, expected = ACTIVATIONS[case]
    check(between(body), expected)


def test_swish_of_another_slope_is_silu_between_scales():
    check(between(written(("Mul", "x", 1.5), ("Sigmoid", "#0"), ("Mul", "x", "#1"))), "silu")
    model = from_proto(between(of_one("Swish", alpha=0.5), opset=24))
    same = from_proto(between(written(("Mul", "x", 0.5), ("Sigmoid", "#0"), ("Mul", "x", "#1"))))
    assert model == same


def test_softplus_of_another_beta_is_softplus_between_scales():
    nodes = [("Mul", "x", 2), ("Softplus", "#0"), ("Div", "#1", 2), ("Greater", "#0", 20), ("Where", "#3", "x", "#2")]
    check(between(written(*nodes)), "softplus")


GAMMA, BETA = uniform(5, 6, "float32"), uniform(6, 6, "float32")


def layer_norm(gamma=GAMMA, beta=BETA, epsilon=0.001, gamma_first=False, variance="squares"):
    """Nodes of a layer normalization, as one exporter or another puts them."""
    axes = np.int64([-1])
    nodes = [("ReduceMean", "x", axes), ("Sub", "x", "#0")]
    if variance == "squares":
        nodes += [("Mul", "#1", "#1"), ("ReduceMean", "#2", axes)]
    elif variance == "pow":
        nodes += [("Pow", "#1", 2), ("ReduceMean", "#2", axes)]
    else:  # mean of squares less the square of the mean
        nodes += [("Mul", "x", "x"), ("ReduceMean", "#2", axes), ("Mul", "#0", "#0"), ("Sub", "#3", "#4")]
    last = lambda: f"#{len(nodes) - 1}"  # noqa: E731
    nodes += [("Add", last(), epsilon), ("Sqrt", f"#{len(nodes)}")]
    deviation = last()
    if gamma_first:  # as TensorFlow: x * (gamma / deviation) + (beta - mean * (gamma / deviation))
        nodes += [("Reciprocal", deviation), ("Mul", f"#{len(nodes)}", gamma)]
        factor = last()
        nodes += [("Mul", "x", factor), ("Mul", "#0", factor)]
        nodes += [("Sub", beta, last()), ("Add", f"#{len(nodes) - 2}", f"#{len(nodes)}")]
    else:
        nodes += [("Div", "#1", deviation), ("Mul", f"#{len(nodes)}", gamma), ("Add", f"#{len(nodes) + 1}", beta)]
    return nodes


@pytest.mark.parametrize("variance", ["squares", "pow", "difference"])
@pytest.mark.parametrize("gamma_first", [False, True])
def test_layer_normalization_is_found_however_it_is_written(variance, gamma_first):
    model = check(between(written(*layer_norm(gamma_first=gamma_first, variance=variance))))
    assert [type(each).__name__ for each in model.layers] == ["Dense", "LayerNormalization", "Dense"]
    assert model.layers[1].parameters == {"epsilon": pytest.approx(0.001, rel=1e-7)}
    np.testing.assert_allclose(model.layers[1].weights[0], GAMMA, rtol=1e-6)


def test_layer_normalization_keeps_its_numbers():
    model = check(between(lambda chain: chain.then("LayerNormalization", GAMMA, BETA, epsilon=0.01)))
    assert model.layers[1].parameters == {"epsilon": 0.01}
    np.testing.assert_array_equal(model.layers[1].weights, [GAMMA, BETA])
    check(between(lambda chain: chain.then("LayerNormalization", GAMMA)))


SLOPES = uniform(5, 6, "float32")


@pytest.mark.parametrize(
    "body",
    [
        lambda chain: chain.then("PRelu", SLOPES),
        written(("Relu", "x"), ("Neg", "x"), ("Relu", "#1"), ("Mul", -SLOPES, "#2"), ("Add", "#0", "#3")),
        written(("Less", "x", 0), ("Mul", "x", SLOPES), ("Where", "#0", "#1", "x")),
    ],
    ids=["PRelu", "as Keras", "Where"],
)
def test_slopes_of_their_own_are_a_prelu(body):
    model = check(between(body))
    assert [type(each).__name__ for each in model.layers] == ["Dense", "PReLU", "Dense"]
    np.testing.assert_array_equal(model.layers[1].weights[0], SLOPES)


KERNEL, BIAS = uniform(7, (5, 4), "float32"), uniform(8, 4, "float32")
DENSE = {
    "Gemm": [("Gemm", "x", KERNEL, BIAS)],
    "Gemm transposed": [("Gemm", "x", KERNEL.T.copy(), BIAS, {"transB": 1})],
    "Gemm without bias": [("Gemm", "x", KERNEL)],
    "Gemm of a bias in a row": [("Gemm", "x", KERNEL, BIAS[None])],
    "Gemm of one bias": [("Gemm", "x", KERNEL, np.float32(0.25))],
    "Gemm with alpha and beta": [("Gemm", "x", KERNEL, BIAS, {"alpha": 0.5, "beta": 2.0})],
    "Gemm with alpha": [("Gemm", "x", KERNEL, {"alpha": 0.1})],
    "MatMul": [("MatMul", "x", KERNEL)],
    "MatMul and Add": [("MatMul", "x", KERNEL), ("Add", "#0", BIAS)],
    "MatMul and Add, bias first": [("MatMul", "x", KERNEL), ("Add", BIAS[None], "#0")],
    "MatMul and Sub": [("MatMul", "x", KERNEL), ("Sub", "#0", BIAS)],
    "MatMul and Add of one number": [("MatMul", "x", KERNEL), ("Add", "#0", 0.5)],
    "transposed before": [("Transpose", KERNEL.T.copy(), {"perm": [1, 0]}), ("MatMul", "x", "#0")],
    "reshaped before": [("Reshape", KERNEL.reshape(-1), np.int64([5, -1])), ("MatMul", "x", "#0")],
    "cast before": [("Cast", KERNEL.astype(np.float16), {"to": 1}), ("MatMul", "x", "#0")],
    "by way of Identity": [("Identity", KERNEL), ("Gemm", "x", "#0", BIAS)],
    "concatenated before": [("Concat", KERNEL[:2], KERNEL[2:], {"axis": 0}), ("MatMul", "x", "#0")],
    "computed before": [("Sqrt", np.abs(KERNEL)), ("Mul", "#0", BIAS), ("MatMul", "x", "#1")],
}


@pytest.mark.parametrize("case", DENSE)
@pytest.mark.parametrize("fold", [True, False])
def test_a_dense_is_found_however_it_is_written(case, fold):
    chain = Chain(5)
    written(*DENSE[case])(chain)
    x = uniform(9, (30, 5), "float32")
    model = from_proto(chain.proto(), fold=fold)
    assert np.abs(model.predict(x) - reference(chain.proto(), x)).max() <= 20 * np.finfo("float32").eps * 5
    if fold or "alpha" not in case:
        assert [type(each).__name__ for each in model.layers] == ["Dense"]


COLUMN = uniform(8, 5, "float32") + 2
AFFINE = {
    "Mul and Add": [("Mul", "x", COLUMN), ("Add", "#0", COLUMN)],
    "Sub and Div": [("Sub", "x", COLUMN), ("Div", "#0", COLUMN)],
    "of one number": [("Div", "x", 255), ("Sub", "#0", 0.5)],
    "in a row": [("Mul", COLUMN[None], "x")],
    "Sub from": [("Sub", COLUMN, "x")],
    "BatchNormalization": [("BatchNormalization", "x", COLUMN, COLUMN - 1, COLUMN, COLUMN)],
    "Scaler": [("Scaler", "x", {"offset": COLUMN.tolist(), "scale": (1 / COLUMN).tolist()})],
    "Scaler of one number": [("Scaler", "x", {"offset": [0.5], "scale": [2.0]})],
}


@pytest.mark.parametrize("case", AFFINE)
def test_an_affine_step_is_folded_or_stays_a_layer(case):
    chain = Chain(5)
    written(*AFFINE[case])(chain)
    chain.dense(4, 1)
    x = uniform(9, (30, 5), "float32")
    expected = reference(chain.proto(), x)
    for fold, layers in ((True, {"Dense"}), (False, {"Affine", "Dense"})):
        model = from_proto(chain.proto(), fold=fold)
        assert {type(each).__name__ for each in model.layers} == layers
        assert np.abs(model.predict(x) - expected).max() <= 60 * np.finfo("float32").eps * 5


@pytest.mark.parametrize("opset", [7, 9, 10])
def test_attributes_of_old_opsets_are_read(opset):
    chain = Chain(5, opset=opset)
    chain.dense(4, 1)
    chain.then("Clip", min=-0.5, max=0.5)
    chain.dense(3, 3)
    chain.then("Softmax")
    chain.then("Dropout", ratio=0.5)
    model = from_proto(chain.proto())
    assert [layer.activation for layer in model.layers] == ["clip", "softmax"]
    assert model.layers[0].parameters == {"minimum": -0.5, "maximum": 0.5}


@pytest.mark.parametrize(
    ("shape", "nodes"),
    [
        (["rows", 2, 3], [("Flatten", "x")]),
        (["rows", 1, 2, 3], [("Div", "x", 255.0), ("Reshape", "#0", np.int64([-1, 6]))]),
        ([1, 2, 3], [("Reshape", "x", np.int64([1, 6]))]),
        (["rows", 2, 3], [("Reshape", "x", np.int64([0, -1]))]),
        (
            ["rows", 2, 3],
            [
                *(("Shape", "x"), ("Gather", "#0", np.int64(0)), ("Unsqueeze", "#1", np.int64([0]))),
                *(("Concat", "#2", np.int64([-1]), {"axis": 0}), ("Reshape", "x", "#3")),
            ],
        ),
    ],
    ids=["Flatten", "after a scale", "a fixed batch", "zeros", "by Shape"],
)
def test_images_are_flattened_before_the_first_layer(shape, nodes):
    chain = Chain(6, shape=shape)
    written(*nodes)(chain)
    chain.dense(4, 1)
    x = uniform(9, (1, *shape[1:]), "float32")
    model = from_proto(chain.proto())
    y = reference(chain.proto(), x)
    assert np.abs(model.predict(x.reshape(1, 6)) - y).max() <= 20 * np.finfo("float32").eps


@pytest.mark.parametrize(
    "nodes",
    [
        [("Squeeze", "x", np.int64([-1]))],
        [("Squeeze", "x")],
        [("Reshape", "x", np.int64([-1]))],
        [("Reshape", "x", np.int64([-1, 1]))],
        [("Squeeze", "x", np.int64([1])), ("Sigmoid", "#0"), ("Unsqueeze", "#1", np.int64([-1]))],
    ],
)
def test_a_last_axis_of_one_stays(nodes):
    chain = Chain(5)
    chain.dense(1, 1)
    written(*nodes)(chain)
    model = from_proto(chain.proto())
    x = uniform(9, (7, 5), "float32")
    assert np.abs(model.predict(x) - reference(chain.proto(), x).reshape(7, 1)).max() <= 20 * np.finfo("float32").eps


def test_more_axes_before_the_units_are_more_rows():
    chain = Chain(5, shape=["rows", "time", 5])
    chain.then("MatMul", KERNEL)
    chain.then("Add", BIAS)
    chain.then("Softmax")
    x = uniform(9, (7, 3, 5), "float32")
    assert np.abs(from_proto(chain.proto()).predict(x) - reference(chain.proto(), x)).max() <= 1e-6


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("is_listed", [False, True], ids=["raw", "listed"])
def test_weights_of_every_type_keep_their_values(kind, is_listed):
    number = {"float16": 10, "bfloat16": 16, "float32": 1, "float64": 11}[kind]
    values = uniform(3, (5, 2), "float32").astype("float16" if kind == "float16" else "float32")
    if kind == "bfloat16":
        values = (values.view("<u4") & 0xFFFF0000).view("<f4")
    chain = Chain(5, "float64" if kind == "float64" else "float32")
    chain.add("MatMul", "x", "w")
    proto = chain.proto()
    tensor = proto.graph.initializer.add(name="w", data_type=number, dims=[5, 2])
    if is_listed:
        flat = values.reshape(-1)
        bits = {"float16": flat.view("<u2"), "bfloat16": flat.astype("<f4").view("<u4") >> 16}.get(kind, flat)
        field = {"float32": "float_data", "float64": "double_data"}.get(kind, "int32_data")
        getattr(tensor, field).extend(bits.tolist())
    elif kind == "bfloat16":
        tensor.raw_data = (values.view("<u4") >> 16).astype("<u2").tobytes()
    else:
        tensor.raw_data = values.astype(kind).tobytes()
    model = from_proto(proto)
    assert model.dtype == ("float64" if kind == "float64" else "float32")
    np.testing.assert_array_equal(model.layers[0].kernel, values)


def test_external_data_is_read_from_the_folder(tmp_path, monkeypatch):
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    (tmp_path / "deep").mkdir()
    path = saved(tmp_path / "m.onnx", proto, "m.data")
    assert load_model(path) == expected
    monkeypatch.chdir(tmp_path)
    assert load_model("m.onnx") == expected


def test_initializers_listed_as_inputs_are_no_inputs():
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    for each in proto.graph.initializer:
        proto.graph.input.append(onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims))
    assert from_proto(proto) == expected


def test_the_report_names_nodes(tmp_path):
    path = saved(tmp_path / "m.onnx", between(written(("Sigmoid", "x"), ("Mul", "x", "#0"))))
    x = uniform(9, (30, 5), "float32")
    model = load_model(path, check=(x, reference(onnx.load(path), x)))
    assert model.conversion.steps == [
        ("node 'n0' (Gemm)", "layer 0: Dense"),
        ("node 'n1' (Sigmoid), node 'n2' (Mul)", "activation silu of layer 0"),
        ("node 'n3' (Gemm)", "layer 1: Dense"),
    ]
    assert model.conversion.difference.ulps < 10


# Without those that ONNX, its evaluator, or the graph here has in float32 alone, and what has no largest slope.
OF_FLOAT32 = ("Gelu", "Gelu tanh", "Celu", "Selu", "HardSwish", "HardSigmoid of a sixth", "step", "nothing")
RANDOM = [case for case in ACTIVATIONS if case not in (*OF_FLOAT32, "Exp", "PRelu of one slope")]


@pytest.mark.parametrize("first", range(0, 300, 25))
def test_random_chains_compute_what_onnx_computes(first):
    """In float64, so that the smallest difference between two activations is far above what rounding makes.

    Each layer's sums are within 18 roundings of values below 10, and grow in the layers after it by less than 2 each.
    """
    for seed in range(first, first + 25):
        generator = np.random.default_rng(seed)
        chain = Chain(int(generator.integers(1, 17)), "float64", opset=20)
        columns, layers = chain.width, int(generator.integers(1, 7))
        for layer in range(layers):
            chain.dense(int(generator.integers(2, 17)), 100 * seed + 2 * layer, bool(generator.integers(2)))
            random_body(generator, chain)
        x = uniform(seed, (20, columns))
        proto = chain.proto()
        model, y = from_proto(proto, fold=bool(generator.integers(2))), reference(proto, x)
        assert model.dtype == "float64"
        bound = layers * 18 * np.finfo("float64").eps * 10 * 2.0**layers
        assert np.abs(model.predict(x) - y).max() <= bound, [node.op_type for node in chain.nodes]


def random_body(generator, chain):
    """Append an activation, an affine step, slopes or a normalization, of the chain's width."""
    numbers = [uniform(int(generator.integers(1000)), chain.width) for _ in range(4)]
    kind = generator.integers(8)
    if kind == 0:
        chain.then("Mul", numbers[0])
        chain.then("Add", numbers[1])
    elif kind == 1:
        chain.then("BatchNormalization", *numbers[:3], numbers[3] + 2)
    elif kind == 2:
        chain.then("PRelu", numbers[0])
    elif kind == 3:
        # Of a variance of at least 1: else it would make the roundings before it larger without a limit.
        written(*layer_norm(*numbers[:2], epsilon=1.0, gamma_first=bool(generator.integers(2))))(chain)
    else:
        case = RANDOM[generator.integers(len(RANDOM))]
        ACTIVATIONS[case][0](chain)

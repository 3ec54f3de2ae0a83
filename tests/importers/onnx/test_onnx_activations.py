"""Activations and normalization in ONNX graphs: one node or many, in any order; and random chains of them."""

import math

import numpy as np
import pytest

from arrays import uniform

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from fastnn.importers.onnx.file import from_proto
from onnx_graphs import Chain, between, of_one, reference, written


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

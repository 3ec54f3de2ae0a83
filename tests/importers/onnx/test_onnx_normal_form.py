"""Activations into whose nodes constant factors and summands were folded, anywhere: found whole, or refused."""

import math

import numpy as np
import pytest

from arrays import uniform

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from fastnn import UnsupportedModelError
from fastnn.importers.onnx.file import from_proto
from onnx_graphs import Chain, between, reference, refused, written

# One number for each unit, as of a folded BatchNormalization; lists, which take the graph's dtype.
S, T = (uniform(5, 6) + 1.5).tolist(), uniform(6, 6).tolist()
A, B = (uniform(7, 6) + 1.5).tolist(), uniform(8, 6).tolist()

# Nodes of f(x), and the activation that they are; "x" may stand for any value.
ACTIVATIONS = {
    "silu": [("Sigmoid", "x"), ("Mul", "x", "#0")],
    "silu by Exp": [("Neg", "x"), ("Exp", "#0"), ("Add", "#1", 1), ("Div", "x", "#2")],
    "gelu": [("Div", "x", math.sqrt(2)), ("Erf", "#0"), ("Add", "#1", 1), ("Mul", "x", "#2"), ("Mul", "#3", 0.5)],
    "gelu_tanh": [
        *(("Pow", "x", 3), ("Mul", "#0", 0.044715), ("Add", "x", "#1"), ("Mul", "#2", math.sqrt(2 / math.pi))),
        *(("Tanh", "#3"), ("Add", "#4", 1), ("Mul", "#5", "x"), ("Mul", "#6", 0.5)),
    ],
    "mish": [("Softplus", "x"), ("Tanh", "#0"), ("Mul", "x", "#1")],
    "softsign": [("Abs", "x"), ("Add", "#0", 1), ("Div", "x", "#1")],
    "softplus": [("Exp", "x"), ("Add", "#0", 1), ("Log", "#1")],
    "sigmoid": [("Neg", "x"), ("Exp", "#0"), ("Add", "#1", 1), ("Reciprocal", "#2")],
    "hard_sigmoid": [("Add", "x", 3), ("Clip", "#0", 0, 6), ("Div", "#1", 6)],
    "hard_swish": [("Add", "x", 3), ("Clip", "#0", 0, 6), ("Div", "#1", 6), ("Mul", "x", "#2")],
    "leaky_relu": [("Mul", "x", 0.25), ("Max", "x", "#0")],
    "prelu": [("Less", "x", 0), ("Mul", "x", B), ("Where", "#0", "#1", "x")],
    "elu": [("Exp", "x"), ("Sub", "#0", 1), ("Mul", "#1", 0.5), ("Less", "x", 0), ("Where", "#3", "#2", "x")],
    "tanh": [("Tanh", "x")],
    "relu": [("Relu", "x")],
}


def shifted(nodes, by, x):
    """Return nodes that follow `by` others and read x."""
    move = lambda each: f"#{int(each[1:]) + by}" if isinstance(each, str) and each[0] == "#" else each  # noqa: E731
    return [(op, *(x if each == "x" else move(each) for each in inputs)) for op, *inputs in nodes]


def check(nodes, layers=None):
    """Compare with ONNX's evaluator, in float64 and float32, folded and not."""
    for dtype in ("float64", "float32"):
        proto = between(written(*nodes), dtype)
        x = uniform(9, (30, 5), dtype)
        y = reference(proto, x)
        for fold in (True, False):
            model = from_proto(proto, fold=fold)
            # Sums of at most 6 terms below 30, and numbers that were rounded to float32 in a form.
            bound = 1e-6 if dtype == "float64" else 2e-5
            assert np.abs(model.predict(x) - y).max() <= bound * max(1, np.abs(y).max())
    return from_proto(between(written(*nodes)))


@pytest.mark.parametrize("inner", ["none", "scalars", "units"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_scale_and_shift_around_an_activation(name, inner):
    before = {
        "none": [],
        "scalars": [("Mul", "x", 1.5), ("Add", "#0", 0.25)],
        "units": [("Mul", "x", A), ("Sub", "#0", B)],
    }
    first = before[inner]
    nodes = [*first, *shifted(ACTIVATIONS[name], len(first), f"#{len(first) - 1}" if first else "x")]
    nodes += [("Mul", f"#{len(nodes) - 1}", S), ("Add", f"#{len(nodes)}", T)]
    check(nodes)


INSIDE = {
    "swish with BatchNormalization's scale in its product": (
        [("Sigmoid", "x"), ("Mul", "#0", S), ("Mul", "x", "#1"), ("Add", "#2", T)],
        "silu",
    ),
    "swish of scalars": ([("Sigmoid", "x"), ("Mul", "#0", 0.5), ("Mul", "#1", "x"), ("Sub", 2, "#2")], "silu"),
    "swish, the scale on the other factor": (
        [("Mul", "x", S), ("Sigmoid", "x"), ("Div", "#1", A), ("Mul", "#0", "#2")],
        "silu",
    ),
    "swish of another slope for each unit": ([("Mul", "x", A), ("Sigmoid", "#0"), ("Mul", "x", "#1")], "silu"),
    "swish of a sum twice": (
        [("Add", "x", B), ("Mul", "x", S), ("Mul", S, B), ("Add", "#1", "#2"), ("Sigmoid", "#0"), ("Mul", "#3", "#4")],
        "silu",
    ),
    "swish by Exp, the scale in the numerator": (
        [("Neg", "x"), ("Exp", "#0"), ("Add", 1, "#1"), ("Mul", "x", S), ("Div", "#3", "#2")],
        "silu",
    ),
    "swish negated": ([("Neg", "x"), ("Sigmoid", "x"), ("Mul", "#0", "#1")], "silu"),
    "gelu, the scale in the sum": (
        [("Mul", "x", 1 / math.sqrt(2)), ("Erf", "#0"), ("Mul", "#1", S), ("Add", "#2", S), ("Mul", "x", "#3")],
        "gelu",
    ),
    "gelu of another scale": (
        [("Div", "x", 1.5), ("Erf", "#0"), ("Add", "#1", 1), ("Mul", "x", "#2"), ("Mul", "#3", 0.5)],
        "gelu",
    ),
    "mish, scaled inside": ([("Softplus", "x"), ("Tanh", "#0"), ("Mul", S, "#1"), ("Mul", "x", "#2")], "mish"),
    "softsign, scaled inside": ([("Abs", "x"), ("Add", 1, "#0"), ("Mul", S, "x"), ("Div", "#2", "#1")], "softsign"),
    "hard swish, a sixth times a scale": (
        [("Add", "x", 3), ("Clip", "#0", 0, 6), ("Mul", "#1", S), ("Mul", "x", "#2"), ("Sub", "#3", T)],
        "hard_swish",
    ),
    "hard swish by alpha and beta": (
        [("Mul", "x", 1 / 6), ("Add", "#0", 0.5), ("Clip", "#1", 0, 1), ("Mul", "#2", -2.0), ("Mul", "#3", "x")],
        "hard_swish",
    ),
    "gelu tanh, scaled inside": (
        [*ACTIVATIONS["gelu_tanh"][:6], ("Mul", "#5", S), ("Mul", "x", "#6"), ("Add", "#7", T)],
        "gelu_tanh",
    ),
    "sigmoid with a numerator": ([("Neg", "x"), ("Exp", "#0"), ("Add", "#1", 1), ("Div", S, "#2")], "sigmoid"),
    "the larger of two multiples": ([("Mul", "x", 2), ("Max", "x", "#0")], "leaky_relu"),
    "the smaller of two multiples": ([("Mul", "x", 0.5), ("Min", "x", "#0")], "leaky_relu"),
    "both sides of a Where scaled": (
        [("Greater", "x", 0), ("Mul", "x", 2), ("Mul", "x", 0.5), ("Where", "#0", "#1", "#2")],
        "leaky_relu",
    ),
    "an elu of a scaled sum": (
        [
            ("Mul", "x", 0.5),
            ("Exp", "#0"),
            ("Sub", "#1", 1),
            ("Mul", "x", 2),
            ("Greater", "x", 0),
            ("Where", "#4", "#3", "#2"),
        ],
        "elu",
    ),
}


@pytest.mark.parametrize("case", INSIDE)
def test_scale_and_shift_inside_an_activation(case):
    nodes, name = INSIDE[case]
    model = check(nodes)
    assert name in [layer.activation for layer in model.layers]


REFUSED = {
    "a shift before Max": [("Mul", "x", 0.5), ("Add", "#0", 1), ("Max", "x", "#1")],
    "tanh in Max": [("Mul", "x", 0.1), ("Tanh", "x"), ("Add", "#0", "#1"), ("Max", "#2", "x")],
    "a shift in Where": [("Mul", "x", 0.5), ("Add", "#0", 1), ("Less", "x", 0), ("Where", "#2", "#1", "x")],
    "a sum inside swish's product": [("Sigmoid", "x"), ("Mul", "#0", 2), ("Add", "#1", 1), ("Mul", "x", "#2")],
    "swish with a summand of x": [("Sigmoid", "x"), ("Mul", "x", "#0"), ("Add", "#1", "x")],
    "swish of two values": [("Add", "x", 0.5), ("Sigmoid", "#0"), ("Mul", "x", "#1")],
    "scales that differ within gelu": [
        *(("Div", "x", math.sqrt(2)), ("Erf", "#0"), ("Mul", "#1", S), ("Add", "#2", A), ("Mul", "x", "#3"))
    ],
    "a cubic of another ratio": [
        *(("Pow", "x", 3), ("Mul", "#0", 0.1), ("Add", "x", "#1"), ("Mul", "#2", math.sqrt(2 / math.pi))),
        *(("Tanh", "#3"), ("Add", "#4", 1), ("Mul", "#5", "x")),
    ],
    "another bound in hard swish": [("Add", "x", 3), ("Clip", "#0", 0, 5), ("Mul", "x", "#1")],
    "an exponential with another constant": [
        ("Exp", "x"),
        ("Sub", "#0", 2),
        ("Greater", "x", 0),
        ("Where", "#2", "x", "#1"),
    ],
    "both halves shifted": [("Add", "x", 1), ("Mul", "x", 0.5), ("Greater", "x", 0), ("Where", "#2", "#0", "#1")],
    "a square": [("Mul", "x", "x")],
    "swish of no slope": [("Mul", "x", 0), ("Sigmoid", "#0"), ("Mul", "x", "#1")],
    "swish of a slope for some units": [("Mul", "x", [0.0, *A[1:]]), ("Sigmoid", "#0"), ("Mul", "x", "#1")],
    "relu of some units": [("Mul", "x", [0.0, *A[1:]]), ("Less", "x", 0), ("Where", "#1", "x", "#0")],
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_an_activation_only_in_part_is_refused(case):
    refused(
        between(written(*REFUSED[case])), "compute nothing that fastnn has an activation for", UnsupportedModelError
    )


@pytest.mark.parametrize(
    "nodes",
    [
        [("Mul", "x", 1e-310), ("Sigmoid", "#0"), ("Mul", "x", "#1")],
        [("Mul", "x", 1e-310), ("Less", "x", 0), ("Where", "#1", "x", "#0")],
        [("Mul", "x", 1e-310), ("Exp", "#0"), ("Sub", "#1", 1), ("Greater", "x", 0), ("Where", "#3", "x", "#2")],
    ],
    ids=["swish", "leaky relu", "elu"],
)
def test_numbers_whose_reciprocals_are_infinite_give_no_factor(nodes):
    proto = between(written(*nodes), "float64")
    refused(proto, "compute nothing that fastnn has", UnsupportedModelError)


@pytest.mark.parametrize("last", [("Softmax", {"axis": -1}), ("LogSoftmax", {"axis": 0}), ("Softmax", {"axis": 0})])
@pytest.mark.parametrize("op", ["Squeeze", "Reshape"])
def test_softmax_over_rows_is_refused(op, last):
    chain = Chain(5)
    chain.dense(1, 1)
    chain.then(op, np.int64([-1]))
    chain.then(last[0], **last[1])
    refused(chain.proto(), r"works on axis .* of \[rows\]; expected the axis of a row's units", UnsupportedModelError)


def test_functions_inside_functions_have_a_limit():
    """Without one, ten thousand of them would need as many calls, one inside the other."""
    nodes = [("Tanh", "x"), *(("Tanh", f"#{i}") for i in range(5000)), ("Add", "#5000", "x")]
    refused(between(written(*nodes)), "compute nothing", UnsupportedModelError)


@pytest.mark.parametrize("op", ["Max", "Tanh"])
def test_a_function_used_many_times_is_looked_at_once(op):
    """Each level contains the one below it twice or four times: 4**12 looks would take hours."""
    chain = Chain(5)
    value = chain.then("Mul", 1.5)
    for _ in range(12):
        double, triple = chain.add("Mul", value, 2.0), chain.add("Mul", value, 3.0)
        parts = ([value, double], [value, triple]) if op == "Max" else ([double], [triple])
        value = chain.add("Add", *(chain.add(op, *each) for each in parts))
    chain.add("Sub", value, "x")
    chain.dense(3, 1)
    if op == "Max":
        assert len(from_proto(chain.proto()).layers) == 2
    else:
        refused(chain.proto(), "compute nothing that fastnn has an activation for", UnsupportedModelError)

"""Activations within their budgets: error in units in the last place, range, monotony, symmetry, special values."""

import re

import numpy as np
import pytest

from activations import ACTIVATIONS, with_parameters
from arrays import same_bits, uniform
from compiled import ROOT
from fastnn import _core
from fastnn.exporters.onnx import to_proto
from sequentials import activation_model

INF = np.inf
# (name, budget), with the parameters as layers take them.
CASES = [(name, budget) for name, row in ACTIVATIONS.items() for budget in row.budgets]
IDS = [f"{name}-{tuple(budget.parameters.items())}" if budget.parameters else name for name, budget in CASES]
ELEMENTWISE = pytest.mark.parametrize(("name", "budget"), CASES, ids=IDS)
CHUNK = 2**18  # numbers at a time: the arrays stay in the cache


def apply(name, x, **parameters):
    """fastnn's activation of each element of a 1-D array."""
    return activation_model({"name": name, **parameters}, 1, x.dtype).predict(x[:, None])[:, 0]


def exact(name, x, **parameters):
    """The activation with at least 11 more bits than x has, its parameters rounded as the model rounds them."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    with np.errstate(under="ignore", invalid="ignore", over="ignore"):
        rounded = {key: wide(x.dtype.type(value)) for key, value in parameters.items()}
        return ACTIVATIONS[name].formula(x.astype(wide), **rounded)


def assert_within_budget(name, budget, x):
    """Return how many ulps the outputs are off at most. x: increasing numbers without NaN."""
    y, expected, dtype = apply(name, x, **budget.parameters), exact(name, x, **budget.parameters), x.dtype
    low, high = budget.range
    assert (y >= low).all()
    assert (y <= high).all()
    falls = (y[1:] < y[:-1]) & (x[:-1] >= budget.rises_from)
    assert not falls.any(), f"{name} falls at {x[:-1][falls][:3]}"
    ulps = budget.ulps[0 if dtype == np.float32 else 1]
    if ulps == 0:
        assert (y == expected).all()
        return 0.0
    # The unit in the last place of the exact answer's binade; what is beyond the largest number is infinite.
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        ulp = np.spacing(np.minimum(np.abs(expected), np.finfo(dtype).max).astype(dtype)).astype(expected.dtype)
        error = np.abs(y.astype(expected.dtype) - expected) / ulp
        error[y == expected.astype(dtype)] = 0  # also where both are infinite
    worst = int(np.argmax(error))
    assert error[worst] <= ulps, f"{name}({x[worst]!r}) is {error[worst]} ulp off"
    return float(error[worst])


def increasing_floats(start, stop, stride=1):
    """The floats whose bit patterns are start, start + stride, …, as positive and as negative numbers, increasing."""
    x = np.arange(start, stop, stride, dtype=np.uint32).view(np.float32)
    x = x[~np.isnan(x)]
    return x, -x[::-1]


NUMERICS = (ROOT / "docs/numerics.md").read_text()


@pytest.mark.parametrize("name", _core.activations)
def test_an_activation_has_its_tests_its_words_and_its_spelling_in_onnx(name):
    assert name in ACTIVATIONS, f"{name} has no row in tests/support/activations.py"
    is_whole_row = name in _core.whole_row_activations
    assert is_whole_row or ACTIVATIONS[name].budgets, f"{name} has no budget in tests/support/activations.py"
    assert re.search(rf"^\| [^|]*\b{name}\b", NUMERICS, re.M), f"{name} has no row in docs/numerics.md"
    model = activation_model(with_parameters(name), 2, "float32")
    assert to_proto(model._describe()).graph.node, f"{name} has no spelling in fastnn/exporters/onnx.py"


def test_each_row_is_of_an_activation():
    assert ACTIVATIONS.keys() == _core.activations.keys()


@ELEMENTWISE
def test_float32_within_budget_on_a_sweep_of_all_bit_patterns(name, budget, isa):
    for x in increasing_floats(0, 2**31, 1009):
        assert_within_budget(name, budget, x)
    for x in increasing_floats(0x3D000000, 0x42000000, 211):  # 2^-5 to 2^5, where the curves bend
        assert_within_budget(name, budget, x)


@pytest.mark.exhaustive
@ELEMENTWISE
def test_float32_within_budget_on_every_float(name, budget):
    # One more than the chunk: monotony across its end.
    chunks = (increasing_floats(start, min(start + CHUNK + 1, 2**31)) for start in range(0, 2**31, CHUNK))
    worst = max(assert_within_budget(name, budget, x) for pair in chunks for x in pair if x.size)
    print(f"{name}, {budget.parameters}: {worst:.3f} ulp of float32")  # shown by pytest -rP


@pytest.mark.exhaustive
@ELEMENTWISE
def test_float64_within_budget_on_a_billion_numbers_all_activations_together(name, budget):
    rng, worst = np.random.default_rng(7), 0.0
    for _ in range(0, 10**9 // len(CASES), 2 * CHUNK):
        bits = rng.integers(0, 0x7FF0000000000000, CHUNK, np.uint64).view(np.float64)
        for x in (bits * rng.choice([-1, 1], CHUNK), rng.normal(0, 10, CHUNK)):  # of all sizes, and where curves bend
            worst = max(worst, assert_within_budget(name, budget, np.sort(x)))
    print(f"{name}, {budget.parameters}: {worst:.3f} ulp of float64")


@ELEMENTWISE
@pytest.mark.slow
def test_float64_within_budget_on_a_dense_sample(name, budget, isa):
    bits = (np.arange(200_000, dtype=np.uint64) * np.uint64(0x7FEFFFFFFFFFFFFF // 200_000)).view(np.float64)
    curve = np.sort(np.abs(uniform(1, 300_000)) * 40)
    for x in (bits, curve):
        assert_within_budget(name, budget, x)
        assert_within_budget(name, budget, -x[::-1])


@ELEMENTWISE
@pytest.mark.slow
def test_float64_is_monotone_between_neighbours(name, budget, isa):
    for start in (*np.arange(0.02, 20, 0.02), 0.16, 0.32, 0.48, 0.64):
        x = np.float64(start).view(np.uint64) + np.arange(-64, 64).astype(np.uint64)
        assert_within_budget(name, budget, x.view(np.float64))
        assert_within_budget(name, budget, -x.view(np.float64)[::-1])


@pytest.mark.parametrize("activation", ["tanh", "hard_tanh", "softsign"])
def test_odd_functions_are_odd_bit_for_bit(activation, dtype, isa):
    x = np.concatenate([np.abs(uniform(2, 10_000)) * 12, [0.0, np.inf, 1e-40, 1e-310]]).astype(dtype)
    assert same_bits(apply(activation, -x), -apply(activation, x))


@pytest.mark.parametrize(
    ("activation", "x", "y"),
    [
        ("linear", [0.0, -0.0, np.inf, -np.inf], [0.0, -0.0, np.inf, -np.inf]),
        ("relu", [0.0, -0.0, np.inf, -np.inf, -1e-45, 1e-45], [0.0, -0.0, np.inf, 0.0, 0.0, 1e-45]),
        ("step", [0.0, -0.0, np.inf, -np.inf, -1e-45, 1e-45], [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]),
        ("tanh", [0.0, -0.0, np.inf, -np.inf, 1e-45, 25.0], [0.0, -0.0, 1.0, -1.0, 1e-45, 1.0]),
        ("sigmoid", [0.0, -0.0, np.inf, -np.inf, 40.0, -1e9], [0.5, 0.5, 1.0, 0.0, 1.0, 0.0]),
        ("relu6", [0.0, -0.0, np.inf, -np.inf, -1e-45, 1e-45], [0.0, -0.0, 6.0, 0.0, 0.0, 1e-45]),
        ("hard_tanh", [0.0, -0.0, np.inf, -np.inf, 1e-45, 0.5], [0.0, -0.0, 1.0, -1.0, 1e-45, 0.5]),
        ("hard_sigmoid", [0.0, -0.0, np.inf, -np.inf, 3.0, -3.0], [0.5, 0.5, 1.0, 0.0, 1.0, 0.0]),
        ("softsign", [0.0, -0.0, np.inf, -np.inf, 1e-45, 1.0], [0.0, -0.0, 1.0, -1.0, 1e-45, 0.5]),
        ("exponential", [0.0, -0.0, np.inf, -np.inf, 1e4], [1.0, 1.0, np.inf, 0.0, np.inf]),
        ("silu", [0.0, -0.0, np.inf, -np.inf], [0.0, -0.0, np.inf, -0.0]),
        ("hard_swish", [0.0, -0.0, np.inf, -np.inf, 3.0, -3.0], [0.0, -0.0, np.inf, -0.0, 3.0, -0.0]),
        ("softplus", [np.inf, -np.inf, 1e9, -1e9], [np.inf, 0.0, 1e9, 0.0]),
        ("mish", [0.0, -0.0, np.inf, -np.inf], [0.0, -0.0, np.inf, -0.0]),
        ("gelu", [0.0, -0.0, np.inf, -np.inf, 100.0, -100.0], [0.0, -0.0, np.inf, -0.0, 100.0, -0.0]),
        ("gelu_tanh", [0.0, -0.0, np.inf, -np.inf, 100.0, -100.0], [0.0, -0.0, np.inf, -0.0, 100.0, -0.0]),
        ("selu", [0.0, -0.0, np.inf], [0.0, -0.0, np.inf]),
        (("elu", {"alpha": 0.5}), [0.0, -0.0, np.inf, -np.inf], [0.0, -0.0, np.inf, -0.5]),
        (("celu", {"alpha": 0.5}), [0.0, -0.0, np.inf, -np.inf], [0.0, -0.0, np.inf, -0.5]),
        (
            ("leaky_relu", {"negative_slope": 0.5}),
            [0.0, -0.0, np.inf, -np.inf, -2.0],
            [0.0, -0.0, np.inf, -np.inf, -1.0],
        ),
        (
            ("clip", {"minimum": -2.0, "maximum": INF}),
            [0.0, -0.0, np.inf, -np.inf, -3.0],
            [0.0, -0.0, np.inf, -2.0, -2.0],
        ),
    ],
)
def test_special_values_to_the_sign_of_zero(activation, x, y, dtype, isa):
    name, parameters = (activation, {}) if isinstance(activation, str) else activation
    assert same_bits(apply(name, np.array(x, dtype), **parameters), np.array(y, dtype))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(name, dtype, isa):
    for units, rows in ((1, 1), (3, 9), (20, 100)):
        y = activation_model(name, units, dtype).predict(np.full((rows, units), np.nan))
        assert np.isnan(y).all()


@pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 100])
def test_softmax_is_within_its_bound_and_in_range(units, dtype, isa):
    # e^x: 1 ulp (float64: 2) of numerator and denominator; x - max: half an ulp of |x - max| <= 60 in the exponent;
    # the sum: a term meets at most units/16 + 4 additions; the division: half an ulp.
    eps = np.finfo(dtype).eps
    bound = (2 * 2 + 60 + units / 16 + 4 + 1) * eps
    model = activation_model("softmax", units, dtype)
    for rows in (1, 7, 8, 100):
        x = uniform(3, (rows, units), dtype) * dtype_scale(30, dtype)
        y, expected = model.predict(x), exact("softmax", x)
        assert (np.abs(y - expected) <= bound * expected).all()
        assert (y >= 0).all()
        assert (y <= 1).all()


@pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 100])
def test_log_softmax_is_within_its_bound_and_never_above_0(units, dtype, isa):
    # The sum of exponentials: as softmax's, relative, which is absolute in its logarithm; that is below 5, the
    # differences below 60: half an ulp of each, and of the last subtraction.
    eps = np.finfo(dtype).eps
    model = activation_model("log_softmax", units, dtype)
    for rows in (1, 7, 8, 100):
        x = uniform(3, (rows, units), dtype) * dtype_scale(30, dtype)
        y, expected = model.predict(x), exact("log_softmax", x)
        assert (np.abs(y - expected) <= eps * (2 + 60 + units / 16 + 4 + 5 + np.abs(expected))).all()
        assert (y <= 0).all()


def dtype_scale(x, dtype):
    return np.dtype(dtype).type(x)


@pytest.mark.parametrize("rows", [1, 9])
def test_softmax_of_extremes(rows, dtype, isa):
    def softmax(*row):
        return activation_model("softmax", len(row), dtype).predict(np.tile(np.array(row, dtype), (rows, 1)))

    assert (softmax(1e30, 0, -1e30) == [1, 0, 0]).all()
    assert (softmax(-np.inf, 5.0) == [0, 1]).all()
    assert (softmax(-7.0) == 1).all()
    assert (softmax(*[2.0] * 8) == 0.125).all()
    assert np.isnan(softmax(np.inf, 0)).all()
    assert np.isnan(softmax(-np.inf, -np.inf)).all()

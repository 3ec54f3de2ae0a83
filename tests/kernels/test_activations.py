"""Activations within their budgets: error in units in the last place, range, monotony, symmetry, special values."""

import re

import numpy as np
import pytest

import fastnn
from activations import ACTIVATIONS, WholeRowBudget, with_parameters
from arrays import same_bits, uniform
from compiled import ROOT
from fastnn import UnsupportedModelError, _core
from fastnn.exporters.onnx import to_proto
from fastnn.importers.onnx.file import from_proto
from sequentials import activation_model

INF = np.inf
# (name, budget), with the parameters as layers take them.
CASES = [(name, budget) for name, row in ACTIVATIONS.items() if isinstance(row.budgets, list) for budget in row.budgets]
WHOLE_ROWS = [name for name, row in ACTIVATIONS.items() if isinstance(row.budgets, WholeRowBudget)]
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


TABLE = (ROOT / "docs/numerics.md").read_text().split("## Activations\n")[1].split("\n\n")[0]


@pytest.mark.parametrize("name", _core.activations)
def test_an_activation_has_its_tests_and_its_words(name):
    row = ACTIVATIONS.get(name)
    assert row, f"{name} has no row in tests/support/activations.py"
    hashes = row.float32, row.float64
    assert all(hashes), f"{name} has no hashes in tests/support/activations.py; python tests/golden.py prints them"
    kind = WholeRowBudget if name in _core.whole_row_activations else list
    has_budget = row.budgets and isinstance(row.budgets, kind)
    assert has_budget, f"{name} has no budget in tests/support/activations.py, a {kind.__name__}"
    is_tested = name in WHOLE_ROWS or any(budget.special for budget in row.budgets)
    assert is_tested, f"{name} has no Budget with special values in tests/support/activations.py"
    assert re.search(rf"^\| [^|]*\b{name}\b", TABLE, re.M), (
        f"{name} has no row among the activations of docs/numerics.md"
    )


@pytest.mark.parametrize("name", _core.activations)
def test_an_activation_can_be_written_as_onnx_and_read_back(name, dtype):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
    model = activation_model(with_parameters(name), 2, dtype)
    try:
        proto = to_proto(model._describe())
    except KeyError:
        pytest.fail(f"{name} has no spelling in fastnn/exporters/onnx.py")
    try:
        read = from_proto(proto)
    except UnsupportedModelError as error:
        pytest.fail(f"{name} cannot be read back: its form is missing in fastnn/importers/onnx/forms.py ({error})")
    (layer,) = read.layers
    assert (layer.activation, layer.parameters) == (name, model.layers[0].parameters)


def test_each_row_is_of_an_activation():
    others = ACTIVATIONS.keys() - _core.activations.keys()
    assert not others, f"tests/support/activations.py has rows of {others}, which fastnn does not have"


@pytest.mark.slow
@ELEMENTWISE
def test_float32_within_budget_on_a_sweep_of_all_bit_patterns(name, budget, isa):
    for x in increasing_floats(0, 2**31, 1009):
        assert_within_budget(name, budget, x)
    for x in increasing_floats(0x3D000000, 0x42000000, 211):  # 2^-5 to 2^5, where the curves bend
        assert_within_budget(name, budget, x)


@pytest.mark.slow
@ELEMENTWISE
def test_float32_has_the_same_bits_with_every_instruction_set_on_a_sweep_of_all_bit_patterns(name, budget, isa):
    for x in (*increasing_floats(0, 2**31, 8009), *increasing_floats(0x3D000000, 0x42000000, 509)):
        y = apply(name, x, **budget.parameters)
        fastnn.set_isa(fastnn.isas()[-1])
        expected = apply(name, x, **budget.parameters)
        fastnn.set_isa(isa)
        assert same_bits(y, expected)


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


@pytest.mark.parametrize(("name", "budget"), [each for each in CASES if each[1].special is not None])
def test_special_values_to_the_sign_of_zero(name, budget, dtype, isa):
    x, y = np.tile(np.array(budget.special, dtype), 40)  # enough for the loops that take several vectors at a time
    assert same_bits(apply(name, x, **budget.parameters), y)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(name, dtype, isa):
    for units, rows in ((1, 1), (3, 9), (20, 100)):
        y = activation_model(name, units, dtype).predict(np.full((rows, units), np.nan))
        assert np.isnan(y).all()


@pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 100])
@pytest.mark.parametrize("name", WHOLE_ROWS)
def test_whole_rows_within_budget(name, units, dtype, isa):
    model, budget = activation_model(name, units, dtype), ACTIVATIONS[name].budgets
    low, high = budget.range
    for rows in (1, 7, 8, 100):
        x = uniform(3, (rows, units), dtype) * np.dtype(dtype).type(30)
        y, expected = model.predict(x), exact(name, x)
        assert (np.abs(y - expected) <= np.finfo(dtype).eps * budget.error(units, expected)).all()
        assert (y >= low).all()
        assert (y <= high).all()


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

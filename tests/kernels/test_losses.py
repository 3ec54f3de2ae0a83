"""Losses of rows and their deltas: against formulas in NumPy, complex steps, PyTorch, Keras, and themselves."""

import os

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from fastnn import _core

EPSILON = 1e-7


def log_softmax(z):
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def limited(p, high=1 - EPSILON):
    """p limited, with a complex step's derivative."""
    return np.where(p.real < EPSILON, EPSILON, np.where(p.real > high, high, p))


def size(x):
    return np.where(x.real < 0, -x, x)


def smooth(y, smoothing, classes):
    return y * (1 - smoothing) + smoothing / classes


def binary(y, p, q, other, parameters):
    """q: log(p), other: log(1 - p)."""
    y = smooth(y, parameters.get("label_smoothing", 0), 2)
    loss = -(y * q + (1 - y) * other)
    if "gamma" in parameters:
        alpha = parameters["alpha"]
        loss = loss * (y * (1 - p) + (1 - y) * p) ** parameters["gamma"]
        loss = loss * (y * alpha + (1 - y) * (1 - alpha) if alpha else 1)
    return loss.mean(axis=-1)


def categorical(y, p, q, parameters):
    y = smooth(y, parameters.get("label_smoothing", 0), y.shape[-1])
    weight = parameters["alpha"] * (1 - p) ** parameters["gamma"] if "gamma" in parameters else 1
    return -(weight * y * q).sum(axis=-1)


def of_logits(name, y, z, parameters):
    if name.startswith("binary"):
        return binary(y, 1 / (1 + np.exp(-z)), -np.log(1 + np.exp(-z)), -np.log(1 + np.exp(z)), parameters)
    q = log_softmax(z)
    return categorical(y, np.exp(q), q, parameters)


def of_probabilities(name, y, p, parameters):
    if name.startswith("binary"):
        q = limited(p)
        return binary(y, p, np.log(q), np.log(1 - q), parameters)
    q = limited(p / p.sum(axis=-1, keepdims=True))
    return categorical(y, q, np.log(q), parameters)


def huber(y, p, delta):
    d = size(p - y)
    return np.where(d.real <= delta, d * d / 2, delta * d - delta**2 / 2).mean(axis=-1)


def kl_divergence(y, p):
    y = limited(y, 1)
    return (y * np.log(y / limited(p, 1))).sum(axis=-1)


def categorical_hinge(y, p):
    other = (1 - y) * p
    largest = np.take_along_axis(other, other.real.argmax(axis=-1)[..., None], -1)[..., 0]
    gap = 1 + largest - (y * p).sum(axis=-1)
    return np.where(gap.real > 0, gap, 0)


def norm(x):
    return np.sqrt((x * x).sum(axis=-1))


def positive(x):
    return np.where(x.real > 0, x, 0)


FORMULAS = {
    "mean_squared_error": lambda y, p: ((p - y) ** 2).mean(axis=-1),
    "mean_absolute_error": lambda y, p: size(p - y).mean(axis=-1),
    "mean_absolute_percentage_error": lambda y, p: 100 * (size(p - y) / np.maximum(np.abs(y), EPSILON)).mean(axis=-1),
    "mean_squared_logarithmic_error": lambda y, p: (
        (np.log(1 + limited(p, np.inf)) - np.log(1 + np.maximum(y, EPSILON))) ** 2
    ).mean(axis=-1),
    "huber": huber,
    "log_cosh": lambda y, p: np.log(np.cosh(p - y)).mean(axis=-1),
    "poisson": lambda y, p: (p - y * np.log(p + EPSILON)).mean(axis=-1),
    "kl_divergence": kl_divergence,
    "hinge": lambda y, p: positive(1 - y * p).mean(axis=-1),
    "squared_hinge": lambda y, p: (positive(1 - y * p) ** 2).mean(axis=-1),
    "categorical_hinge": categorical_hinge,
    "cosine_similarity": lambda y, p: -(y * p).sum(axis=-1) / (norm(y) * norm(p)),
    "quantile": lambda y, p, quantile: np.where((p - y).real < 0, quantile * (y - p), (1 - quantile) * (p - y)).mean(
        axis=-1
    ),
}
SMOOTH = {"label_smoothing": 0.1}
CROSSENTROPIES = [
    ("binary_crossentropy", {}),
    ("binary_crossentropy", SMOOTH),
    ("binary_focal_crossentropy", {"gamma": 2.0, "alpha": 0.0}),
    ("binary_focal_crossentropy", {"gamma": 1.5, "alpha": 0.25, **SMOOTH}),
    ("binary_focal_crossentropy", {"gamma": 0.0, "alpha": 0.0}),
    ("categorical_crossentropy", {}),
    ("categorical_crossentropy", SMOOTH),
    ("categorical_focal_crossentropy", {"gamma": 2.0, "alpha": 0.25}),
    ("categorical_focal_crossentropy", {"gamma": 0.5, "alpha": 1.0, **SMOOTH}),
]
OTHERS = [(name, {}) for name in FORMULAS if name not in ("huber", "quantile")] + [
    ("huber", {"delta": 1.0}),
    ("huber", {"delta": 0.3}),
    ("quantile", {"quantile": 0.5}),
    ("quantile", {"quantile": 0.9}),
]
POSITIVE = ("mean_squared_logarithmic_error", "poisson", "kl_divergence")
ALL = [*OTHERS, *CROSSENTROPIES, ("sparse_categorical_crossentropy", {})]


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def case(name, rows, units, dtype=np.float64, seed=0):
    """Targets and predictions, which are probabilities for crossentropies."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, units)) * 2
    y = rng.normal(size=(rows, units)) * 2
    if "hinge" in name:
        y = np.sign(y)
    if name.startswith("binary"):
        y, z = (y > 0).astype(float), 1 / (1 + np.exp(-z))
    if "categorical" in name:
        y = one_hot(rng.integers(units, size=rows), units)
    if "categorical" in name and "hinge" not in name:
        z = np.exp(log_softmax(z))
    if name in POSITIVE:
        y, z = rng.uniform(size=(2, rows, units))
    if name.startswith("sparse"):
        y = y.argmax(axis=1)[:, None]
    return y.astype(dtype), z.astype(dtype)


def complex_step(formula, y, z):
    """d formula(y, z)[row] / d z[row, unit]."""
    gradient = np.empty_like(z)
    for unit in range(z.shape[1]):
        step = z.astype(complex)
        step[:, unit] += 1e-30j
        gradient[:, unit] = formula(y, step).imag / 1e-30
    return gradient


def assert_loss(formula, y, z, found, scales):
    losses, delta = found
    np.testing.assert_allclose(losses, formula(y, z.astype(complex)).real, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(delta, complex_step(formula, y, z) * scales[:, None], rtol=1e-10, atol=1e-12)


SIZES = pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 37])
SCALES = np.random.default_rng(9).uniform(0.5, 2, size=9)


@SIZES
@pytest.mark.parametrize(("name", "parameters"), OTHERS, ids=str)
def test_losses_are_their_formulas(name, parameters, units):
    y, p = case(name, 9, units)
    if units == 1 and name == "categorical_hinge":
        pytest.skip("one class")
    found = _core.loss(name, parameters, y, p, None, SCALES)
    assert_loss(lambda y, p: FORMULAS[name](y, p, **parameters), y, p, found, SCALES)


@SIZES
@pytest.mark.parametrize(("name", "parameters"), CROSSENTROPIES, ids=str)
def test_crossentropies_of_sums_are_their_formulas(name, parameters, units):
    y, z = case(name, 9, units)[0], np.random.default_rng(4).normal(size=(9, units)) * 3
    if units == 1 and name.startswith("categorical"):
        pytest.skip("one class")
    found = _core.loss(name, parameters, y, np.full_like(z, np.nan), z, SCALES)
    assert_loss(lambda y, z: of_logits(name, y, z, parameters), y, z, found, SCALES)
    again = _core.loss(name, {**parameters, "from_logits": 1.0}, y, z, None, SCALES)
    assert all(map(same_bits, found, again))


@SIZES
@pytest.mark.parametrize(("name", "parameters"), CROSSENTROPIES, ids=str)
def test_crossentropies_of_probabilities_are_their_formulas(name, parameters, units):
    y, p = case(name, 9, units)
    if name.startswith("categorical"):
        if units == 1:
            pytest.skip("one class")
        p *= 1.5  # they need not add up to 1
    p[0, 0] = 1e-9
    found = _core.loss(name, parameters, y, p, None, SCALES)
    assert_loss(lambda y, p: of_probabilities(name, y, p, parameters), y, p, found, SCALES)


@pytest.mark.parametrize("rows", [1, 41])
@pytest.mark.parametrize("units", [2, 10, 16])
@pytest.mark.parametrize("is_sparse", [True, False])
def test_exponentials_that_count_as_0_change_no_bit(is_sparse, units, rows, isa, dtype):
    """With more than 16 classes none does; here the others have a probability of 0."""
    name = "sparse_" * is_sparse + "categorical_crossentropy"
    reach = 120 if dtype == "float32" else 800  # e^-88 and e^-709 are subnormal
    y, p = case("sparse_categorical_crossentropy", rows, units, dtype)
    z = np.random.default_rng(4).uniform(-reach, 0, p.shape).astype(dtype)
    more = ((0, 0), (0, 17 - units))
    all_z = np.pad(z, more, constant_values=-np.inf)
    if not is_sparse:
        y = one_hot(y[:, 0].astype(int), units).astype(dtype)
        y[:, -1] += np.exp(z[:, -1] * 0.9).astype(dtype)  # a target as small as its probability
    losses, delta = _core.loss(name, {}, y, p, z, None)
    all_y = y if is_sparse else np.pad(y, more)
    expected, all_delta = _core.loss(name, {}, all_y, np.pad(p, more), all_z, None)
    assert same_bits(losses, expected)
    assert same_bits(delta, all_delta[:, :units].copy())
    tiny = 2.0**-100 if dtype == "float32" else 2.0**-900
    assert np.any((delta != 0) & (np.abs(delta) < 2.0**10 * tiny)) or rows * units < 100


@pytest.mark.parametrize("of_sums", [False, True])
def test_class_numbers_have_the_bits_of_one_hot_rows(of_sums, isa, dtype):
    labels, p = case("sparse_categorical_crossentropy", 9, 37, dtype)
    z = np.log(p) if of_sums else None
    rows = one_hot(labels[:, 0].astype(int), 37).astype(dtype)
    found = _core.loss("sparse_categorical_crossentropy", {}, labels, p, z, None)
    assert all(map(same_bits, found, _core.loss("categorical_crossentropy", {}, rows, p, z, None)))


# 41: two vectors of rows and a part of one. 2 to 16 units fit a vector, if it is long enough.
@pytest.mark.parametrize(("rows", "units"), [(9, 37), (41, 1), (41, 2), (41, 5), (41, 13), (41, 16)])
@pytest.mark.parametrize("of_sums", [False, True])
@pytest.mark.parametrize(("name", "parameters"), ALL, ids=str)
def test_instruction_sets_agree_and_a_row_is_alone(name, parameters, of_sums, rows, units, isa, dtype):
    """One row at a time, Fortran-ordered targets, on the best instruction set: the same bits."""
    y, p = case(name, rows, units, dtype)
    scales = np.resize(SCALES, rows).astype(dtype)
    z = np.random.default_rng(4).normal(size=p.shape).astype(dtype) * 30 if of_sums else None
    if of_sums and not _core.losses[name].keys() >= {"from_logits"}:
        pytest.skip("has no sums")
    y[3, 0] = 0  # -0 - 0 is -0
    if name.startswith("sparse"):
        y[[7, 8], 0] = units, -1  # no class: a loss of 0
    for row, value in [(3, -0.0), (4, np.nan), (5, np.inf), (6, float(y[6, 0]))]:
        (p if z is None else z)[row, 0] = value
    losses, delta = _core.loss(name, parameters, y, p, z, scales)
    fastnn.set_isa(fastnn.isas()[0])
    for row in range(rows):
        alone = slice(row, row + 1)
        of_row = None if z is None else z[alone]
        found = _core.loss(name, parameters, np.asfortranarray(y)[alone], p[alone], of_row, scales[alone])
        assert same_bits(found[0], losses[alone])
        if np.isfinite(losses[row]):  # else the step is not done
            assert same_bits(found[1], delta[alone])


@pytest.mark.parametrize(("name", "parameters"), CROSSENTROPIES, ids=str)
def test_large_sums_neither_overflow_nor_saturate(name, parameters, isa, dtype):
    largest = np.finfo(dtype).max
    z = np.array([[largest, -largest, 0], [1e4, -1e4, 1e4], [-largest, -largest, -largest], [60, -60, 60]], dtype)
    y = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]], dtype)
    losses, delta = _core.loss(name, parameters, y, np.zeros_like(z), z, None)
    assert not np.isnan(losses).any()
    assert not np.isnan(delta).any()
    if name == "binary_crossentropy" and not parameters:
        assert losses[3] == pytest.approx(np.exp(-60), rel=1e-5)  # a probability would be 1 exactly
        np.testing.assert_allclose(delta[3], np.array([-1, 1, -1]) * np.exp(-60) / 3, rtol=1e-5)


def test_cosine_similarity_of_rows_near_0_is_finite(isa, dtype):
    """A norm below 1e-7 counts as 1e-7, as in Keras."""
    y = np.array([[3, 4], [0, 0], [3, 4]], dtype)
    p = np.array([[0, 0], [3, 4], [0, 4e-8]], dtype)
    losses, delta = _core.loss("cosine_similarity", {}, y, p, None, None)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(losses, [0, 0, -0.8 * 0.4], rtol=8 * eps)
    np.testing.assert_allclose(delta, [[-0.6e7, -0.8e7], [0, 0], [-0.6e7, -0.8e7]], rtol=8 * eps)


def test_log_cosh_of_small_and_large_differences(isa, dtype):
    d = np.array([[1e-3], [0.99], [1.01], [500], [1e30]], dtype)
    losses, _ = _core.loss("log_cosh", {}, np.zeros_like(d), d, None, None)
    wide = d[:, 0].astype(np.longdouble)
    expected = np.where(
        wide < 1,
        np.log1p(2 * np.sinh(np.minimum(wide, 1) / 2) ** 2),
        wide + np.log1p(np.exp(-2 * wide)) - np.log(np.longdouble(2)),
    )
    np.testing.assert_allclose(losses, expected.astype(np.float64), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("name", "parameters"), ALL, ids=str)
def test_nan_gives_nan_in_that_row(name, parameters, isa, dtype):
    y, p = case(name, 3, 20, dtype)
    p[1, 17] = np.nan
    losses, _ = _core.loss(name, parameters, y, p, None, None)
    if "categorical" not in name or "hinge" in name:
        assert np.isnan(losses[1])
    assert not np.isnan(losses[[0, 2]]).any()


def test_tiny_deltas_become_zero(isa, dtype):
    p = np.array([[1.0, 2.0]], dtype)
    scales = np.array([np.finfo(dtype).tiny], dtype)
    _, delta = _core.loss("mean_squared_error", {}, -p, p, None, scales)
    assert same_bits(delta, np.zeros_like(p))


@pytest.mark.parametrize(("name", "parameters"), [each for each in ALL if each[0] != "quantile"], ids=str)
def test_losses_are_those_of_keras(name, parameters):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    losses = pytest.importorskip("keras").losses
    y, p = case(name, 9, 7)
    arguments = dict(parameters)
    if arguments.get("alpha") == 0:
        del arguments["alpha"]
    elif name == "binary_focal_crossentropy":
        arguments["apply_class_balancing"] = True
    function = getattr(losses, name, None)
    if name == "quantile" or function is None:
        pytest.skip("Keras has none")
    expected = np.asarray(function(y[:, 0] if name.startswith("sparse") else y, p, **arguments))
    found, _ = _core.loss(name, parameters, y, p, None, None)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)  # Keras may compute in float32

"""Derivatives of activations and of layers of units: against PyTorch, central differences, and themselves."""

import numpy as np
import pytest

import fastnn
from activations import ACTIVATIONS
from arrays import same_bits
from fastnn import _core
from sequentials import activation_model

PARAMETERS = {
    "leaky_relu": [{"negative_slope": 0.2}, {"negative_slope": -0.3}],
    "clip": [{"minimum": -1.5, "maximum": 2.0}, {"minimum": -np.inf, "maximum": 2.0}],
    "elu": [{"alpha": 1.0}, {"alpha": -0.7}],
    "celu": [{"alpha": 1.0}, {"alpha": 0.25}],
}
CASES = [(name, parameters) for name in _core.activations for parameters in PARAMETERS.get(name, [{}])]
CASE = pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
KINKS = np.array([-3.0, -1.5, -1.0, 0.0, 1.0, 2.0, 3.0, 6.0])
TINY = {"float32": 2.0**-100, "float64": 2.0**-900}


def drawn(rows, units, dtype, seed=0, scale=4.0):
    return (np.random.default_rng(seed).normal(size=(rows, units)) * scale).astype(dtype)


def outputs(name, parameters, x):
    return activation_model({"name": name, **parameters}, x.shape[1], x.dtype).predict(x)


def backward(name, parameters, x, d):
    return _core.derivative(name, parameters, x, outputs(name, parameters, x), d)


@CASE
def test_derivatives_are_the_slopes_of_the_activations(name, parameters):
    """Central differences of the formulas in tests/support/activations.py."""
    if name == "step":
        pytest.skip("its derivative is 0")
    x, d = drawn(9, 37, np.float64), drawn(9, 37, np.float64, seed=1, scale=1)
    x[(np.abs(x[..., None] - KINKS) < 0.01).any(-1)] = 0.3
    direction, h = drawn(9, 37, np.float64, seed=2, scale=1), np.longdouble(1e-6)

    def formula(shifted):
        if name == "log_softmax":
            return np.log(ACTIVATIONS["softmax"].formula(shifted))
        return ACTIVATIONS[name].formula(shifted, **parameters)

    wide = x.astype(np.longdouble)
    difference = (formula(wide + h * direction) - formula(wide - h * direction)) / (2 * h)
    expected = (d * difference).sum(axis=1)
    found = (backward(name, parameters, x, d) * direction).sum(axis=1)
    np.testing.assert_allclose(found, expected.astype(np.float64), rtol=0, atol=1e-8 * np.abs(d * difference).sum())


@CASE
def test_derivatives_are_those_of_pytorch(name, parameters):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    formulas = {
        "linear": lambda x: x * 1,
        "step": lambda x: x * 0,
        "clip": lambda x: functional.hardtanh(x, parameters["minimum"], parameters["maximum"]),
        "hard_tanh": functional.hardtanh,
        "softmax": lambda x: x.softmax(-1),
        "log_softmax": lambda x: x.log_softmax(-1),
        "exponential": torch.exp,
        "hard_swish": functional.hardswish,
        "hard_sigmoid": lambda x: functional.relu6(x + 3) / 6,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),  # functional.softplus is x from 20 on
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    }
    formula = formulas.get(name) or (lambda x: getattr(functional, name)(x, *parameters.values()))
    x, d = drawn(9, 37, np.float64), drawn(9, 37, np.float64, seed=1, scale=1)
    if name == "softplus":
        x[np.abs(x) < 1e-9] = 1
    else:
        x[0, : len(KINKS)] = KINKS
    x[1, :4] = [-40, 40, 1e-30, -1e-30]
    if name == "exponential":
        x = np.minimum(x, 20)
    tensor = torch.tensor(x, requires_grad=True)
    formula(tensor).backward(torch.tensor(d))
    expected = tensor.grad.numpy()
    if name == "clip" and parameters["minimum"] == -np.inf:
        assert (expected[x < 2] == d[x < 2]).all()
    np.testing.assert_allclose(backward(name, parameters, x, d), expected, rtol=1e-12, atol=1e-13)


@CASE
def test_instruction_sets_agree_and_a_row_is_alone(name, parameters, isa, dtype):
    """One row at a time, on the best instruction set: the same bits. The padding of both is NaN."""
    x, d = drawn(11, 37, dtype), drawn(11, 37, dtype, seed=1)
    x[0, :9] = [0, -0.0, np.inf, -np.inf, 1e30, -1e30, 1e-40, -1e-40, np.finfo(dtype).max]
    y = outputs(name, parameters, x)
    found = _core.derivative(name, parameters, x, y, d)
    fastnn.set_isa(fastnn.isas()[0])
    for row in range(len(x)):
        alone = slice(row, row + 1)
        np.testing.assert_array_equal(found[alone], _core.derivative(name, parameters, x[alone], y[alone], d[alone]))
    finite = ~np.isnan(found)
    assert same_bits(found[finite], _core.derivative(name, parameters, x, y, d)[finite])


@CASE
def test_large_sums_give_no_nan(name, parameters, isa, dtype):
    x = np.array([[np.finfo(dtype).max, -np.finfo(dtype).max, 1e4, -1e4, 100, -100, 30, -30, 0]], dtype)
    with np.errstate(over="ignore"):
        y = outputs(name, parameters, x)
    found = _core.derivative(name, parameters, x, y, np.ones_like(x))
    assert not np.isnan(found).any()


@CASE
def test_nan_stays(name, parameters, isa, dtype):
    x = drawn(1, 20, dtype)
    x[0, 7] = np.nan
    found = backward(name, parameters, x, np.ones_like(x))
    if name != "linear":  # whose derivative is 1 everywhere
        assert np.isnan(found[0, 7])
    if name not in _core.whole_row_activations:
        assert np.isnan(found).sum() == (name != "linear")


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "softmax", "log_softmax"])
def test_tiny_results_become_zero(name, isa, dtype):
    """Subnormal numbers would slow down every product with them."""
    x = np.array([[1.0, -1.0, 0.5]], dtype)
    d = np.full_like(x, -TINY[dtype] / 16)
    assert same_bits(backward(name, {}, x, d), np.zeros_like(x))
    d = np.full_like(x, TINY[dtype] * 2.0**20)
    d[0, 1] = 0
    assert backward(name, {}, x, d)[0, 0] != 0


def torch_backward(layer, x, d):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(x, requires_grad=True)
    layer(tensor).backward(torch.tensor(d))
    return tensor.grad.numpy()


def units_case(units=37):
    weights = np.random.default_rng(3).uniform(0.5, 1.5, size=(4, units))
    return drawn(9, units, np.float64), drawn(9, units, np.float64, seed=1, scale=1), weights


def test_prelu_and_affine():
    x, d, weights = units_case()
    x[0, 0] = 0
    factors, found = _core.backward("PReLU", 0.0, weights[:1], x, d, None)
    assert same_bits(factors, np.where(x < 0, x, 0 * x))
    assert same_bits(found, d * np.where(x > 0, 1, weights[0]))
    factors, found = _core.backward("Affine", 0.0, weights[:2], x, d, None)
    assert same_bits(factors, x)
    assert same_bits(found, d * weights[0])


@pytest.mark.parametrize("units", [1, 7, 16, 37])
def test_layer_normalization(units):
    torch = pytest.importorskip("torch")
    x, d, weights = units_case(units)
    factors, found = _core.backward("LayerNormalization", 1e-3, weights[:2], x, d, None)
    gamma = torch.tensor(weights[0], requires_grad=True)
    expected = torch_backward(
        lambda t: torch.nn.functional.layer_norm(t, [units], gamma, torch.tensor(weights[1]), 1e-3), x, d
    )
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose((factors * d).sum(axis=0), gamma.grad.numpy(), rtol=1e-11, atol=1e-12)


def test_batch_normalization():
    torch = pytest.importorskip("torch")
    x, d, weights = units_case()
    factors, found = _core.backward("BatchNormalization", 1e-3, weights, x, d, None)
    np.testing.assert_allclose(found, d * weights[0] / np.sqrt(weights[3] + 1e-3), rtol=1e-14)

    weights[2:] = x.mean(axis=0), x.var(axis=0)
    normal = (x - weights[2]) / np.sqrt(weights[3] + 1e-3)
    means = np.stack([d.mean(axis=0), (d * normal).mean(axis=0)])
    factors, found = _core.backward("BatchNormalization", 1e-3, weights, x, d, means)
    gamma, beta = torch.tensor(weights[0]), torch.tensor(weights[1])
    expected = torch_backward(
        lambda t: torch.nn.functional.batch_norm(t, None, None, gamma, beta, training=True, eps=1e-3), x, d
    )
    np.testing.assert_allclose(factors, normal, rtol=1e-13)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["PReLU", "Affine", "LayerNormalization", "BatchNormalization"])
def test_layers_of_units_agree_on_all_instruction_sets(name, isa, dtype):
    x, d, weights = (array.astype(dtype) for array in units_case())
    means = drawn(2, 37, dtype, seed=5) if name == "BatchNormalization" else None
    found = _core.backward(name, 1e-3, weights, x, d, means)
    fastnn.set_isa(fastnn.isas()[0])
    expected = _core.backward(name, 1e-3, weights, x, d, means)
    assert all(map(same_bits, found, expected))

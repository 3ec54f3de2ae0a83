"""Layers with numbers for each unit: PReLU, Affine, the normalizations. Exact rules, every layout, files, errors."""

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, LayerNormalization, PReLU
from fastnn.models import Sequential, load_model

UNITS = [1, 2, 7, 15, 16, 17, 40]
ROWS = [1, 2, 7, 8, 9, 47, 100]


def alone(layer, units, dtype, *weights):
    model = Sequential([layer], dtype=dtype)
    model.build((None, units))
    model.set_weights(list(weights))
    return model


def chain_sums(x):
    """The sum over the last axis as docs/numerics.md has it, 16 chains combined by halves; float operations of x."""
    chains = np.zeros((*x.shape[:-1], 16), x.dtype)
    for n in range(x.shape[-1]):
        chains[..., n % 16] = chains[..., n % 16] + x[..., n]
    for width in (8, 4, 2, 1):
        chains = chains[..., :width] + chains[..., width : 2 * width]
    return chains[..., 0]


def test_weights_have_their_names_as_in_keras():
    names = {
        PReLU: ("alpha",),
        Affine: ("scale", "shift"),
        LayerNormalization: ("gamma", "beta"),
        BatchNormalization: ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    for kind, weights in names.items():
        layer = kind()
        assert [getattr(layer, name) for name in weights] == [None] * len(weights)
        given = [np.full(3, number, "float32") for number in range(1, len(weights) + 1)]
        alone(layer, 3, "float32", *given)
        assert all(same_bits(getattr(layer, name), array) for name, array in zip(weights, given, strict=True))
    without = BatchNormalization(center=False, scale=False)
    Sequential([without]).build((None, 3))
    assert without.gamma is without.beta is None


@pytest.mark.parametrize("units", UNITS)
def test_prelu_multiplies_negative_numbers_by_their_units_slope(units, dtype, isa):
    alpha = uniform(1, units, dtype)
    model = alone(PReLU(), units, dtype, alpha)
    for rows in ROWS:
        x = uniform(2, (rows, units), dtype)
        assert same_bits(model.predict(x), np.where(x < 0, alpha * x, x))


@pytest.mark.parametrize("units", UNITS)
def test_affine_is_one_fma(units, dtype, isa):
    scale, shift = uniform(1, units, dtype), uniform(2, units, dtype)
    model = alone(Affine(), units, dtype, scale, shift)
    for rows in ROWS:
        x = uniform(3, (rows, units), dtype)
        if dtype == "float32":  # the product is exact in float64; the sum, of numbers of 24 bits below 1, as well
            expected = (x.astype("f8") * scale + shift).astype(dtype)
            assert same_bits(model.predict(x), expected)
        else:
            bound = np.finfo(dtype).eps / 2 * 2  # half an ulp below 2
            exact = x.astype(np.longdouble) * scale + shift
            assert (np.abs(model.predict(x) - exact) <= bound).all()


@pytest.mark.parametrize("units", UNITS)
def test_layer_normalization_follows_the_rule_of_numerics_md(units, dtype, isa):
    gamma, beta, epsilon = uniform(1, units, dtype), uniform(2, units, dtype), np.dtype(dtype).type(0.001)
    model = alone(LayerNormalization(), units, dtype, gamma, beta)
    for rows in ROWS:
        x = uniform(3, (rows, units), dtype) + np.dtype(dtype).type(3)
        d = x - (chain_sums(x) / np.dtype(dtype).type(units))[:, None]
        exact_squares = (
            d.astype(np.longdouble) ** 2
        )  # fma rounds once; chains of the longer type, within units/16 + 4 eps
        variance = exact_squares.sum(axis=-1, keepdims=True) / units
        expected = d / np.sqrt(variance + epsilon) * gamma + beta
        bound = (
            (units / 16 + 12) * np.finfo(dtype).eps * (np.abs(d / np.sqrt(variance + epsilon) * gamma) + np.abs(beta))
        )
        assert (np.abs(model.predict(x) - expected) <= bound).all()


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize(("center", "scale"), [(True, True), (False, True), (True, False), (False, False)])
def test_batch_normalization_follows_the_rule_of_numerics_md(units, center, scale, dtype, isa):
    gamma, beta, mean = (uniform(i, units, dtype) for i in (1, 2, 3))
    variance = uniform(4, units, dtype) + np.dtype(dtype).type(1.5)
    given = [*[gamma] * scale, *[beta] * center, mean, variance]
    model = alone(BatchNormalization(center=center, scale=scale), units, dtype, *given)
    epsilon = np.dtype(dtype).type(0.001)
    gamma, beta = gamma if scale else np.ones(units, dtype), beta if center else np.zeros(units, dtype)
    for rows in ROWS:
        x = uniform(5, (rows, units), dtype)
        quotient = (x - mean) / np.sqrt(variance + epsilon)
        if dtype == "float32":  # the product is exact in float64; the sum rounds twice, seldom to another number
            expected = (quotient.astype("f8") * gamma + beta).astype(dtype)
            assert (np.abs(model.predict(x) - expected) <= np.spacing(np.abs(expected))).all()
            assert np.mean(model.predict(x) == expected) > 0.99
        else:
            exact = quotient.astype(np.longdouble) * gamma + beta
            assert (np.abs(model.predict(x) - exact) <= np.spacing(np.abs(exact).astype(dtype))).all()


def test_batch_normalization_loses_no_digits_far_from_zero():
    model = alone(BatchNormalization(epsilon=0), 1, "float32", [1], [0], [1e6], [1])
    assert model.predict([[1e6 + 1]]) == 1


def test_a_rows_answer_does_not_depend_on_its_place(dtype, isa):
    layers = [Affine(), Dense(33, "relu"), LayerNormalization(), Dense(17), PReLU(), BatchNormalization(), Dense(5)]
    model = Sequential([*layers, Activation("softmax")], dtype=dtype)
    model.build((None, 19))
    model.set_weights([uniform(i, w.shape) + 0.1 for i, w in enumerate(model.get_weights())])
    x = uniform(50, (131, 19), dtype)
    y = model.predict(x)
    for first, last in ((0, 1), (5, 12), (30, 77), (100, 131)):
        assert same_bits(model.predict(x[first:last]), y[first:last])


@pytest.mark.parametrize("rows", [1, 30])
def test_nan_and_infinity_stay_in_their_row(rows, dtype, isa):
    for layer in (PReLU(), Affine(), LayerNormalization(), BatchNormalization()):
        model = Sequential([layer], dtype=dtype)
        x = uniform(1, (rows + 1, 21), dtype)
        y = model.predict(x)
        for bad in (np.nan, np.inf):
            spoilt = x.copy()
            spoilt[0, 3] = bad
            assert same_bits(model.predict(spoilt)[1:], y[1:])
            assert not np.isfinite(model.predict(spoilt)[0, 3])


def test_they_are_saved_and_loaded_with_their_parameters(path, dtype):
    layers = [
        Affine(),
        Dense(4, {"name": "clip", "minimum": -1, "maximum": None}),
        PReLU(),
        LayerNormalization(epsilon=0.5),
        BatchNormalization(momentum=0.5, epsilon=0.25, scale=False, moving_mean_initializer="random_normal"),
        Activation({"name": "leaky_relu", "negative_slope": 0.1}),
    ]
    model = Sequential(layers, dtype=dtype)
    model.build((None, 3))
    model.set_weights([uniform(i, w.shape) for i, w in enumerate(model.get_weights())])
    model.save(path)
    loaded = load_model(path)
    assert loaded == model
    assert loaded.get_config() == model.get_config()
    assert same_bits(loaded.predict(uniform(9, (5, 3))), model.predict(uniform(9, (5, 3))))
    assert Sequential.from_config(model.get_config()).get_config() == model.get_config()


def test_a_parameter_decides_the_fingerprint_as_the_dtype_rounds_it():
    def fingerprint(slope, dtype="float32"):
        model = Sequential([Activation({"name": "leaky_relu", "negative_slope": slope})], dtype=dtype)
        model.build((None, 3))
        return model.fingerprint()

    assert fingerprint(0.1) != fingerprint(0.2)
    assert fingerprint(0.1) == fingerprint(float(np.float32(0.1)))
    assert fingerprint(0.1, "float64") != fingerprint(float(np.float32(0.1)), "float64")


@pytest.mark.parametrize(
    ("activation", "sentence"),
    [
        ({"name": "clip"}, "expected the activation 'clip' with minimum and maximum"),
        ({"name": "clip", "minimum": 0.0}, "expected the activation 'clip' with minimum and maximum"),
        ({"name": "relu", "alpha": 1.0}, "expected the activation 'relu' with nothing else"),
        ({"name": "leaky_relu", "negative_slope": "0.1"}, "expected negative_slope to be a number"),
        ({"name": "leaky_relu", "negative_slope": True}, "expected negative_slope to be a number"),
        ({"name": "leaky_relu", "negative_slope": np.nan}, "negative_slope: expected a finite number"),
        ({"name": "leaky_relu", "negative_slope": -np.inf}, "negative_slope: expected a finite number"),
        ({"name": "elu", "alpha": np.nan}, "alpha: expected a finite number"),
        ({"name": "celu", "alpha": 0.0}, "alpha: expected more than 0"),
        ({"name": "clip", "minimum": np.nan, "maximum": 0}, "minimum: expected a finite number"),
        ({"name": "clip", "minimum": 1, "maximum": 0}, "minimum: expected at most the maximum"),
        ({"alpha": 1.0}, "Could not interpret activation function identifier"),
        ({}, "Could not interpret activation function identifier"),
        ("prelu", "Could not interpret activation function identifier"),
    ],
    ids=repr,
)
def test_wrong_parameters_get_one_sentence(activation, sentence):
    for make in (Activation, lambda a: Dense(1, a)):
        with pytest.raises(ValueError, match=f"^{sentence}"):
            make(activation)


def test_negative_parameters_are_computed_with():
    layers = [{"name": "elu", "alpha": -1.0}, {"name": "leaky_relu", "negative_slope": -2.0}]
    for layer, wanted in zip(layers, (-np.expm1(-1.0), 2.0), strict=True):
        assert np.allclose(Sequential([Activation(layer)]).predict([-1.0, 3.0]), [wanted, 3.0], rtol=1e-6, atol=0)


@pytest.mark.parametrize("epsilon", [-1e-3, np.nan, np.inf, "1", None], ids=repr)
def test_an_epsilon_that_is_none_is_refused(epsilon):
    with pytest.raises(ValueError, match=r"^(epsilon: )?expected "):
        LayerNormalization(epsilon)
    with pytest.raises(ValueError, match=r"^(epsilon: )?expected "):
        BatchNormalization(epsilon=epsilon)

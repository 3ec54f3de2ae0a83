"""Rescaling and Normalization: Keras' answers, adapt() on any layout of rows, what they refuse."""

import copy
import os
import pickle

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import layers, load_model
from fastnn.layers import Dense, Normalization, Rescaling
from fastnn.models import Sequential

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch 2.13

X = uniform(3, (10_000, 3)) * [1, 10, 100] + [0, 50, -2000]
MADE = {
    "rescaling": lambda layers: layers.Rescaling(2.0),
    "rescaling-offset": lambda layers: layers.Rescaling(1 / 255, offset=-1.0),
    "rescaling-each": lambda layers: layers.Rescaling([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
    "normalization": lambda layers: layers.Normalization(),
    "normalization-given": lambda layers: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]),
    "normalization-one": lambda layers: layers.Normalization(mean=3.0, variance=4.0),
    "normalization-inverse": lambda layers: layers.Normalization(mean=3.0, variance=4.0, invert=True),
}


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    return pytest.importorskip("keras", reason="Keras is not installed: pip install keras")


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_answers_are_those_of_keras(make, keras):
    theirs = keras.Sequential([keras.Input((3,)), make(keras.layers)]).predict(X[:9], verbose=0)
    np.testing.assert_allclose(Sequential([make(layers)]).predict(X[:9]), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"axis": None}, {"invert": True}], ids=str)
@pytest.mark.parametrize("constant", [False, True])
def test_adapted_answers_are_those_of_keras(options, constant, keras):
    data = np.where([False, constant, False], 7.0, X)
    ours, theirs = Normalization(**options), keras.layers.Normalization(**options)
    for layer in (ours, theirs):
        layer.adapt(data)
    expected = keras.Sequential([keras.Input((3,)), theirs]).predict(data[:9], verbose=0)
    model = Sequential([ours], dtype="float64")
    np.testing.assert_allclose(model.predict(data[:9]), expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.ravel(ours.mean), np.ravel(theirs.mean.numpy()), rtol=1e-5)


def test_adapt_finds_mean_and_variance_of_columns():
    layer = Normalization()
    layer.adapt(X)
    np.testing.assert_allclose(layer.mean, X.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(layer.variance, X.var(axis=0), rtol=1e-13)
    y = Sequential([layer], dtype="float64").predict(X)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-11)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-13)


@pytest.mark.parametrize(
    "changed",
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x.reshape(100, 100, 3),
        lambda x: x.tolist(),
    ],
    ids=["fortran", "strided", "three-axes", "list"],
)
def test_adapt_has_the_same_bits_for_any_layout_of_the_rows(changed):
    plain, other = Normalization(), Normalization()
    plain.adapt(X)
    other.adapt(changed(X))
    assert same_bits(plain.mean, other.mean)
    assert same_bits(plain.variance, other.variance)


def test_adapt_before_or_after_the_model_is_built_gives_the_same_model(dtype):
    before, after = Normalization(), Normalization(input_shape=(3,))
    before.adapt(X)
    models = [Sequential([layer], dtype=dtype) for layer in (before, after)]
    assert models[0].input_shape == (None, 3)  # the data declare it
    assert same_bits(models[1].predict(X[:5]), X[:5].astype(dtype))  # nothing yet
    after.adapt(X)
    assert models[0] == models[1]
    after.adapt(X * 2)
    assert models[0] != models[1]


def test_adapted_numbers_come_back_from_files_and_copies(path, dtype):
    layer = Normalization()
    layer.adapt(X)
    model = Sequential([layer, Dense(1)], dtype=dtype)
    model.save(path)
    for again in (load_model(path), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again == model
        tolerance = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(again.layers[0].mean, layer.mean, rtol=tolerance)
        np.testing.assert_allclose(again.layers[0].variance, layer.variance, rtol=tolerance)


def test_weights_of_another_layer_replace_the_adapted_numbers():
    pair = [Normalization(), Normalization()]
    pair[0].adapt(X)
    pair[1].adapt(X * 2)
    models = [Sequential([layer]) for layer in pair]
    models[0].set_weights(models[1].get_weights())
    assert models[0] == models[1]
    np.testing.assert_allclose(pair[0].mean, pair[1].mean, rtol=1e-6)


def test_one_mean_for_all_inputs_takes_data_of_any_shape():
    layer = Normalization(axis=None, input_shape=(1,))
    layer.adapt(X[:, 0])  # as in TensorFlow's tutorial
    assert layer.mean.shape == ()
    assert Sequential([layer, Dense(1)]).predict(X[:4, :1]).shape == (4, 1)


def test_configs_of_keras_make_the_layers(keras):
    for make in MADE.values():
        config = make(keras.layers).get_config()
        given = {name: value for name, value in config.items() if name not in ("dtype", "trainable")}
        layer = getattr(layers, type(make(keras.layers)).__name__).from_config(given)
        assert same_bits(Sequential([layer]).predict(X[:3]), Sequential([make(layers)]).predict(X[:3]))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Rescaling("2"), "expected scale to be a number, or a list"),
        (lambda: Rescaling([[2]]), "expected scale to be a number, or a list"),
        (lambda: Rescaling(np.inf), "expected scale to be a finite number"),
        (lambda: Sequential([Rescaling([1, 2], input_dim=3)]), "Layer '.*' was made for 2 inputs.*; received inputs=3"),
        (lambda: Sequential([Rescaling(2, input_dim=1)]).set_weights([[3], [0]]), "expected the weights that the arg"),
        (lambda: Normalization(axis=0), "expected axis to be -1 or 1"),
        (lambda: Normalization(mean=1), "expected mean and variance, or neither"),
        (lambda: Normalization(mean=1, variance=-1), "expected variance to be at least 0"),
        (lambda: Normalization(mean=1, variance=1).adapt(X), "expected a layer without mean and variance to adapt"),
        (lambda: Normalization().adapt(X[:, 0]), r"expected data of shape \(rows, inputs\); received shape \(10000,\)"),
        (lambda: Normalization(input_dim=2).adapt(X), r"expected data of shape \(rows, 2\); received shape"),
        (lambda: Normalization().adapt(X[:0]), "expected data of at least 1 row; received shape"),
        (lambda: Normalization().adapt([[1, 2], [1, np.nan]]), "expected data of finite numbers; .* in column 1"),
    ],
)  # fmt: skip
def test_what_they_do_not_compute_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


def test_text_is_no_data():
    with pytest.raises(TypeError, match="expected data of real numbers; received dtype"):
        Normalization().adapt([["a", "b"]])

"""fastnn.utils beside keras.utils, with what Keras guesses and fastnn refuses."""

import numpy as np
import pytest

from fastnn import utils
from fastnn.layers import Dense
from fastnn.models import Sequential
from keras_in_float64 import keras_in_float64


@pytest.fixture(scope="module")
def of_keras():
    with keras_in_float64() as keras:
        yield keras.utils


@pytest.mark.parametrize("y", [[0, 2, 1], [[0], [2]], [True, False], [1.0, 0.0], np.array([3], "uint8")], ids=str)
@pytest.mark.parametrize("num_classes", [None, 5])
def test_to_categorical_is_that_of_keras(y, num_classes, of_keras):
    ours, theirs = utils.to_categorical(y, num_classes), of_keras.to_categorical(y, num_classes)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_to_categorical_refuses_what_are_no_class_numbers():
    """Keras truncates 0.5 to 0, and takes -1 for the last class."""
    for y in ([0.5, 1.0], [-1, 0], ["cat", "dog"], [np.nan]):
        with pytest.raises(ValueError, match="expected class numbers, integers from 0; received .*; np.unique"):
            utils.to_categorical(y)
    with pytest.raises(ValueError, match="expected class numbers below num_classes=2; received 2"):
        utils.to_categorical([0, 2], num_classes=2)


@pytest.mark.parametrize("order", [1, 2])
def test_normalize_is_that_of_keras(order, of_keras):
    x = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(utils.normalize(x, order=order), of_keras.normalize(x, order=order), rtol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(utils.normalize(x, 0, order), order, axis=0), 1, rtol=1e-15)


def test_clear_session_lets_names_begin_anew():
    Dense(1), Sequential()
    utils.clear_session()
    assert (Dense(1).name, Dense(1).name, Sequential().name) == ("dense", "dense_1", "sequential")


def test_a_pydataset_trains_as_the_arrays_do():
    x, y = np.random.default_rng(0).random((64, 3)), np.arange(64.0)
    calls = []

    class Batches(utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            rows = slice(32 * index, 32 * index + 32)
            return x[rows], y[rows]

        def on_epoch_end(self):
            calls.append("end")

    models = [Sequential([Dense(1, kernel_initializer="ones", input_dim=3)]) for _ in range(2)]
    for model in models:
        model.compile("sgd", "mse")
    models[0].fit(x, y, epochs=2, shuffle=False, verbose=0)
    models[1].fit(Batches(workers=2), epochs=2, shuffle=False, verbose=0)
    assert models[0] == models[1]
    assert calls == ["end", "end"]

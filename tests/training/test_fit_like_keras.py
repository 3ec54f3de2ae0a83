"""fit() beside Keras' fit() with the same weights, in float64: names, order and values of all logs, and hooks."""

import os

import numpy as np
import pytest

from keras_in_float64 import keras_in_float64
from training import BatchCalls, model_of, rows

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras

X, Y = rows(40)
LABELS = (np.arange(40) % 3 == 0).astype(np.int64)
OPTIONS = {
    "plain": {},
    "split": {"validation_split": 0.25},
    "validation with weights": {"validation_data": (X[:10], Y[:10], np.arange(10.0))},
    "validation at times": {"validation_data": (X, Y), "validation_freq": 2, "epochs": 5},
    "validation of some steps": {"validation_data": (X, Y), "validation_steps": 2, "validation_batch_size": 5},
    "sample_weight": {"sample_weight": np.arange(40.0) / 10},
    "class_weight": {"y": LABELS, "class_weight": {1: 4.0}},
    "later epochs": {"initial_epoch": 2, "epochs": 5},
    "one batch": {"batch_size": 100},
    "targets without columns": {"y": Y[:, 0]},
}


@pytest.fixture(autouse=True)
def computes_in_float64():
    with keras_in_float64():
        yield


def both(**compiled):
    """The same model in fastnn and in Keras."""
    model = model_of(X, **compiled)
    layers = [keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
    other = keras.Sequential([keras.layers.Input((3,)), *layers])
    other.set_weights(model.get_weights())
    other.compile(**({"optimizer": "sgd", "loss": "mse"} | compiled))
    return model, other


class KerasCalls(keras.callbacks.Callback):
    """As BatchCalls, for Keras."""

    def __init__(self):
        super().__init__()
        self.calls = []


for _name in ("epoch_begin", "epoch_end", "train_batch_begin", "train_batch_end", "test_batch_begin", "test_batch_end"):
    setattr(
        KerasCalls,
        f"on_{_name}",
        lambda self, number, logs=None, name=_name: self.calls.append((name, number, dict(logs or {}))),
    )
for _name in ("train_begin", "train_end", "test_begin", "test_end"):
    setattr(
        KerasCalls, f"on_{_name}", lambda self, logs=None, name=_name: self.calls.append((name, None, dict(logs or {})))
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_logs_and_hooks_are_those_of_keras(name):
    options = {"y": Y, "batch_size": 7, "epochs": 3, "shuffle": False, "verbose": 0} | OPTIONS[name]
    model, other = both(metrics=["mae"], weighted_metrics=["mse", "mae"])
    calls, expected_calls = BatchCalls(), KerasCalls()
    history = model.fit(X, callbacks=[calls], **options)
    expected = other.fit(X, callbacks=[expected_calls], **options)
    assert list(history.history) == list(expected.history)
    assert history.epoch == expected.epoch
    assert history.params == expected.params
    for key, values in expected.history.items():
        np.testing.assert_allclose(history.history[key], values, rtol=1e-10, err_msg=key)
    for own, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-10)
    assert [call[:2] for call in calls.calls] == [call[:2] for call in expected_calls.calls]
    for (hook, number, logs), (*_, theirs) in zip(calls.calls, expected_calls.calls, strict=True):
        assert list(logs) == list(theirs), (hook, number)
        np.testing.assert_allclose(list(logs.values()), list(theirs.values()), rtol=1e-10)


def test_results_of_evaluate_and_of_batches_are_those_of_keras():
    model, other = both(metrics=["mae"], weighted_metrics=["mse"])
    weights = np.arange(40.0)
    for method, options in (("evaluate", {"verbose": 0}), ("test_on_batch", {}), ("train_on_batch", {})):
        own = getattr(model, method)(X, Y, sample_weight=weights, **options)
        np.testing.assert_allclose(own, getattr(other, method)(X, Y, sample_weight=weights, **options), rtol=1e-10)
        as_dict = getattr(model, method)(X, Y, return_dict=True, **options)
        assert list(as_dict) == sorted(as_dict)
        assert set(as_dict) == set(getattr(other, method)(X, Y, return_dict=True, **options))

"""What evaluate() adds up: losses, weights, penalties of weights and of activities; threads and blocks do not show."""

import os

import numpy as np
import pytest

import fastnn
import training_cases as cases
from arrays import uniform
from fastnn import _core
from fastnn.layers import ActivityRegularization, Dense, Dropout
from fastnn.models import Sequential
from training import BatchCalls, model_of, rows


def squared(y, y_pred):
    return ((y_pred - y) ** 2).mean(axis=1), 2 * (y_pred - y) / y.shape[1]


def active(loss="mse"):
    hidden = Dense(5, "tanh", input_shape=(3,), activity_regularizer=fastnn.regularizers.L1L2(0.1, 0.2))
    layers = [hidden, ActivityRegularization(l1=0.3), Dense(1, kernel_regularizer="l2")]
    model = Sequential(layers, dtype="float64")
    model.compile(fastnn.optimizers.SGD(0.0), loss)
    return model


@pytest.mark.parametrize("loss", ["mse", squared])
def test_penalties_of_activities_are_means_over_rows(loss):
    x, y = rows(300)
    model, weights = active(loss), np.linspace(0, 2, 300)
    hidden, _, p = model.representations(x)
    errors = weights * ((p - y) ** 2)[:, 0]
    activity = (0.1 + 0.3) * abs(hidden).sum(axis=1) + 0.2 * (hidden**2).sum(axis=1)
    kernel = 0.01 * (model.layers[-1].kernel ** 2).sum()
    expected = pytest.approx(errors.mean() + activity.mean() + kernel, rel=1e-12)
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == expected
    assert model.test_on_batch(x, y, weights) == expected
    assert model.train_on_batch(x, y, weights) == expected
    history = model.fit(x, y, sample_weight=weights, verbose=0, validation_data=(x, y, weights)).history
    assert (history["loss"][0], history["val_loss"][0]) == (expected, expected)


def test_penalties_of_activities_are_those_of_keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    x, y = rows(70)
    model = active()
    theirs = keras.Sequential(
        [
            keras.layers.Dense(5, "tanh", activity_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
            keras.layers.ActivityRegularization(l1=0.3),
            keras.layers.Dense(1, kernel_regularizer="l2"),
        ]
    )
    theirs.build((None, 3))
    theirs.set_weights(model.get_weights())
    theirs.compile(loss="mse")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        float(theirs.evaluate(x, y, batch_size=70, verbose=0)), rel=1e-5
    )


LOSSES = [
    ("mean_squared_error", {}, "linear", lambda y: y),
    ("binary_crossentropy", {}, "sigmoid", lambda y: y > 0),
    ("categorical_crossentropy", {}, "softmax", lambda y: np.eye(3)[y.argmax(axis=1)]),
    ("sparse_categorical_crossentropy", {}, "softmax", lambda y: y.argmax(axis=1)[:, None]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [70, 700])  # threads share rows, or the units of a layer
@pytest.mark.parametrize(("loss", "settings", "last", "targets"), LOSSES, ids=lambda value: str(value)[:12])
def test_threads_and_blocks_do_not_change_the_bits(loss, settings, last, targets, units, dtype):
    layers = [
        (cases.dense(9, units, "relu"), {"activity": (0.1, 0.1)}),
        (cases.dense(units, 200, "tanh", seed=1), {}),
        (("Activation", 200, "linear", {}, {}), {"noise": ("dropout", 0.5, None)}),
        (cases.dense(200, 3, last, seed=2), {}),
    ]
    layers = [((*d[:4], {name: w.astype(dtype) for name, w in d[4].items()}), options) for d, options in layers]
    x, y = uniform(1, (1500, 9)).astype(dtype), targets(uniform(2, (1500, 3))).astype(dtype)
    weights = np.linspace(0, 2, 1500).astype(dtype)
    trainer = (_core.Trainer32 if dtype == "float32" else _core.Trainer64)(9, layers, (loss, settings), ("sgd", {}), 0)
    before = fastnn.get_num_threads()
    results = []
    try:
        for threads in (1, 4):
            fastnn.set_num_threads(threads)
            outputs = np.empty((1500, 3), dtype)
            results.append((trainer.evaluate(x, y, weights, outputs), outputs))
    finally:
        fastnn.set_num_threads(before)
    apart = [trainer.evaluate(x[i : i + 1], y[i : i + 1], weights[i : i + 1], None) for i in range(0, 1500, 50)]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(results[0][0][::50], np.concatenate(apart))


def test_outputs_of_evaluation_are_those_of_predict():
    x, _ = rows(1000)
    model = Sequential([Dense(40, "relu", input_shape=(3,)), Dropout(0.5), Dense(2, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    x = x.astype(np.float32)
    model.evaluate(x, np.zeros(1000), verbose=0)
    outputs = np.empty((1000, 2), np.float32)
    model._trainer.core.evaluate(x, None, None, outputs)
    np.testing.assert_array_equal(outputs, model.predict(x))


def test_core_refuses_targets_without_a_loss():
    trainer = _core.Trainer64(9, [(cases.dense(9, 3, "relu"), {})], None, ("sgd", {}), 0)
    with pytest.raises(ValueError, match="expected a trainer with a loss"):
        trainer.evaluate(np.zeros((2, 9)), np.zeros((2, 3)), None, None)


@pytest.mark.parametrize("steps", [1, 3])
def test_batches_are_counted_without_copies_of_the_state(steps):
    x, y = uniform(1, (10, 9)).astype(np.float64), uniform(2, (10, 3)).astype(np.float64)
    optimizer = ("adam", {"accumulation_steps": float(steps)})
    trainer = _core.Trainer64(9, [(cases.dense(9, 3, "relu"), {})], ("mean_squared_error", {}), optimizer, 0)
    trainer.train(x, y, None, None, 2, np.full(5, 0.1), None)
    assert trainer.batches() == 5
    assert trainer.iterations() == 5 // steps
    other = _core.Trainer64(9, [(cases.dense(9, 3, "relu"), {})], ("mean_squared_error", {}), optimizer, 0)
    other.set_state(trainer.state())
    assert other.batches() == 5


def test_evaluate_returns_what_its_names_say():
    x, y = rows()
    model = model_of(x, metrics=["mae"], weighted_metrics=["mae", "mse"])
    weights = np.arange(100.0)
    names = ["loss", "mae", "weighted_mae", "mse"]
    assert model.metrics_names == names
    values = model.evaluate(x, y, sample_weight=weights, verbose=0)
    logs = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    assert [logs[name] for name in names] == values
    error = model.predict(x) - y
    np.testing.assert_allclose(
        values,
        [
            np.mean(weights * error[:, 0] ** 2),
            np.mean(np.abs(error)),
            np.average(np.abs(error[:, 0]), weights=weights),
            np.average(error[:, 0] ** 2, weights=weights),
        ],
        rtol=1e-12,
    )
    assert model_of(x).evaluate(x, y, verbose=0) == pytest.approx(np.mean(error**2), rel=1e-12)
    assert model.test_on_batch(x, y, weights) == values


def test_evaluate_does_not_depend_on_the_batch_size():
    x, y = rows(1000)
    model = model_of(x, metrics=["mae"])
    assert len({tuple(model.evaluate(x, y, batch_size=size, verbose=0)) for size in (1, 7, 32, 1000)}) == 1


def test_evaluation_by_a_callback_leaves_the_running_means():
    x, y = rows()
    plain = model_of(x, metrics=["mae"]).fit(x, y, batch_size=10, shuffle=False, verbose=0)

    def evaluate(callback, name, number):
        if name == "train_batch_end":
            callback.model.evaluate(x[:5], y[:5], verbose=0)

    model = model_of(x, metrics=["mae"])
    history = model.fit(x, y, batch_size=10, shuffle=False, verbose=0, callbacks=[BatchCalls(evaluate)])
    assert history.history == plain.history

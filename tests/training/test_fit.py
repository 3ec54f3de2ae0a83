"""compile, fit, evaluate: what they call, log, keep and return."""

import threading

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback, History
from fastnn.layers import BatchNormalization, Dense
from fastnn.models import Sequential
from training import BatchCalls, Calls, model_of, rows, same


def test_history_has_the_logs_of_each_epoch():
    x, y = rows()
    model = model_of(x, metrics=["mae"])
    history = model.fit(x, y, epochs=3, validation_split=0.2, verbose=0)
    assert isinstance(history, History)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert {len(values) for values in history.history.values()} == {3}
    assert all(type(value) is float for values in history.history.values() for value in values)
    assert history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert model.history is history


def test_same_seed_gives_the_same_weights_and_another_seed_others():
    x, y = rows()
    models = [model_of(x) for _ in range(3)]
    seeds = [
        model.fit(x, y, epochs=2, verbose=0, seed=seed).seed for model, seed in zip(models, (7, 7, 8), strict=True)
    ]
    assert seeds == [7, 7, 8]
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_drawn_seed_repeats_the_run():
    x, y = rows()
    model, again = model_of(x), model_of(x)
    seed = model.fit(x, y, verbose=0).seed
    again.fit(x, y, verbose=0, seed=seed)
    assert same(model, again)
    fastnn.utils.set_random_seed(3)
    first = model.fit(x, y, verbose=0).seed
    fastnn.utils.set_random_seed(3)
    assert model.fit(x, y, verbose=0).seed == first


def test_fit_again_goes_on():
    x, y = rows()
    for optimizer in ("sgd", "adam"):
        once, twice = model_of(x, optimizer=optimizer), model_of(x, optimizer=optimizer)
        whole = once.fit(x, y, epochs=4, verbose=0, seed=1)
        twice.fit(x, y, epochs=2, verbose=0, seed=1)
        rest = twice.fit(x, y, epochs=4, initial_epoch=2, verbose=0, seed=1)
        assert same(once, twice)
        assert rest.history["loss"] == whole.history["loss"][2:]
        assert rest.epoch == [2, 3]
        assert once.optimizer.iterations == twice.optimizer.iterations == 16


def test_compile_forgets_the_state_and_keeps_the_weights():
    x, y = rows()
    model = model_of(x, optimizer="adam")
    model.fit(x, y, verbose=0, seed=1)
    fresh = model_of(x)
    fresh.set_weights(model.get_weights())
    for each in (model, fresh):
        each.compile("adam", "mse")
        each.fit(x, y, verbose=0, seed=2)
    assert same(model, fresh)
    assert model.optimizer.iterations == 4


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_neither_progress_nor_callbacks_change_the_bits(verbose, capsys):
    x, y = rows(1000)
    models, logs = [], []
    for callbacks in (None, [BatchCalls()], [Callback()]):
        model = model_of(x, metrics=["mae", "mse"])
        history = model.fit(
            x, y, batch_size=7, epochs=2, verbose=verbose, callbacks=callbacks, seed=5, validation_data=(x, y)
        )
        models.append(model)
        logs.append(history.history)
    assert same(models[0], models[1])
    assert same(models[0], models[2])
    assert logs[0] == logs[1] == logs[2]


def test_hooks_are_called_as_in_keras():
    x, y = rows(40)
    calls = BatchCalls()
    model_of(x).fit(
        x, y, batch_size=20, epochs=2, verbose=0, callbacks=[calls], validation_data=(x, y), validation_freq=2
    )
    epoch = ["train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1", "train_batch_end 1"]
    test = [
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0",
        "test_batch_begin 1",
        "test_batch_end 1",
        "test_end",
    ]
    assert calls.names() == [
        *("train_begin", "epoch_begin 0", *epoch, "epoch_end 0"),
        *("epoch_begin 1", *epoch, *test, "epoch_end 1", "train_end"),
    ]
    logs = {name: logs for name, _, logs in calls.calls}
    assert list(logs["train_batch_end"]) == ["loss"]
    assert list(logs["epoch_end"]) == ["loss", "val_loss"]
    assert logs["train_end"] == logs["epoch_end"]


def test_callbacks_see_the_weights_of_the_moment_and_may_set_them():
    x, y = rows(40)
    seen = []

    def look(callback, name, number):
        if name in ("train_batch_end", "epoch_end"):
            seen.append(callback.model.get_weights()[0].copy())
        if name == "epoch_end" and number == 0:
            callback.model.set_weights([array * 0 for array in callback.model.get_weights()])

    model = model_of(x)
    model.fit(x, y, batch_size=20, epochs=2, verbose=0, callbacks=[BatchCalls(look)])
    before, last, end, first = seen[:4]
    assert not np.array_equal(before, last)
    assert np.array_equal(last, end)
    assert np.abs(first).max() == 0  # a net of zeros learns only its last bias in the first step


def test_weights_set_between_fits_are_trained_on():
    x, y = rows()
    model, other = model_of(x), model_of(x)
    model.fit(x, y, verbose=0, seed=1)
    for each in (model, other):
        each.set_weights([array * 0 + 0.25 for array in each.get_weights()])
        each.fit(x, y, verbose=0, seed=2)
    assert same(model, other)


@pytest.mark.parametrize("hook", ["epoch_end", "train_batch_end"])
def test_stop_training_ends_after_the_batch_or_epoch(hook):
    x, y = rows(40)

    def stop(callback, name, number):
        if name == hook:
            callback.model.stop_training = True

    calls = BatchCalls(stop)
    model = model_of(x)
    history = model.fit(x, y, batch_size=10, epochs=5, verbose=0, callbacks=[calls])
    assert history.epoch == [0]
    assert calls.names().count("train_batch_end 3") == (hook == "epoch_end")
    assert calls.names()[-1] == "train_end"
    assert len(model.fit(x, y, epochs=2, verbose=0).epoch) == 2  # the wish ends with the call


def test_ctrl_c_leaves_a_usable_model_and_the_history():
    x, y = rows(40)

    def interrupt(callback, name, number):
        if name == "train_batch_end" and len(callback.calls) > 14:
            raise KeyboardInterrupt

    calls = BatchCalls(interrupt)
    model = model_of(x)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=10, epochs=5, verbose=0, callbacks=[calls])
    assert "train_end" not in calls.names()
    assert model.history.epoch == [0]
    interrupted = model.get_weights()
    assert not np.array_equal(interrupted[0], model_of(x).get_weights()[0])
    assert model.predict(x).shape == (40, 1)
    model.fit(x, y, verbose=0)


def test_losses_are_means_over_rows_of_batches_of_different_sizes():
    x, y = rows(10)
    model = model_of(x)
    expected = []
    for part in (slice(0, 4), slice(4, 8), slice(8, 10)):
        expected.append(model.train_on_batch(x[part], y[part]))
    history = model_of(x).fit(x, y, batch_size=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], [np.dot(expected, [4, 4, 2]) / 10], rtol=1e-14)


def test_train_on_batch_is_a_step_of_fit():
    x, y = rows(30)
    one, other = model_of(x, metrics=["mae"]), model_of(x, metrics=["mae"])
    for _ in range(3):
        values = one.train_on_batch(x, y)
    history = other.fit(x, y, batch_size=30, epochs=3, shuffle=False, verbose=0)
    assert values == [history.history["loss"][-1], history.history["mae"][-1]]
    assert same(one, other)
    assert set(one.train_on_batch(x, y, return_dict=True)) == {"loss", "mae"}


def test_class_weight_is_the_weight_of_each_row():
    x, _ = rows(60)
    y = (np.arange(60) % 3 == 0).astype(np.int64)
    models = [model_of(x) for _ in range(3)]
    weights = np.where(y == 1, 5.0, 1.0)
    models[0].fit(x, y, class_weight={1: 5.0}, shuffle=False, verbose=0)
    models[1].fit(x, y, sample_weight=weights, shuffle=False, verbose=0)
    models[2].fit(x, y, shuffle=False, verbose=0)
    assert same(models[0], models[1])
    assert not same(models[0], models[2])
    history = models[0].fit(x, y, class_weight={1: 5.0}, validation_data=(x, y), verbose=0)
    assert history.history["val_loss"][0] == models[0].evaluate(x, y, verbose=0)  # without class_weight


def test_loss_may_be_a_function():
    x, y = rows(50)

    def squared(y, predicted):
        error = predicted - y
        return np.mean(error**2, axis=1), 2 * error / error.shape[1]

    own, known = model_of(x, loss=squared), model_of(x)
    histories = [
        each.fit(x, y, epochs=3, verbose=0, seed=1, validation_data=(x, y), sample_weight=np.arange(50.0)).history
        for each in (own, known)
    ]
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-10)
    for one, other in zip(own.get_weights(), known.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_two_threads_may_not_train_one_model():
    x, y = rows()
    model, errors = model_of(x), []

    def other():
        try:
            model.fit(x, y, verbose=0)
        except RuntimeError as error:
            errors.append(str(error))

    def start(callback, name, number):
        if name == "epoch_end":
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    model.fit(x, y, verbose=0, callbacks=[Calls(start)])
    assert len(errors) == 1
    assert "one thread at a time" in errors[0]


def test_layers_added_later_are_trained_too():
    x, y = rows()
    model = model_of(x, optimizer="adam")
    model.fit(x, y, verbose=0)
    model.add(Dense(1))
    before = model.get_weights()[-2]
    model.fit(x, y, verbose=0)
    assert not np.array_equal(before, model.get_weights()[-2])


def test_models_are_built_by_the_rows_of_fit():
    x, y = rows()
    model = Sequential([Dense(4, "relu"), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert model.input_shape == (None, 3)
    single = Sequential([Dense(1)])
    single.compile("sgd", "mse")
    single.fit([1.0, 2.0], [3.0, 4.0], verbose=0)
    assert single.input_shape == (None, 1)


def test_properties_say_what_compile_was_given():
    model = Sequential([Dense(1)])
    assert (model.compiled, model.optimizer, model.loss, model.metrics, model.metrics_names) == (
        False,
        None,
        None,
        [],
        [],
    )
    model.compile("adam", "mse", None, ["mae"], run_eagerly=True, steps_per_execution=8, jit_compile=True)
    assert model.compiled
    assert model.loss == "mse"
    assert model.metrics_names == ["loss", "mae"]
    assert model.metrics[0].name == "loss"


def test_every_history_among_the_callbacks_is_filled():
    x, y = rows()
    own = History(), History()
    model_of(x).fit(x, y, epochs=3, verbose=0, callbacks=[*own])
    assert [each.epoch for each in own] == [[0, 1, 2]] * 2


def test_a_loss_in_python_that_writes_into_its_arguments_changes_no_metric():
    def squared(y, p):
        p -= y
        return (p * p).mean(axis=1), 2 * p

    x, y = rows()
    logs = []
    for loss in ("mse", squared):
        model = model_of(x, loss=loss, metrics=["mae"])
        logs.append(model.fit(x, y, verbose=0, seed=1).history["mae"] + model.evaluate(x, y, verbose=0)[1:])
    np.testing.assert_allclose(*logs)


def test_a_normalization_without_weights_learns_the_batches():
    x = np.random.default_rng(0).normal(10, 5, (64, 3))
    model = Sequential([BatchNormalization(center=False, scale=False, momentum=0.0, input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], batch_size=64, verbose=0)
    np.testing.assert_allclose(model.layers[0].get_weights(), [x.mean(axis=0), x.var(axis=0)], rtol=1e-5)

"""Models that Python threads fit at the same time."""

import copy
import pickle
import threading

import numpy as np
import pytest

from arrays import uniform
from fastnn.callbacks import LambdaCallback
from fastnn.layers import BatchNormalization, Dense, Dropout
from fastnn.models import Sequential
from training import model_of, rows, same


def fitted(seed, dtype):
    x = uniform(seed, (600, 40))
    layers = [Dense(250, "relu"), BatchNormalization(), Dropout(0.2), Dense(170, "tanh"), Dense(1)]
    model = Sequential(layers, dtype=dtype)
    model.build((None, 40))
    model.set_weights([abs(uniform(seed + i, w.shape)) / 8 for i, w in enumerate(model.get_weights())])
    model.compile("adam", "mse")
    history = model.fit(x, x[:, :1], batch_size=256, epochs=3, seed=seed, verbose=0)
    return model, history.history["loss"]


def in_threads(*calls):
    """Runs the calls at the same time; what each returned or raised."""
    results, start = [None] * len(calls), threading.Barrier(len(calls))

    def run(i):
        start.wait()
        try:
            results[i] = calls[i]()
        except Exception as error:
            results[i] = error

    each = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    return results


@pytest.mark.parametrize("count", [1, 2])
def test_two_models_fitted_at_once_get_the_bits_they_get_alone(count, dtype, threads, frequent_switches):
    threads(count)
    alone = [fitted(seed, dtype) for seed in (1, 2)]
    at_once = in_threads(lambda: fitted(1, dtype), lambda: fitted(2, dtype))
    for (model, losses), (other, other_losses) in zip(alone, at_once, strict=True):
        assert same(model, other)
        assert losses == other_losses
    assert not np.array_equal(*(model.get_weights()[0] for model, _ in alone))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy, "saved"], ids=["pickle", "deepcopy", "save"])
def test_a_model_may_be_copied_and_saved_while_another_thread_evaluates_it(copied, tmp_path, frequent_switches):
    x, y = rows(5000)
    model = model_of(x)
    model.fit(x, y, verbose=0)
    expected = model.evaluate(x, y, verbose=0)
    copied = (lambda model: model.save(tmp_path / "model.safetensors")) if copied == "saved" else copied

    def copies():
        return [copied(model) is None for _ in range(20)]

    def evaluations():
        return {model.evaluate(x, y, verbose=0) for _ in range(100)}

    results = in_threads(copies, evaluations, copies)
    assert all(isinstance(each, list) for each in results[::2]), results
    assert results[1] == {expected}


def test_a_model_that_another_thread_fits_is_not_saved_but_its_copy_is(tmp_path):
    x, y = rows(50)
    model = model_of(x)
    errors = []

    def save():
        try:
            model.save(tmp_path / "model.safetensors")
        except RuntimeError as error:
            errors.append(str(error))
        copy.deepcopy(model).save(tmp_path / "copy.safetensors")

    def from_another_thread(*_):
        thread = threading.Thread(target=save)
        thread.start()
        thread.join()

    model.fit(x, y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=from_another_thread)])
    assert errors == [
        "expected a model that no other thread trains; fit() runs now: save a copy, for example copy.deepcopy(model), "
        "or save in a callback"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


def test_one_model_fitted_at_once_by_two_threads_trains_in_turn_or_says_so(frequent_switches):
    x, y = rows(2000)

    def expected(fits):
        model = model_of(x)
        for _ in range(fits):
            model.fit(x, y, epochs=3, shuffle=False, verbose=0)
        return model

    for _ in range(10):
        model = model_of(x)
        fit = lambda: model.fit(x, y, epochs=3, shuffle=False, verbose=0)  # noqa: E731, B023
        results = in_threads(fit, fit)
        errors = [each for each in results if isinstance(each, Exception)]
        assert len(errors) < 2
        for error in errors:
            assert isinstance(error, RuntimeError)
            assert str(error).startswith("expected one thread at a time to train")
        assert same(model, expected(2 - len(errors)))

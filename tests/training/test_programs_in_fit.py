"""What callbacks, functions and signal handlers do while fit() runs, and what backups do before it."""

import copy
import pickle
import signal

import numpy as np
import pytest

from fastnn import ModelFormatError
from fastnn.callbacks import BackupAndRestore
from fastnn.layers import Dense
from fastnn.models import load_model
from training import At, Calls, model_of, rows, same

X, Y = rows(40)


def fit(model=None, x=X, y=Y, **options):
    return (model or model_of(X)).fit(x, y, **({"verbose": 0} | options)).history


def squares(y, y_pred):
    return ((y_pred - y) ** 2)[:, 0], 2 * (y_pred - y)


@pytest.mark.parametrize("hook", ["train_begin", "epoch_begin", "epoch_end", "train_end"])
def test_model_is_usable_after_a_callback_that_raised(hook):
    def stop(calls, name, number):
        if name == hook:
            raise KeyError("mine")

    model = model_of(X)
    with pytest.raises(KeyError, match="mine"):
        fit(model, epochs=2, callbacks=[Calls(stop)])
    assert fit(model)["loss"][0] > 0
    assert np.isfinite(model.predict(X)).all()


def test_copies_made_in_fit_go_on_by_themselves():
    copies = []

    def make(model):
        copies.extend([pickle.loads(pickle.dumps(model)), copy.deepcopy(model)])

    model = model_of(X, optimizer="adam")
    fit(model, epochs=2, shuffle=False, callbacks=[At(make)])
    for each in copies[:2]:  # of the first epoch
        fit(each, shuffle=False)
        assert same(each, model)


def test_layers_added_in_fit_are_trained_by_the_next():
    model = model_of(X)
    fit(model, callbacks=[At(lambda model: model.add(Dense(2)))])
    before = model.get_weights()[-2:]
    fit(model, y=np.hstack([Y, Y]))
    assert not np.array_equal(before[0], model.get_weights()[-2])


def test_damaged_backup_says_what_to_do(tmp_path):
    (tmp_path / "training_state.safetensors").write_bytes(b"garbage")
    with pytest.raises(
        ModelFormatError, match="expected a backup of training; .*: remove it to train from the beginning"
    ):
        fit(callbacks=[BackupAndRestore(tmp_path)])


def test_functions_that_change_their_arguments_change_no_array_of_the_user():
    def changed(y, y_pred):
        y[:] = 7
        return squares(y, y_pred)

    def metric(y, y_pred):
        y[:] = 7
        y_pred[:] = 7
        return 0.0

    y = np.array(Y)
    for dtype in ("float32", "float64"):
        for options in ({"loss": changed}, {"metrics": [metric]}, {"weighted_metrics": [metric, "mae"]}):
            given = y.astype(dtype)
            model = model_of(X, dtype=dtype, **options)
            model.fit(X, given, verbose=0)
            model.evaluate(X, given, verbose=0)
            model.train_on_batch(X, given)
            assert np.array_equal(given, y.astype(dtype))


def test_backup_of_another_optimizer_is_refused(tmp_path):
    callback = BackupAndRestore(tmp_path, delete_checkpoint=False)
    fit(model_of(X, optimizer="adam"), callbacks=[callback])
    with pytest.raises(ValueError, match="an optimizer that keeps nothing; received one that keeps momentum, velocity"):
        fit(model_of(X, optimizer="sgd"), epochs=2, callbacks=[callback])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_signal_handlers_may_copy_and_save_a_model_in_the_midst_of_fit(tmp_path):
    x, y = rows(40_000)  # an epoch is one call of the core, of some 0.1 s
    path = tmp_path / "model.safetensors"
    model, other = model_of(x, hidden=200, optimizer="adam"), model_of(x, hidden=200, optimizer="adam")
    models = []

    def handler(number, frame):
        if model._run is not None and len(models) < 3:
            model.save(path)
            models.extend([copy.deepcopy(model), load_model(path)])

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        while len(models) < 4:
            fit(model, x, y, batch_size=8, seed=1)
            fit(other, x, y, batch_size=8, seed=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert same(model, other)
    assert not same(models[0], model)
    for one, loaded in zip(models[::2], models[1::2], strict=True):
        assert same(one, loaded)
        fit(one, x, y, seed=2)
        fit(loaded, x, y, seed=2)
        assert same(one, loaded)

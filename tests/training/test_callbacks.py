"""Callbacks: what they save and restore, when they are called, and what they say to wrong arguments."""

import math
import os

import numpy as np
import pytest

from fastnn import _core
from fastnn.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)
from fastnn.callbacks.backup import read_state, write_state
from fastnn.models import load_model
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import ExponentialDecay
from training import BatchCalls, model_of, rows, same

X, Y = rows(40)


class StopError(Exception):
    """What cuts a run off."""


def cut_off(epoch, batch):
    """A callback that raises in a batch of an epoch."""
    now = []

    def end(number, logs):
        if (now[-1], number) == (epoch, batch):
            raise StopError

    return LambdaCallback(on_epoch_begin=lambda number, logs: now.append(number), on_train_batch_end=end)


def monitors():
    return [
        EarlyStopping("val_loss", patience=3, min_delta=1e-3, restore_best_weights=True),
        ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5, cooldown=1),
    ]


def fitted(folder, *more, save_freq=2, **options):
    model = model_of(X, optimizer=SGD(0.05, momentum=0.9), metrics=["mae"])
    backup = BackupAndRestore(folder, save_freq=save_freq, **options)
    history = model.fit(
        *(X, Y, 8, 6, 0, [backup, *monitors(), *more]), validation_split=0.25, seed=1
    )  # 30 rows: 4 batches an epoch
    return model, history


@pytest.mark.parametrize("save_freq", [1, 3, "epoch"])
@pytest.mark.parametrize("place", [(0, 0), (1, 2), (3, 3), (5, 1)])
def test_a_run_that_was_cut_off_goes_on_with_the_same_bits(place, save_freq, tmp_path):
    whole, history = fitted(tmp_path / "whole", save_freq=save_freq)
    with pytest.raises(StopError):
        fitted(tmp_path / "cut", cut_off(*place), save_freq=save_freq)
    model, resumed = fitted(tmp_path / "cut", save_freq=save_freq)
    assert same(model, whole)
    assert resumed.history == history.history
    assert "learning_rate" in history.history
    assert len(set(history.history["learning_rate"])) > 1
    assert not (tmp_path / "cut").exists()


def test_a_backup_leaves_files_of_others_alone(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    fitted(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_backup_may_stay(tmp_path):
    fitted(tmp_path / "backup", delete_checkpoint=False)
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["training_state.safetensors"]


def test_the_backup_before_the_last_is_read_if_that_is_damaged(tmp_path):
    whole, _ = fitted(tmp_path / "whole")
    with pytest.raises(StopError):
        fitted(tmp_path / "cut", cut_off(3, 3), double_checkpoint=True)
    last = tmp_path / "cut" / "training_state.safetensors"
    last.write_bytes(last.read_bytes()[:100])
    assert same(fitted(tmp_path / "cut", double_checkpoint=True)[0], whole)
    with pytest.raises(StopError):
        fitted(tmp_path / "one", cut_off(3, 3))
    last = tmp_path / "one" / "training_state.safetensors"
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(_core.ModelFormatError, match="training_state.safetensors"):
        fitted(tmp_path / "one")


STATE = {
    "numbers": [0.1, math.inf, -0.0, 2**64 - 1, -3, True, None, "text é"],
    "arrays": (np.arange(6.0).reshape(2, 3), np.float32([1.5]), np.zeros((0, 3)), np.array(2), np.array([True])),
    "nested": {"": {}, "a": [(), [], {"array": 3, "tuple": 1}]},
}


def test_a_state_is_read_as_it_was_written(tmp_path):
    path = str(tmp_path / "state.safetensors")
    write_state(path, STATE | {"nan": math.nan, "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3))})
    state = read_state(path)
    assert math.isnan(state.pop("nan"))
    assert np.array_equal(state.pop("fortran"), np.arange(6.0).reshape(2, 3))
    assert repr(state) == repr(STATE)
    assert [each.dtype for each in state["arrays"]] == [each.dtype for each in STATE["arrays"]]
    state["arrays"][0][0, 0] = 7  # arrays are writable


def test_other_states_and_files_are_refused(tmp_path):
    path = str(tmp_path / "state.safetensors")
    for state in ({1: 2}, object(), [1j], np.array(["a"]), np.array([1j])):
        with pytest.raises(TypeError, match="in a training state; received"):
            write_state(path, state)
    assert not os.path.exists(path)  # noqa: PTH110
    model_of(X).save(path)
    with pytest.raises(_core.ModelFormatError, match="expected a backup of training"):
        read_state(path)


def test_every_monitor_goes_on_from_its_state():
    """Cut at any epoch, the decisions are those of the whole sequence."""
    losses = [5, 4, 4.5, 3, 3, 3.5, 3, 3, 2, 2, 2, 2, 2, 2, 2]

    class Model:
        def __init__(self):
            self.optimizer, self.stop_training, self.weights = SGD(0.5), False, [0]

        def get_weights(self):
            return list(self.weights)

    def run(callbacks, epochs, model):
        for epoch in epochs:
            model.weights = [epoch]
            callbacks.on_epoch_end(epoch, {"val_loss": losses[epoch], "loss": losses[epoch]})
        return repr(callbacks._state()), model.stop_training, model.optimizer.learning_rate

    whole = CallbackList([*monitors(), History()], model=Model())
    whole.on_train_begin()
    expected = run(whole, range(15), whole._model)
    for cut in range(15):
        first = CallbackList([*monitors(), History()], model=Model())
        first.on_train_begin()
        run(first, range(cut), first._model)
        second = CallbackList([*monitors(), History()], model=first._model)
        second.on_train_begin()
        second._set_state(first._state())
        assert run(second, range(cut, 15), second._model) == expected


def test_checkpoints_are_models(tmp_path):
    model = model_of(X)
    best = ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{val_loss:.3f}.safetensors", save_best_only=True)
    weights = ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.safetensors", save_weights_only=True, save_freq=5)
    history = model.fit(X, Y, 8, 3, 0, [best, weights], validation_split=0.25, seed=1).history["val_loss"]
    names = [f"{epoch + 1:02d}-{loss:.3f}.safetensors" for epoch, loss in enumerate(history)]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert same(load_model(tmp_path / "new" / names[-1]), model)
    assert sorted(path.name for path in tmp_path.glob("*.weights.*")) == [
        "2-1.weights.safetensors",
        "3-2.weights.safetensors",
    ]


def test_hooks_of_batches_are_asked_for_only_by_who_needs_them(tmp_path):
    class Mine(Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    class Tests(Callback):
        def on_test_batch_end(self, batch, logs=None):
            pass

    path = tmp_path / "a.safetensors"
    nothing = [*monitors(), History(), CSVLogger(tmp_path / "log"), TerminateOnNaN(), ModelCheckpoint(path)]
    nothing += [BackupAndRestore(tmp_path), ProgbarLogger(), LambdaCallback(on_epoch_end=print), SwapEMAWeights()]
    nothing += [LearningRateScheduler(lambda epoch: 0.1)]
    callbacks = CallbackList(nothing)
    assert not any(callbacks.wants_batches(kind) for kind in ("train", "test", "predict"))
    each = [Mine(), LambdaCallback(on_train_batch_begin=print), ModelCheckpoint(path, save_freq=2)]
    each += [BackupAndRestore(tmp_path, save_freq=2), LambdaCallback(on_batch_end=print), BatchCalls()]
    for callback in each:
        assert CallbackList([*nothing, callback]).wants_batches("train")
        assert CallbackList(CallbackList([callback])).wants_batches("train")
    assert CallbackList(Tests()).wants_batches("test")
    assert not CallbackList(Tests()).wants_batches("train")


def test_a_list_calls_all_in_order_and_backups_last(tmp_path):
    given = [BackupAndRestore(tmp_path), BatchCalls(), [LambdaCallback()]]
    callbacks = CallbackList(given, add_history=True, add_progbar=True, epochs=3)
    kinds = [type(each).__name__ for each in callbacks.callbacks]
    assert kinds == ["BatchCalls", "LambdaCallback", "History", "ProgbarLogger", "BackupAndRestore"]
    assert callbacks.callbacks[0].params == {"verbose": 0, "epochs": 3, "steps": None}
    callbacks.on_epoch_begin(4)
    callbacks.on_train_batch_end(2, logs={"loss": 1.0})
    assert callbacks.callbacks[0].names()[0] == "epoch_begin 4"
    with pytest.raises(TypeError, match=r"received <class 'fastnn.callbacks.history.History'>; call it: History\(\)"):
        CallbackList([History])
    with pytest.raises(TypeError, match="expected callbacks to be objects of fastnn.callbacks"):
        CallbackList(print)


def test_users_callbacks_may_set_what_they_like_and_forget_super():
    class Mine(Callback):
        def __init__(self):
            self.losses = []

        def on_epoch_end(self, epoch, logs=None):
            self.losses.append(logs["loss"])
            self.last = epoch

    mine = Mine()
    history = model_of(X).fit(X, Y, epochs=2, verbose=0, callbacks=mine)
    assert mine.losses == history.history["loss"]
    assert mine.params["epochs"] == 2


def test_functions_see_the_weights_of_the_step_in_a_model_that_they_know():
    model, seen = model_of(X), []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0][0, 0]))
    model.fit(X, Y, batch_size=10, verbose=0, callbacks=look)
    assert len(set(seen)) == 4
    assert seen[-1] == model.get_weights()[0][0, 0]


def test_metrics_tell_whether_more_is_better():
    model = model_of(X, metrics=["mae", "r2_score"], loss="mse")
    stopping = [EarlyStopping("r2_score", patience=100), EarlyStopping("val_mae", patience=100)]
    model.fit(X, Y, epochs=3, verbose=0, callbacks=stopping, validation_split=0.5)
    assert stopping[0].best > 0 or stopping[0].best == max(model.history.history["r2_score"])
    assert stopping[1].best == min(model.history.history["val_mae"])
    with pytest.raises(ValueError, match="EarlyStopping callback received monitor=val_r2, but fastnn isn't able to"):
        model.fit(X, Y, verbose=0, callbacks=EarlyStopping("val_r2"))


def test_learning_rates_of_a_scheduler_are_used_and_logged():
    schedules = {
        "both": lambda epoch, rate: rate / 2,
        "epoch": lambda epoch: 0.5 / 2 ** (epoch + 1),
        "schedule": lambda step: ExponentialDecay(0.25, 1, 0.5)(step),
    }
    for schedule in schedules.values():
        history = model_of(X, optimizer=SGD(0.5)).fit(*(X, Y, 40, 3, 0, LearningRateScheduler(schedule)), seed=1)
        assert history.history["learning_rate"] == [0.25, 0.125, 0.0625]
    with pytest.raises(ValueError, match="The output of the `schedule` function should be a float. Got: fast"):
        model_of(X).fit(X, Y, verbose=0, callbacks=LearningRateScheduler(lambda epoch: "fast"))
    for callback in (LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss", patience=0, min_delta=9e9)):
        with pytest.raises(TypeError, match="expected an optimizer whose learning rate is a number"):
            model_of(X, optimizer=SGD(ExponentialDecay(0.1, 1, 0.5))).fit(X, Y, epochs=3, verbose=0, callbacks=callback)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_validation_sees_the_average_of_the_weights(swap_on_epoch):
    optimizer = {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.75}
    plain = model_of(X, optimizer=Adam(**optimizer))
    averages = []

    def average(batch, logs):
        weights = plain.get_weights()
        old = averages[-1] if averages else weights
        averages.append([0.75 * a + 0.25 * w for a, w in zip(old, weights, strict=True)])

    looking = LambdaCallback(on_train_batch_end=average)
    plain.fit(X, Y, 10, 3, 0, looking, validation_split=0.5, seed=1)
    swapped = model_of(X, optimizer=Adam(**optimizer))
    seen = []
    history = swapped.fit(
        *(X, Y, 10, 3, 0),
        [SwapEMAWeights(swap_on_epoch), LambdaCallback(on_epoch_end=lambda *_: seen.append(swapped.get_weights()))],
        validation_split=0.5,
        seed=1,
    )
    assert same(plain, swapped)  # the average, in the end
    other = model_of(X)
    for epoch in range(3):
        other.set_weights(averages[2 * epoch + 1])
        expected = other.evaluate(X[20:], Y[20:], verbose=0)
        assert history.history["val_loss"][epoch] == pytest.approx(expected, rel=1e-12)
        assert np.allclose(seen[epoch][0], averages[2 * epoch + 1][0], rtol=1e-12) is swap_on_epoch
    with pytest.raises(ValueError, match="use_ema=True for SwapEMAWeights; received use_ema=False"):
        model_of(X).fit(X, Y, verbose=0, callbacks=SwapEMAWeights())


def test_terminate_on_nan_prints_or_raises(capsys):
    callback = TerminateOnNaN()
    callback.set_model(model_of(X))
    callback.on_train_batch_end(3, {"loss": 1.0})
    assert not callback.model.stop_training
    callback.on_train_batch_end(3, {"loss": math.nan})
    assert callback.model.stop_training
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 3. Loss value: inf"):
        TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": math.inf})


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: EarlyStopping(patence=3), TypeError, r"did you mean 'patience'\?$"),
        (lambda: EarlyStopping(patience=-1), ValueError, "patience to be an integer of at least 0"),
        (lambda: EarlyStopping(patience=1.5), ValueError, "patience to be an integer of at least 0"),
        (lambda: EarlyStopping(monitor=3), ValueError, "monitor to be a name of the logs"),
        (lambda: ReduceLROnPlateau(factor=1.0), ValueError, "factor to be at least 0 and below 1"),
        (lambda: ModelCheckpoint("best.keras"), ValueError, "filepath to end in .safetensors"),
        (lambda: ModelCheckpoint("a.safetensors", save_weights_only=True), ValueError, "end in .weights.safetensors"),
        (lambda: ModelCheckpoint("a.safetensors", save_freq=0), ValueError, "'epoch' or a positive number of batches"),
        (lambda: BackupAndRestore(""), ValueError, "backup_dir to be the path of a folder"),
        (lambda: BackupAndRestore("a", save_freq="batch"), ValueError, "'epoch' or a positive number of batches"),
        (lambda: LambdaCallback(on_epoch_ends=print), TypeError, r"'on_epoch_ends'; did you mean 'on_epoch_end'\?$"),
        (lambda: LambdaCallback(on_epoch_end=3), ValueError, "on_epoch_end to be a function"),
        (lambda: LearningRateScheduler(0.1), ValueError, "schedule to be a function"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_fit_takes_a_list_of_callbacks_as_its_callbacks(tmp_path):
    """Also one without a History; evaluate() too."""
    mine = BatchCalls()
    model = model_of(X)
    history = model.fit(X, Y, 20, epochs=2, verbose=0, callbacks=CallbackList([[mine], TerminateOnNaN()]))
    assert model.history is history
    assert history.epoch == [0, 1]
    assert mine.params["epochs"] == 2
    evaluated = BatchCalls()
    model.evaluate(X, Y, verbose=0, callbacks=CallbackList(evaluated))
    assert "test_begin" in " ".join(evaluated.names())


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_a_metric_of_several_numbers_is_no_monitor(kind):
    x, y = rows()
    model = model_of(x, units=2, metrics=["f1_score"])
    with pytest.raises(ValueError, match="received monitor='f1_score', which has 2; .* use average='macro'"):
        model.fit(x, np.eye(2)[(y[:, 0] > 0).astype(int)], verbose=0, callbacks=[kind("f1_score", mode="max")])

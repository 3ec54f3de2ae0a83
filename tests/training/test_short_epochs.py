"""Short epochs that nobody sees end run in one call of the core: the same bits, logs and errors as one by one."""

import signal
import threading

import numpy as np
import pytest

from fastnn.callbacks import Callback, History
from fastnn.layers import Dense, Dropout
from fastnn.models import Sequential
from fastnn.models.rows import STEPS_AT_ONCE
from fastnn.models.trainer import NonFiniteLossError, Trainer
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import ExponentialDecay
from training import model_of, rows, same


class Looks(Callback):
    """A callback, so that epochs run one by one."""


@pytest.fixture
def calls(monkeypatch):
    """Return the list of the steps of each call of the core."""
    steps, train = [], Trainer.train

    def counted(trainer, chunk, *arguments):
        steps.append(chunk.steps)
        return train(trainer, chunk, *arguments)

    monkeypatch.setattr(Trainer, "train", counted)
    return steps


def assert_equal_fits(make, x, y, calls, expected_calls, **arguments):
    """The weights and History of fit() at once are those of epochs one by one; so is the fit() after it."""
    at_once, one_by_one = make(), make()
    for _ in range(2):
        calls.clear()
        found = at_once.fit(x, y, verbose=0, seed=5, **arguments)
        assert calls == expected_calls
        expected = one_by_one.fit(x, y, verbose=0, seed=5, callbacks=[Looks()], **arguments)
        assert found.history == expected.history
        assert found.epoch == expected.epoch
        assert same(at_once, one_by_one)
        assert at_once.optimizer.iterations == one_by_one.optimizer.iterations


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
@pytest.mark.parametrize(("count", "batch_size"), [(7, 3), (6, 3), (5, 8), (1, 1)])
def test_short_epochs_have_the_bits_of_epochs_one_by_one(count, batch_size, shuffle, calls):
    x, y = rows(count)
    steps = -(-count // batch_size)
    given = {"epochs": 4, "batch_size": batch_size, "shuffle": shuffle}
    assert_equal_fits(lambda: model_of(x), x, y, calls, [4 * steps], **given)
    assert_equal_fits(lambda: model_of(x), x, y, calls, [4 * steps], **given, sample_weight=np.arange(1.0, count + 1))


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(ExponentialDecay(0.1, 2, 0.5)),
        lambda: Adam(use_ema=True, ema_overwrite_frequency=2),
        lambda: Adam(gradient_accumulation_steps=2),
    ],
    ids=["schedule", "average", "accumulation"],
)
def test_short_epochs_count_the_steps_of_the_optimizer(optimizer, calls):
    x, y = rows(7)
    make = lambda: model_of(x, optimizer=optimizer())  # noqa: E731
    assert_equal_fits(make, x, y, calls, [9], epochs=3, batch_size=3)


def test_short_epochs_draw_the_noise_of_epochs_one_by_one(calls):
    x, y = rows(20)

    def make():
        model = Sequential([Dense(8, "relu", kernel_initializer="ones"), Dropout(0.5), Dense(1)])
        model.build((None, x.shape[1]))
        model.set_weights([np.ones_like(each) for each in model.get_weights()])
        model.compile("adam", "mse")
        return model

    assert_equal_fits(make, x, y, calls, [9], epochs=3, batch_size=8)


def test_only_so_many_rows_are_trained_on_in_one_call(calls, monkeypatch):
    x, y = rows(7)
    monkeypatch.setattr(Trainer, "rows_of_a_moment", lambda _: 20)
    assert_equal_fits(lambda: model_of(x), x, y, calls, [6, 6, 3], epochs=5, batch_size=3)


@pytest.mark.parametrize(
    "given",
    [
        {"callbacks": [Looks()]},
        {"validation_split": 0.25},
        {"steps_per_epoch": 1, "batch_size": 4},
        {"verbose": 2},
    ],
    ids=lambda given: next(iter(given)),
)
def test_epochs_that_somebody_sees_end_come_one_by_one(given, calls):
    x, y = rows(8)
    model_of(x).fit(x, y, **{"epochs": 3, "verbose": 0, "batch_size": 8} | given)
    assert calls == [1, 1, 1]


def test_loss_that_is_not_finite_tells_its_epoch_and_step(calls):
    x, y = rows(7)
    errors, histories, models = [], [], []
    for callbacks in ([], [Looks()]):
        model = model_of(x, optimizer=SGD(0.9))
        with pytest.raises(NonFiniteLossError) as caught:
            model.fit(x * 3, y, epochs=500, batch_size=3, verbose=0, seed=1, callbacks=callbacks)
        errors.append(caught.value)
        histories.append(model.history)
        models.append(model)
    assert calls[0] == 1500
    assert str(errors[0]) == str(errors[1])
    assert (errors[0].epoch, errors[0].step) == (errors[1].epoch, errors[1].step)
    assert errors[0].epoch > 1
    assert histories[0].history == histories[1].history
    assert histories[0].epoch == list(range(errors[0].epoch))
    assert same(*models)


def test_ctrl_c_keeps_the_epochs_before_it(monkeypatch):
    train = Trainer.train

    def interrupted(trainer, *arguments):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        return train(trainer, *arguments)

    monkeypatch.setattr(Trainer, "rows_of_a_moment", lambda _: 1 << 40)
    x, y = rows(64)
    model, again = model_of(x, hidden=512), model_of(x, hidden=512)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with monkeypatch.context() as during:
            during.setattr(Trainer, "train", interrupted)
            with pytest.raises(KeyboardInterrupt):
                model.fit(x, y, epochs=20_000, batch_size=20, verbose=0, seed=3)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    steps, epochs = int(model.optimizer.iterations), len(model.history.epoch)
    assert steps > 4
    assert epochs == steps // 4
    assert len(model.history.history["loss"]) == epochs
    expected = again.fit(x, y, epochs=epochs, batch_size=20, verbose=0, seed=3)
    assert model.history.history == expected.history


def test_another_thread_may_read_the_weights_between_short_epochs(monkeypatch):
    monkeypatch.setattr(Trainer, "rows_of_a_moment", lambda _: 40)
    x, y = rows(20)
    model = model_of(x)
    errors, is_over = [], threading.Event()

    def read():
        while not is_over.is_set():
            try:
                model.get_weights()
            except RuntimeError as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(200):  # after each, layers ask for the weights
            model.fit(x, y, epochs=40, verbose=0)
    finally:
        is_over.set()
        reader.join()
    assert not errors


def test_a_class_made_from_history_is_called_for_each_epoch(calls):
    class Mine(History):
        def on_epoch_begin(self, epoch, logs=None):
            self.begun = [*getattr(self, "begun", []), epoch]

    x, y = rows(7)
    mine = Mine()
    model_of(x).fit(x, y, epochs=3, verbose=0, callbacks=[mine])
    assert mine.begun == [0, 1, 2]
    assert calls == [1, 1, 1]


def test_few_rows_make_no_more_steps_at_once_than_take_a_moment(calls):
    x, y = rows(2)
    model_of(x).fit(x, y, epochs=10_000, batch_size=1, verbose=0)
    assert max(calls) == STEPS_AT_ONCE

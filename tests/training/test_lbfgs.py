"""L-BFGS as a minimizer of functions of a vector, and in fit()."""

from itertools import pairwise

import numpy as np
import pytest

from arrays import uniform
from fastnn.callbacks import BackupAndRestore, Callback, LambdaCallback, TerminateOnNaN
from fastnn.layers import BatchNormalization, Dense
from fastnn.models import Sequential
from fastnn.models.lbfgs import Minimizer
from fastnn.optimizers import LBFGS
from training import BatchCalls, model_of, rows


def rosenbrock(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * a - 2 * b
    gradient[1:] += 200 * a
    return float(np.sum(100 * a**2 + b**2)), gradient


def test_quadratic_ends_at_its_minimum():
    random = np.random.RandomState(1)
    matrix = random.normal(size=(20, 20))
    matrix = matrix @ matrix.T + np.eye(20)
    goal = random.normal(size=20)
    run = Minimizer(
        lambda x: (0.5 * (x - goal) @ matrix @ (x - goal), matrix @ (x - goal)), np.zeros(20), tolerance=1e-9
    )
    values = list(run)
    np.testing.assert_allclose(run.x, goal, atol=1e-9)
    assert all(a > b for a, b in pairwise(values))
    assert len(values) < 100


@pytest.mark.parametrize("size", [2, 10, 50])
def test_rosenbrock_is_solved_about_as_fast_as_by_scipy(size):
    optimize = pytest.importorskip("scipy.optimize")
    start = np.tile([-1.2, 1.0], size // 2)
    run = Minimizer(rosenbrock, start, tolerance=1e-6)
    list(run)
    np.testing.assert_allclose(run.x, np.ones(size), atol=1e-5)
    other = optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-6, "maxiter": 10000})
    assert run.evaluations < 2 * other.nfev


def test_values_that_are_not_finite_are_stepped_around():
    with np.errstate(all="ignore"):
        run = Minimizer(lambda x: (float(-np.log(x[0]) + x[0]), 1 - 1 / x), np.array([1e-3]), tolerance=1e-8)
        list(run)
    np.testing.assert_allclose(run.x, [1.0], atol=1e-6)


def test_it_ends_where_nothing_gets_lower():
    run = Minimizer(lambda x: (float(np.sum(np.abs(x))), np.sign(x)), np.array([1.0, -2.0]), tolerance=0.0)
    assert len(list(run)) < 1000
    at_once = Minimizer(lambda x: (0.0, np.zeros(2)), np.zeros(2), tolerance=0.0)
    assert list(at_once) == []


def test_evaluations_are_bounded():
    run = Minimizer(rosenbrock, np.tile([-1.2, 1.0], 5), tolerance=0.0, evaluations=20)
    list(run)
    assert 20 <= run.evaluations < 20 + 50


def test_fit_with_lbfgs_reaches_least_squares():
    x, y = rows(50)
    noisy = y + 0.1 * uniform(3, y.shape)
    model = Sequential([Dense(1, input_shape=(3,))], dtype="float64")
    model.compile(LBFGS(tolerance=1e-10), "mse", metrics=["mae"])
    history = model.fit(x, noisy, verbose=0, validation_data=(x, y))
    solution, *_ = np.linalg.lstsq(np.hstack([x, np.ones((50, 1))]), noisy, rcond=None)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(np.concatenate([kernel, [bias]]), solution, atol=1e-8)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    np.testing.assert_allclose(history.history["loss"], [model.evaluate(x, noisy, verbose=0)[0]], rtol=1e-10)


def test_iterations_of_lbfgs_are_steps():
    x, y = rows(50)
    calls = BatchCalls()
    model = model_of(x, optimizer=LBFGS(max_iter=7))
    model.fit(x, y, verbose=0, callbacks=[calls])
    assert calls.names().count("train_batch_end 6") == 1
    assert "train_batch_end 7" not in calls.names()
    assert model.optimizer._iterations == 7
    losses = [logs["loss"] for name, _, logs in calls.calls if name == "train_batch_end"]
    assert losses == sorted(losses, reverse=True)


def test_interrupted_lbfgs_keeps_the_best_weights():
    x, y = rows(50)

    def interrupt(callback, name, number):
        if name == "train_batch_end" and number == 3:
            raise KeyboardInterrupt

    model = model_of(x, optimizer=LBFGS())
    before = model.evaluate(x, y, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0, callbacks=[BatchCalls(interrupt)])
    assert model.evaluate(x, y, verbose=0) < before


def test_lbfgs_has_no_batches():
    x, y = rows(50)
    model = model_of(x, optimizer=LBFGS())
    with pytest.raises(ValueError, match=r"expected an optimizer of batches for train_on_batch\(\); LBFGS"):
        model.train_on_batch(x, y)
    with pytest.raises(ValueError, match="expected x and y as arrays for LBFGS"):
        model.fit(iter([(x, y)]), verbose=0)


def test_statistics_of_batches_are_refused():
    model = Sequential([BatchNormalization(name="norm"), Dense(1)])
    model.compile("lbfgs", "mse")
    with pytest.raises(ValueError, match="without random numbers, statistics of batches.* received layer 'norm'"):
        model.fit(*rows(), verbose=0)


def test_frozen_statistics_are_no_obstacle():
    model = Sequential([BatchNormalization(trainable=False), Dense(1)])
    model.compile("lbfgs", "mse")
    assert model.fit(*rows(), verbose=0).history["loss"][0] < 1


def test_a_loss_that_is_not_finite_adds_no_epoch():
    model = model_of(np.ones((4, 2)), optimizer="lbfgs")
    history = model.fit(np.ones((4, 2)), np.full(4, 1e200), verbose=0, callbacks=[TerminateOnNaN()])
    assert history.history == {}


def test_a_run_that_was_cut_between_iterations_goes_on(tmp_path):
    x, y = rows()

    class Cut(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    model = model_of(x, optimizer=LBFGS(max_iter=5, tolerance=0))
    backup = BackupAndRestore(tmp_path / "backup", save_freq=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0, callbacks=[backup, Cut()])
    reached = model.evaluate(x, y, verbose=0)
    again, seen = model_of(x, optimizer=LBFGS(max_iter=5, tolerance=0)), []
    noting = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    again.fit(x, y, verbose=0, callbacks=[BackupAndRestore(tmp_path / "backup", save_freq=2), noting])
    assert seen == [2, 3, 4]  # the backup is that after two iterations
    assert again.evaluate(x, y, verbose=0) <= reached

"""Callbacks that change the learning rate: by a function of the epoch, or once a loss has stopped to become better."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.arguments import fraction, integer, number
from fastnn.callbacks.callback import Callback
from fastnn.callbacks.monitor import MonitorCallback
from fastnn.warning import warn


def _check_rate(callback: Callback, optimizer: Any) -> None:
    """Raise ValueError if the optimizer has no learning rate that a callback could set, as LBFGS."""
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(
            f"expected an optimizer with a learning rate for {type(callback).__name__}; received "
            f"{type(optimizer).__name__}"
        )


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    schedule: a function (epoch, learning rate) -> learning rate, or (epoch) -> learning rate; the first epoch is 0.
    verbose: 1 to print the rates. The logs get the epoch's learning rate, "learning_rate".
    Raises TypeError in fit() if the optimizer's learning rate is a schedule.

    >>> from fastnn.callbacks import LearningRateScheduler
    >>> LearningRateScheduler(lambda epoch, rate: rate if epoch < 10 else rate * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise ValueError(f"expected schedule to be a function (epoch, learning_rate); received {schedule!r}")
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate."""
        optimizer = self._model.optimizer
        _check_rate(self, optimizer)
        arguments: tuple[Any, ...] = (epoch, float(optimizer.learning_rate))
        rate = self.schedule(*arguments[: 2 if _takes(self.schedule, arguments) else 1])
        if not isinstance(rate, (float, int, np.integer, np.floating)) or isinstance(rate, bool):
            raise ValueError(f"The output of the `schedule` function should be a float. Got: {rate}")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the learning rate."""
        if logs is not None:
            logs["learning_rate"] = float(self._model.optimizer.learning_rate)


def _takes(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # of a built-in function, which has no signature
        return True
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate once a loss or a metric has stopped to become better.

    monitor, mode, verbose: as for EarlyStopping. factor: of the learning rate, at least 0 and below 1; default 0.1.
    patience: how many epochs may pass without improvement; default 10. min_delta: what counts as one; default 0.0001.
    cooldown: how many epochs to wait after a change; default 0. min_lr: the lowest learning rate; default 0.
    The logs get the epoch's learning rate, "learning_rate".
    Raises ValueError for another factor; TypeError in fit() if the optimizer's learning rate is a schedule.

    >>> from fastnn.callbacks import ReduceLROnPlateau
    >>> ReduceLROnPlateau(factor=0.5, patience=5).factor
    0.5
    """

    _remembered = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor, self.min_lr = fraction("factor", factor, below_1=True), number("min_lr", min_lr)
        self.verbose = verbose
        self.patience, self.cooldown = integer("patience", patience, least=0), integer("cooldown", cooldown, least=0)
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew. Raises TypeError if the optimizer has a schedule, which no number can replace later."""
        self.best, self.cooldown_counter, self.wait = None, 0, 0
        optimizer = self._model.optimizer
        _check_rate(self, optimizer)
        optimizer.learning_rate = float(optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the value with the best one; lower the learning rate if patience is at its end."""
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        optimizer = self._model.optimizer
        logs["learning_rate"] = float(optimizer.learning_rate)
        current = logs.get(self.monitor)
        if current is None:
            warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}.",
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(optimizer, epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, optimizer: Any, epoch: int) -> bool:
        """Lower the learning rate; return False if it is the lowest already."""
        old = float(optimizer.learning_rate)
        if old <= self.min_lr:
            return False
        optimizer.learning_rate = new = max(old * self.factor, self.min_lr)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        return True

    def in_cooldown(self) -> bool:
        """Return whether the last change is too new for another one.

        >>> fastnn.callbacks.ReduceLROnPlateau().in_cooldown()
        False
        """
        return self.cooldown_counter > 0

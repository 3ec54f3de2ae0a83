"""Callbacks that follow a loss or a metric: the base class, EarlyStopping and ReduceLROnPlateau."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from fastnn.callbacks.callback import Remembering, check_rate
from fastnn.strict import finite, number
from fastnn.warning import warn


class MonitorCallback(Remembering):
    """Base class of callbacks that know whether one of the logs has become better.

    monitor: its name in the logs. mode: "min", "max", or "auto", by what the metric says of itself.
    baseline: what a value must beat, or None. min_delta: by how much.

    >>> MonitorCallback("val_loss").monitor
    'val_loss'
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ) -> None:
        if mode not in ("auto", "min", "max"):
            warn(f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.")
            mode = "auto"
        if not isinstance(monitor, str):
            raise ValueError(f"expected monitor to be a name of the logs; received monitor={monitor!r}")
        self.monitor, self.mode = monitor, mode
        self.best: Any = baseline
        self.min_delta = abs(finite("min_delta", min_delta))
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Find out whether more or less is better. Raises ValueError if nothing says so."""
        direction = self.mode if self.mode != "auto" else self._direction_of(self.monitor.removeprefix("val_"))
        if direction is None:
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but fastnn isn't able to "
                "automatically determine whether that metric should be maximized or minimized. Pass `mode='max'` in "
                "order to monitor based on the highest metric value, or pass `mode='min'` in order to use the lowest "
                "value."
            )
        self.monitor_op = operator.gt if direction == "max" else operator.lt
        if direction == "min":
            self.min_delta = -self.min_delta

    def _direction_of(self, name: str) -> str | None:
        if name == "loss":
            return "min"
        metrics = list(getattr(self._model, "metrics", []))
        names = list(getattr(self._model, "metrics_names", []))
        if len(names) != len(metrics):
            names = [metric.name for metric in metrics]
        known = dict(zip(names, metrics, strict=True))
        return getattr(known.get(name), "_direction", None)

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        return bool(self.monitor_op(value - self.min_delta, reference))


def count(name: str, value: object) -> int:
    """Return value as an int. Raises ValueError unless it is a whole number of at least 0.

    >>> count("patience", 3)
    3
    """
    if number(name, value) != int(number(name, value)) or number(name, value) < 0:
        raise ValueError(f"expected {name} to be an integer of at least 0; received {name}={value!r}")
    return int(number(name, value))


class EarlyStopping(MonitorCallback):
    """Ends fit() once a loss or a metric has stopped to become better.

    monitor: its name in the logs; default "val_loss". min_delta: by how much it must become better; default 0.
    patience: how many epochs may pass without that; default 0. verbose: 1 to print what was done.
    mode: "min", "max", or "auto", by the metric. baseline: what the value must beat for patience to begin anew.
    restore_best_weights: whether the model gets the weights of the best epoch when fit() ends, for whatever reason.
    start_from_epoch: earlier epochs do not count; default 0.
    After fit(): stopped_epoch (0: was not stopped), best, best_epoch, wait.

    >>> from fastnn.callbacks import EarlyStopping
    >>> EarlyStopping(patience=10, restore_best_weights=True).patience
    10
    """

    _remembered = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.start_from_epoch = count("patience", patience), count("start_from_epoch", start_from_epoch)
        self.verbose, self.restore_best_weights = verbose, restore_best_weights
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the value with the best one; set model.stop_training if patience is at its end."""
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:  # even if the value is never a number
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give the model its best weights, if that was asked for."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: dict[str, Any] | None) -> Any:
        """Return the value that is followed; None, with a warning, if the logs have no such one.

        >>> fastnn.callbacks.EarlyStopping("loss").get_monitor_value({"loss": 0.5})
        0.5
        """
        value = (logs or {}).get(self.monitor)
        if value is None:
            warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs or {})}",
            )
        return value


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
        if not 0 <= number("factor", factor) < 1:
            raise ValueError(f"expected factor to be at least 0 and below 1; received factor={factor!r}")
        self.factor, self.min_lr, self.verbose = float(factor), number("min_lr", min_lr), verbose
        self.patience, self.cooldown = count("patience", patience), count("cooldown", cooldown)
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew. Raises TypeError if the optimizer has a schedule, which no number can replace later."""
        self.best, self.cooldown_counter, self.wait = None, 0, 0
        optimizer = self._model.optimizer
        check_rate(self, optimizer)
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

"""Callbacks that follow a loss or a metric: the base class and EarlyStopping."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.arguments import finite, integer, number
from fastnn.callbacks.callback import Remembering
from fastnn.text import did_you_mean
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
            names = ["loss", *(metric.name for metric in getattr(self._model, "metrics", []))]
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but fastnn isn't able to "
                "automatically determine whether that metric should be maximized or minimized. Pass `mode='max'` in "
                "order to monitor based on the highest metric value, or pass `mode='min'` in order to use the lowest "
                f"value{did_you_mean(self.monitor, [*names, *(f'val_{name}' for name in names)]) or '.'}"
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
        if np.ndim(value) > 0:
            raise ValueError(
                f"expected monitor to be a loss or a metric of one number; received monitor={self.monitor!r}, which "
                f"has {np.size(value)}; for F1Score and FBetaScore use average='macro'"
            )
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        return bool(self.monitor_op(value - self.min_delta, reference))


class EarlyStopping(MonitorCallback):
    """Ends fit() once a loss or a metric has stopped to become better.

    monitor: its name in the logs; default "val_loss". min_delta: by how much it must become better; default 0.
    patience: how many epochs may pass without that; default 0. verbose: 1 to print what was done.
    mode: "min", "max", or "auto", by the metric. baseline: what the value must beat for patience to begin anew.
    restore_best_weights: whether the model gets the weights of the best epoch when fit() ends, but not after
        Ctrl-C or an exception.
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
        self.patience = integer("patience", patience, least=0)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, least=0)
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

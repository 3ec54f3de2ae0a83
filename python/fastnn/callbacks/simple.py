"""Callbacks of few lines: for logs, learning rates, functions of one's own, averages of weights."""

from __future__ import annotations

import csv
import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fastnn.callbacks.callback import HOOKS, Callback, Remembering, check_rate


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
        check_rate(self, optimizer)
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


class CSVLogger(Callback):
    """Writes the logs of each epoch to a CSV file.

    filename: its path. separator: between values; default ",". append: whether to keep the lines that it has.

    >>> logger = CSVLogger("log.csv")
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
    >>> logger.on_train_end()
    >>> from pathlib import Path
    >>> Path("log.csv").read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.6']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"expected separator to be a string of 1 character; received separator={separator!r}")
        self.filename, self.sep, self.append = os.fsdecode(filename), separator, append
        self.keys: list[str] | None = None
        self.csv_file: TextIO | None = None
        self._has_header = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the file."""
        self._close()
        path = Path(self.filename)
        self._has_header = self.append and path.exists() and path.stat().st_size > 0
        self.csv_file = path.open("a" if self.append else "w", newline="", encoding="utf-8")
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a line."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # validation may come in a later epoch
                self.keys += [f"val_{key}" for key in self.keys]
        if self.csv_file is None:
            raise RuntimeError("expected on_train_begin() before on_epoch_end()")
        writer = csv.writer(self.csv_file, delimiter=self.sep)
        if not self._has_header:
            writer.writerow(["epoch", *self.keys])
            self._has_header = True
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = None

    def _state(self) -> dict[str, Any]:
        return {"keys": self.keys}

    def _set_state(self, state: dict[str, Any]) -> None:
        self.keys = state["keys"]


def _cell(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):  # type: ignore[arg-type]
        return f'"[{", ".join(map(str, value))}]"'
    return value


class TerminateOnNaN(Callback):
    """Ends fit() quietly if the loss is NaN or infinite; without it, fit() raises an error then.

    The model keeps the weights of the step before, in either case.
    raise_error: whether to raise RuntimeError instead.

    >>> from fastnn.callbacks import TerminateOnNaN
    >>> TerminateOnNaN().raise_error
    False
    """

    _runs_by_batch = False  # fit() looks at all losses itself

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss; fit() calls this for one that is not finite."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self._model.stop_training = True


class LambdaCallback(Callback):
    """A callback of functions: each argument is one of Callback's hooks.

    Raises ValueError for what cannot be called.

    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Any = None,
        on_epoch_end: Any = None,
        on_train_begin: Any = None,
        on_train_end: Any = None,
        on_train_batch_begin: Any = None,
        on_train_batch_end: Any = None,
        *,
        on_batch_begin: Any = None,
        on_batch_end: Any = None,
        on_test_begin: Any = None,
        on_test_end: Any = None,
        on_test_batch_begin: Any = None,
        on_test_batch_end: Any = None,
    ) -> None:
        given = locals()
        for hook in HOOKS:
            function = given.get(hook)  # none of predict()'s, which takes no callbacks
            if function is None:
                continue
            if not callable(function):
                raise ValueError(f"expected {hook} to be a function; received {hook}={function!r}")
            setattr(self, hook, function)


class ProgbarLogger(Callback):
    """Accepted for programs written for Keras. fit() and evaluate() draw the progress themselves; see verbose.

    >>> ProgbarLogger().params is None
    True
    """


class SwapEMAWeights(Remembering):
    """Evaluates, and saves, with the average of the weights over steps instead of the weights. Needs use_ema=True.

    swap_on_epoch: whether the model also has the average while other callbacks see the end of an epoch, for example
        ModelCheckpoint, if it comes later in the list of callbacks.
    Raises ValueError in fit() if the optimizer has not use_ema=True.

    >>> from fastnn.callbacks import SwapEMAWeights
    >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    _remembered = ("_has_average",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch, self._has_average = swap_on_epoch, False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the optimizer."""
        self._has_average = False
        if not getattr(self._model.optimizer, "use_ema", False):
            raise ValueError(
                "expected an optimizer with use_ema=True for SwapEMAWeights; received "
                f"use_ema={getattr(self._model.optimizer, 'use_ema', None)}"
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Give the model the weights that training goes on with."""
        self._exchange(to_average=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Give the model the average; at the end of fit(), for good."""
        if not self.swap_on_epoch:
            return
        self._exchange(to_average=True)
        if self._model.stop_training or epoch == (self.params or {}).get("epochs", 0) - 1:
            self._model._set_average()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the model the average."""
        self._exchange(to_average=True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give the model the weights that training goes on with."""
        self._exchange(to_average=False)

    def _exchange(self, *, to_average: bool) -> None:
        """Exchange weights and average, unless the model has the wanted ones already."""
        if self._has_average != to_average:
            self._model._exchange_average()
            self._has_average = to_average

"""Saving the model while it is trained."""

from __future__ import annotations

import os
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

from fastnn.arguments import number
from fastnn.callbacks.monitor import MonitorCallback
from fastnn.warning import warn


class SaveFrequency:
    """When to save: after each epoch, or after each n-th batch, counted through epochs.

    save_freq: "epoch" or a positive integer; ValueError for others.

    >>> frequency = SaveFrequency(2)
    >>> [frequency.is_due(batch) for batch in (0, 1, 2, 0)]
    [False, True, False, True]
    """

    def __init__(self, save_freq: int | str) -> None:
        is_count = isinstance(save_freq, (int, np.integer)) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not is_count:
            raise ValueError(
                f"expected save_freq to be 'epoch' or a positive number of batches; received save_freq={save_freq!r}"
            )
        self.batches = None if isinstance(save_freq, str) else int(save_freq)
        self.seen, self._last = 0, -1

    def is_due(self, batch: int) -> bool:
        """Count the batches up to this one of the epoch; return whether to save now.

        >>> SaveFrequency("epoch").is_due(0)
        False
        """
        if self.batches is None:
            return False
        self.seen += batch - self._last if batch > self._last else batch + 1
        self._last = batch
        if self.seen < self.batches:
            return False
        self.seen = 0
        return True


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch or after each n-th batch.

    filepath: ends in .safetensors, or in .weights.safetensors for weights alone; may have fields of the logs, such as
        "{epoch:02d}-{val_loss:.2f}.safetensors", with epochs from 1. Missing folders are made.
    monitor, mode, verbose: as for EarlyStopping. save_best_only: whether to save only if the value has become better.
    save_weights_only: whether to call save_weights() instead of save(). save_freq: "epoch", or a number of batches.
    initial_value_threshold: what the first value must beat; default None.
    Raises ValueError for others.

    >>> from fastnn.callbacks import ModelCheckpoint
    >>> ModelCheckpoint("best.safetensors", save_best_only=True).filepath
    'best.safetensors'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if initial_value_threshold is not None:
            number("initial_value_threshold", initial_value_threshold)
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fsdecode(filepath)
        ending = ".weights.safetensors" if save_weights_only else ".safetensors"
        if not self.filepath.endswith(ending):
            raise ValueError(
                f"expected filepath to end in {ending}, with save_weights_only={save_weights_only}, since fastnn "
                f"writes no files of Keras; received filepath={self.filepath!r}"
            )
        try:
            list(Formatter().parse(self.filepath))
        except ValueError as error:  # now, not after the first epoch
            raise ValueError(
                f"expected filepath to be a format such as '{{epoch}}.safetensors'; received {self.filepath!r}: {error}"
            ) from None
        self.verbose, self.save_best_only, self.save_weights_only = verbose, save_best_only, save_weights_only
        self.save_freq = save_freq
        self._frequency, self._epoch = SaveFrequency(save_freq), 0
        self._runs_by_batch = self._frequency.batches is not None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each n-th batch."""
        if self._frequency.is_due(batch):
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each epoch."""
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any] | None) -> None:
        path = self._path(epoch, batch, logs or {})
        if not self._is_to_be_saved(epoch, logs or {}, path):
            return
        if Path(path).is_dir():
            raise IsADirectoryError(f"expected filepath to be a file; {path} is a folder")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _is_to_be_saved(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        said = f"\nEpoch {epoch + 1}: "
        current = logs.get(self.monitor)
        if self.save_best_only and current is None:
            warn(f"Can save best model only with {self.monitor} available.")
        elif self.save_best_only and isinstance(current, np.ndarray) and current.ndim > 0:
            warn(
                f"Can save best model only when `monitor` is a scalar value; received {current}. "
                "Falling back to `save_best_only=False`.",
            )
        elif self.save_best_only:
            best = "None" if self.best is None else f"{self.best:.5f}"
            if not self._is_improvement(current, self.best):
                if self.verbose > 0:
                    print(f"{said}{self.monitor} did not improve from {best}")
                return False
            if self.verbose > 0:
                print(f"{said}{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
            self.best = current
        elif self.verbose > 0:
            print(f"{said}saving model to {path}")
        return True

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        fields: dict[str, Any] = {"epoch": epoch + 1, **logs}
        if batch is not None:
            fields.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            kind = ValueError if isinstance(error, (ValueError, TypeError, AttributeError)) else KeyError
            raise kind(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}; it may have '
                f"{', '.join(fields)}"
            ) from None

    def _state(self) -> dict[str, Any]:
        return {"best": self.best, "seen": self._frequency.seen, "last": self._frequency._last}

    def _set_state(self, state: dict[str, Any]) -> None:
        self.best, self._frequency.seen, self._frequency._last = state["best"], state["seen"], state["last"]

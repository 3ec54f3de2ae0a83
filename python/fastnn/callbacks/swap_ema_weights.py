"""The average of the weights over steps in place of the weights."""

from __future__ import annotations

from typing import Any

from fastnn.callbacks.callback import Remembering


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

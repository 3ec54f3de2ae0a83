"""The History of a fit."""

from __future__ import annotations

import weakref
from typing import Any

from fastnn.callbacks.callback import Remembering


class History(Remembering):
    """The losses and metrics of each epoch. fit() returns one.

    history: {name: [value of each epoch]}. epoch: the numbers of the epochs, from 0. params: as for all callbacks.
    seed: what decided the order of rows and the noise of layers; fit(seed=history.seed) repeats them.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history, history.epoch
    ({'loss': [0.5]}, [0])
    """

    _remembered = ("history", "epoch", "seed")
    _reference: weakref.ref[Any] | None = None

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.seed: int | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget the numbers of epochs, and keep what they had."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self._model is not None:
            self._model.history = self

    def _add(self, epoch: int, losses: list[float]) -> None:
        """Append the losses of several epochs, the first of which is `epoch`."""
        self.epoch.extend(range(epoch, epoch + len(losses)))
        self.history.setdefault("loss", []).extend(losses)
        if self._model is not None:
            self._model.history = self

    @property
    def _model(self) -> Any:
        """The model, by a weak reference: in a cycle, its trainer's memory would stay until Python collects cycles."""
        return None if self._reference is None else self._reference()

    @_model.setter
    def _model(self, model: Any) -> None:
        self._reference = None if model is None else weakref.ref(model)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the model out of copies and pickles."""
        return {name: value for name, value in vars(self).items() if name != "_reference"}

    def _state(self) -> dict[str, Any]:
        values = {name: list(each) for name, each in self.history.items()}
        return {"history": values, "epoch": list(self.epoch), "seed": self.seed}

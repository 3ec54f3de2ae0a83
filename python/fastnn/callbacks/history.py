"""The History of a fit, and the list of its callbacks."""

from __future__ import annotations

import weakref
from typing import Any

from fastnn.callbacks.backup import BackupAndRestore
from fastnn.callbacks.callback import HOOKS, Callback, Remembering, checked_callbacks, hook_of_all
from fastnn.callbacks.simple import ProgbarLogger


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


class CallbackList(Callback):
    """Callbacks that are called in order: the user's, then History, then BackupAndRestore, which saves all the others.

    callbacks: a callback, a list of them, or None. add_history, add_progbar: whether to add those if they are missing.
    model, and params of verbose, epochs and steps: handed to all.
    Raises TypeError for other objects than callbacks.

    >>> callbacks = CallbackList(Callback(), add_history=True)
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    >>> callbacks.history.history
    {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        *,
        verbose: int | str = 0,
        epochs: int = 1,
        steps: int | None = None,
    ) -> None:
        given = checked_callbacks(callbacks)
        self.history: History | None = next((each for each in given if isinstance(each, History)), None)
        if self.history is None and add_history:
            self.history = History()
            given.append(self.history)
        if add_progbar and not any(isinstance(each, ProgbarLogger) for each in given):
            given.append(ProgbarLogger())
        self.callbacks: list[Callback] = sorted(given, key=lambda each: isinstance(each, BackupAndRestore))
        self.set_model(model)
        self.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})

    def set_params(self, params: dict[str, Any] | None) -> None:
        """Set the params of all callbacks."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Set the model of all callbacks."""
        if model is None:
            return
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def wants_batches(self, kind: str) -> bool:
        """Return whether a callback must be called for each batch of a kind: "train", "test" or "predict".

        >>> CallbackList([History()]).wants_batches("train")
        False
        """
        return any(callback._wants_batches(kind) for callback in self.callbacks)

    def _wants_batches(self, kind: str) -> bool:
        return self.wants_batches(kind)

    def _state(self) -> dict[str, Any]:
        return {name: callback._state() for name, callback in self._named().items()}

    def _set_state(self, state: dict[str, Any]) -> None:
        for name, callback in self._named().items():
            if name in state:
                callback._set_state(state[name])

    def _named(self) -> dict[str, Callback]:
        """Return the callbacks by type and place among those of the type."""
        named: dict[str, Callback] = {}
        for callback in self.callbacks:
            kind = type(callback).__name__
            named[f"{kind}/{sum(name.startswith(f'{kind}/') for name in named)}"] = callback
        return named


for _hook in HOOKS:
    setattr(CallbackList, _hook, hook_of_all(_hook))

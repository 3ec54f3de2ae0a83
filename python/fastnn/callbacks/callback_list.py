"""The list that calls callbacks in order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from fastnn.callbacks.backup import BackupAndRestore
from fastnn.callbacks.callback import HOOKS, Callback
from fastnn.callbacks.history import History
from fastnn.strict import suggesting


class ProgbarLogger(Callback):
    """Accepted for programs written for Keras. fit() and evaluate() draw the progress themselves; see verbose.

    >>> ProgbarLogger().params is None
    True
    """


class CallbackList(Callback):
    """Callbacks that are called in order: the user's, then History, then BackupAndRestore, which saves all the others.

    callbacks: a callback, a list of them or another CallbackList, or None. add_history, add_progbar: whether to add
        those if they are missing.
    model, and params of verbose, epochs and steps: handed to all.
    Raises TypeError for other objects than callbacks.

    >>> callbacks = CallbackList(Callback(), add_history=True)
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    >>> callbacks.history.history
    {'loss': [0.5]}
    """

    _instead_of_a_subclass = "make a subclass of Callback"

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
        given = _flat(callbacks)
        for kind, is_added in ((History, add_history), (ProgbarLogger, add_progbar)):
            if is_added and not any(isinstance(each, kind) for each in given):
                given.append(kind())
        self.callbacks: list[Callback] = sorted(given, key=lambda each: isinstance(each, BackupAndRestore))
        self.history: History | None = self._find(History)
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

    def _find(self, kind: type) -> Any:
        """Return the first callback of a class, or None."""
        return next((each for each in self.callbacks if isinstance(each, kind)), None)

    def _state(self) -> dict[str, Any]:
        return {name: callback._state() for name, callback in self._resumed().items()}

    def _set_state(self, state: dict[str, Any]) -> None:
        for name, callback in self._resumed().items():
            if name in state:
                callback._set_state(state[name])

    def _resumed(self) -> dict[str, Callback]:
        """Return the callbacks whose own numbers a run needs to go on: by type and place among those of the type.

        The model itself keeps its History.
        """
        named: dict[str, Callback] = {}
        for callback in self.callbacks:
            if not isinstance(callback, (History, BackupAndRestore)):
                kind = type(callback).__name__
                named[f"{kind}/{sum(name.startswith(f'{kind}/') for name in named)}"] = callback
        return named


def _flat(callbacks: Any) -> list[Callback]:
    """Return callbacks, one or many, as a list. Raises TypeError for other objects."""
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, Callback):
        return [callbacks]
    if isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, type)):
        return [callback for each in callbacks for callback in _flat(each)]
    raise TypeError(
        "expected callbacks to be objects of fastnn.callbacks, or of a subclass of fastnn.callbacks.Callback; "
        f"received {callbacks!r:.100}" + (f"; call it: {callbacks.__name__}()" if isinstance(callbacks, type) else "")
    )


def _hook_of_all(hook: str) -> Callable[..., None]:
    """Return the method of a list of callbacks that calls a hook of each."""

    @suggesting
    @functools.wraps(getattr(Callback, hook))
    def call(self: Any, *arguments: Any, **named: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments, **named)

    call.__doc__ = f"Call {hook}() of each callback, in order."
    return call


for _hook in HOOKS:
    setattr(CallbackList, _hook, _hook_of_all(_hook))

"""The callbacks of a run, called in order: the user's, then History, then those that save everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastnn.callbacks import BackupAndRestore, Callback, History

_TRAIN = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST = ("on_test_batch_begin", "on_test_batch_end")


class Hooks:
    """Callbacks of fit() or evaluate().

    History comes after the user's callbacks, since some add to the logs. BackupAndRestore keeps History, so it is last.
    """

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any], history: Any = None) -> None:
        given = checked_callbacks(callbacks)
        self.history = next((each for each in given if isinstance(each, History)), history)
        if self.history is not None and self.history not in given:
            given.append(self.history)
        self.callbacks = sorted(given, key=lambda each: isinstance(each, BackupAndRestore))
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
        self.train_batches = any(_overrides(each, _TRAIN) for each in self.callbacks)
        self.test_batches = any(_overrides(each, _TEST) for each in self.callbacks)
        # History alone needs no weights at the end of an epoch.
        self.may_look = any(not isinstance(each, History) for each in self.callbacks)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of all callbacks."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def find(self, kind: type) -> Any:
        """Return the first callback of a type, or None."""
        return next((each for each in self.callbacks if isinstance(each, kind)), None)


def checked_callbacks(callbacks: Any) -> list[Any]:
    """Return callbacks as a list. Raises TypeError for other objects.

    >>> checked_callbacks(None)
    []
    """
    if callbacks is None:
        return []
    given = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback):
            raise TypeError(
                "expected callbacks to be objects of fastnn.callbacks, or of a subclass of fastnn.callbacks.Callback; "
                f"received {callback!r:.100}"
            )
    return given


def _overrides(callback: Callback, hooks: tuple[str, ...]) -> bool:
    """Return whether a callback does anything in these hooks, by its type or by an attribute of its own."""
    return any(getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks)

"""The callbacks of a run of fit() or evaluate(), as the loops call them."""

from __future__ import annotations

from typing import Any

from fastnn.callbacks.history import CallbackList, History


class Hooks:
    """Callbacks of fit() or evaluate(); with_history adds a History if there is none."""

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any], *, with_history: bool = False) -> None:
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(callbacks, add_history=with_history, model=model, **params)
        self.callbacks, self.history = callbacks.callbacks, callbacks.history
        self.train_batches, self.test_batches = callbacks.wants_batches("train"), callbacks.wants_batches("test")
        # History alone needs no weights at the end of an epoch.
        self.may_look = any(not isinstance(each, History) for each in self.callbacks)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of all callbacks."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def find(self, kind: type) -> Any:
        """Return the first callback of a type, or None."""
        return next((each for each in self.callbacks if isinstance(each, kind)), None)

"""A callback of functions."""

from __future__ import annotations

from typing import Any

from fastnn.callbacks.callback import HOOKS, Callback


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

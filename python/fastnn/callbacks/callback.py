"""The base class of callbacks, and the list that calls them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fastnn.strict import Strict, suggesting

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
HOOKS = (
    *("on_train_begin", "on_train_end", "on_test_begin", "on_test_end", "on_predict_begin", "on_predict_end"),
    *("on_epoch_begin", "on_epoch_end"),
    *(hook for hooks in _BATCH_HOOKS.values() for hook in hooks),
)


class Callback(Strict):
    """Base class of callbacks: fit() and evaluate() call its hooks, which do nothing unless a subclass overrides them.

    model: the model; its weights are those of the last step. params: {"verbose", "epochs", "steps"} of the call.
    logs: losses and metrics by name. A hook may set model.stop_training = True.
    fit() trains batch by batch only if a callback overrides a hook of batches, which is slower.

    >>> class Printed(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> Printed().on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    params: dict[str, Any] | None = None
    _model: Any = None
    _runs_by_batch = True  # if a hook of batches is overridden

    if not TYPE_CHECKING:
        __setattr__ = object.__setattr__  # users' callbacks keep what they like

    def set_params(self, params: dict[str, Any] | None) -> None:
        """Set params, as fit() does.

        >>> callback = Callback()
        >>> callback.set_params({"epochs": 3})
        >>> callback.params
        {'epochs': 3}
        """
        self.params = params

    def set_model(self, model: Any) -> None:
        """Set the model, as fit() does.

        >>> callback = Callback()
        >>> callback.set_model(Sequential([Dense(1)]))
        >>> callback.model.built
        False
        """
        self._model = model

    @property
    def model(self) -> Any:
        """The model that is trained, with the weights of the last step; None before fit().

        >>> print(Callback().model)
        None
        """
        if (pull := getattr(self._model, "_pull", None)) is not None:  # from the trainer
            pull()
        return self._model

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Do something before the first epoch of fit().

        >>> Callback().on_train_begin()
        """

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Do something after the last epoch of fit(); not after an error.

        >>> Callback().on_train_end()
        """

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something before an epoch; the first is 0.

        >>> Callback().on_epoch_begin(0)
        """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something after an epoch and its validation. What is put into logs, later callbacks and History see.

        >>> Callback().on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
        """

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do what on_train_batch_begin() does.

        >>> Callback().on_batch_begin(0)
        """

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do what on_train_batch_end() does.

        >>> Callback().on_batch_end(0, {"loss": 0.5})
        """

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something before a step of fit(); the first of an epoch is 0.

        >>> Callback().on_train_batch_begin(0)
        """
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something after a step of fit(). logs are of the epoch so far.

        >>> Callback().on_train_batch_end(0, {"loss": 0.5})
        """
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Do something before evaluate(), or the validation of fit().

        >>> Callback().on_test_begin()
        """

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Do something after evaluate(), or the validation of fit().

        >>> Callback().on_test_end({"loss": 0.5})
        """

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something before a batch of evaluate() or of validation.

        >>> Callback().on_test_batch_begin(0)
        """

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do something after a batch of evaluate() or of validation.

        >>> Callback().on_test_batch_end(0, {"loss": 0.5})
        """

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: predict() takes no callbacks.

        >>> Callback().on_predict_begin()
        """

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: predict() takes no callbacks.

        >>> Callback().on_predict_end()
        """

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: predict() takes no callbacks.

        >>> Callback().on_predict_batch_begin(0)
        """

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do nothing: predict() takes no callbacks.

        >>> Callback().on_predict_batch_end(0)
        """

    def _state(self) -> dict[str, Any]:
        """Return what on_epoch_end() and others depend on, so that a resumed run goes on exactly."""
        return {}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Go on from _state()."""

    def _wants_batches(self, kind: str) -> bool:
        """Whether each batch of a kind, "train", "test" or "predict", must call its hooks."""
        hooks = _BATCH_HOOKS[kind]
        return self._runs_by_batch and any(
            getattr(getattr(self, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks
        )


class Remembering(Callback):
    """Base class of callbacks with numbers of their own that a resumed run needs.

    >>> issubclass(fastnn.callbacks.EarlyStopping, Remembering)
    True
    """

    _remembered: tuple[str, ...] = ()  # attributes

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._remembered}

    def _set_state(self, state: dict[str, Any]) -> None:
        for name in self._remembered:
            setattr(self, name, state[name])


def checked_callbacks(callbacks: Any) -> list[Callback]:
    """Return callbacks, one or many, as a list. Raises TypeError for other objects.

    >>> checked_callbacks(None)
    []
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
        callbacks = [callbacks]
    flat: list[Callback] = []
    for each in callbacks:
        flat += checked_callbacks(each) if isinstance(each, (list, tuple)) else [each]
    for each in flat:
        if not isinstance(each, Callback):
            raise TypeError(
                "expected callbacks to be objects of fastnn.callbacks, or of a subclass of fastnn.callbacks.Callback; "
                f"received {each!r:.100}" + (f"; call it: {each.__name__}()" if isinstance(each, type) else "")
            )
    return flat


def check_rate(callback: Callback, optimizer: Any) -> None:
    """Raise ValueError if the optimizer has no learning rate that a callback could set, as LBFGS."""
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(
            f"expected an optimizer with a learning rate for {type(callback).__name__}; received "
            f"{type(optimizer).__name__}"
        )


def hook_of_all(hook: str) -> Callable[..., None]:
    """Return the method of a list of callbacks that calls a hook of each.

    >>> hook_of_all("on_epoch_end").__name__
    'on_epoch_end'
    """

    @suggesting
    @functools.wraps(getattr(Callback, hook))
    def call(self: Any, *arguments: Any, **named: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments, **named)

    call.__doc__ = f"Call {hook}() of each callback, in order."
    return call

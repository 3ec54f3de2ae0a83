"""Losses by name, and as data."""

from __future__ import annotations

from typing import Any

from fastnn.by_name import Names, classes_of
from fastnn.losses import hinge, probabilities, regression
from fastnn.losses.base import FunctionLoss, Loss
from fastnn.losses.functions import RowLosses
from fastnn.strict import suggesting

_CLASSES: tuple[type[Loss], ...] = classes_of(Loss, regression, probabilities, hinge)
_NAMES: Names[Loss] = Names(
    "a loss",
    "fastnn.losses",
    _CLASSES,
    {
        "mse": regression.MeanSquaredError,
        "mae": regression.MeanAbsoluteError,
        "mape": regression.MeanAbsolutePercentageError,
        "msle": regression.MeanSquaredLogarithmicError,
        "bce": probabilities.BinaryCrossentropy,
        "kld": probabilities.KLDivergence,
        "pinball": regression.Quantile,
    },
)


@suggesting
def get(identifier: object) -> Loss | None:
    """Return the loss that identifier names; None for None.

    identifier: a name, such as "mse", "mean_squared_error" or "MeanSquaredError"; a result of serialize(); a loss,
        which is returned as it is; or a function (y, y_pred) -> (losses of the rows, gradient by y_pred).
    Raises ValueError for anything else. compile() also takes "crossentropy", whose kind the shapes of y decide.

    >>> get("huber").delta
    1.0
    """
    if isinstance(identifier, RowLosses):
        return identifier.kind()
    if identifier is None or isinstance(identifier, FunctionLoss):
        return identifier
    if isinstance(identifier, type) and identifier in _CLASSES:
        return identifier()  # as in Keras
    if isinstance(identifier, Loss) or not callable(identifier) or isinstance(identifier, type):
        return _NAMES.get(identifier)
    if type(identifier).__module__.split(".")[0] in ("keras", "tf_keras", "torch"):
        return _NAMES.get(identifier)  # an error: such a loss has no gradient here
    return FunctionLoss(identifier)


@suggesting
def serialize(loss: Loss) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an equal loss. ValueError for functions and other objects.

    >>> serialize(fastnn.losses.Huber(2.0))["config"]["delta"]
    2.0
    """
    return _NAMES.serialize(loss)


@suggesting
def deserialize(config: dict[str, Any]) -> Loss:
    """Return the loss that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
    2.0
    """
    return _NAMES.deserialize(config)

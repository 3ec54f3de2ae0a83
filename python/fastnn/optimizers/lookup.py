"""Optimizers by name, and as data."""

from __future__ import annotations

from typing import Any

from fastnn.by_name import Names
from fastnn.optimizers.base import Optimizer
from fastnn.optimizers.full_batch import LBFGS
from fastnn.optimizers.gradient import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop
from fastnn.strict import suggesting

_NAMES: Names[Optimizer] = Names(
    "an optimizer",
    "fastnn.optimizers",
    (SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Lion, LBFGS),
)


@suggesting
def get(identifier: object) -> Optimizer:
    """Return the optimizer that identifier names.

    identifier: a name in any case, such as "adam", "SGD" or "rmsprop", for the default settings; a result of
        serialize(); or an optimizer, which is returned as it is. Raises ValueError for anything else.

    >>> get("adam").learning_rate
    0.001
    """
    return _NAMES.get(identifier)


@suggesting
def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an optimizer of equal settings. ValueError for others.

    >>> serialize(SGD(0.1))["config"]["learning_rate"]
    0.1
    """
    return _NAMES.serialize(optimizer)


@suggesting
def deserialize(config: dict[str, Any]) -> Optimizer:
    """Return the optimizer that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "SGD", "config": {"learning_rate": 0.5}}).learning_rate
    0.5
    """
    return _NAMES.deserialize(config)

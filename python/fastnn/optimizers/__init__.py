"""Optimizers, with Keras' names, arguments and defaults; and LBFGS for small data.

>>> from fastnn.optimizers import Adam
>>> from fastnn.optimizers.schedules import CosineDecay
>>> optimizer = Adam(CosineDecay(0.01, decay_steps=1000), clipnorm=1.0)
"""

from typing import Any

from fastnn.by_name import Names
from fastnn.optimizers import schedules
from fastnn.optimizers.base import Optimizer
from fastnn.optimizers.full_batch import LBFGS
from fastnn.optimizers.gradient import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_NAMES: Names[Optimizer] = Names(
    "an optimizer",
    "fastnn.optimizers",
    (SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Lion, LBFGS),
)


def get(identifier: object) -> Optimizer:
    """Return the optimizer that identifier names.

    identifier: a name in any case, such as "adam", "SGD" or "rmsprop", for the default settings; a result of
        serialize(); or an optimizer, which is returned as it is. Raises ValueError for anything else.

    >>> get("adam").learning_rate
    0.001
    """
    return _NAMES.get(identifier)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an optimizer of equal settings. ValueError for others.

    >>> serialize(SGD(0.1))["config"]["learning_rate"]
    0.1
    """
    return _NAMES.serialize(optimizer)


def deserialize(config: dict[str, Any]) -> Optimizer:
    """Return the optimizer that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "SGD", "config": {"learning_rate": 0.5}}).learning_rate
    0.5
    """
    return _NAMES.deserialize(config)


def __dir__() -> list[str]:
    return __all__

"""Optimizers, with Keras' names, arguments and defaults; and LBFGS for small data.

>>> from fastnn.optimizers import Adam
>>> from fastnn.optimizers.schedules import CosineDecay
>>> optimizer = Adam(CosineDecay(0.01, decay_steps=1000), clipnorm=1.0)
"""

from typing import TYPE_CHECKING

from fastnn.names import missing
from fastnn.optimizers import schedules
from fastnn.optimizers.base import Optimizer
from fastnn.optimizers.full_batch import LBFGS
from fastnn.optimizers.gradient import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop
from fastnn.optimizers.lookup import deserialize, get, serialize

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


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

"""Initializers return the first weights of a layer, with Keras' names, arguments and defaults.

An initializer is a callable. It takes a shape and returns a float64 array; the layer converts it to the model's dtype.
The numbers have the distributions of Keras' and bits of their own: a seed gives the same numbers on every machine.

>>> from fastnn.initializers import GlorotUniform
>>> layer = Dense(3, kernel_initializer=GlorotUniform(seed=1), bias_initializer="zeros")
"""

from typing import TYPE_CHECKING

from fastnn.initializers.base import Initializer, seed_weights
from fastnn.initializers.drawn import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from fastnn.initializers.fixed import Constant, Identity, Ones, Zeros
from fastnn.initializers.lookup import get, serialize
from fastnn.names import missing

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
    "seed_weights",
    "serialize",
]


# Keras' names in small letters, for the same classes.
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

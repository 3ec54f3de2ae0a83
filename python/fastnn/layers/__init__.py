"""Layers, with Keras' names, arguments and defaults.

>>> from fastnn.layers import Dense, LayerNormalization
>>> model = Sequential([Dense(8, "relu", input_shape=(4,)), LayerNormalization(), Dense(3, "softmax")])
"""

from typing import TYPE_CHECKING

from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.input import Input
from fastnn.layers.layer import Layer
from fastnn.layers.named import (
    ELU,
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    Flatten,
    GaussianNoise,
    LeakyReLU,
    ReLU,
    Softmax,
)
from fastnn.layers.normalization import Affine, BatchNormalization, LayerNormalization, PReLU
from fastnn.layers.preprocessing import Normalization, Rescaling
from fastnn.names import missing

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Affine",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Input",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Softmax",
]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

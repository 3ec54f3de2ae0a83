"""Layers, with Keras' names, arguments and defaults.

>>> from fastnn.layers import Dense, LayerNormalization
>>> model = Sequential([Dense(8, "relu", input_shape=(4,)), LayerNormalization(), Dense(3, "softmax")])
"""

from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.input import Input
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU

__all__ = ["Activation", "Affine", "Dense", "Input", "Layer", "LayerNormalization", "PReLU"]

"""Layers, with Keras' names, arguments and defaults."""

from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.input import Input
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU

__all__ = ["Activation", "Affine", "Dense", "Input", "Layer", "LayerNormalization", "PReLU"]

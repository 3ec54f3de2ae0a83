"""Affine and LayerNormalization: layers of two numbers for each unit."""

import numpy as np

from fastnn import _core
from fastnn.layers.activation import number
from fastnn.layers.layer import Layer, Weights


class Affine(Layer):
    """``y = x * scale + shift`` for each unit; its weights are scale and shift, both (units,), at first 1 and 0.

    What BatchNormalization, Normalization and Rescaling of a trained model compute, where they fold into no Dense.
    """

    _prefix = "affine"
    activation = "affine"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of both weights."""
        return [(inputs,), (inputs,)]

    def _initial_weights(self, inputs: int) -> Weights:
        return [np.ones(inputs), np.zeros(inputs)]


class LayerNormalization(Affine):
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, mean and variance over the units of a row.

    Its weights are gamma and beta, both (units,), at first 1 and 0. epsilon: at least 0.
    """

    _prefix = "layer_normalization"
    activation = "layer_normalization"

    def __init__(self, epsilon: float = 0.001, name: str | None = None) -> None:
        self.parameters = {"epsilon": number("epsilon", epsilon)}
        _core.check_parameters(self.activation, [self.parameters["epsilon"], 0.0])
        super().__init__(name)

"""Layers with weights for each unit but without a kernel: PReLU, Affine, LayerNormalization."""

from fastnn import _core
from fastnn.layers.arguments import number
from fastnn.layers.layer import Layer


class PReLU(Layer):
    """``y = alpha * x`` where x < 0, else x; x and y (..., units).

    The weight is alpha (units,), initially 0: set_weights([alpha]).
    name: default "p_re_lu", then "p_re_lu_1", ….

    >>> from fastnn.layers import PReLU
    >>> from fastnn.models import Sequential
    >>> model = Sequential([PReLU()])
    >>> model.build((None, 2))
    >>> model.set_weights([[0.5, 0.25]])
    >>> model.predict([[-2, -2]])
    array([[-1. , -0.5]], dtype=float32)
    """

    _class_name = "PReLU"
    _prefix = "p_re_lu"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class Affine(Layer):
    """``y = x * scale + shift`` for each unit; x and y (..., units).

    The weights are scale and shift, both (units,), initially 1 and 0: set_weights([scale, shift]).
    Importers turn BatchNormalization, Normalization and Rescaling into an Affine if no Dense can absorb them.
    name: default "affine", then "affine_1", ….

    >>> from fastnn.layers import Affine
    >>> from fastnn.models import Sequential
    >>> model = Sequential([Affine()])
    >>> model.build((None, 2))
    >>> model.set_weights([[2, 3], [10, 20]])
    >>> model.predict([[1, 1]])
    array([[12., 23.]], dtype=float32)
    """

    _class_name = "Affine"
    _prefix = "affine"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class LayerNormalization(Layer):
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, mean and variance over the units of a row.

    x and y are (..., units). The weights are gamma and beta, both (units,), initially 1 and 0.
    epsilon: at least 0; the default 0.001 is Keras' (PyTorch's is 1e-5). Raises ValueError for others.
    name: default "layer_normalization", then "layer_normalization_1", ….

    >>> from fastnn.layers import LayerNormalization
    >>> from fastnn.models import Sequential
    >>> Sequential([LayerNormalization(epsilon=0)]).predict([[1, 3]])
    array([[-1.,  1.]], dtype=float32)
    """

    _class_name = "LayerNormalization"
    _prefix = "layer_normalization"

    def __init__(self, epsilon: float = 0.001, name: str | None = None) -> None:
        self.parameters = {"epsilon": number("epsilon", epsilon)}
        _core.check_parameters(self._class_name, self.activation, self.parameters)
        super().__init__(name)

"""Layers with weights for each unit but without a kernel: PReLU, Affine, LayerNormalization, BatchNormalization."""

from __future__ import annotations

from typing import Any, Unpack

from fastnn import _core, constraints, regularizers
from fastnn.arguments import flag, fraction, last_axis, number
from fastnn.initializers import lookup
from fastnn.layers.layer import Layer, Options

_ZEROS: dict[str, Any] = {"class_name": "Zeros", "config": {}}
_ONES: dict[str, Any] = {"class_name": "Ones", "config": {}}


def _property_of_weight(layer: str, name: str) -> property:
    doc = f"""The weight {name} (units,), a read-only array; None before the layer is built, and if it has none.

    >>> {layer}().{name} is None
    True
    """
    return property(lambda self: self.weight(name), doc=doc)


class PReLU(Layer):
    """``y = alpha * x`` where x < 0, else x; x and y (..., units).

    The weight is alpha (units,): set_weights([alpha]).
    alpha_initializer: as in initializers.get(); default zeros. alpha_regularizer, alpha_constraint: as in
        regularizers.get() and constraints.get(); default None.
    name: default "p_re_lu", then "p_re_lu_1", ….
    Raises ValueError for an invalid argument.

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
    _later = {"alpha_initializer": _ZEROS}  # noqa: RUF012

    alpha = _property_of_weight(_class_name, "alpha")

    def __init__(
        self,
        alpha_initializer: object = "Zeros",
        alpha_regularizer: object = None,
        alpha_constraint: object = None,
        **options: Unpack[Options],
    ) -> None:
        self.alpha_initializer = lookup.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        super().__init__(**options)


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

    scale = _property_of_weight(_class_name, "scale")
    shift = _property_of_weight(_class_name, "shift")

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)


class LayerNormalization(Layer):
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, mean and variance over the units of a row.

    x and y are (..., units). The weights are gamma and beta, both (units,).
    epsilon: at least 0; the default 0.001 is Keras' (PyTorch's is 1e-5).
    beta_initializer, gamma_initializer: as in initializers.get(); default zeros and ones.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: as in regularizers.get() and
        constraints.get(); default None.
    name: default "layer_normalization", then "layer_normalization_1", ….
    Raises ValueError for an invalid argument.

    >>> from fastnn.layers import LayerNormalization
    >>> from fastnn.models import Sequential
    >>> Sequential([LayerNormalization(epsilon=0)]).predict([[1, 3]])
    array([[-1.,  1.]], dtype=float32)
    """

    _class_name = "LayerNormalization"
    _prefix = "layer_normalization"
    _later = {"beta_initializer": _ZEROS, "gamma_initializer": _ONES}  # noqa: RUF012

    gamma = _property_of_weight(_class_name, "gamma")
    beta = _property_of_weight(_class_name, "beta")

    def __init__(
        self,
        epsilon: float = 0.001,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **options: Unpack[Options],
    ) -> None:
        self.epsilon = number("epsilon", epsilon)
        self.beta_initializer = lookup.get(beta_initializer)
        self.gamma_initializer = lookup.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.parameters = {"epsilon": self.epsilon}
        _core.check_parameters(self._class_name, self.activation, self.parameters)
        super().__init__(**options)


class BatchNormalization(Layer):
    """``y = (x - moving_mean) / sqrt(moving_variance + epsilon) * gamma + beta`` for each unit.

    In training mean and variance are those of the batch, and move the weights:
    ``moving = momentum * moving + (1 - momentum) * batch``. With trainable=False it computes as in prediction.
    x and y are (..., units). The weights are gamma, beta, moving_mean and moving_variance, all (units,), initially
    1, 0, 0 and 1.
    axis: -1 (default) or 1, that of the units in (rows, units).
    momentum: 0 to 1, default 0.99. epsilon: at least 0; the default 0.001 is Keras' (PyTorch's is 1e-5).
    center, scale: whether there are beta and gamma; default True.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: as in initializers.get().
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: as in regularizers.get() and
        constraints.get(); default None.
    name: default "batch_normalization", then "batch_normalization_1", ….
    Raises ValueError for an invalid argument.

    >>> layer = BatchNormalization(epsilon=0)
    >>> model = Sequential([layer])
    >>> model.build((None, 2))
    >>> layer.set_weights([[1, 1], [0, 10], [5, 5], [1, 4]])
    >>> model.predict([[7, 7]])
    array([[ 2., 11.]], dtype=float32)
    """

    _class_name = "BatchNormalization"
    _prefix = "batch_normalization"
    _not_trained = frozenset(("moving_mean", "moving_variance"))
    _learns_from_batches = True

    gamma = _property_of_weight(_class_name, "gamma")
    beta = _property_of_weight(_class_name, "beta")
    moving_mean = _property_of_weight(_class_name, "moving_mean")
    moving_variance = _property_of_weight(_class_name, "moving_variance")

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        moving_mean_initializer: object = "zeros",
        moving_variance_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **options: Unpack[Options],
    ) -> None:
        self.axis = last_axis(axis)
        self.momentum = fraction("momentum", momentum)  # else moving variances could fall below 0
        self.epsilon = number("epsilon", epsilon)
        self.center, self.scale = flag("center", center), flag("scale", scale)
        self.beta_initializer = lookup.get(beta_initializer)
        self.gamma_initializer = lookup.get(gamma_initializer)
        self.moving_mean_initializer = lookup.get(moving_mean_initializer)
        self.moving_variance_initializer = lookup.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.parameters = {"epsilon": self.epsilon}
        _core.check_parameters(self._class_name, self.activation, self.parameters)
        super().__init__(**options)

    def _computed_config(self) -> dict[str, Any]:
        return {"name": self.name, "epsilon": self.epsilon, "center": self.center, "scale": self.scale}

    def _training_options(self) -> dict[str, Any]:
        return super()._training_options() | {"momentum": self.momentum}

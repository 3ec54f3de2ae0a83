"""Dense, the fully connected layer: a kernel, a bias and an activation."""

from __future__ import annotations

from typing import Any, Unpack

from fastnn import constraints, regularizers
from fastnn.arguments import flag, positive_integer
from fastnn.arrays import Array
from fastnn.initializers import lookup
from fastnn.layers.activation import interpreted, serialized
from fastnn.layers.layer import DenseOptions, Layer


class Dense(Layer):
    """``y = activation(x @ kernel + bias)``: x (..., inputs), kernel (inputs, units), bias (units,), y (..., units).

    units: a positive integer. None is allowed only in the `layers` of load_model(): the state dict then decides.
    activation: as in Activation; None, the default, is "linear".
    use_bias: default True. Without a bias, y = activation(x @ kernel).
    kernel_initializer, bias_initializer: as in initializers.get(); default Glorot uniform and zeros.
    kernel_regularizer, bias_regularizer, activity_regularizer: as in regularizers.get(); default None. The last one
        is for the outputs.
    kernel_constraint, bias_constraint: as in constraints.get(); default None.
    trainable, learning_rate_multipliers: as in Layer.
    input_shape, input_dim: (inputs,) or the number of inputs, for the first layer of a model. Other layers learn it
        from the layer before.
    name: default "dense", then "dense_1", ….
    Raises ValueError for an invalid argument. Set weights with set_weights([kernel, bias]).

    >>> from fastnn.layers import Dense
    >>> from fastnn.models import Sequential
    >>> model = Sequential([Dense(1, input_shape=(2,))])
    >>> model.set_weights([[[2], [3]], [10]])
    >>> model.predict([[1, 1]])
    array([[15.]], dtype=float32)
    """

    _class_name = "Dense"
    _prefix = "dense"

    def __init__(
        self,
        units: int | None,
        activation: str | dict[str, Any] | Layer | None = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        **options: Unpack[DenseOptions],
    ) -> None:
        self.units = None if units is None else positive_integer("units", units)
        self.activation, self.parameters = interpreted(activation)
        self.use_bias = flag("use_bias", use_bias)
        self.kernel_initializer = lookup.get(kernel_initializer)
        self.bias_initializer = lookup.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        super().__init__(activity_regularizer=activity_regularizer, **options)

    @property
    def kernel(self) -> Array | Any:  # Any: nobody asks before the layer is built
        """The kernel (inputs, units), a read-only array; None before the layer is built.

        >>> Dense(3, input_shape=(2,)).kernel is None
        True
        >>> Sequential([Dense(3, input_shape=(2,))]).layers[0].kernel.shape
        (2, 3)
        """
        return self.weight("kernel")

    @property
    def bias(self) -> Array | Any:
        """The bias (units,), a read-only array; None before the layer is built, and if use_bias is False.

        >>> Sequential([Dense(3, input_shape=(2,))]).layers[0].bias
        array([0., 0., 0.], dtype=float32)
        """
        return self.weight("bias")

    def output_units(self, inputs: int) -> int:
        """Return units. Raises ValueError for Dense(None).

        >>> Dense(3).output_units(2)
        3
        """
        if self.units is None:
            raise ValueError(
                "Received an invalid value for `units`, expected a positive integer; only the `layers` of a state "
                "dict, in load_model(), may leave it open; received units=None"
            )
        return self.units

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal layer, in JSON's types; not its weights and input_shape.

        >>> config = Dense(3, "relu", name="hidden").get_config()
        >>> config["units"], config["activation"], config["use_bias"]
        (3, 'relu', True)
        """
        return super().get_config() | {"activation": serialized(self.activation, self.parameters)}

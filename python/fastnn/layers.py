"""Layers, with Keras' names, arguments and defaults."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core, initializers
from fastnn.base import Description, Layer, Weights, inputs_of_shape, positive_integer, unique_name

_DEFAULTS = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 1.0}, "celu": {"alpha": 1.0}}  # Keras'
_UNBOUNDED = {"minimum": -math.inf, "maximum": math.inf}  # what None is there, since JSON has no infinity


def _activation(identifier: object) -> tuple[str, dict[str, float]]:
    """Return an activation's name and parameters, from its name, or a dict of both."""
    given = dict(identifier) if isinstance(identifier, dict) else {}
    name = given.pop("name", None) if isinstance(identifier, dict) else "linear" if identifier is None else identifier
    if not isinstance(name, str) or name not in _core.activations:
        raise ValueError(
            f"Could not interpret activation function identifier: {identifier!r}. "
            f"Expected one of {', '.join(map(repr, _core.activations))}, or None for 'linear'."
        )
    parameters = _DEFAULTS.get(name, {}) | given
    names = _core.activations[name]
    if parameters.keys() != set(names):
        raise ValueError(
            f"expected the activation {name!r} with {' and '.join(names) or 'nothing else'}, as in "
            f"{dict.fromkeys(('name', *names), 0.5) | {'name': name}}. Received: {identifier!r}"
        )
    numbers = {each: _number(each, parameters[each]) for each in names}
    _core.check_parameters(name, [*numbers.values(), 0.0, 0.0][:2])
    return name, numbers


def _number(name: str, value: object) -> float:
    if value is None and name in _UNBOUNDED:
        return _UNBOUNDED[name]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"expected {name} to be a number. Received: {name}={value!r}")
    return float(value)


def _serialized(name: str, parameters: dict[str, float]) -> str | dict[str, Any]:
    if not parameters:
        return name
    return {"name": name} | {each: None if math.isinf(value) else value for each, value in parameters.items()}


class Input:
    """The declaration of a model's inputs: ``Sequential([Input((4,)), Dense(3)])``.

    shape: (inputs,), without the batch axis.
    """

    def __init__(self, shape: tuple[int], name: str | None = None) -> None:
        self.inputs = inputs_of_shape("shape", shape)
        self.shape = (None, self.inputs)
        self.name = unique_name("input_layer", name)

    def __repr__(self) -> str:
        return f"Input(shape=({self.inputs},))"


class Dense(Layer):
    """``y = activation(x @ kernel + bias)``: x (..., inputs), kernel (inputs, units), bias (units,), y (..., units).

    activation: a name, as Activation has them; None for 'linear'.
    input_shape: (inputs,), for the first layer of a model; others find out from the layer before.
    """

    _prefix = "dense"

    def __init__(
        self,
        units: int,
        activation: str | dict[str, Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        input_shape: tuple[int] | None = None,
        name: str | None = None,
    ) -> None:
        self.units = positive_integer("units", units)
        self.activation, self.parameters = _activation(activation)
        if not isinstance(use_bias, (bool, np.bool_)):
            raise ValueError(f"expected use_bias to be True or False. Received: use_bias={use_bias!r}")
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.declared_inputs = None if input_shape is None else inputs_of_shape("input_shape", input_shape)
        super().__init__(name)

    @property
    def kernel(self) -> npt.NDArray[Any] | None:
        """The kernel (inputs, units), read-only; None before the layer is built."""
        return self._weights[0].view() if self.built else None

    @property
    def bias(self) -> npt.NDArray[Any] | None:
        """The bias (units,), read-only; None before the layer is built, or without one."""
        return self._weights[1].view() if self.built and self.use_bias else None

    def output_units(self, inputs: int) -> int:
        """Return the number of units."""
        return self.units

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the kernel and, where there is one, the bias."""
        return [(inputs, self.units), (self.units,)] if self.use_bias else [(inputs, self.units)]

    def description(self, inputs: int, weights: Weights) -> Description:
        """Return what the core wants to know."""
        return Description(self.units, self.activation, self._numbers(), *weights)

    def _initial_weights(self, inputs: int) -> Weights:
        makers = (self.kernel_initializer, self.bias_initializer)
        return [make(shape) for make, shape in zip(makers, self.weight_shapes(inputs), strict=False)]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {
            "name": self.name,
            "units": self.units,
            "activation": _serialized(self.activation, self.parameters),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


class Activation(Layer):
    """``y = activation(x)``, as a layer of its own.

    activation: 'linear', 'relu', 'tanh', 'sigmoid', 'softmax', 'step', 'relu6', 'hard_tanh', 'hard_sigmoid',
        'softsign', 'leaky_relu' (negative_slope 0.2), 'clip', 'exponential', 'elu' (alpha 1), 'celu' (alpha 1), 'selu',
        'silu', 'hard_swish', 'softplus', 'mish', 'gelu', 'gelu_tanh', 'log_softmax'; or, with other parameters, a dict:
        {"name": "leaky_relu", "negative_slope": 0.01}, {"name": "clip", "minimum": 0, "maximum": None}.
        docs/numerics.md says what each computes.
    """

    _prefix = "activation"

    def __init__(self, activation: str | dict[str, Any] | None, name: str | None = None) -> None:
        self.activation, self.parameters = _activation(activation)
        super().__init__(name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {"name": self.name, "activation": _serialized(self.activation, self.parameters)}


class PReLU(Layer):
    """``y = alpha * x`` where x < 0, else x; its weight is alpha (units,), at first 0."""

    _prefix = "p_re_lu"
    activation = "prelu"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of alpha."""
        return [(inputs,)]

    def _initial_weights(self, inputs: int) -> Weights:
        return [np.zeros(inputs)]


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
        self.parameters = {"epsilon": _number("epsilon", epsilon)}
        _core.check_parameters(self.activation, [self.parameters["epsilon"], 0.0])
        super().__init__(name)

"""Activation and PReLU: layers that change each number by itself."""

import math
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.layers.layer import Layer, Weights

_DEFAULTS = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 1.0}, "celu": {"alpha": 1.0}}  # Keras'
_UNBOUNDED = {"minimum": -math.inf, "maximum": math.inf}  # what None is there, since JSON has no infinity


def interpreted(identifier: object) -> tuple[str, dict[str, float]]:
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
    numbers = {each: number(each, parameters[each]) for each in names}
    _core.check_parameters(name, [*numbers.values(), 0.0, 0.0][:2])
    return name, numbers


def number(name: str, value: object) -> float:
    """Return value as a float, None as the bound that it stands for; ValueError for what is no number."""
    if value is None and name in _UNBOUNDED:
        return _UNBOUNDED[name]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"expected {name} to be a number. Received: {name}={value!r}")
    return float(value)


def serialized(name: str, parameters: dict[str, float]) -> str | dict[str, Any]:
    """Return what interpreted() takes, as JSON's types."""
    if not parameters:
        return name
    return {"name": name} | {each: None if math.isinf(value) else value for each, value in parameters.items()}


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
        self.activation, self.parameters = interpreted(activation)
        super().__init__(name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {"name": self.name, "activation": serialized(self.activation, self.parameters)}


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

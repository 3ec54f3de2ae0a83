"""The layer Activation, and the two ways to name an activation: a string, or a dict with parameters."""

from __future__ import annotations

import math
from typing import Any, Unpack

from fastnn import _core
from fastnn.arguments import number
from fastnn.layers.layer import Layer, Options
from fastnn.text import did_you_mean

ALIASES = {"swish": "silu", "hard_silu": "hard_swish"}  # Keras' second names; files have the first


def interpreted(identifier: object) -> tuple[str, dict[str, float]]:
    """Return an activation's name and parameters.

    identifier: the name; a dict with the name and parameters; Keras' serialized form of a function; a layer such as
        ReLU(); or None for "linear". Raises ValueError for others.

    >>> interpreted("swish"), interpreted({"name": "elu", "alpha": 2})
    (('silu', {}), ('elu', {'alpha': 2.0}))
    """
    if isinstance(identifier, Activation):
        return identifier.activation, identifier.parameters
    if isinstance(identifier, dict) and "class_name" in identifier:
        return _of_keras(identifier)
    given = dict(identifier) if isinstance(identifier, dict) else {}
    name = given.pop("name", None) if isinstance(identifier, dict) else "linear" if identifier is None else identifier
    if isinstance(name, str):
        name = ALIASES.get(name, name)
    if not isinstance(name, str) or name not in _core.activations:
        raise ValueError(
            f"Could not interpret activation function identifier: {identifier!r:.200}"
            f"{did_you_mean(name, [*_core.activations, *ALIASES]) or '.'} "
            f"Expected one of {', '.join(map(repr, _core.activations))}, or None for 'linear'."
        )
    defaults = _core.activations[name]
    parameters = {each: default for each, default in defaults.items() if default is not None} | given
    if parameters.keys() != defaults.keys():
        raise ValueError(
            f"expected the activation {name!r} with {' and '.join(defaults) or 'nothing else'}, as in "
            f"{dict.fromkeys(('name', *defaults), 0.5) | {'name': name}}; received {identifier!r}"
            f"{''.join(did_you_mean(each, defaults) for each in given if each not in defaults)}"
        )
    # JSON has no infinity: None stands for the bound that is not there.
    unbounded = {"minimum": -math.inf, "maximum": math.inf}
    numbers = {
        each: unbounded[each] if parameters[each] is None and each in unbounded else number(each, parameters[each])
        for each in defaults
    }
    _core.check_parameters("Activation", name, numbers)
    return name, numbers


def _of_keras(serialized: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """Return the activation of Keras' serialized form of a function, {"class_name": "function", "config": "relu"}."""
    if serialized["class_name"] == "function" and isinstance(serialized.get("config"), str):
        return interpreted(serialized["config"])
    name = str(serialized["class_name"])
    raise ValueError(
        "expected an activation by its name, as a dict with its name and parameters, or as a layer such as ReLU(); "
        f"received Keras' serialized form of {name!r:.60}; give the layer itself, or convert the whole model with "
        "fastnn.from_keras(model)"
    )


def serialized(name: str, parameters: dict[str, float]) -> str | dict[str, Any]:
    """Return what interpreted() takes, in JSON's types.

    >>> serialized("relu", {}), serialized("elu", {"alpha": 2.0})
    ('relu', {'name': 'elu', 'alpha': 2.0})
    """
    if not parameters:
        return name
    return {"name": name} | {each: None if math.isinf(value) else value for each, value in parameters.items()}


class Activation(Layer):
    """``y = activation(x)``, x and y (..., units). The layer has no weights.

    activation: a name, such as "relu", "tanh" or "softmax"; a dict of the name and parameters, such as
        {"name": "leaky_relu", "negative_slope": 0.01} or {"name": "clip", "minimum": 0, "maximum": None}; or None for
        "linear". docs/numerics.md defines all activations.
    name: default "activation", then "activation_1", ….
    Raises ValueError for an unknown activation, and for parameters that are missing, unknown or out of range.

    >>> from fastnn.layers import Activation
    >>> from fastnn.models import Sequential
    >>> Sequential([Activation("relu")]).predict([[-1, 2]])
    array([[0., 2.]], dtype=float32)
    """

    _class_name = "Activation"
    _prefix = "activation"

    def __init__(self, activation: str | dict[str, Any] | Layer | None, **options: Unpack[Options]) -> None:
        self.activation, self.parameters = interpreted(activation)
        super().__init__(**options)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal layer, in JSON's types.

        >>> Activation({"name": "elu", "alpha": 2}, name="a").get_config()
        {'name': 'a', 'activation': {'name': 'elu', 'alpha': 2.0}}
        """
        return Layer.get_config(self) | self._computed_config()

    def _computed_config(self) -> dict[str, Any]:
        return {"name": self.name, "activation": serialized(self.activation, self.parameters)}

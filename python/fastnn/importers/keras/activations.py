"""What Keras' activations compute, as steps: those that go by a name, and those that are written out as a layer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.steps import Function, Scale, Step, clip, hard_sigmoid, leaky_relu

# What Keras and fastnn name alike; then what Keras names otherwise.
_SAME = {
    "linear", "relu", "relu6", "tanh", "hard_tanh", "sigmoid", "softmax", "log_softmax", "softplus", "softsign", "selu",
    "exponential", "silu", "mish", "gelu",
}  # fmt: skip
_OTHERS = {"swish": "silu", "hard_silu": "hard_swish", "hard_swish": "hard_swish"}


def _log_sigmoid(source: str) -> list[Step]:
    """``log(1 / (1 + exp(-x))) = -softplus(-x)``."""
    minus = Scale(source, np.array(-1.0), np.array(0.0))
    return [minus, Function(source, "softplus"), minus]


_BY_NAME: dict[str, Callable[[str], list[Step]]] = {
    "elu": lambda source: [Function(source, "elu", {"alpha": 1.0})],
    "celu": lambda source: [Function(source, "celu", {"alpha": 1.0})],
    "leaky_relu": lambda source: [leaky_relu(source, 0.2)],  # the layer LeakyReLU has 0.3
    "sparse_sigmoid": lambda source: hard_sigmoid(source, 0.5, 0.5),
    "log_sigmoid": _log_sigmoid,
}
ROW_WISE = frozenset({"softmax", "log_softmax"})  # all others work number by number
NAMES = frozenset({*_SAME, *_OTHERS, *_BY_NAME, "hard_sigmoid"})


def named_activation(source: str, name: str, keras: int | None) -> list[Step]:
    """Return the steps of an activation that goes by a name in Keras, or UnsupportedModelError.

    keras: the major version that wrote the model: 2 has another hard_sigmoid than 3.
    """
    if name == "hard_sigmoid":
        if keras is None:
            raise UnsupportedModelError(
                f"{source} has the activation 'hard_sigmoid', which differs between Keras 2 and 3, and the file does "
                "not say which wrote it; save the model again with a Keras that does"
            )
        return hard_sigmoid(source, 0.2 if keras < 3 else 1 / 6, 0.5)
    if name in _BY_NAME:
        return _BY_NAME[name](source)
    if name in _SAME or name in _OTHERS:
        return [Function(source, _OTHERS.get(name, name))]
    raise UnsupportedModelError(
        f"{source} has the activation {name!r:.60}, which fastnn does not have; expected one of "
        + ", ".join(sorted(NAMES))
    )


def activation_name(source: str, activation: Any) -> str | None:
    """Return the name of an activation as a config says it; None for a layer, a dict with class_name and config."""
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        return activation
    if not isinstance(activation, dict) or not isinstance(activation.get("class_name"), str):
        raise UnsupportedModelError(
            f"{source} has an activation that is code: {activation!r:.60}; fastnn runs none. Expected an activation of "
            "Keras by its name, or one of its layers"
        )
    if activation["class_name"] != "function":
        return None
    name = activation.get("config")
    is_builtin = str(activation.get("module", "")).startswith("keras") and isinstance(name, str)
    if not is_builtin or name not in NAMES:
        raise UnsupportedModelError(
            f"{source} has the activation {name!r:.60}, a function of its own, which fastnn cannot run; "
            "expected one of " + ", ".join(sorted(NAMES))
        )
    return str(name)


def relu_layer(source: str, slope: float, maximum: float | None, threshold: float) -> list[Step]:
    """Return the steps of the layer ReLU."""
    if threshold != 0:
        raise UnsupportedModelError(
            f"{source} has the threshold {threshold:g}, below which it jumps to another line; fastnn has only 0"
        )
    if maximum is not None and maximum < 0:
        raise ModelFormatError(f"{source} has the max_value {maximum:g}; expected at least 0")
    top = np.inf if maximum is None else maximum
    if slope == 0:
        return [clip(source, 0.0, top)]
    return [leaky_relu(source, slope), *([] if maximum is None else [clip(source, -np.inf, top)])]

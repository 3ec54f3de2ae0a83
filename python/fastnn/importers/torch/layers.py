"""What modules of torch.nn compute on rows, as steps: from their parameters, buffers and attributes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers import steps
from fastnn.importers.steps import Function, Normalize, Nothing, Product, Scale, Slopes, Step

Array = npt.NDArray[Any]


def as_array(value: Any, source: str) -> Array:
    """Return a tensor, which may be PyTorch's own, as an array; UnsupportedModelError where it cannot be one.

    bfloat16, which NumPy does not know, becomes float32.
    """
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if str(value.dtype) == "torch.bfloat16" else value
        return np.asarray(value)
    # RuntimeError is torch's word for a tensor without data or of another device, ValueError NumPy's for ragged lists.
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnsupportedModelError(f"{source}: expected a dense tensor of numbers: {error!s:.100}") from None


def weighted(kind: str, source: str, tensors: Mapping[str, Array | None], eps: float) -> Step:
    """Return the step of a Linear, BatchNorm1d, LayerNorm or PReLU; ModelFormatError for tensors of odd shapes."""
    weight, bias = tensors.get("weight"), tensors.get("bias")
    mean, variance = tensors.get("running_mean"), tensors.get("running_var")
    shapes = [array.shape for array in (weight, bias, mean, variance) if array is not None]
    if kind == "Linear" and weight is not None and weight.ndim == 2:
        return Product(source, weight.T, bias)
    if kind != "Linear" and len(set(shapes)) == 1 and len(shapes[0]) == 1 and shapes[0] != (0,):
        if mean is not None and variance is not None:
            return steps.batch_normalization(source, weight, bias, mean, variance, eps)
        if kind == "LayerNorm" and weight is not None:
            return Normalize(source, weight, np.zeros_like(weight) if bias is None else bias, eps)
        if kind == "PReLU" and weight is not None:
            return Slopes(source, weight.reshape(()) if weight.size == 1 else weight)
    raise ModelFormatError(f"{source}: expected the tensors of a {kind}; received the shapes {shapes}")


_FUNCTIONS = {
    "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_swish",
    "Mish": "mish",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Softsign": "softsign",
    "Tanh": "tanh",
}
_NOTHING = {"AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout", "Identity"}


def unweighted(kind: str, source: str, module: Any) -> list[Step] | None:
    """Return the steps of an activation of torch.nn, or of what predictions go through unchanged; None for others."""
    if kind in _NOTHING:
        return [Nothing(source)]
    if kind in _FUNCTIONS:
        return [Function(source, _FUNCTIONS[kind])]
    if kind in _PARAMETRIC:
        return _PARAMETRIC[kind](source, module)
    return None


def _number(source: str, module: Any, attribute: str) -> float:
    value = getattr(module, attribute, None)
    if not isinstance(value, (int, float)):
        raise UnsupportedModelError(f"{source}: expected {attribute} to be a number; received {value!r:.60}")
    return float(value)


def _refused(source: str, module: Any, *attributes: str, expected: str) -> UnsupportedModelError:
    received = ", ".join(f"{attribute}={getattr(module, attribute, None)!r:.60}" for attribute in attributes)
    return UnsupportedModelError(f"{source}: expected {expected}; received {received}")


def _leaky_relu(source: str, module: Any) -> list[Step]:
    return [steps.leaky_relu(source, _number(source, module, "negative_slope"))]


def _randomized_leaky_relu(source: str, module: Any) -> list[Step]:
    return [steps.leaky_relu(source, (_number(source, module, "lower") + _number(source, module, "upper")) / 2)]


def _with_alpha(activation: str) -> Callable[[str, Any], list[Step]]:
    return lambda source, module: [Function(source, activation, {"alpha": _number(source, module, "alpha")})]


def _gelu(source: str, module: Any) -> list[Step]:
    activation = {"none": "gelu", "tanh": "gelu_tanh"}.get(module.approximate)
    if activation is None:
        raise _refused(source, module, "approximate", expected="approximate 'none' or 'tanh'")
    return [Function(source, activation)]


def _hard_tanh(source: str, module: Any) -> list[Step]:
    return [steps.clip(source, _number(source, module, "min_val"), _number(source, module, "max_val"))]


def _threshold(source: str, module: Any) -> list[Step]:
    threshold = _number(source, module, "threshold")
    if threshold != _number(source, module, "value"):  # it jumps
        raise _refused(source, module, "threshold", "value", expected="a value that is the threshold")
    return [steps.clip(source, threshold, np.inf)]


def _softplus(source: str, module: Any) -> list[Step]:
    beta = _number(source, module, "beta")
    if beta == 0 or module.threshold != 20:  # above the threshold x itself, which at 20 is the same in float32
        raise _refused(source, module, "beta", "threshold", expected="a threshold of 20, and a beta that is not 0")
    return _between_scales(source, beta, "softplus", 1 / beta)


def _log_sigmoid(source: str, module: Any) -> list[Step]:
    return _between_scales(source, -1.0, "softplus", -1.0)


def _between_scales(source: str, before: float, activation: str, after: float) -> list[Step]:
    zero, function = np.zeros(()), Function(source, activation)
    if before == after == 1:
        return [function]
    return [Scale(source, np.asarray(before), zero), function, Scale(source, np.asarray(after), zero)]


def _over_units(activation: str) -> Callable[[str, Any], list[Step]]:
    def steps_of(source: str, module: Any) -> list[Step]:
        if module.dim not in (-1, 1):
            raise _refused(source, module, "dim", expected="dim=-1 or dim=1, over a row's units")
        return [Function(source, activation)]

    return steps_of


def _flatten(source: str, module: Any) -> list[Step]:
    if module.start_dim not in (1, -1) or module.end_dim not in (1, -1):
        raise _refused(source, module, "start_dim", "end_dim", expected="start_dim=1 and end_dim=-1")
    return [Nothing(source)]


_PARAMETRIC: dict[str, Callable[[str, Any], list[Step]]] = {
    "CELU": _with_alpha("celu"),
    "ELU": _with_alpha("elu"),
    "Flatten": _flatten,
    "GELU": _gelu,
    "Hardtanh": _hard_tanh,
    "LeakyReLU": _leaky_relu,
    "LogSigmoid": _log_sigmoid,
    "LogSoftmax": _over_units("log_softmax"),
    "RReLU": _randomized_leaky_relu,
    "Softmax": _over_units("softmax"),
    "Softplus": _softplus,
    "Threshold": _threshold,
}

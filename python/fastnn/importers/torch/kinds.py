"""The kinds of modules of torch.nn, and the steps that each computes: for live modules and for state dicts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastnn import _core
from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array, to_array
from fastnn.importers import steps
from fastnn.importers.refusals import refusing
from fastnn.importers.steps import Function, Normalize, Nothing, Product, Slopes, Step
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU


class Kind(NamedTuple):
    """A module with tensors: fastnn's layer of the same, the tensors that it needs and may have, the rank of weight."""

    layer: type[Layer]
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    rank: int


KINDS = {
    "Linear": Kind(Dense, ("weight",), ("bias",), 2),
    "BatchNorm1d": Kind(Affine, ("running_mean", "running_var"), ("weight", "bias"), 1),
    "LayerNorm": Kind(LayerNormalization, ("weight",), ("bias",), 1),
    "PReLU": Kind(PReLU, ("weight",), (), 1),
}


def kinds_of(tensors: Mapping[str, Array]) -> list[str]:
    """Return the kinds of modules whose tensors these can be."""
    rank = tensors["weight"].ndim if "weight" in tensors else None
    return [
        name
        for name, kind in KINDS.items()
        if {*kind.needed} <= tensors.keys() <= {*kind.needed, *kind.optional} and rank in (None, kind.rank)
    ]


def as_array(value: Any, source: str) -> Array:
    """Return a tensor, also one of PyTorch, as an array, bfloat16 as float32; UnsupportedModelError if it is none."""
    # PyTorch raises RuntimeError for a tensor without data or on another device, NumPy ValueError for ragged lists.
    errors = (TypeError, ValueError, RuntimeError)
    with refusing(f"{source}: expected a dense tensor of numbers", *errors, raises=UnsupportedModelError):
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        return to_array(value)


def weighted(kind: str, source: str, tensors: Mapping[str, Array | None], eps: float) -> Step:
    """Return the step of a module of a kind in KINDS; ModelFormatError for tensors of odd shapes."""
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


_NOTHING = {"AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout", "Identity"}
# Activations of the same parameters, by the name of their class.
_ACTIVATIONS = {
    "CELU": "celu", "ELU": "elu", "Hardsigmoid": "hard_sigmoid", "Hardswish": "hard_swish", "LogSoftmax": "log_softmax",
    "Mish": "mish", "ReLU": "relu", "ReLU6": "relu6", "SELU": "selu", "SiLU": "silu", "Sigmoid": "sigmoid",
    "Softmax": "softmax", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip


def unweighted(kind: str, source: str, module: Any) -> list[Step] | None:
    """Return the steps of a module without tensors, by its attributes; None if fastnn does not compute its kind."""

    def number(attribute: str) -> float:
        value = getattr(module, attribute, None)
        if not isinstance(value, (int, float)):
            raise UnsupportedModelError(f"{source}: expected {attribute} to be a number; received {value!r:.60}")
        return float(value)

    def one_of(attribute: str, *allowed: Any) -> Any:
        value = getattr(module, attribute, None)
        if value not in allowed:
            expected = " or ".join(f"{attribute}={each!r}" for each in allowed)
            raise UnsupportedModelError(f"{source}: expected {expected}; received {attribute}={value!r:.60}")
        return value

    match kind:
        case "Flatten":
            one_of("start_dim", 1, -1)
            one_of("end_dim", 1, -1)
            return [Nothing(source)]
        case "GELU":
            return [Function(source, "gelu_tanh" if one_of("approximate", "none", "tanh") == "tanh" else "gelu")]
        case "Hardtanh":
            return [steps.clip(source, number("min_val"), number("max_val"))]
        case "LeakyReLU":
            return [steps.leaky_relu(source, number("negative_slope"))]
        case "LogSigmoid":  # -softplus(-x)
            return steps.softplus(source, -1.0)
        case "RReLU":
            return [steps.leaky_relu(source, (number("lower") + number("upper")) / 2)]
        case "Softmax" | "LogSoftmax":
            one_of("dim", -1, 1)  # over a row's units
        case "Softplus":
            one_of("threshold", 20)  # above it PyTorch returns x itself, which at 20 is the same in float32
            if number("beta") == 0:
                raise UnsupportedModelError(f"{source}: expected a beta that is not 0; received beta=0")
            return steps.softplus(source, number("beta"))
        case "Threshold":
            one_of("value", number("threshold"))  # any other value is a jump
            return [steps.clip(source, number("threshold"), np.inf)]
    if kind in _NOTHING:
        return [Nothing(source)]
    name = _ACTIVATIONS.get(kind)
    if name is None:
        return None
    return [Function(source, name, {each: number(each) for each in _core.activations[name]})]

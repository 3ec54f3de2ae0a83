"""The activations of Keras and PyTorch as NumPy, for references that check imported models."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.arrays import Array

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def erf(x: Array) -> Array:
    """Return the error function."""
    return np.asarray(np.vectorize(math.erf, otypes=[x.dtype])(x))


def softmax(x: Array, axis: Any = -1) -> Array:
    """Return exponentials that sum to 1."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def log_softmax(x: Array, axis: Any = -1) -> Array:
    """Return the logarithm of softmax."""
    x = x - x.max(axis=axis, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=axis, keepdims=True)))


def sigmoid(x: Array) -> Array:
    """Return the logistic function."""
    return np.asarray(np.tanh(x / 2) / 2 + 0.5)


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x))."""
    return np.asarray(np.logaddexp(x, x.dtype.type(0)))


def elu(x: Array, alpha: float = 1.0) -> Array:
    """Return x, and alpha * (exp(x) - 1) below 0."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """Return x, and negative_slope * x below 0."""
    return np.where(x > 0, x, negative_slope * x)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "clip": lambda x, minimum=-np.inf, maximum=np.inf: np.clip(x, minimum, maximum),
    "step": lambda x: np.where(x >= 0, 1.0, 0.0),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "celu": lambda x, alpha=1.0: np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0),
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "exponential": np.exp,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "sparse_sigmoid": lambda x: np.clip(x / 2 + 0.5, 0, 1),
    "log_sigmoid": lambda x: -softplus(-x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": softplus,
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))),
    "softmax": softmax,
    "log_softmax": log_softmax,
}

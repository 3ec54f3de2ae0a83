"""The vocabulary of the importers: each translates its source into steps in a row, and fold.py makes the model."""

from dataclasses import dataclass, field

import numpy as np

from fastnn import _core
from fastnn._core import ModelFormatError
from fastnn.arrays import Array


@dataclass(frozen=True)
class Step:
    """`source` says what a step was, for errors and reports: "layer 'dense' (Dense)"."""

    source: str

    @property
    def arrays(self) -> list[Array]:
        """Its numbers."""
        return [value for value in vars(self).values() if isinstance(value, np.ndarray)]

    @property
    def inputs(self) -> int | None:
        """The number of inputs, the length of the first array; None for steps that take any number."""
        return next((array.shape[0] for array in self.arrays if array.ndim > 0), None)


@dataclass(frozen=True)
class Product(Step):
    """``y = x @ kernel + bias``: (inputs, units) and (units,)."""

    kernel: Array
    bias: Array | None = None
    is_preparation: bool = field(default=False, kw_only=True)  # it may become one kernel with the one after it

    def __post_init__(self) -> None:
        biased = None if self.bias is None else self.bias.shape
        if self.kernel.ndim != 2 or self.kernel.size == 0 or biased not in (None, self.kernel.shape[1:]):
            raise ModelFormatError(
                f"{self.source}: expected a kernel (inputs, units) and a bias (units,); received "
                f"{self.kernel.shape} and {biased}"
            )


@dataclass(frozen=True)
class Scale(Step):
    """``y = x * scale + shift``, element by element: float64 arrays (units,), or () for the same number everywhere."""

    scale: Array
    shift: Array
    is_literal: bool = field(default=False, kw_only=True)  # the source computes it so, not as (x - mean) * scale


@dataclass(frozen=True)
class Centre(Scale):
    """``y = x - centre``, which never folds into a Dense."""


@dataclass(frozen=True)
class Function(Step):
    """An activation of fastnn, by its name; parameters as Activation takes them."""

    activation: str
    parameters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Slopes(Step):
    """``y = alpha * x`` where x < 0, else x: (units,), or () for the same number everywhere."""

    alpha: Array


@dataclass(frozen=True)
class Normalize(Step):
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, mean and variance over a row's units.

    gamma and beta: (units,), or () for the same number everywhere.
    """

    gamma: Array
    beta: Array
    epsilon: float


@dataclass(frozen=True)
class Bounds(Step):
    """``y = min(max(x, low), high)``: float64 arrays (units,), or () for the same number everywhere, maybe infinite."""

    low: Array
    high: Array


@dataclass(frozen=True)
class Columns(Step):
    """The units `index`, in that order, of the `width` that come in."""

    index: Array
    width: int

    @property
    def inputs(self) -> int:
        """The number of units that come in."""
        return self.width


@dataclass(frozen=True)
class Nothing(Step):
    """A layer that changes no prediction: Dropout, Flatten, Identity."""


def is_of_row(step: Step) -> bool:
    """Return whether each unit's answer depends on the whole row, but not by a kernel."""
    return isinstance(step, Normalize) or (
        isinstance(step, Function) and step.activation in _core.whole_row_activations
    )


# The activations that keep x between two numbers, which have no parameters.
CLIPS = {"relu": (0.0, np.inf), "relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0), "linear": (-np.inf, np.inf)}


def clip(source: str, minimum: float, maximum: float) -> Function:
    """Return the activation that keeps x between two numbers, which may be infinite."""
    bounds = float(minimum), float(maximum)
    if name := next((name for name, each in CLIPS.items() if each == bounds), None):
        return Function(source, name)
    return Function(source, "clip", dict(zip(("minimum", "maximum"), bounds, strict=True)))


def leaky_relu(source: str, negative_slope: float) -> Function:
    """Return the activation ``x if x >= 0 else negative_slope * x``."""
    if negative_slope == 0:
        return Function(source, "relu")
    return Function(source, "leaky_relu", {"negative_slope": float(negative_slope)})


def hard_sigmoid(source: str, alpha: float, beta: float) -> list[Step]:
    """Return the steps of ``alpha * x + beta`` between 0 and 1."""
    if np.float32(alpha) == np.float32(1 / 6) and beta == 0.5:
        return [Function(source, "hard_sigmoid")]
    return [Scale(source, np.array(alpha, np.float64), np.array(beta, np.float64)), clip(source, 0.0, 1.0)]


def softplus(source: str, beta: float) -> list[Step]:
    """Return the steps of ``softplus(beta * x) / beta``; beta -1 is log_sigmoid."""
    zero, function = np.zeros(()), Function(source, "softplus")
    if beta == 1:
        return [function]
    return [Scale(source, np.asarray(beta), zero), function, Scale(source, np.asarray(1 / beta), zero)]


def batch_normalization(
    source: str, gamma: Array | None, beta: Array | None, mean: Array, variance: Array, epsilon: float
) -> Scale:
    """Return the step ``(x - mean) / sqrt(variance + epsilon) * gamma + beta``; ModelFormatError for odd shapes."""
    shapes = {array.shape for array in (gamma, beta, mean, variance) if array is not None}
    if len(shapes) != 1 or mean.ndim != 1:
        raise ModelFormatError(f"{source}: expected arrays of one length; received {sorted(shapes)}")
    mean, variance = mean.astype(np.float64), variance.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + epsilon)
        return Scale(source, scale, (0.0 if beta is None else beta) - mean * scale)

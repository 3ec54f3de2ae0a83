"""What an importer makes of its source, whichever that is: steps in a row, of which a model is made here.

An affine step beside a Dense is folded into it, in float64:
``(x * scale + shift) @ kernel + bias = x @ (scale[:, None] * kernel) + (shift @ kernel + bias)``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError
from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Layer, Weights
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU
from fastnn.models.sequential import Sequential

Array = npt.NDArray[Any]

# Of a shift: so many times the answers' size is what x * scale + shift rounds to.
_FAR = 4.0


@dataclass(frozen=True)
class Step:
    """`source` says what a step was, for errors and reports: "layer 'dense' (Dense)"."""

    source: str


@dataclass(frozen=True)
class Product(Step):
    """``y = x @ kernel + bias``: (inputs, units) and (units,)."""

    kernel: Array
    bias: Array | None = None

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
    """``y = x - centre``, which no Dense takes in."""


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
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, mean and variance over a row's units."""

    gamma: Array
    beta: Array
    epsilon: float


@dataclass(frozen=True)
class Nothing(Step):
    """What predictions go through unchanged: Dropout, Flatten, Identity."""


def clip(source: str, minimum: float, maximum: float) -> Function:
    """Return the activation that keeps x between two numbers, which may be infinite."""
    known = {(0.0, np.inf): "relu", (0.0, 6.0): "relu6", (-1.0, 1.0): "hard_tanh", (-np.inf, np.inf): "linear"}
    if name := known.get((float(minimum), float(maximum))):
        return Function(source, name)
    return Function(source, "clip", {"minimum": float(minimum), "maximum": float(maximum)})


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


@dataclass
class _Dense:
    """A Dense still to be made: others fold into it."""

    kernel: Array
    bias: Array | None
    activation: Function | None = None


class _Layers:
    """The layers so far, and what became of each step."""

    def __init__(self, inputs: int | None, fold: bool, dtype: str) -> None:
        self.inputs = self.width = inputs
        self.fold, self.dtype = fold, dtype
        self.layers: list[_Dense | tuple[Layer, Weights]] = []
        self.waiting: list[Scale] = []  # for a Dense to fold into, or for what makes them layers
        self.report: list[tuple[str, str]] = []

    def add(self, step: Step) -> None:
        self._check_width(step)
        match step:
            case Nothing():
                self._tell(step, f"nothing, since predictions, in {self.dtype}, go through it unchanged")
            case Function(activation="linear"):
                self._tell(step, "nothing, since it is linear")
            case Product():
                self._product(step)
            case Scale():
                self._scale(step)
            case Function() if (last := self._open_dense()) is not None:
                last.activation = step
                self._tell(step, f"activation {step.activation} of layer {len(self.layers) - 1}")
            case Function():
                self._append(step, Activation(_named(step)), {})
            case Slopes():
                self._append(step, PReLU(), {"alpha": self._full(step, step.alpha)})
            case Normalize():
                self._append(step, LayerNormalization(step.epsilon), {"gamma": step.gamma, "beta": step.beta})

    def _check_width(self, step: Step) -> None:
        arrays = [value for value in vars(step).values() if isinstance(value, np.ndarray) and value.ndim > 0]
        inputs = arrays[0].shape[0] if arrays else self.width
        if self.width not in (None, inputs):
            raise ModelFormatError(
                f"{step.source} has {inputs} inputs; expected {self.width}, as many as come out before"
            )
        if self.width is None:
            self.inputs = self.width = inputs

    def _tell(self, step: Step, what: str) -> None:
        self.report.append((step.source, what))

    def _open_dense(self) -> _Dense | None:
        """The layer before, if it is a Dense whose sums nothing has been done to; an affine step between is settled."""
        self._settle()
        last = self.layers[-1] if self.layers else None
        return last if isinstance(last, _Dense) and last.activation is None else None

    def _product(self, step: Product) -> None:
        kernel, bias = step.kernel, step.bias
        centres = [i for i, scale in enumerate(self.waiting) if isinstance(scale, Centre)]
        first = centres[-1] + 1 if centres else 0
        self.waiting, folded = self.waiting[:first], self.waiting[first:]
        self._settle()
        for scale in reversed(folded):
            kernel = kernel.astype(np.float64)
            bias = np.broadcast_to(scale.shift, len(kernel)) @ kernel + (0 if bias is None else bias)
            kernel = np.reshape(scale.scale, (-1, 1)) * kernel
            self._tell(scale, f"folded into layer {len(self.layers)}")
        self.layers.append(_Dense(kernel, bias))
        self.width = kernel.shape[1]
        self._tell(step, f"layer {len(self.layers) - 1}: Dense")

    def _scale(self, step: Scale) -> None:
        last = self._open_dense() if self.fold and not self.waiting else None
        if last is None:
            is_whole = self.dtype == "float64" or (step.is_literal and not self.fold)
            self.waiting += [step] if is_whole else _parts(step)
            if not self.fold:
                self._settle()
            return
        last.kernel = last.kernel.astype(np.float64) * step.scale
        last.bias = (0 if last.bias is None else last.bias.astype(np.float64)) * step.scale + step.shift
        last.bias = np.broadcast_to(last.bias, last.kernel.shape[1])
        self._tell(step, f"folded into layer {len(self.layers) - 1}")

    def _append(self, step: Step, layer: Layer, weights: Weights) -> None:
        self._settle()
        self.layers.append((layer, weights))
        self._tell(step, f"layer {len(self.layers) - 1}: {type(layer).__name__}")

    def _settle(self) -> None:
        """Make layers of the affine steps that no Dense takes in."""
        waiting, self.waiting = self.waiting, []
        for step in waiting:
            self._append(step, Affine(), {"scale": self._full(step, step.scale), "shift": self._full(step, step.shift)})

    def _full(self, step: Step, numbers: Array) -> Array:
        if self.width is None:
            raise ModelFormatError(f"{step.source} does not say for how many inputs, nor does anything before it")
        return np.broadcast_to(numbers, self.width)

    def model(self, name: str | None) -> Sequential:
        self._settle()
        if self.inputs is None:
            raise ModelFormatError("expected at least one layer with weights; found none")
        made = [_made(layer) for layer in self.layers] or [(Activation("linear"), {})]
        model = Sequential([layer for layer, _ in made], dtype=self.dtype, name=name)
        # As a file's weights are: none are drawn first, which would also change what is drawn for others.
        model._adopt(model._states(self.inputs, [weights for _, weights in made]))
        return model


def _parts(step: Scale) -> list[Scale]:
    """Return the step, of which numbers far from 0 are taken off first, as the source does: later they would cancel."""
    with np.errstate(all="ignore"):
        zero = np.asarray(-step.shift / step.scale, np.float32).astype(np.float64)
        centre = np.asarray(np.where((np.abs(step.shift) > _FAR) & np.isfinite(zero), zero, 0.0))
        rest = step.shift + centre * step.scale
    if not centre.any():
        return [step]
    return [Centre(step.source, np.ones_like(centre), np.asarray(-centre)), Scale(step.source, step.scale, rest)]


def _named(step: Function) -> dict[str, Any]:
    return {"name": step.activation, **step.parameters}


def _made(layer: _Dense | tuple[Layer, Weights]) -> tuple[Layer, Weights]:
    if isinstance(layer, tuple):
        return layer
    activation = None if layer.activation is None else _named(layer.activation)
    dense = Dense(layer.kernel.shape[1], activation, use_bias=layer.bias is not None)
    return dense, {"kernel": layer.kernel} if layer.bias is None else {"kernel": layer.kernel, "bias": layer.bias}


def to_model(
    steps: Iterable[Step],
    *,
    inputs: int | None = None,
    fold: bool = True,
    name: str | None = None,
    dtype: str = "float32",
) -> tuple[Sequential, list[tuple[str, str]]]:
    """Return the model of these steps, and what became of each: (source, what).

    inputs: of the first step, where the source says it. fold: whether affine steps are folded into a Dense beside them.
    A model of float64 kernels alone computes in float64, one of others in float32, one without kernels in `dtype`.
    Raises ModelFormatError where a step does not fit the one before it.
    """
    steps = list(steps)
    dtypes = {step.kernel.dtype for step in steps if isinstance(step, Product)}
    if dtypes:
        dtype = "float64" if dtypes == {np.dtype("f8")} else "float32"
    layers = _Layers(inputs, fold, dtype)
    with np.errstate(all="ignore"):  # weights may be infinite
        for step in steps:
            layers.add(step)
    return layers.model(name), layers.report

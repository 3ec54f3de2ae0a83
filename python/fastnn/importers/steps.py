"""What an importer makes of its source, whichever that is: steps in a row, of which a model is made here.

An affine step has no layer of its own. It is folded, in float64, into the Dense before it or after it:
``(x * scale + shift) @ kernel + bias = x @ (scale * kernel) + (shift @ kernel + bias)``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.base import Weights
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Product:
    """``y = x @ kernel + bias``; `source` says what it was, for errors."""

    source: str
    kernel: Array
    bias: Array | None


@dataclass(frozen=True)
class Affine:
    """``y = x * scale + shift``, element by element: two float64 arrays of the same length."""

    source: str
    scale: Array
    shift: Array


@dataclass(frozen=True)
class Function:
    """An activation of fastnn, by its name."""

    source: str
    activation: str


class _Layers:
    """Layers so far: Dense ones as [kernel, bias, activation], where None is one still to come."""

    def __init__(self) -> None:
        self.layers: list[Any] = []
        self.waiting: Affine | None = None  # for a Dense

    def _open(self) -> bool:
        return bool(self.layers) and isinstance(self.layers[-1], list) and self.layers[-1][2] is None

    def product(self, step: Product) -> None:
        kernel, bias = step.kernel.astype(np.float64), step.bias
        if self.waiting is not None:
            bias = self.waiting.shift @ kernel + (0 if bias is None else bias)
            kernel = self.waiting.scale[:, None] * kernel
            self.waiting = None
        self.layers.append([kernel, bias, None])

    def affine(self, step: Affine) -> None:
        if self.waiting is not None:
            before = self.waiting
            self.waiting = Affine(step.source, before.scale * step.scale, before.shift * step.scale + step.shift)
        elif self._open():
            kernel, bias, _ = self.layers[-1]
            self.layers[-1][:2] = kernel * step.scale, (0 if bias is None else bias) * step.scale + step.shift
        else:
            self.waiting = step

    def function(self, step: Function) -> None:
        if step.activation == "linear":
            return
        self.no_affine_may_wait()
        if self._open():
            self.layers[-1][2] = step.activation
        else:
            self.layers.append(step.activation)

    def no_affine_may_wait(self) -> None:
        if self.waiting is not None:
            raise UnsupportedModelError(
                f"{self.waiting.source} has no Dense beside it, before or after, to be folded into"
            )

    def model(self, dtype: str, name: str | None) -> Sequential:
        self.no_affine_may_wait()
        model = Sequential(dtype=dtype, name=name)
        weights: list[Weights] = []
        for layer in self.layers:
            if isinstance(layer, str):
                model.add(Activation(layer))
                weights.append([])
            else:
                kernel, bias, activation = layer
                model.add(Dense(kernel.shape[1], activation, use_bias=bias is not None))
                weights.append([kernel] if bias is None else [kernel, bias])
        # As a file's weights are: none are drawn first, which would also change what is drawn for others.
        model._adopt(model._prepared(next(array[0].shape[0] for array in weights if array), weights))
        return model


def to_model(steps: Iterable[Product | Affine | Function], dtype: str, name: str | None = None) -> Sequential:
    """Return the model of these steps; ModelFormatError where a step does not fit the one before it."""
    layers, width = _Layers(), None
    for step in steps:
        if isinstance(step, Function):
            layers.function(step)
            continue
        inputs, units = step.kernel.shape if isinstance(step, Product) else step.scale.shape * 2
        if width not in (None, inputs):
            raise ModelFormatError(f"{step.source} has {inputs} inputs; expected {width}, as many as come out before")
        width = units
        if isinstance(step, Product):
            layers.product(step)
        else:
            layers.affine(step)
    return layers.model(dtype, name)

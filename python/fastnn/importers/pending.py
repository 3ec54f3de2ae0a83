"""A Dense that fold.py is about to make: steps beside it fold into its weights, in float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.importers.steps import Columns, Product, Scale
from fastnn.layers.dense import Dense
from fastnn.layers.description import Weights
from fastnn.layers.layer import Layer


@dataclass
class PendingDense:
    """A Dense to be made, into which steps before and after it fold.

    >>> dense = PendingDense(np.ones((2, 1), "f4"), None)
    >>> dense.fold_before(Scale("halves", np.array(0.5), np.array(1.0)))
    >>> {name: array.tolist() for name, array in dense.weights.items()}
    {'kernel': [[0.5], [0.5]], 'bias': [2.0]}
    """

    kernel: Array
    bias: Array | None
    activation: str | dict[str, Any] | None = None
    is_preparation: bool = False

    def fold_before(self, step: Scale) -> None:
        """Compute ``x * scale + shift`` first."""
        kernel = self.kernel.astype(np.float64)
        self.bias = np.broadcast_to(step.shift, len(kernel)) @ kernel + (0 if self.bias is None else self.bias)
        self.kernel = np.reshape(step.scale, (-1, 1)) * kernel

    def fold_after(self, step: Scale) -> None:
        """Compute ``y * scale + shift`` last."""
        bias = 0 if self.bias is None else self.bias.astype(np.float64)
        self.kernel = self.kernel.astype(np.float64) * step.scale
        self.bias = np.broadcast_to(bias * step.scale + step.shift, self.kernel.shape[1])

    def costs_less_with(self, kernel: Array) -> bool:
        """Return whether one product does less work than this one and that of a kernel after it."""
        (inputs, middle), units = self.kernel.shape, kernel.shape[1]
        return bool(inputs * units <= inputs * middle + middle * units)

    def multiply(self, step: Product) -> None:
        """Compute ``y @ kernel + bias`` last."""
        kernel = step.kernel.astype(np.float64)
        bias = 0 if self.bias is None else self.bias @ kernel
        self.bias = np.broadcast_to(bias + (0 if step.bias is None else step.bias), kernel.shape[1])
        self.kernel = self.kernel @ kernel
        self.is_preparation = step.is_preparation

    def take(self, index: Array) -> None:
        """Leave the units `index` alone, in that order."""
        self.kernel, self.bias = self.kernel[:, index], None if self.bias is None else self.bias[index]

    def spread(self, step: Columns) -> None:
        """Take all units that come in, most with weights of 0, in place of the columns of them."""
        kernel = self.kernel
        self.kernel = np.zeros((step.width, kernel.shape[1]), kernel.dtype)
        np.add.at(self.kernel, step.index, kernel)  # a unit may be among the columns twice

    @property
    def weights(self) -> Weights:
        """The weights so far, by name."""
        return {"kernel": self.kernel} if self.bias is None else {"kernel": self.kernel, "bias": self.bias}

    def made(self) -> tuple[Layer, Weights]:
        """Return the layer and its weights."""
        return Dense(self.kernel.shape[1], self.activation, use_bias=self.bias is not None), self.weights


def is_finite(array: Array, dtype: str) -> bool:
    """Return whether all numbers are finite in a dtype.

    >>> is_finite(np.array([1e30]), "float32"), is_finite(np.array([1e40]), "float32")
    (True, False)
    """
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(dtype, copy=False)).all())

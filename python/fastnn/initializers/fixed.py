"""Initializers that always return the same numbers."""

from __future__ import annotations

import numpy as np

from fastnn.arguments import finite
from fastnn.arrays import Array
from fastnn.initializers.base import Initializer, of_kernel


class Constant(Initializer):
    """Initializer that returns one number, ``value``, everywhere. Raises ValueError unless it is finite.

    >>> Constant(3)((2,))
    array([3., 3.])
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = finite("value", value)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return np.full(shape, self.value)


class Zeros(Initializer):
    """Initializer that returns zeros. Default for biases.

    >>> Zeros()((2,))
    array([0., 0.])
    """

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape)


class Ones(Initializer):
    """Initializer that returns ones.

    >>> Ones()((2,))
    array([1., 1.])
    """

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return np.ones(shape)


class Identity(Initializer):
    """Initializer that returns the identity matrix times ``gain``, for kernels. Raises ValueError for other shapes.

    >>> Identity()((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = finite("gain", gain)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        rows, columns = of_kernel(shape)
        return self.gain * np.eye(rows, columns)

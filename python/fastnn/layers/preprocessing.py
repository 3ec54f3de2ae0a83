"""Rescaling and Normalization: layers that scale the inputs, and that fit() never changes.

Both compute what an Affine does. A model file holds both: the Affine, and Keras' name and arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arguments import finite, flag, last_axis
from fastnn.arithmetic import EPSILON, ordered_sum
from fastnn.arrays import Array, is_real, to_array
from fastnn.layers.description import Weights
from fastnn.layers.layer import Layer, Options, State
from fastnn.locks import changes

Numbers = float | list[float]  # one number for all inputs, or one for each
_ROWS = 4096  # of one sum: bounds the memory


def _numbers(name: str, value: Any) -> Numbers:
    array = to_array(value)
    if array.ndim > 1 or not array.size or not is_real(array):
        raise ValueError(f"expected {name} to be a number, or a list of one for each input; received {name}={value!r}")
    given = [finite(name, each) for each in array.ravel().tolist()]
    return given if array.ndim else given[0]


class _Scaling(Layer, ABC):
    """An Affine whose weights are known when it is made, or come from data."""

    _class_name = "Affine"
    _not_trained = frozenset(("scale", "shift"))
    _is_fixed: bool  # whether the arguments alone decide the weights

    @abstractmethod
    def _scale_and_shift(self) -> tuple[Any, Any]:
        """Return numbers, or arrays of one for each input."""

    def _initial_weights(self, inputs: int) -> Weights:
        weights = {}
        for name, value in zip(("scale", "shift"), self._scale_and_shift(), strict=True):
            array = np.asarray(value, np.float64)
            if array.ndim and len(array) != inputs:
                raise ValueError(
                    f"Layer '{self.name}' was made for {len(array)} inputs, with a number for each; "
                    f"received inputs={inputs}"
                )
            weights[name] = np.array(np.broadcast_to(array, inputs))
        return weights

    def _first_weights(self, inputs: int, dtype: str) -> Weights:
        """Return the initial weights in the layer's dtype."""
        return super()._checked([*self._initial_weights(inputs).values()], self.weight_shapes(inputs), dtype)

    def _checked(self, given: list[Array], shapes: dict[str, tuple[int, ...]], dtype: str) -> Weights:
        weights = super()._checked(given, shapes, dtype)
        if self._is_fixed and weights:
            expected = self._first_weights(shapes["scale"][0], dtype)
            if any(not np.array_equal(weights[name], expected[name]) for name in expected):
                raise ValueError(f"expected the weights that the arguments of {self!r} give; make a new one for others")
        return weights

    def _computed_config(self) -> dict[str, Any]:
        return {"name": self.name}


class Rescaling(_Scaling):
    """``y = x * scale + offset``; x and y (..., units).

    scale, offset: finite numbers, or lists of one for each unit; offset is 0 by default. Raises ValueError for others.
    The weights are scale and shift, as an Affine has them; they cannot change.
    name: default "rescaling", then "rescaling_1", ….

    >>> from fastnn.layers import Rescaling
    >>> Sequential([Rescaling(1 / 4, offset=-1)]).predict([0, 4, 8])
    array([-1.,  0.,  1.], dtype=float32)
    """

    _prefix = "rescaling"
    _is_fixed = True

    def __init__(
        self, scale: float | list[float], offset: float | list[float] = 0.0, **options: Unpack[Options]
    ) -> None:
        self.scale, self.offset = _numbers("scale", scale), _numbers("offset", offset)
        super().__init__(**options)

    def _scale_and_shift(self) -> tuple[Any, Any]:
        return self.scale, self.offset


class Normalization(_Scaling):
    """``y = (x - mean) / sqrt(variance)`` for each input; x and y (..., units).

    mean, variance: finite numbers, or lists of one for each input; both or neither. Without them, adapt(data) finds
        them; until then y = x.
    axis: -1 (default) or 1, the axis of the inputs: each has its own mean; None: one mean for all inputs.
    invert: whether ``y = x * sqrt(variance) + mean`` instead. Raises ValueError for an invalid argument.
    A column of equal numbers becomes 0. The weights are scale and shift, as an Affine has them; fit() does not change
    them.
    name: default "normalization", then "normalization_1", ….

    >>> from fastnn.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt([[0, 10], [2, 30]])
    >>> Sequential([layer]).predict([2, 10])
    array([ 1., -1.], dtype=float32)
    """

    _prefix = "normalization"

    def __init__(
        self,
        axis: int | tuple[int] | list[int] | tuple[()] | None = -1,
        mean: float | list[float] | None = None,
        variance: float | list[float] | None = None,
        invert: bool = False,
        **options: Unpack[Options],
    ) -> None:
        if isinstance(axis, (tuple, list)):  # Keras' configs have (-1,), and () for None
            axis = axis[0] if len(axis) == 1 else axis or None
        self.axis = None if axis is None else last_axis(axis)
        if (mean is None) != (variance is None):
            raise ValueError(f"expected mean and variance, or neither; received mean={mean!r}, variance={variance!r}")
        self._is_fixed = mean is not None
        self._given = None if mean is None else (_numbers("mean", mean), _numbers("variance", variance))
        self._adapted: tuple[Array, Array] | None = None
        if self._given is not None and np.min(self._given[1]) < 0:
            raise ValueError(f"expected variance to be at least 0; received variance={variance!r}")
        self.invert = flag("invert", invert)
        super().__init__(**options)

    @property
    def mean(self) -> Array | None:
        """The mean of each input, float64; None before adapt() if the constructor got none.

        >>> Normalization(mean=[1, 2], variance=[1, 1]).mean
        array([1., 2.])
        """
        statistics = self._statistics()
        return None if statistics is None else np.array(statistics[0], np.float64)

    @property
    def variance(self) -> Array | None:
        """The variance of each input, float64; None before adapt() if the constructor got none.

        >>> Normalization(mean=0, variance=4).variance
        array(4.)
        """
        statistics = self._statistics()
        return None if statistics is None else np.array(statistics[1], np.float64)

    def adapt(self, data: npt.ArrayLike) -> None:
        """Take mean and variance from data, rows (..., inputs), before or after the layer is built.

        The sums go row by row in float64, so the same rows give the same bits in any memory layout.
        Raises ValueError for no rows, NaN, another number of inputs, and a layer made with mean and variance; TypeError
        for anything but real numbers.

        >>> layer = Normalization()
        >>> layer.adapt([[1.0], [3.0]])
        >>> layer.mean, layer.variance
        (array([2.]), array([1.]))
        """
        if self._given is not None:
            raise ValueError(f"expected a layer without mean and variance to adapt; {self!r} was made with both")
        rows = self._rows_of(data)
        mean = _sum(rows, 0.0, 1) / len(rows)
        variance = _sum(rows, mean, 2) / len(rows)
        statistics = (mean[0], variance[0]) if self.axis is None else (mean, variance)
        with changes:
            self._adapted = statistics
            if self._state is not None:
                self._set_state(self._state._replace(weights=self._first_weights(self._state.inputs, self.dtype)))
            elif self.axis is not None:
                self.__dict__["declared_inputs"] = rows.shape[1]

    def _set_state(self, state: State) -> None:
        with changes:
            if self._adapted is not None:
                found = self._first_weights(state.inputs, state.dtype)
                if any(not np.array_equal(found[name], state.weights[name]) for name in found):
                    self._adapted = None  # set_weights() gave others
            super()._set_state(state)

    def _statistics(self) -> tuple[Any, Any] | None:
        known = self._given or self._adapted
        if known is not None or self._state is None:
            return known
        scale, shift = (self._state.weights[name].astype(np.float64) for name in ("scale", "shift"))
        deviation, mean = (scale, shift) if self.invert else (1 / scale, -shift / scale)
        return mean, deviation * deviation

    def _rows_of(self, data: npt.ArrayLike) -> Array:
        array = to_array(data)
        if not is_real(array):
            raise TypeError(f"expected data of real numbers; received dtype {array.dtype}")
        inputs = self.declared_inputs if self._state is None else self._state.inputs
        columns = array.shape[-1] if array.ndim > 1 else None
        if self.axis is None:
            array = array.reshape(-1, 1)
        elif columns is None or inputs not in (None, columns):
            raise ValueError(f"expected data of shape (rows, {inputs or 'inputs'}); received shape {array.shape}")
        else:
            array = array.reshape(-1, columns)
        if not array.size:
            raise ValueError(f"expected data of at least 1 row; received shape {np.shape(data)}")
        return array

    def _scale_and_shift(self) -> tuple[Any, Any]:
        statistics = self._given or self._adapted
        if statistics is None:
            return 1.0, 0.0
        mean, variance = (np.asarray(each, np.float64) for each in statistics)
        deviation = np.maximum(np.sqrt(variance), EPSILON)  # a column of equal numbers becomes 0, not infinite
        return (deviation, mean) if self.invert else (1 / deviation, -mean / deviation)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal layer, in JSON's types; not what adapt() found.

        >>> Normalization(mean=0, variance=4, name="n").get_config()
        {'name': 'n', 'axis': -1, 'mean': 0.0, 'variance': 4.0, 'invert': False}
        """
        mean, variance = (None, None) if self._given is None else self._given
        given = {"axis": self.axis, "mean": mean, "variance": variance, "invert": self.invert}
        return {"name": self.name} | given | self._training_config()


def _sum(rows: Array, mean: Any, power: int) -> Array:
    """Return the sums of (rows - mean) ** power by columns, one row after the other: np.sum() chooses its order."""
    total: Array = np.zeros(rows.shape[1])
    for begin in range(0, len(rows), _ROWS):
        part = np.ascontiguousarray(_core.converted(rows[begin : begin + _ROWS], np.dtype("float64"))) - mean
        if not (finite_columns := np.isfinite(part).all(axis=0)).all():
            column = int(np.flatnonzero(~finite_columns)[0])
            raise ValueError(f"expected data of finite numbers; received others in column {column} (counted from 0)")
        total = ordered_sum(total, part if power == 1 else part * part)
    return total

"""Constraints change weights after each step of an optimizer, with Keras' names, arguments and defaults.

Norms are those of a kernel's columns, the weights of one unit; of a vector it is the norm of the whole.

>>> from fastnn.constraints import MaxNorm
>>> layer = Dense(3, kernel_constraint=MaxNorm(2), bias_constraint="non_neg")
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnn.arguments import finite, fraction
from fastnn.arithmetic import EPSILON
from fastnn.arrays import Array
from fastnn.by_name import Configured, Names
from fastnn.names import missing
from fastnn.strict import suggesting

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "serialize"]


class Constraint(Configured, ABC):
    """Base class of all constraints: call one with weights, and it returns those that it allows.

    >>> isinstance(NonNeg(), Constraint)
    True
    """

    _instead_of_a_subclass = "use one of fastnn.constraints"
    _kind: str  # in the core

    def __call__(self, w: npt.ArrayLike) -> Array:
        """Return the weights that the constraint makes of w, in its dtype; of integers it makes float64."""
        array = np.asarray(w)
        return self._allowed(array if array.dtype.kind == "f" else array.astype(np.float64))

    @abstractmethod
    def _allowed(self, w: Array) -> Array: ...

    def _core_settings(self) -> tuple[str, dict[str, float]]:
        """Return the kind and the parameters, as the core takes them."""
        return self._kind, {name: value for name, value in self.get_config().items() if name != "axis"}


def _norms(w: Array) -> Array:
    norms: Array = np.sqrt(np.cumsum(w * w, axis=0)[-1:])  # one number after the other, in the order of rows
    return norms


def _first_axis(axis: object) -> int:
    if isinstance(axis, bool) or axis != 0:
        raise ValueError(f"expected axis to be 0, that of the inputs of a kernel; received axis={axis!r}")
    return 0


class MaxNorm(Constraint):
    """Scales the weights of a unit down to a norm of ``max_value``: ``w * min(norm, max_value) / (norm + 1e-7)``.

    axis: only 0. Raises ValueError for others, and for a max_value below 0.

    >>> MaxNorm(1)([[3.0], [4.0]]).round(3).tolist()
    [[0.6], [0.8]]
    """

    _kind = "max_norm"

    def __init__(self, max_value: float = 2, axis: int = 0) -> None:
        self.max_value, self.axis = finite("max_value", max_value, least=0), _first_axis(axis)

    def _allowed(self, w: Array) -> Array:
        norms = _norms(w)
        result: Array = w * (np.minimum(norms, self.max_value) / (EPSILON + norms))
        return result


class NonNeg(Constraint):
    """Turns weights below 0 into 0.

    >>> NonNeg()([1.0, -2.0])
    array([1., 0.])
    """

    _kind = "non_neg"

    def _allowed(self, w: Array) -> Array:
        result: Array = np.maximum(w, 0)
        return result


class UnitNorm(Constraint):
    """Scales the weights of a unit to a norm of 1: ``w / (norm + 1e-7)``. axis: only 0; ValueError for others.

    >>> UnitNorm()([[3.0], [4.0]]).round(3).tolist()
    [[0.6], [0.8]]
    """

    _kind = "unit_norm"

    def __init__(self, axis: int = 0) -> None:
        self.axis = _first_axis(axis)

    def _allowed(self, w: Array) -> Array:
        result: Array = w / (EPSILON + _norms(w))
        return result


class MinMaxNorm(Constraint):
    """Scales the weights of a unit towards a norm from ``min_value`` to ``max_value``.

    The new norm is ``rate * clip(norm, min_value, max_value) + (1 - rate) * norm``.
    rate: from 0 to 1; at the default, 1, the norm is in bounds at once. axis: only 0.
    Raises ValueError for others, for a min_value below 0 or above max_value.

    >>> MinMaxNorm(rate=0.5)([[3.0], [4.0]]).round(3).tolist()
    [[1.8], [2.4]]
    """

    _kind = "min_max_norm"

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0) -> None:
        self.min_value, self.max_value = (
            finite("min_value", min_value, least=0),
            finite("max_value", max_value, least=0),
        )
        self.rate, self.axis = fraction("rate", rate), _first_axis(axis)
        if self.min_value > self.max_value:
            raise ValueError(
                f"expected min_value to be at most max_value; received min_value={min_value!r}, max_value={max_value!r}"
            )

    def _allowed(self, w: Array) -> Array:
        norms = _norms(w)
        desired = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        result: Array = w * (desired / (EPSILON + norms))
        return result


_NAMES: Names[Constraint] = Names("a constraint", "fastnn.constraints", (MaxNorm, NonNeg, UnitNorm, MinMaxNorm))


@suggesting
def get(identifier: object) -> Constraint | None:
    """Return the constraint that identifier names; None for None.

    identifier: a name such as "max_norm" or "MaxNorm"; a result of serialize(); or a constraint, which is returned as
        it is. Raises ValueError for anything else.

    >>> get("max_norm").get_config()
    {'max_value': 2.0, 'axis': 0}
    """
    return None if identifier is None else _NAMES.get(identifier)


@suggesting
def serialize(constraint: Constraint) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an equal constraint. ValueError for other objects.

    >>> serialize(NonNeg())
    {'class_name': 'NonNeg', 'config': {}}
    """
    return _NAMES.serialize(constraint)


@suggesting
def deserialize(config: dict[str, Any]) -> Constraint:
    """Return the constraint that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "MaxNorm", "config": {"max_value": 3}}).max_value
    3.0
    """
    return _NAMES.deserialize(config)


# Keras' names in small letters, for the same classes.
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

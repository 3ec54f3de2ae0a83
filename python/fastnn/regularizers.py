"""Regularizers add a penalty for large weights or outputs to the loss, with Keras' names, arguments and defaults.

>>> from fastnn.regularizers import L2
>>> layer = Dense(3, kernel_regularizer=L2(0.01), bias_regularizer="l1")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnn.arguments import finite
from fastnn.arithmetic import ordered_sum
from fastnn.by_name import Configured, Names
from fastnn.names import missing
from fastnn.strict import suggesting

__all__ = ["L1", "L1L2", "L2", "Regularizer", "deserialize", "get", "serialize"]


class Regularizer(Configured):
    """Base class of all regularizers: the penalty is ``l1 * sum(abs(x)) + l2 * sum(x * x)``.

    >>> isinstance(L2(), Regularizer)
    True
    """

    _instead_of_a_subclass = "use L1, L2 or L1L2"
    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, x: npt.ArrayLike) -> float:
        """Return the penalty of x."""
        flat = np.asarray(x, np.float64).ravel()
        return self.l1 * float(ordered_sum(0.0, np.abs(flat))) + self.l2 * float(ordered_sum(0.0, flat * flat))

    def _factors(self) -> tuple[float, float]:
        """Return (l1, l2), as the core takes them."""
        return self.l1, self.l2


class L1(Regularizer):
    """``l1 * sum(abs(x))``. l1: at least 0; ValueError for others.

    >>> L1(0.5)([1, -2])
    1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = finite("l1", l1, least=0)


class L2(Regularizer):
    """``l2 * sum(x * x)``: its gradient is ``2 * l2 * x``. l2: at least 0; ValueError for others.

    >>> L2(0.5)([1, -2])
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = finite("l2", l2, least=0)


class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x * x)``. l1, l2: at least 0; ValueError for others.

    The defaults are 0, as in Keras; the string "l1_l2" means 0.01 for both, as Keras' documentation says.

    >>> L1L2(l1=0.5, l2=0.5)([1, -2])
    4.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = finite("l1", l1, least=0), finite("l2", l2, least=0)


def _both() -> Regularizer:
    return L1L2(0.01, 0.01)


_NAMES: Names[Regularizer] = Names(
    "a regularizer", "fastnn.regularizers", (L1, L2, L1L2), {"l1l2": _both, "l1_l2": _both, "L1L2": _both}
)


@suggesting
def get(identifier: object) -> Regularizer | None:
    """Return the regularizer that identifier names; None for None.

    identifier: "l1", "l2" or "l1_l2"; a result of serialize(); or a regularizer, which is returned as it is.
    Raises ValueError for anything else.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return None if identifier is None else _NAMES.get(identifier)


@suggesting
def serialize(regularizer: Regularizer) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an equal regularizer. ValueError for other objects.

    >>> serialize(L2(0.5))
    {'class_name': 'L2', 'config': {'l2': 0.5}}
    """
    return _NAMES.serialize(regularizer)


@suggesting
def deserialize(config: dict[str, Any]) -> Regularizer:
    """Return the regularizer that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "L2", "config": {"l2": 0.5}}).l2
    0.5
    """
    return _NAMES.deserialize(config)


# Keras' names in small letters, for the same classes.
l1 = L1
l2 = L2
l1_l2 = L1L2


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

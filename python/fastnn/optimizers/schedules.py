"""fastnn.schedules under Keras' name for it.

>>> from fastnn.optimizers.schedules import CosineDecay
"""

from typing import TYPE_CHECKING

from fastnn.names import missing
from fastnn.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    CosLog4,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
    deserialize,
    serialize,
)

__all__ = [
    "CosLog4",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

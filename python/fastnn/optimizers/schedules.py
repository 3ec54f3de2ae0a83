"""fastnn.schedules under Keras' name for it.

>>> from fastnn.optimizers.schedules import CosineDecay
"""

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


def __dir__() -> list[str]:
    return __all__

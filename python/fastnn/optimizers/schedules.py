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
    __all__,
    __dir__,
    deserialize,
    serialize,
)

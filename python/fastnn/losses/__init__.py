"""Losses, with Keras' names, arguments and formulas; and Quantile, the pinball loss.

>>> from fastnn.losses import Huber
>>> Huber(delta=2.0)([0.0, 0.0], [1.0, 3.0])
2.25
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.losses.base import FunctionLoss, Loss
from fastnn.losses.functions import RowLosses
from fastnn.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from fastnn.losses.lookup import deserialize, get, serialize
from fastnn.losses.probabilities import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from fastnn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
)
from fastnn.names import missing

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Quantile",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "deserialize",
    "get",
    "serialize",
]


# Keras' functions, beside the classes.
mean_squared_error = RowLosses(MeanSquaredError)
mean_absolute_error = RowLosses(MeanAbsoluteError)
mean_absolute_percentage_error = RowLosses(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = RowLosses(MeanSquaredLogarithmicError)
huber = RowLosses(Huber)
log_cosh = RowLosses(LogCosh)
binary_crossentropy = RowLosses(BinaryCrossentropy)
binary_focal_crossentropy = RowLosses(BinaryFocalCrossentropy)
categorical_crossentropy = RowLosses(CategoricalCrossentropy)
categorical_focal_crossentropy = RowLosses(CategoricalFocalCrossentropy)
sparse_categorical_crossentropy = RowLosses(SparseCategoricalCrossentropy)
poisson = RowLosses(Poisson)
kl_divergence = RowLosses(KLDivergence)
hinge = RowLosses(Hinge)
squared_hinge = RowLosses(SquaredHinge)
categorical_hinge = RowLosses(CategoricalHinge)
cosine_similarity = RowLosses(CosineSimilarity)


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

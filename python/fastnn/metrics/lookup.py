"""Metrics by name, by class and by function."""

from __future__ import annotations

from typing import Any

from fastnn.by_name import Names
from fastnn.losses.base import Loss
from fastnn.losses.by_shape import of_shape
from fastnn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from fastnn.metrics.auc import AUC
from fastnn.metrics.base import Mean, MeanMetricWrapper, Metric
from fastnn.metrics.confusion import FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from fastnn.metrics.f_score import F1Score, FBetaScore
from fastnn.metrics.of_losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    Hinge,
    Huber,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from fastnn.metrics.regression import R2Score, RootMeanSquaredError
from fastnn.strict import suggesting

_CLASSES: tuple[type[Metric], ...] = (
    *(Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy),
    *(TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, Precision, Recall, F1Score, FBetaScore, AUC),
    *(TruePositives, FalsePositives, TrueNegatives, FalseNegatives),
    *(MeanSquaredError, RootMeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError),
    *(MeanSquaredLogarithmicError, LogCoshError, Huber, Poisson, Quantile, R2Score),
    *(BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy),
    *(SparseCategoricalCrossentropy, KLDivergence, Hinge, SquaredHinge, CategoricalHinge, Mean),
)
_NAMES: Names[Metric] = Names(
    "a metric",
    "fastnn.metrics",
    _CLASSES,
    {
        "mse": MeanSquaredError,
        "rmse": RootMeanSquaredError,
        "mae": MeanAbsoluteError,
        "mape": MeanAbsolutePercentageError,
        "msle": MeanSquaredLogarithmicError,
        "bce": BinaryCrossentropy,
        "kld": KLDivergence,
        "log_cosh": LogCoshError,
        "pinball": Quantile,
        "r2": R2Score,
    },
)


@suggesting
def get(identifier: object) -> Metric | None:
    """Return the metric that identifier names; None for None.

    identifier: a name, such as "mae", "mean_absolute_error" or "MeanAbsoluteError"; a result of serialize(); a metric,
        which is returned as it is; a loss; or a function (y_true, y_pred) that returns a number, or one for each row.
    Raises ValueError for anything else. compile() also takes "accuracy", whose kind the shapes of y decide.

    >>> get("auc").num_thresholds
    200
    """
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and identifier in _CLASSES:
        return identifier()  # as in Keras
    if isinstance(identifier, Loss):
        return MeanMetricWrapper(identifier)
    is_foreign = type(identifier).__module__.split(".")[0] in ("keras", "tf_keras", "torch")
    if not callable(identifier) or isinstance(identifier, type) or is_foreign:
        return _NAMES.get(identifier)
    return MeanMetricWrapper(identifier)


def named(identifier: object, columns: int, units: int) -> Metric:
    """Return the metric that compile() was given, for targets of `columns` and outputs of `units`.

    "accuracy" and "crossentropy" become those of the shapes. A metric that was given as a string has it as its name.

    >>> metric = named("accuracy", 1, 3)
    >>> type(metric).__name__, metric.name
    ('SparseCategoricalAccuracy', 'accuracy')
    """
    metric = get(of_shape(identifier, columns, units))
    if metric is None:
        raise ValueError("expected a metric; received None")
    return type(metric)(name=identifier) if isinstance(identifier, str) else metric


@suggesting
def serialize(metric: Metric) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() makes an equal metric. ValueError for functions and others.

    >>> serialize(BinaryAccuracy(threshold=0.25))["config"]["threshold"]
    0.25
    """
    return _NAMES.serialize(metric)


@suggesting
def deserialize(config: dict[str, Any]) -> Metric:
    """Return the metric that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "BinaryAccuracy", "config": {"threshold": 0.25}}).threshold
    0.25
    """
    return _NAMES.deserialize(config)

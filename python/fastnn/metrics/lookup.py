"""Metrics by name, by class and by function."""

from __future__ import annotations

from typing import Any

from fastnn.by_name import Names, classes_of
from fastnn.losses.base import Loss
from fastnn.losses.by_shape import of_shape
from fastnn.losses.functions import RowLosses
from fastnn.metrics import accuracy, auc, confusion, f_score, of_losses, regression
from fastnn.metrics.base import Mean, MeanMetricWrapper, Metric
from fastnn.strict import suggesting

_CLASSES: tuple[type[Metric], ...] = (
    *classes_of(Metric, accuracy, auc, confusion, f_score, of_losses, regression),
    Mean,
)
_NAMES: Names[Metric] = Names(
    "a metric",
    "fastnn.metrics",
    _CLASSES,
    {
        "mse": of_losses.MeanSquaredError,
        "rmse": regression.RootMeanSquaredError,
        "mae": of_losses.MeanAbsoluteError,
        "mape": of_losses.MeanAbsolutePercentageError,
        "msle": of_losses.MeanSquaredLogarithmicError,
        "bce": of_losses.BinaryCrossentropy,
        "kld": of_losses.KLDivergence,
        "log_cosh": of_losses.LogCoshError,
        "pinball": of_losses.Quantile,
        "r2": regression.R2Score,
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
    if isinstance(identifier, RowLosses):
        return MeanMetricWrapper(identifier.kind(name=identifier.__name__))
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

    >>> serialize(fastnn.metrics.BinaryAccuracy(threshold=0.25))["config"]["threshold"]
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

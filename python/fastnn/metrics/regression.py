"""Metrics of numbers that are no losses: the root of the mean squared error, cosine similarity, and R²."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.arguments import integer, last_axis
from fastnn.arithmetic import Numbers, cosines, ordered_sum, row_mean
from fastnn.losses.base import paired, row_weights
from fastnn.metrics.base import Metric, RowMetric, plain
from fastnn.warning import warn


class RootMeanSquaredError(RowMetric):
    """The root of the mean of ``(y - p) ** 2`` over all rows.

    >>> RootMeanSquaredError()([0.0, 0.0], [1.0, 7.0])
    5.0
    """

    _kind = "root_mean_squared_error"
    _direction = "min"

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired(y_true, y_pred)
        return row_mean((p - y) * (p - y))

    def result(self) -> float:
        """Return the root of the mean."""
        return math.sqrt(super().result())


class CosineSimilarity(RowMetric):
    """The mean of the cosines of the angles between y and p: 1 for the same direction, -1 for the opposite one.

    A norm below 1e-7 counts as 1e-7, so a row of zeros has cosine 0. The loss CosineSimilarity is minus this.
    name, dtype: as for all metrics. axis: that of the units, -1 or 1. Raises ValueError for others.

    >>> CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]])
    0.5
    """

    _kind = "cosine_similarity"
    _direction = "max"

    def __init__(self, name: str | None = None, dtype: str | None = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = last_axis(axis)

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        return cosines(*paired(y_true, y_pred))


class R2Score(Metric):
    """R², the coefficient of determination: 1 for perfect predictions, 0 for those of the mean.

    class_aggregation: of several outputs, "uniform_average" (default), "variance_weighted_average", or None for all.
    num_regressors: more than 0 for the adjusted R². name, dtype: as for all metrics.
    Raises ValueError for others.

    >>> R2Score()([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """

    _kind = "r2_score"
    _direction = "max"
    _sums = ("num_samples", "squared_sum", "sum", "total_mse", "count", "shift")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "expected class_aggregation to be None, 'uniform_average' or 'variance_weighted_average'; "
                f"received class_aggregation={class_aggregation!r}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = integer("num_regressors", num_regressors, least=0)
        self.num_samples = 0.0
        self.squared_sum: Any = 0.0
        self.sum: Any = 0.0
        self.total_mse: Any = 0.0
        self.count: Any = 0.0
        self.shift: Any = 0.0  # the first row: sums of what is left lose fewer digits

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take rows of targets and predictions into account."""
        y, p = paired(y_true, y_pred)
        if not len(y):
            return
        weights = np.ones((len(y), 1)) if sample_weight is None else row_weights(sample_weight, len(y))[:, None]
        if self.num_samples == 0:
            self.shift = y[0].copy()
            self.sum = self.squared_sum = self.total_mse = np.zeros(y.shape[1])
        elif y.shape[1] != len(self.shift):
            raise ValueError(f"expected {len(self.shift)} columns, as before; received {y.shape[1]}")
        left = y - self.shift
        self.sum = ordered_sum(self.sum, left * weights)
        self.squared_sum = ordered_sum(self.squared_sum, left * (left * weights))
        self.total_mse = ordered_sum(self.total_mse, (y - p) * (y - p) * weights)
        self.count = float(ordered_sum(self.count, weights[:, 0]))
        self.num_samples += float(y.size)

    def result(self) -> Any:
        """Return R²: a float, or an array with class_aggregation=None. NaN for no rows, or for one."""
        with np.errstate(all="ignore"):
            total = np.asarray(self.squared_sum - self.sum * (self.sum / np.float64(self.count)))
            scores = 1 - np.asarray(self.total_mse) / total
            scores = np.atleast_1d(np.where(np.isinf(scores), 0.0, scores))
            total = np.atleast_1d(total)
            if self.class_aggregation == "uniform_average":
                scores = ordered_sum(0.0, scores) / len(scores)
            elif self.class_aggregation == "variance_weighted_average":
                scores = ordered_sum(0.0, total * scores) / ordered_sum(0.0, total)
            return plain(np.asarray(self._adjusted(scores)))

    def _adjusted(self, scores: Numbers) -> Numbers:
        rest = self.num_samples - self.num_regressors - 1
        if self.num_regressors == 0:
            return scores
        if rest <= 0:
            why = (
                "More independent predictors than datapoints in adjusted"
                if rest < 0
                else "Division by zero in Adjusted"
            )
            warn(f"{why} R2 score. Falling back to standard R2 score.")
            return scores
        return 1 - (1 - scores) * (self.num_samples - 1) / rest

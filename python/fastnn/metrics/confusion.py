"""Metrics of two classes at thresholds: counts of right and wrong answers, precision and recall."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fastnn.arguments import positive_integer
from fastnn.arithmetic import Numbers
from fastnn.losses.base import paired
from fastnn.metrics.base import Metric, plain, ratio
from fastnn.metrics.buckets import (
    Counts,
    add_to_buckets,
    checked_thresholds,
    counts,
    weights_of_all,
)

_LEAST = -1e10  # Keras' "minus infinity": below all predictions that top_k keeps


class _ThresholdMetric(Metric, ABC):
    """Base class of metrics that count predictions above thresholds; targets are 0 or 1."""

    _sums = ("positives", "negatives")

    def __init__(self, thresholds: Any, top_k: int | None, class_id: int | None, name: str | None, dtype: str | None):
        super().__init__(name, dtype)
        self.thresholds, self.class_id = thresholds, class_id
        self.top_k = None if top_k is None else positive_integer("top_k", top_k)
        given = np.array(checked_thresholds(thresholds, 0.5 if top_k is None else _LEAST))
        self._order = np.argsort(given, kind="stable")
        self._rising = given[self._order]
        self.positives, self.negatives = np.zeros(len(given) + 1), np.zeros(len(given) + 1)  # rows by bucket

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take rows of targets and predictions into account."""
        y, p = paired(y_true, y_pred)
        weights = weights_of_all(sample_weight, p.shape)
        if self.top_k is not None:
            p = _largest(p, self.top_k)
        if self.class_id is not None:
            if not -p.shape[1] <= self.class_id < p.shape[1]:
                raise ValueError(
                    f"expected class_id to be below {p.shape[1]}, the number of columns; it is {self.class_id}"
                )
            column = [self.class_id]
            y, p, weights = y[:, column], p[:, column], None if weights is None else weights[:, column]
        labels, flat = y.ravel() != 0, p.ravel()
        given = None if weights is None else weights.ravel()
        add_to_buckets(self.positives, self._rising, flat, labels, given)
        add_to_buckets(self.negatives, self._rising, flat, ~labels, given)

    def reset_state(self) -> None:
        """Forget all rows."""
        self.positives, self.negatives = np.zeros_like(self.positives), np.zeros_like(self.negatives)

    def result(self) -> Any:
        """Return a float; of several thresholds, an array."""
        given = np.empty(len(self._order))
        given[self._order] = self._of(counts(self.positives, self.negatives))
        return plain(given)

    @abstractmethod
    def _of(self, counted: Counts) -> Numbers: ...


def _largest(p: Numbers, k: int) -> Numbers:
    """Return p with all but the k largest numbers of each row out of reach of thresholds."""
    first = np.argsort(-p, axis=1, kind="stable")[:, :k]
    kept = np.full(p.shape, _LEAST)
    np.put_along_axis(kept, first, np.take_along_axis(p, first, axis=1), axis=1)
    return kept


class _Count(_ThresholdMetric):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(thresholds, None, None, name, dtype)


class TruePositives(_Count):
    """The number of predictions above a threshold with target 1.

    thresholds: one or many, from 0 to 1; default 0.5.

    >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
    2.0
    """

    _kind = "true_positives"

    def _of(self, counted: Counts) -> Numbers:
        return counted.tp


class FalsePositives(_Count):
    """The number of predictions above a threshold with target 0. thresholds: as for TruePositives.

    >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
    2.0
    """

    _kind = "false_positives"

    def _of(self, counted: Counts) -> Numbers:
        return counted.fp


class TrueNegatives(_Count):
    """The number of predictions up to a threshold with target 0. thresholds: as for TruePositives.

    >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
    2.0
    """

    _kind = "true_negatives"

    def _of(self, counted: Counts) -> Numbers:
        return counted.tn


class FalseNegatives(_Count):
    """The number of predictions up to a threshold with target 1. thresholds: as for TruePositives.

    >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
    2.0
    """

    _kind = "false_negatives"

    def _of(self, counted: Counts) -> Numbers:
        return counted.fn


class _Share(_ThresholdMetric):
    _direction = "max"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)


class Precision(_Share):
    """The share of targets 1 among predictions above a threshold; 0 if there are none.

    thresholds: one or many, from 0 to 1; default 0.5. top_k: whether only the k largest predictions of a row count, at
    any size. class_id: the one column that counts; default all. Targets are 0 or 1 for each output.
    Raises ValueError for others.

    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _kind = "precision"

    def _of(self, counted: Counts) -> Numbers:
        return ratio(counted.tp, counted.tp + counted.fp)


class Recall(_Share):
    """The share of predictions above a threshold among targets 1; 0 if there are none.

    thresholds, top_k, class_id: as for Precision.

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _kind = "recall"

    def _of(self, counted: Counts) -> Numbers:
        return ratio(counted.tp, counted.tp + counted.fn)

"""The share of rows whose class is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.arguments import number, positive_integer
from fastnn.arithmetic import Numbers, row_mean
from fastnn.losses.base import paired, paired_with_class_numbers
from fastnn.metrics.base import RowMetric


def _ones(is_right: Any) -> Numbers:
    return np.asarray(is_right, np.float64)


class Accuracy(RowMetric):
    """The share of predictions that are equal to their target. compile(metrics=["accuracy"]) chooses another one.

    "accuracy" in compile() is BinaryAccuracy, CategoricalAccuracy or SparseCategoricalAccuracy, as the shapes decide.

    >>> Accuracy()([1, 2], [1, 3])
    0.5
    """

    _kind = "accuracy"
    _direction = "max"

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired(y_true, y_pred)
        return row_mean(_ones(y == p))


class BinaryAccuracy(RowMetric):
    """The share of predictions on the right side of a threshold; targets are 0 or 1.

    threshold: predictions above it mean 1; default 0.5.

    >>> BinaryAccuracy()([0, 1, 1, 1], [0.2, 0.3, 0.7, 0.9])
    0.75
    """

    _kind = "binary_accuracy"
    _direction = "max"

    def __init__(self, name: str | None = None, dtype: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = number("threshold", threshold)

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired(y_true, y_pred)
        return row_mean(_ones(y == (p > self.threshold)))


class CategoricalAccuracy(RowMetric):
    """The share of rows whose largest prediction is at the largest target; targets are one-hot.

    >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.3, 0.7], [0.2, 0.8]])
    0.5
    """

    _kind = "categorical_accuracy"
    _direction = "max"

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired(y_true, y_pred)
        return _ones(y.argmax(axis=1) == p.argmax(axis=1))


class SparseCategoricalAccuracy(RowMetric):
    """The share of rows whose largest prediction is at their class number.

    >>> SparseCategoricalAccuracy()([1, 0], [[0.3, 0.7], [0.2, 0.8]])
    0.5
    """

    _kind = "sparse_categorical_accuracy"
    _direction = "max"

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired_with_class_numbers(y_true, y_pred)
        return _ones(y[:, 0] == p.argmax(axis=1))


def _in_top(places: Any, p: Numbers, k: int) -> Numbers:
    """Return 1 for rows where fewer than k predictions are above the one at the place; 0 for others, and for NaN."""
    own = p[np.arange(len(p)), places][:, None]
    return _ones(((p > own).sum(axis=1) < k) & np.isfinite(own[:, 0]))


class TopKCategoricalAccuracy(RowMetric):
    """The share of rows whose class is among the k largest predictions; targets are one-hot.

    k: default 5. Equal predictions all count, as in Keras.

    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1], [1, 0, 0]], [[0.3, 0.5, 0.2], [0.3, 0.5, 0.2]])
    0.5
    """

    _kind = "top_k_categorical_accuracy"
    _direction = "max"

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self.k = positive_integer("k", k)

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired(y_true, y_pred)
        return _in_top(y.argmax(axis=1), p, self.k)


class SparseTopKCategoricalAccuracy(RowMetric):
    """The share of rows whose class number is among the k largest predictions.

    k: default 5. from_sorted_ids: only False.

    >>> SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.3, 0.5, 0.2], [0.3, 0.5, 0.2]])
    0.5
    """

    _kind = "sparse_top_k_categorical_accuracy"
    _direction = "max"

    def __init__(
        self, k: int = 5, name: str | None = None, dtype: str | None = None, from_sorted_ids: bool = False
    ) -> None:
        super().__init__(name, dtype)
        if from_sorted_ids:
            raise ValueError(
                "expected from_sorted_ids=False, since a model predicts a number for each class; "
                f"received from_sorted_ids={from_sorted_ids!r}"
            )
        self.k, self.from_sorted_ids = positive_integer("k", k), False

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        y, p = paired_with_class_numbers(y_true, y_pred)
        return _in_top(y[:, 0].astype(np.int64), p, self.k)

"""The area under the ROC or the precision-recall curve, by Keras' formulas over thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.arguments import flag, positive_integer
from fastnn.arithmetic import EPSILON, Numbers, log, ordered_sum, sigmoid
from fastnn.losses.base import paired
from fastnn.metrics.base import Metric, ratio
from fastnn.metrics.buckets import (
    Counts,
    add_to_buckets,
    checked_thresholds,
    counts,
    weights_of_all,
)


class AUC(Metric):
    """The area under a curve: the chance that a row of target 1 has a larger prediction than one of target 0.

    num_thresholds: of the curve's points; default 200. curve: "ROC" (default) or "PR", precision over recall.
    summation_method: "interpolation" (default), "majoring" or "minoring".
    thresholds: from 0 to 1, instead of evenly spaced ones; 0 and 1 are added.
    multi_label: whether to compute an area for each column, and return their mean; default False, all in one.
    num_labels: accepted; the data decide it. label_weights: of the columns. from_logits: whether predictions are sums.
    Raises ValueError for others.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    _kind = "auc"
    _direction = "max"
    _sums = ("positives", "negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        if thresholds is None:
            if positive_integer("num_thresholds", num_thresholds) < 2:
                raise ValueError(
                    f"expected num_thresholds to be at least 2; received num_thresholds={num_thresholds!r}"
                )
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            inner = sorted(checked_thresholds(thresholds, 0.5))
        self._rising = np.array([-EPSILON, *inner, 1 + EPSILON])
        self.num_thresholds, self.thresholds = len(self._rising), thresholds
        self.curve = _one_of("curve", curve, ("ROC", "PR"))
        self.summation_method = _one_of("summation_method", summation_method, ("interpolation", "majoring", "minoring"))
        self.multi_label, self.from_logits = flag("multi_label", multi_label), flag("from_logits", from_logits)
        if num_labels is not None and not multi_label:
            raise ValueError("expected multi_label=True with num_labels; received multi_label=False")
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(each) for each in label_weights]
        self.positives: Any = 0.0  # rows by bucket and label
        self.negatives: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take rows of targets and predictions into account."""
        y, p = paired(y_true, y_pred)
        if self.from_logits:
            p = sigmoid(p)
        label_weights = None
        if self.label_weights is not None:
            label_weights = np.array(self.label_weights)
            if len(label_weights) != p.shape[1]:
                raise ValueError(
                    f"expected {p.shape[1]} label_weights, one for each column; received {len(label_weights)}"
                )
        weights = weights_of_all(sample_weight, p.shape, None if self.multi_label else label_weights)
        labels = y != 0
        if not self.multi_label:
            labels, p = labels.reshape(-1, 1), p.reshape(-1, 1)
            weights = None if weights is None else weights.reshape(-1, 1)
        p = np.clip(p, 0, 1)
        if np.ndim(self.positives) == 0:
            self.positives = np.zeros((self.num_thresholds + 1, p.shape[1]))
            self.negatives = np.zeros_like(self.positives)
        for j in range(p.shape[1]):
            given = None if weights is None else weights[:, j]
            add_to_buckets(self.positives[:, j], self._rising, p[:, j], labels[:, j], given)
            add_to_buckets(self.negatives[:, j], self._rising, p[:, j], ~labels[:, j], given)

    def result(self) -> float:
        """Return the area, 0 of no rows."""
        if np.ndim(self.positives) == 0:
            return 0.0
        counted = counts(self.positives, self.negatives)
        areas = ordered_sum(np.zeros(self.positives.shape[1]), self._terms(counted))
        weights = np.ones(len(areas))
        if self.multi_label and self.label_weights is not None:
            weights = np.array(self.label_weights)
        return float(ratio(ordered_sum(0.0, areas * weights), ordered_sum(0.0, weights)))

    def _terms(self, counted: Counts) -> Numbers:
        """Return the area between each threshold and the next, for each label."""
        tp, fp, tn, fn = counted
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _precision_over_recall(counted)
        recall = ratio(tp, tp + fn)
        x, y = (ratio(fp, fp + tn), recall) if self.curve == "ROC" else (recall, ratio(tp, tp + fp))
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
        terms: Numbers = (x[:-1] - x[1:]) * heights
        return terms


def _precision_over_recall(counted: Counts) -> Numbers:
    """Interpolate true positives, not precision: J. Davis, M. Goadrich, "Precision-Recall and ROC Curves", 2006."""
    tp, fp, _, fn = counted
    above = tp + fp
    slope = ratio(tp[:-1] - tp[1:], np.maximum(above[:-1] - above[1:], 0))
    intercept = tp[1:] - slope * above[1:]
    has_both = (above[:-1] > 0) & (above[1:] > 0)
    quotient = np.where(has_both, ratio(above[:-1], np.maximum(above[1:], 0)), 1.0)
    terms = slope * (tp[:-1] - tp[1:] + intercept * log(quotient))
    return ratio(terms, np.maximum(tp[1:] + fn[1:], 0))


def _one_of(name: str, value: object, known: tuple[str, ...]) -> str:
    for each in known:
        if isinstance(value, str) and value.lower() == each.lower():
            return each
    raise ValueError(f"expected {name} to be one of {', '.join(map(repr, known))}; received {name}={value!r}")

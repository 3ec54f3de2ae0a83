"""F scores: the harmonic mean of precision and recall, for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.arguments import finite, number
from fastnn.arithmetic import EPSILON, Numbers, ordered_sum
from fastnn.losses.base import paired, row_weights
from fastnn.metrics.base import Metric


class FBetaScore(Metric):
    """``(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)``; targets are 0 or 1 for each output.

    average: None (default) for an array of one number for each class, "micro", "macro" or "weighted" for a float.
    beta: more than 0; default 1.0. threshold: predictions above it mean 1; None (default): each row's largest.
    A model of one output needs a threshold.
    Raises ValueError for others.

    >>> FBetaScore(average="macro", beta=2.0, threshold=0.5)([[1, 1], [1, 0]], [[0.2, 0.6], [0.7, 0.1]]).__round__(4)
    0.7778
    """

    _kind = "fbeta_score"
    _direction = "max"
    _sums = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"expected average to be None, 'micro', 'macro' or 'weighted'; received average={average!r}"
            )
        if threshold is not None and not 0 < number("threshold", threshold) <= 1:
            raise ValueError(f"expected threshold to be above 0, up to 1, or None; received threshold={threshold!r}")
        self.average, self.beta, self.threshold = average, finite("beta", beta, above=0), threshold
        self.true_positives: Any = 0.0  # by class
        self.false_positives: Any = 0.0
        self.false_negatives: Any = 0.0
        self.intermediate_weights: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take rows of targets and predictions into account."""
        y, p = paired(y_true, y_pred)
        if not len(p):
            return
        if self.threshold is not None:
            chosen = (p > self.threshold).astype(np.float64)
        elif p.shape[1] == 1:
            raise ValueError(
                f"expected a threshold for a model of one output, whose largest one is always that; use "
                f"{type(self).__name__}(threshold=0.5)"
            )
        else:
            chosen = ((p >= p.max(axis=1, keepdims=True)) & (np.abs(p) > 1e-9)).astype(np.float64)
        weights = np.ones((len(y), 1)) if sample_weight is None else row_weights(sample_weight, len(y))[:, None]
        for name, values in (
            ("true_positives", chosen * y),
            ("false_positives", chosen * (1 - y)),
            ("false_negatives", (1 - chosen) * y),
            ("intermediate_weights", y),
        ):
            start = getattr(self, name)
            start = np.zeros(y.shape[1]) if np.ndim(start) == 0 else start
            setattr(self, name, ordered_sum(start, values * weights))

    def result(self) -> Any:
        """Return the score: a float, or an array with average=None."""
        tp, fp, fn = (np.atleast_1d(getattr(self, name)) for name in self._sums[:3])
        if self.average == "micro":
            tp, fp, fn = (np.atleast_1d(ordered_sum(0.0, each)) for each in (tp, fp, fn))
        precision, recall = tp / (tp + fp + EPSILON), tp / (tp + fn + EPSILON)
        square = self.beta * self.beta
        scores: Numbers = precision * recall / (square * precision + recall + EPSILON) * (1 + square)
        if self.average == "weighted":
            weights = np.atleast_1d(self.intermediate_weights)
            return float(ordered_sum(0.0, scores * (weights / (ordered_sum(0.0, weights) + EPSILON))))
        if self.average is not None:
            return float(ordered_sum(0.0, scores) / len(scores))
        return scores


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall. average, threshold: as for FBetaScore.

    >>> F1Score(threshold=0.5, average="micro")([0, 1, 1, 1], [1, 0, 1, 1]).__round__(4)
    0.6667
    """

    _kind = "f1_score"

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

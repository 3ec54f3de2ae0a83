"""Losses of probabilities: cross-entropies, their focal forms, and the Kullback-Leibler divergence.

Training computes them from the sums of a last sigmoid or softmax layer, so no probability is clipped there. Called on
probabilities, they are clipped to at least 1e-7, as in Keras.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastnn.arguments import finite, flag, fraction, last_axis
from fastnn.arithmetic import (
    EPSILON,
    Numbers,
    exp,
    log,
    log_softmax,
    power,
    row_mean,
    row_sum,
    sigmoid,
    softplus,
)
from fastnn.arrays import to_array
from fastnn.losses.base import Loss, paired, paired_with_class_numbers
from fastnn.losses.targets import Kind


def _clipped(p: Numbers) -> Numbers:
    return np.clip(p, EPSILON, 1 - EPSILON)


class _Smoothed(Loss):
    """Losses with from_logits, label_smoothing and axis."""

    def __init__(self, from_logits: bool, label_smoothing: float, axis: int, reduction: str, name: str | None) -> None:
        super().__init__(reduction, name)
        self.from_logits, self.axis = flag("from_logits", from_logits), last_axis(axis)
        self.label_smoothing = fraction("label_smoothing", label_smoothing)


class BinaryCrossentropy(_Smoothed):
    """Mean of ``-y * log(p) - (1 - y) * log(1 - p)``; y is from 0 to 1. "bce".

    from_logits: whether outputs are sums, before the sigmoid. label_smoothing: s turns y into ``y * (1 - s) + s / 2``.
    axis: only the last one.
    Raises ValueError for others.

    >>> round(BinaryCrossentropy()([1.0, 0.0], [0.5, 0.5]), 4)
    0.6931
    """

    _kind = "binary_crossentropy"
    _settings: tuple[str, ...] = ("from_logits", "label_smoothing")
    _targets: Kind = "binary"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)

    def _smooth(self, y: Numbers) -> Numbers:
        return y * (1 - self.label_smoothing) + 0.5 * self.label_smoothing

    def _unit_losses(self, y: Numbers, p: Numbers) -> Numbers:
        if self.from_logits:
            return np.maximum(p, 0) - p * y + softplus(-np.abs(p))
        p = _clipped(p)
        return -(y * log(p) + (1 - y) * log(1 - p))

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean(self._unit_losses(self._smooth(y), p))


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy times ``abs(y - p) ** gamma``, for y of 0 or 1: rows that are right count less.

    apply_class_balancing: whether to multiply by alpha where y is 1, and by 1 - alpha where it is 0.
    alpha: above 0, up to 1; default 0.25. gamma: at least 0; default 2.0. The others are those of BinaryCrossentropy.
    T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017.

    >>> round(BinaryFocalCrossentropy()([1.0], [0.5]), 4)
    0.1733
    """

    _kind = "binary_focal_crossentropy"
    _settings = ("from_logits", "label_smoothing", "gamma")

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing = flag("apply_class_balancing", apply_class_balancing)
        self.alpha, self.gamma = fraction("alpha", alpha), finite("gamma", gamma, least=0)
        if self.alpha == 0 and self.apply_class_balancing:
            raise ValueError(f"expected alpha to be above 0 to balance classes; received alpha={alpha!r}")

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        y = self._smooth(y)
        entropy = self._unit_losses(y, p)
        if self.from_logits:  # without cancellation
            miss = y * sigmoid(-p) + (1 - y) * sigmoid(p)
        else:
            p = _clipped(p)
            miss = y * (1 - p) + (1 - y) * p
        losses = power(miss, self.gamma) * entropy
        if self.apply_class_balancing:
            losses = losses * (y * self.alpha + (1 - y) * (1 - self.alpha))
        return row_mean(losses)

    def _core_settings(self) -> tuple[str, dict[str, float]]:
        settings = {name: float(getattr(self, name)) for name in self._settings}
        return self._kind, settings | {"alpha": self.alpha if self.apply_class_balancing else 0.0}


def _log_probabilities(p: Numbers, from_logits: bool) -> Numbers:
    """Return the logarithm of each row's probabilities, which are made to sum to 1 and are clipped.

    >>> _log_probabilities(np.array([[2.0, 0.0]]), False).round(4) + 0.0
    array([[  0.    , -16.1181]])
    """
    return log_softmax(p) if from_logits else log(_clipped(p / row_sum(p)[:, None]))


class CategoricalCrossentropy(_Smoothed):
    """``-sum(y * log(p))`` of each row; y is one-hot, or has a probability for each class.

    from_logits: whether outputs are sums, before the softmax. label_smoothing: s turns y into
    ``y * (1 - s) + s / classes``. axis: only the last one. For class numbers, use SparseCategoricalCrossentropy.
    Raises ValueError for others.

    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.6931
    """

    _kind = "categorical_crossentropy"
    _settings: tuple[str, ...] = ("from_logits", "label_smoothing")
    _targets: Kind = "one_hot"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)

    def _paired(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
        return paired(*_one_row(y_true, y_pred))

    def _smooth(self, y: Numbers) -> Numbers:
        smooth: Numbers = y * (1 - self.label_smoothing) + self.label_smoothing / y.shape[1]
        return smooth

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return -row_sum(self._smooth(y) * _log_probabilities(p, self.from_logits))


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """``-sum(alpha * (1 - p) ** gamma * y * log(p))`` of each row: rows that are right count less.

    alpha, gamma: at least 0; default 0.25 and 2.0. The others are those of CategoricalCrossentropy.

    >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.0433
    """

    _kind = "categorical_focal_crossentropy"
    _settings = ("from_logits", "label_smoothing", "gamma", "alpha")

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.alpha, self.gamma = finite("alpha", alpha, least=0), finite("gamma", gamma, least=0)

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        log_p = _log_probabilities(p, self.from_logits)
        factor: Numbers = self.alpha * power(np.maximum(1 - exp(log_p), 0), self.gamma)
        return -row_sum(factor * self._smooth(y) * log_p)


class SparseCategoricalCrossentropy(Loss):
    """``-log(p[y])`` of each row; y is the number of its class, from 0.

    from_logits: whether outputs are sums, before the softmax. ignore_class: only None; give such rows sample_weight 0.
    axis: only the last one. For one-hot rows, use CategoricalCrossentropy.
    Raises ValueError for others.

    >>> round(SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]), 4)
    0.6931
    """

    _kind = "sparse_categorical_crossentropy"
    _settings = ("from_logits",)
    _targets: Kind = "labels"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(reduction, name)
        if ignore_class is not None:
            raise ValueError(
                "expected ignore_class=None; leave rows of a class out, or give them sample_weight 0; "
                f"received ignore_class={ignore_class!r}"
            )
        self.from_logits, self.ignore_class, self.axis = flag("from_logits", from_logits), None, last_axis(axis)

    def _paired(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
        return paired_with_class_numbers(y_true, y_pred)

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        chosen: Numbers = _log_probabilities(p, self.from_logits)[np.arange(len(p)), y[:, 0].astype(np.int64)]
        return -chosen


def _one_row(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[npt.ArrayLike, npt.ArrayLike]:
    """Return two vectors as two arrays of one row: one number alone is no set of classes."""
    y, p = to_array(y_true), to_array(y_pred)
    return (y[None], p[None]) if y.ndim == p.ndim == 1 else (y, p)


class KLDivergence(Loss):
    """``sum(y * log(y / p))`` of each row; y and p are clipped to at least 1e-7 and at most 1. "kld".

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
    0.0
    """

    _kind = "kl_divergence"
    _targets: Kind = "distribution"

    def _paired(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
        return paired(*_one_row(y_true, y_pred))

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        y, p = np.clip(y, EPSILON, 1), np.clip(p, EPSILON, 1)
        return row_sum(y * log(y / p))

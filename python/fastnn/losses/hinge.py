"""Losses of margins: targets are -1 or 1, or one-hot rows."""

from __future__ import annotations

import numpy as np

from fastnn.arithmetic import Numbers, row_mean, row_sum
from fastnn.arrays import Array
from fastnn.losses.base import Loss
from fastnn.losses.targets import Kind


def signs(y: Array) -> Array:
    """Return -1 and 1 for targets that are all 0 or 1; others as they are.

    >>> signs(np.array([[0.0], [1.0]])).tolist()
    [[-1.0], [1.0]]
    """
    if not ((y == 0) | (y == 1)).all():
        return y
    return y * np.float32(2) - np.float32(1) if y.dtype == np.float32 else y * 2.0 - 1.0


class Hinge(Loss):
    """Mean of ``max(1 - y * p, 0)``; y is -1 or 1.

    Targets 0 and 1 mean -1 and 1 if all are 0 or 1. Keras looks at each batch, fastnn at all targets together.

    >>> Hinge()([-1.0, 1.0], [-0.5, 2.0])
    0.25
    """

    _kind = "hinge"
    _targets: Kind = "signs"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean(np.maximum(1 - signs(y) * p, 0))

    def _core_targets(self, y: Array) -> Array:
        return signs(y)


class SquaredHinge(Hinge):
    """Mean of ``max(1 - y * p, 0) ** 2``; y is -1 or 1. Targets 0 and 1 are taken as for Hinge.

    >>> SquaredHinge()([-1.0, 1.0], [-0.5, 2.0])
    0.125
    """

    _kind = "squared_hinge"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        margin = np.maximum(1 - signs(y) * p, 0)
        return row_mean(margin * margin)


class CategoricalHinge(Loss):
    """``max(1 + largest (1 - y) * p - sum(y * p), 0)`` of each row; y is one-hot.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]])
    0.5
    """

    _kind = "categorical_hinge"
    _targets: Kind = "one_hot"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        others: Numbers = ((1 - y) * p).max(axis=1)
        return np.maximum(others - row_sum(y * p) + 1, 0)

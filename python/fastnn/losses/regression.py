"""Losses of numbers: means over a row's outputs of a function of target y and prediction p."""

from __future__ import annotations

import numpy as np

from fastnn.arguments import finite, fraction, last_axis
from fastnn.arithmetic import EPSILON, Numbers, cosines, log, row_mean, softplus
from fastnn.losses.base import Loss
from fastnn.losses.targets import Kind

_LN_2 = 0.6931471805599453


class MeanSquaredError(Loss):
    """Mean of ``(y - p) ** 2``. "mse".

    reduction, name: as for all losses.

    >>> MeanSquaredError()([1.0, 3.0], [1.0, 1.0])
    2.0
    """

    _kind = "mean_squared_error"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean((y - p) * (y - p))


class MeanAbsoluteError(Loss):
    """Mean of ``abs(y - p)``. "mae".

    >>> MeanAbsoluteError()([1.0, 3.0], [1.0, 1.0])
    1.0
    """

    _kind = "mean_absolute_error"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean(np.abs(y - p))


class MeanAbsolutePercentageError(Loss):
    """Mean of ``100 * abs(y - p) / max(abs(y), 1e-7)``. "mape".

    >>> MeanAbsolutePercentageError()([2.0], [1.0])
    50.0
    """

    _kind = "mean_absolute_percentage_error"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return 100 * row_mean(np.abs((y - p) / np.maximum(np.abs(y), EPSILON)))


class MeanSquaredLogarithmicError(Loss):
    """Mean of ``(log(1 + max(y, 1e-7)) - log(1 + max(p, 1e-7))) ** 2``. "msle".

    >>> MeanSquaredLogarithmicError()([2.0], [2.0])
    0.0
    """

    _kind = "mean_squared_logarithmic_error"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        difference = log(np.maximum(p, EPSILON) + 1) - log(np.maximum(y, EPSILON) + 1)
        return row_mean(difference * difference)


class Huber(Loss):
    """Mean of ``(y - p) ** 2 / 2`` where ``abs(y - p) <= delta``, else ``delta * abs(y - p) - delta ** 2 / 2``.

    delta: more than 0; default 1.0. Raises ValueError for others.

    >>> Huber()([0.0, 0.0], [1.0, 3.0])
    1.5
    """

    _kind = "huber"
    _settings = ("delta",)

    def __init__(
        self, delta: float = 1.0, reduction: str = "sum_over_batch_size", name: str | None = "huber_loss"
    ) -> None:
        super().__init__(reduction, name)
        self.delta = finite("delta", delta, above=0)

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        size = np.abs(p - y)
        far = self.delta * size - 0.5 * (self.delta * self.delta)
        return row_mean(np.where(size <= self.delta, 0.5 * (size * size), far))


class LogCosh(Loss):
    """Mean of ``log(cosh(p - y))``.

    >>> LogCosh()([1.0], [1.0])
    0.0
    """

    _kind = "log_cosh"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        size = np.abs(p - y)  # the function is even
        return row_mean(size + softplus(-2 * size) - _LN_2)


class Poisson(Loss):
    """Mean of ``p - y * log(p + 1e-7)``; p must be more than 0, so the last layer's activation may be "exponential".

    >>> Poisson()([0.0], [2.0])
    2.0
    """

    _kind = "poisson"
    _targets: Kind = "counts"
    _if_not_finite = "use a last activation above 0, such as 'exponential', or a lower learning rate"

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean(p - y * log(p + EPSILON))


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between y and p: ``-sum(y * p) / (norm(y) * norm(p))``, from -1 to 1.

    A norm below 1e-7 counts as 1e-7, so a row of zeros has loss 0.
    axis: that of the units, -1 or 1. Raises ValueError for others.

    >>> CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]])
    -0.5
    """

    _kind = "cosine_similarity"

    def __init__(
        self, axis: int = -1, reduction: str = "sum_over_batch_size", name: str | None = "cosine_similarity"
    ) -> None:
        super().__init__(reduction, name)
        self.axis = last_axis(axis)

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return -cosines(y, p)


class Quantile(Loss):
    """Mean of ``quantile * (y - p)`` where ``y > p``, else ``(1 - quantile) * (p - y)``: the pinball loss.

    Predictions become the quantile of the targets: the share of them that is smaller. Keras does not have it.
    quantile: above 0 and below 1; default 0.5, the median. Raises ValueError for others.

    >>> Quantile(0.75)([2.0, 0.0], [0.0, 2.0])
    1.0
    """

    _kind = "quantile"
    _settings = ("quantile",)

    def __init__(
        self, quantile: float = 0.5, reduction: str = "sum_over_batch_size", name: str | None = "quantile"
    ) -> None:
        super().__init__(reduction, name)
        self.quantile = fraction("quantile", quantile)
        if self.quantile in (0, 1):
            raise ValueError(f"expected quantile to be above 0 and below 1; received quantile={quantile!r}")

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return row_mean(np.where(y > p, self.quantile * (y - p), (1 - self.quantile) * (p - y)))

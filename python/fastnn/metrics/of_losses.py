"""The losses as metrics: the mean over rows, in float64."""

from __future__ import annotations

from typing import Any

from fastnn.arithmetic import Numbers
from fastnn.losses.lookup import deserialize
from fastnn.metrics.base import RowMetric


class _LossMetric(RowMetric):
    """Base class of losses as metrics."""

    _direction = "min"
    _loss_kind = ""  # in the core, if it is not the metric's

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self._use()

    def _use(self, **settings: Any) -> None:
        """Use the loss with these settings."""
        self._loss = deserialize({"class_name": self._loss_kind or self._kind, "config": settings})
        for setting in settings:
            setattr(self, setting, getattr(self._loss, setting))

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        return self._loss._row_losses(*self._loss._paired(y_true, y_pred))


class MeanSquaredError(_LossMetric):
    """Mean of ``(y - p) ** 2``. name, dtype: as for all metrics.

    >>> MeanSquaredError()([1.0, 3.0], [1.0, 1.0])
    2.0
    """

    _kind = "mean_squared_error"


class MeanAbsoluteError(_LossMetric):
    """Mean of ``abs(y - p)``.

    >>> MeanAbsoluteError()([1.0, 3.0], [1.0, 1.0])
    1.0
    """

    _kind = "mean_absolute_error"


class MeanAbsolutePercentageError(_LossMetric):
    """Mean of ``100 * abs(y - p) / max(abs(y), 1e-7)``.

    >>> MeanAbsolutePercentageError()([2.0], [1.0])
    50.0
    """

    _kind = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(_LossMetric):
    """The loss MeanSquaredLogarithmicError as a metric.

    >>> MeanSquaredLogarithmicError()([2.0], [2.0])
    0.0
    """

    _kind = "mean_squared_logarithmic_error"


class LogCoshError(_LossMetric):
    """Mean of ``log(cosh(p - y))``. Its name is "logcosh".

    >>> LogCoshError()([1.0], [1.0])
    0.0
    """

    _kind, _loss_kind = "logcosh", "log_cosh"


class Huber(_LossMetric):
    """The loss Huber as a metric. delta: default 1.0.

    >>> Huber()([0.0, 0.0], [1.0, 3.0])
    1.5
    """

    _kind = "huber"

    def __init__(self, name: str | None = None, dtype: str | None = None, delta: float = 1.0) -> None:
        super().__init__(name, dtype)
        self._use(delta=delta)


class Poisson(_LossMetric):
    """Mean of ``p - y * log(p + 1e-7)``.

    >>> Poisson()([0.0], [2.0])
    2.0
    """

    _kind = "poisson"


class Quantile(_LossMetric):
    """The loss Quantile as a metric. quantile: default 0.5.

    >>> Quantile(quantile=0.75)([2.0, 0.0], [0.0, 2.0])
    1.0
    """

    _kind = "quantile"

    def __init__(self, name: str | None = None, dtype: str | None = None, quantile: float = 0.5) -> None:
        super().__init__(name, dtype)
        self._use(quantile=quantile)


class Hinge(_LossMetric):
    """Mean of ``max(1 - y * p, 0)``; y is -1 or 1, or 0 or 1 if all targets of an update are.

    >>> Hinge()([-1.0, 1.0], [-0.5, 2.0])
    0.25
    """

    _kind = "hinge"


class SquaredHinge(_LossMetric):
    """Mean of ``max(1 - y * p, 0) ** 2``; y as for Hinge.

    >>> SquaredHinge()([-1.0, 1.0], [-0.5, 2.0])
    0.125
    """

    _kind = "squared_hinge"


class CategoricalHinge(_LossMetric):
    """The loss CategoricalHinge as a metric; y is one-hot.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]])
    0.5
    """

    _kind = "categorical_hinge"


class KLDivergence(_LossMetric):
    """``sum(y * log(y / p))`` of each row.

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
    0.0
    """

    _kind = "kl_divergence"


class BinaryCrossentropy(_LossMetric):
    """The loss BinaryCrossentropy as a metric. from_logits, label_smoothing: as there.

    >>> round(BinaryCrossentropy()([1.0, 0.0], [0.5, 0.5]), 4)
    0.6931
    """

    _kind = "binary_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self._use(from_logits=from_logits, label_smoothing=label_smoothing)


class BinaryFocalCrossentropy(_LossMetric):
    """The loss BinaryFocalCrossentropy as a metric. The other arguments: as there.

    >>> round(BinaryFocalCrossentropy()([1.0], [0.5]), 4)
    0.1733
    """

    _kind = "binary_focal_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self._use(
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(_LossMetric):
    """The loss CategoricalCrossentropy as a metric; y is one-hot. from_logits, label_smoothing, axis: as there.

    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.6931
    """

    _kind = "categorical_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self._use(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalFocalCrossentropy(_LossMetric):
    """The loss CategoricalFocalCrossentropy as a metric; y is one-hot. The other arguments: as there.

    >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.0433
    """

    _kind = "categorical_focal_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self._use(alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing)


class SparseCategoricalCrossentropy(_LossMetric):
    """The loss SparseCategoricalCrossentropy as a metric; y is class numbers. The other arguments: as there.

    >>> round(SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]), 4)
    0.6931
    """

    _kind = "sparse_categorical_crossentropy"

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self._use(from_logits=from_logits, ignore_class=ignore_class, axis=axis)

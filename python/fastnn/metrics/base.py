"""The base classes of metrics: numbers that are updated by rows in order, so that no cut into updates shows in them."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastnn.arguments import name_or
from fastnn.arithmetic import Numbers, ordered_sum, row_mean
from fastnn.arrays import is_real, to_array
from fastnn.by_name import Configured
from fastnn.losses.base import Loss, row_weights

Direction = Literal["min", "max"]


class Metric(Configured):
    """Base class of all metrics: update_state() takes rows, result() returns the metric of all of them.

    A subclass of your own defines these two and reset_state().
    name: default the kind's name. dtype: "float32" or "float64", as in Keras; fastnn computes in float64.
    Sums add one row after the other, so results have the same bits on every machine and for any cut into updates.

    >>> metric = fastnn.metrics.MeanAbsoluteError()
    >>> metric.update_state([1.0, 3.0], [1.0, 1.0])
    >>> metric.result()
    1.0
    """

    name: str
    _kind: str = "metric"
    _direction: Direction | None = None  # which results are better
    _sums: tuple[str, ...] = ()  # the attributes that updates change

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        updates, resets = (
            next(base for base in cls.__mro__ if name in vars(base)) for name in ("update_state", "reset_state")
        )
        if resets is Metric and not updates.__module__.startswith("fastnn.") and not cls._sums:
            raise TypeError(
                f"expected {cls.__name__} to define reset_state(), which forgets the rows before; received a class "
                "with update_state() alone"
            )

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        if dtype not in (None, "float32", "float64"):
            raise ValueError(f"expected dtype to be None, 'float32' or 'float64'; received dtype={dtype!r}")
        self.name, self.dtype = name_or(self._kind, name), dtype

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take rows of targets and predictions into account. sample_weight: a number for each row.

        >>> fastnn.metrics.MeanAbsoluteError().update_state([1.0], [2.0], sample_weight=[0.5])
        """
        raise NotImplementedError(f"expected {type(self).__name__} to define update_state(y_true, y_pred)")

    def result(self) -> Any:
        """Return the metric of all rows since reset_state(): a float, or an array of one for each class.

        >>> fastnn.metrics.MeanAbsoluteError().result()
        0.0
        """
        raise NotImplementedError(f"expected {type(self).__name__} to define result()")

    def reset_state(self) -> None:
        """Forget all rows.

        >>> fastnn.metrics.MeanAbsoluteError().reset_state()
        """
        for name in self._sums:
            setattr(self, name, 0.0)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Update, and return the result."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def _state(self) -> dict[str, Any]:
        """Return the numbers and arrays that the metric keeps, for _set_state() of an equal one."""
        kept = (int, float, np.generic, np.ndarray)  # of a subclass of one's own too
        return copy.deepcopy({name: value for name, value in vars(self).items() if isinstance(value, kept)})

    def _set_state(self, state: dict[str, Any]) -> None:
        vars(self).update(copy.deepcopy(state))


class Mean(Metric):
    """The mean of values: update_state(values, sample_weight=None).

    values: a number, or a number for each row; of several numbers in a row, their mean. Without values, 0.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 4.0], sample_weight=[1.0, 2.0])
    >>> mean.result()
    3.0
    """

    _kind = "mean"
    _sums = ("total", "count")

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self.total = self.count = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]  # as in Keras
        """Take values into account.

        >>> Mean().update_state(3.0)
        """
        array = to_array(values)
        if not is_real(array):
            raise ValueError(f"expected values to be real numbers; received {array.dtype}")
        numbers = array.astype(np.float64)
        self._add(row_mean(numbers.reshape(len(numbers), -1)) if numbers.ndim > 1 else numbers, sample_weight)

    def _add(self, values: Numbers, sample_weight: Any) -> None:
        """Add a number for each row, or one number."""
        values = np.atleast_1d(values)
        if sample_weight is None:
            self.count += float(len(values))
        else:
            weights = row_weights(sample_weight, len(values))
            values = values * weights
            self.count = float(ordered_sum(self.count, weights))
        self.total = float(ordered_sum(self.total, values))

    def result(self) -> float:
        """Return the mean.

        >>> Mean().result()
        0.0
        """
        return self.total / self.count if self.count else 0.0


class RowMetric(Mean, ABC):
    """Base class of metrics that are the mean of a number for each row.

    >>> issubclass(fastnn.metrics.BinaryAccuracy, RowMetric)
    True
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take rows of targets and predictions into account."""
        with np.errstate(all="ignore"):
            self._add(self._values(y_true, y_pred), sample_weight)

    @abstractmethod
    def _values(self, y_true: Any, y_pred: Any) -> Numbers: ...


class MeanMetricWrapper(RowMetric):
    """The mean of a function or a loss over rows. compile() and get() make this class of a function.

    fn: takes (y_true, y_pred), arrays (rows, columns) and (rows, units); returns a number for each row, or one number,
        which counts once for each update. name: default the function's.
    EarlyStopping needs mode="min" or "max" for a function.

    >>> metric = MeanMetricWrapper(lambda y, p: abs(y - p).max(axis=1), name="largest_error")
    >>> metric.update_state(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 6.0]]))
    >>> metric.result()
    4.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: str | None = None) -> None:
        given = getattr(fn, "name", None) if isinstance(fn, Loss) else getattr(fn, "__name__", None)
        super().__init__(name or given or type(fn).__name__, dtype)
        if not callable(fn):
            raise ValueError(f"expected fn to be a function (y_true, y_pred); received fn={fn!r}")
        self.fn = fn
        if isinstance(fn, Loss):
            self._direction = "min"

    def _values(self, y_true: Any, y_pred: Any) -> Numbers:
        if isinstance(self.fn, Loss):
            return self.fn._row_losses(*self.fn._paired(y_true, y_pred))
        values = to_array(self.fn(np.array(y_true), np.array(y_pred)))  # it may change them
        rows = len(y_pred)
        if not is_real(values) or (values.ndim and len(values) != rows):
            raise ValueError(
                f"expected {self.name}(y_true, y_pred) to return a number, or one for each of {rows} rows; received "
                f"{values.dtype} of shape {values.shape}"
            )
        numbers = values.astype(np.float64)
        return row_mean(numbers.reshape(rows, -1)) if numbers.ndim > 1 else numbers

    def get_config(self) -> dict[str, Any]:
        """Raise ValueError: a function is no data.

        >>> MeanMetricWrapper(max).get_config()
        Traceback (most recent call last):
        ValueError: expected a metric of fastnn.metrics to save; received the function 'max'
        """
        raise ValueError(f"expected a metric of fastnn.metrics to save; received the function {self.name!r}")

    def __repr__(self) -> str:
        return f"MeanMetricWrapper({self.name})"


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Numbers:
    """Return numerator / denominator, 0 where the denominator is 0.

    >>> ratio([1.0, 1.0], [2.0, 0.0])
    array([0.5, 0. ])
    """
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    result: Numbers = np.divide(above, below, out=np.zeros(below.shape), where=below != 0)
    return result


def plain(result: Numbers) -> Any:
    """Return an array of one number as a float, others as they are.

    >>> plain(np.array([0.5]))
    0.5
    """
    return float(result.reshape(())) if result.size == 1 else result

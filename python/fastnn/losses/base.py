"""The base class of losses: settings for the core's kernel, and the same formula in NumPy for users and metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.arguments import name_or
from fastnn.arithmetic import Numbers, ordered_sum
from fastnn.arrays import Array, is_real, to_array
from fastnn.by_name import Configured
from fastnn.losses.targets import Kind, checked_labels

_REDUCTIONS = ("sum_over_batch_size", "mean")  # two names of the same


class Loss(Configured, ABC):
    """Base class of all losses. A loss has one number for each row, and their mean for rows together.

    reduction: "sum_over_batch_size", the default, or "mean": the sum of weight * loss, divided by the number of rows.
    name: default the kind's name.
    Raises ValueError for others.

    >>> fastnn.losses.MeanSquaredError()([[1.0], [3.0]], [[1.0], [1.0]])
    2.0
    """

    _instead_of_a_subclass = "give compile() a function (y, y_pred) -> (losses of the rows, gradient by y_pred)"
    name: str
    reduction: str
    _kind: str  # in the core
    _settings: tuple[str, ...] = ()  # the arguments that the core takes
    _targets: Kind = "numbers"
    _if_not_finite = "use a lower learning rate, scale x and y, or limit gradients with clipnorm=1.0"  # advice

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"expected reduction to be one of {', '.join(map(repr, _REDUCTIONS))}, the mean over rows; for a sum, "
                f"raise the learning rate; received reduction={reduction!r}"
            )
        self.reduction, self.name = reduction, name_or(self._kind, name)

    def __call__(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the loss of rows: the sum of weight * loss of a row, divided by the number of rows; in float64."""
        y, p = self._paired(y_true, y_pred)
        with np.errstate(all="ignore"):
            losses = self._row_losses(y, p)
        if sample_weight is not None:
            losses = losses * row_weights(sample_weight, len(losses))
        return float(ordered_sum(0.0, losses)) / max(1, len(losses))

    @abstractmethod
    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        """Return the loss of each row of targets and predictions of equal shape (rows, units)."""

    def _paired(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
        """Return targets and predictions as float64 arrays (rows, units)."""
        return paired(y_true, y_pred)

    def _core_settings(self) -> tuple[str, dict[str, float]] | None:
        """Return the name and the settings, as the core takes them; flags are 0 or 1. None: a loss in Python."""
        return self._kind, {name: float(getattr(self, name)) for name in self._settings}

    def _metric_targets(
        self, y: Any, outputs_units: int, activation: str, classes: tuple[Any, ...] | None = None, first_row: int = 0
    ) -> Array:
        """Return y as an array (rows, columns) of real numbers, for metrics; text becomes class numbers.

        classes: the model's. first_row: the number of y's first row, for errors.
        Raises ValueError for targets that do not suit the loss and the model.
        """
        return checked_labels(y, self._targets, self._kind, outputs_units, activation, classes, first_row)

    def _core_targets(self, y: Array) -> Array:
        """Return what _metric_targets() returned, as the core takes it."""
        return y


class FunctionLoss(Loss):
    """A loss in Python: function(y, y_pred) returns (losses of the rows, their gradient by y_pred).

    function: takes arrays (rows, columns) and (rows, units) of the model's dtype, and returns arrays (rows,) and
        (rows, units): the gradient of each row's own loss. get() and compile() make this class of a function.
    It is slower than the other losses, which Python does not compute, and cannot be saved.

    >>> def squared(y, y_pred):
    ...     return ((y_pred - y) ** 2).mean(axis=1), 2 * (y_pred - y) / y.shape[1]
    >>> FunctionLoss(squared)([[1.0], [3.0]], [[1.0], [1.0]])
    2.0
    """

    _kind = "function"
    _targets: Kind = "any"

    def __init__(
        self,
        function: Callable[[Any, Any], tuple[Any, Any]],
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name or getattr(function, "__name__", "function"))
        if not callable(function):
            raise ValueError(f"expected a function (y, y_pred) -> (losses, gradient); received {function!r}")
        self.function = function

    def _rows(self, y: Array, p: Array) -> tuple[Array, Array]:
        """Return the losses of the rows, in float64, and the gradient. Raises ValueError for other shapes."""
        result = self.function(y, p)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise ValueError(
                f"expected {self.name}(y, y_pred) to return (losses of the rows, gradient by y_pred); "
                f"received {type(result).__name__}"
            )
        losses, gradient = to_array(result[0]), to_array(result[1])
        if losses.shape != (len(p),) or gradient.shape != p.shape or not (is_real(losses) and is_real(gradient)):
            raise ValueError(
                f"expected {self.name}(y, y_pred) to return real numbers of the shapes ({len(p)},) and {p.shape}, the "
                f"loss of each row and its gradient; received {losses.dtype} {losses.shape} and {gradient.dtype} "
                f"{gradient.shape}"
            )
        wrong = ~np.isfinite(gradient).all(axis=1) & np.isfinite(losses)  # fit() stops at losses itself
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"expected {self.name}(y, y_pred) to return a finite gradient; received {gradient[row]} for row {row} "
                "of a batch: keep its formula off 0/0 and log(0)"
            )
        return losses.astype(np.float64), gradient

    def _paired(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
        return _rows_of("y_true", y_true), _rows_of("y_pred", y_pred)  # what y is, the function knows

    def _row_losses(self, y: Numbers, p: Numbers) -> Numbers:
        return self._rows(y, p)[0]

    def _core_settings(self) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        """Raise ValueError: a function is no data.

        >>> FunctionLoss(lambda y, y_pred: None).get_config()
        Traceback (most recent call last):
        ValueError: expected a loss of fastnn.losses to save; received the function '<lambda>'
        """
        raise ValueError(f"expected a loss of fastnn.losses to save; received the function {self.name!r}")

    def __repr__(self) -> str:
        return f"FunctionLoss({self.name})"


def _rows_of(name: str, values: npt.ArrayLike) -> Numbers:
    """Return an array (rows, columns) of float64; a vector becomes one column."""
    array = to_array(values)
    if not is_real(array) or array.ndim not in (1, 2):
        raise ValueError(
            f"expected {name} to be real numbers of shape (rows,) or (rows, units); "
            f"received {array.dtype} of shape {array.shape}"
        )
    array = array.astype(np.float64, copy=False)
    return array[:, None] if array.ndim == 1 else array


def paired(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Return targets and predictions as float64 arrays of equal shape (rows, units); nothing is broadcast.

    >>> y, p = paired([1, 2], [[1.0], [3.0]])
    >>> y.shape, p.shape
    ((2, 1), (2, 1))
    """
    y, p = _rows_of("y_true", y_true), _rows_of("y_pred", y_pred)
    if y.shape != p.shape:
        advice = ""
        if y.shape[1] == 1 < p.shape[1]:
            advice = (
                f"; class numbers need a sparse loss or metric; others take one-hot rows, np.eye({p.shape[1]})[y], "
                "with a loss that takes them, such as 'categorical_crossentropy'"
            )
        raise ValueError(
            f"expected y_true of the shape of y_pred; received {np.shape(y_true)} and {np.shape(y_pred)}{advice}"
        )
    return y, p


def paired_with_class_numbers(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Return class numbers (rows, 1) and predictions (rows, units); one number and one row are rows too.

    >>> y, p = paired_with_class_numbers(1, [0.5, 0.5])
    >>> y.shape, p.shape
    ((1, 1), (1, 2))
    """
    y, p = _rows_of("y_true", np.atleast_1d(to_array(y_true))), _rows_of("y_pred", np.atleast_2d(to_array(y_pred)))
    if y.shape != (len(p), 1):
        raise ValueError(
            f"expected y_true of shape ({len(p)},), a class number for each row of y_pred; received shape {y.shape}"
            + ("; for one-hot rows use the loss or metric without 'sparse'" if y.shape == p.shape else "")
        )
    wrong = ~((y >= 0) & (y < p.shape[1]) & (y == np.floor(y)))
    if wrong.any():
        row = int(np.argmax(wrong[:, 0]))
        raise ValueError(
            f"expected class numbers from 0 to {p.shape[1] - 1} in y_true; received {y[row, 0]} in row {row}"
        )
    return y, p


def row_weights(sample_weight: npt.ArrayLike, rows: int) -> Numbers:
    """Return sample_weight as an array (rows,) of float64. Raises ValueError for another shape.

    >>> row_weights([[1], [2]], 2)
    array([1., 2.])
    """
    weights = to_array(sample_weight)
    if weights.ndim == 0:
        weights = np.full(rows, weights)
    if not is_real(weights) or weights.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"expected sample_weight to be a number for each of {rows} rows; "
            f"received {weights.dtype} of shape {weights.shape}"
        )
    return weights.reshape(rows).astype(np.float64, copy=False)

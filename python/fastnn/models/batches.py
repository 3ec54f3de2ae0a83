"""The data of fit() and evaluate() as the trainer takes it: chunks of whole batches, of arrays or of an iterable.

Both kinds have the methods of Batches. Only what is needed of a large array is converted, a few megabytes at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arrays import Array, is_real, to_array
from fastnn.lazy import refuse_lazy
from fastnn.models.checks import check_finite, check_one_class, checked_class_weight, class_numbers, labels_of
from fastnn.models.frames import Inputs, as_numbers
from fastnn.tables.columns import frame_columns

OUT_OF_DATA = (  # of Keras
    "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate at least "
    "`steps_per_epoch * epochs` batches."
)


class Chunk(NamedTuple):
    """Rows of one or more batches, for _core.Trainer.train(); the last batch may be short."""

    x: Array
    y: Array
    weights: Array | None
    # The numbers of the rows in x, y, weights, those of each of several epochs in a row; None: all, as they stand.
    order: npt.NDArray[np.int64] | None
    batch_size: int
    labels: Array  # y as metrics take it; mostly the same array

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.x) if self.order is None else self.order.size

    @property
    def steps(self) -> int:
        """The number of batches; the last one of an epoch may be short."""
        of_epoch = self.rows if self.order is None else self.order.shape[-1]
        return self.rows // of_epoch * -(-of_epoch // self.batch_size) if of_epoch else 0

    def part(self, rows: slice) -> Chunk:
        """Return some rows of a chunk without an order."""
        weights = None if self.weights is None else self.weights[rows]
        return Chunk(self.x[rows], self.y[rows], weights, None, self.batch_size, self.labels[rows])

    def targets(self) -> tuple[Array, Array | None]:
        """Return y, as metrics take it, and the weights, of the rows in order."""
        if self.order is None:
            return self.labels, self.weights
        return self.labels[self.order], None if self.weights is None else self.weights[self.order]


class Batches(ABC):
    """Batches, epoch by epoch: start() an epoch, take() chunks until None, finish() it."""

    steps: int | None  # of an epoch, if it is known

    @abstractmethod
    def start(self, epoch: int, step: int) -> None:
        """Go to a step of an epoch."""

    @abstractmethod
    def take(self, steps: int) -> Chunk | None:
        """Return the next batches, at most so many; None at the end of the epoch."""

    @abstractmethod
    def finish(self) -> None:
        """End an epoch."""

    def take_epochs(self, epoch: int, most: int, rows: int) -> Chunk | None:
        """Return 2 to `most` whole epochs, from `epoch` on, of at most `rows` rows in all; None: one by one."""
        return None


class Reader:
    """What a model takes as x, y and sample_weight: arrays of its dtype, checked."""

    def __init__(self, model: Any, loss: Any) -> None:
        self.inputs, self.dtype, self._columns = model.input_shape[1], np.dtype(model.dtype), model._columns
        self.loss = loss
        self._outputs = (model.output_shape[1], model._layers[-1].activation, model.classes)

    def rows_of(self, x: Any) -> Array:
        """Return x as an array (rows, inputs) of the dtype it has."""
        return rows_of(x, self._columns, self.inputs)

    def x(self, array: Array, first_row: int = 0) -> Array:
        """Return an array of rows_of() in the model's dtype. Raises ValueError for NaN and infinity."""
        x = self._converted(array)
        check_finite(x, "x", array, first_row, self._columns if isinstance(self._columns, tuple) else None)
        return x

    def labels(self, array: Array, first_row: int = 0) -> Array:
        """Return targets (rows, columns) for metrics. Raises ValueError for those that the loss refuses."""
        labels: Array = self.loss._metric_targets(array, *self._outputs, first_row)
        return labels

    def y(self, array: Array, first_row: int = 0) -> tuple[Array, Array]:
        """Return the same in the model's dtype: as the trainer takes them, and for metrics."""
        labels = self.labels(array, first_row)
        converted = self._converted(labels)
        if converted is not labels:  # labels are finite
            check_finite(converted, "y", labels, first_row)
        targets = self.loss._core_targets(labels)
        return (converted if targets is labels else self._converted(targets)), converted

    def class_weight(self, given: Any) -> dict[int, float] | None:
        """Return class_weight by the numbers of the classes."""
        units, _, classes = self._outputs
        return None if given is None else checked_class_weight(given, classes, class_numbers(self.loss._targets, units))

    def weights(self, array: Array, first_row: int = 0) -> Array:
        """Return sample_weight (rows,) in the model's dtype."""
        weights = self._converted(array)
        check_finite(weights, "sample_weight", array, first_row)
        return weights

    def batch(self, batch: Any, class_weight: Mapping[int, float] | None = None) -> Chunk:
        """Return (x, y) or (x, y, sample_weight) as a chunk of one batch."""
        x, y, sample_weight = unpacked(batch)
        return self.chunk(self.rows_of(x), targets_of(y), sample_weight, class_weight)

    def chunk(
        self,
        rows: Array,
        targets: Array,
        sample_weight: Any,
        class_weight: Mapping[int, float] | None,
        first_row: int = 0,
    ) -> Chunk:
        """Return arrays of rows_of() and targets_of() as a chunk of one batch; errors count rows from first_row on."""
        labels = targets if class_weight is None else self.labels(targets, first_row)
        given = weights_of(sample_weight, self.class_weight(class_weight), labels, len(rows))
        check_lengths(rows, targets, given)
        weights = None if given is None else self.weights(given, first_row)
        y, labels = self.y(targets, first_row)
        return Chunk(self.x(rows, first_row), y, weights, None, max(1, len(rows)), labels)

    def _converted(self, array: Array) -> Array:
        return array if array.dtype == self.dtype else _core.converted(array, self.dtype)


def rows_of(x: Any, columns: Inputs, inputs: int | None) -> Array:
    """Return x as an array (rows, inputs) of real numbers, of the dtype it has; (rows,) counts if inputs is 1.

    columns: how the model takes the columns of a frame. inputs: None if a model's first rows are to decide it.

    >>> rows_of([1, 2, 3], None, 1).shape
    (3, 1)
    """
    array = as_numbers(_detached(x), columns)
    if array.ndim == 1 and inputs in (1, None):
        array = array[:, None]
    if array.ndim != 2 or 0 in array.shape[1:]:
        advice = ": for one row use x.reshape(1, -1), of single rows make batches" if array.shape == (inputs,) else ""
        raise ValueError(f"expected x of shape (rows, inputs); received shape {array.shape}{advice}")
    if inputs not in (None, array.shape[1]):
        raise ValueError(f"expected x with {inputs} columns, the model's inputs; received shape {array.shape}")
    if not len(array):
        raise ValueError(f"expected x of at least 1 row; received shape {array.shape}")
    return array


def targets_of(y: Any) -> Array:
    """Return y as an array, (rows,) or (rows, columns), of numbers or of the names of classes.

    >>> targets_of([True, False]).dtype
    dtype('bool')
    """
    if y is None:
        raise ValueError("expected y, the targets of the rows x; received y=None")
    refuse_lazy(y)
    frame = frame_columns(y)
    if frame is None:
        array = to_array(_detached(y))
    elif len(frame[0]) == 1 and _has_numbers_or_names(column := to_array(frame[1](0))):
        array = column[:, None]
    else:
        array = as_numbers(y)
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        received = type(y).__name__ if array.dtype == object and array.ndim == 0 else f"shape {array.shape}"
        raise ValueError(f"expected y of shape (rows,) or (rows, columns); received {received}")
    return array


def weights_of(
    sample_weight: Any, class_weight: Mapping[int, float] | None, y: Array, rows: int
) -> npt.NDArray[np.float64] | None:
    """Return the weight of each row, or None: sample_weight as an array, or the weight of its class.

    class_weight: of checked_class_weight(). Classes that it lacks weigh 1.
    Raises ValueError if both are given, and for a sample_weight of another shape than (rows,).

    >>> weights_of(None, {1: 5.0}, np.array([0, 1, 1]), 3)
    array([1., 5., 5.])
    """
    if sample_weight is None and class_weight is None:
        return None
    if sample_weight is not None and class_weight is not None:
        raise ValueError("expected sample_weight or class_weight; received both: multiply them into sample_weight")
    if class_weight is not None:
        check_one_class(y)
        labels, places = np.unique(labels_of(y), return_inverse=True)
        return np.array([class_weight.get(int(label), 1.0) for label in labels], np.float64)[places.reshape(-1)]
    array = to_array(_detached(sample_weight))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if not is_real(array) or array.shape != (rows,):
        raise ValueError(
            f"expected sample_weight to be {rows} real numbers, one for each row of x; "
            f"received shape {array.shape} of {array.dtype}"
        )
    return array.astype(np.float64, copy=False)


def unpacked(batch: Any) -> tuple[Any, Any, Any]:
    """Return x, y and sample_weight of a batch; None for a sample_weight that it lacks. Raises ValueError for others.

    >>> unpacked(([[1.0]], [2.0]))
    ([[1.0]], [2.0], None)
    """
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        length = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
        raise ValueError(
            "expected data as x and y, or as an iterable of batches (x, y) or (x, y, sample_weight); "
            f"received {type(batch).__name__}{length} as a batch"
        )
    x, y, *rest = batch
    return x, y, rest[0] if rest else None


def check_lengths(x: Array, y: Array, weights: Array | None) -> None:
    """Raise ValueError unless all have as many rows.

    >>> check_lengths(np.ones((2, 1)), np.ones(3), None)
    Traceback (most recent call last):
    ValueError: expected as many rows of y as of x; received 2 rows of x and 3 of y
    """
    if len(x) != len(y):
        raise ValueError(f"expected as many rows of y as of x; received {len(x)} rows of x and {len(y)} of y")
    if weights is not None and len(weights) != len(x):
        raise ValueError(f"expected {len(x)} weights, one for each row of x; received {len(weights)}")


def is_arrays(x: Any, y: Any) -> bool:
    """Return whether x and y are arrays of rows; else x is an iterable of batches. Raises TypeError for lazy ones.

    Raises ValueError for an iterator beside a y.

    >>> is_arrays([[1]], [1]), is_arrays(iter([([[1]], [1])]), None)
    (True, False)
    """
    refuse_lazy(x)
    if y is not None:
        if hasattr(type(x), "__next__") and not (hasattr(x, "__array__") or hasattr(x, "shape")):
            raise ValueError(
                f"expected no y with batches, which hold their targets as in (x, y); received x, a {type(x).__name__}, "
                "and y: leave y out, or give np.array(list(x)) if x has rows"
            )
        return True
    return isinstance(x, np.ndarray) or hasattr(x, "__array__") or hasattr(x, "shape") or hasattr(x, "columns")


def _has_numbers_or_names(column: Array) -> bool:
    return is_real(column) or any(isinstance(each, (str, bytes)) for each in column)


def _detached(x: Any) -> Any:
    return x.detach() if getattr(x, "requires_grad", False) is True else x

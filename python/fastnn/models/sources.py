"""From the arguments of fit() and evaluate() to batches: arrays or iterables, split, weighted, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastnn.arguments import finite
from fastnn.arrays import Array
from fastnn.models.batches import Batches, Reader, check_lengths, is_arrays, rows_of, targets_of, weights_of
from fastnn.models.checks import unscaled_columns, warn_of_missing_classes, warn_of_unscaled
from fastnn.models.compiled import Compiled
from fastnn.models.frames import names_of
from fastnn.models.rows import Rows
from fastnn.models.streams import Stream


class Arrays(NamedTuple):
    """x, y and the weight of each row, as they were given."""

    x: Array
    y: Array
    weights: Array | None

    def part(self, rows: slice) -> Arrays:
        """Return some of the rows."""
        return Arrays(self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows])


class Data:
    """The data of one call, of a model that is built for it.

    batch_size, steps, class_weight, shuffle, seed: as fit() takes them.
    takes_names: whether the columns of a frame name the inputs of a model without feature_names.
    """

    def __init__(
        self,
        model: Any,
        compiled: Compiled,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        seed: int = 0,
        class_weight: Mapping[int, float] | None = None,
        split: float = 0.0,
        takes_names: bool = False,
    ) -> None:
        if x is None:
            raise ValueError("expected x, an array of rows or an iterable of batches; received x=None")
        self._model, self._compiled = model, compiled
        self.validation: Arrays | None = None
        if is_arrays(x, y):
            rows, targets = rows_of(x, model._columns, model._inputs), targets_of(y)
            weights = weights_of(sample_weight, None, targets, len(rows))
            check_lengths(rows, targets, weights)
            if takes_names and model._columns is None:
                model.feature_names = names_of(x)
            arrays = Arrays(rows, targets, weights)
            reader = reader_for(model, compiled, rows.shape[1], targets)
            if split:
                arrays = self._split(arrays, split, reader)
            if class_weight is not None:
                by_number = reader.class_weight(class_weight)
                weights = weights_of(sample_weight, by_number, reader.labels(arrays.y), len(arrays.x))
                arrays = arrays._replace(weights=weights)
            self.source: Batches = Rows(reader, *arrays, batch_size or 32, shuffle=shuffle, seed=seed, steps=steps)
        else:
            _refuse_with_iterables(sample_weight=sample_weight, batch_size=batch_size, validation_split=split or None)
            stream = Stream(x, steps=steps, shuffle=shuffle, seed=seed, class_weight=class_weight)
            first_x, first_y = stream.first_batch()
            columns = rows_of(first_x, model._columns, model._inputs).shape[1]
            if takes_names and model._columns is None:
                model.feature_names = names_of(first_x)
            reader = reader_for(model, compiled, columns, targets_of(first_y))
            stream.read_by(reader)
            self.source = stream
        self.loss = reader.loss

    def _split(self, arrays: Arrays, share: float, reader: Reader) -> Arrays:
        """Keep the first rows, and set the last ones aside for validation."""
        rows = len(arrays.x)
        first = int(np.floor(rows * (1.0 - finite("validation_split", share))))
        if not 0 < share < 1 or first in (0, rows):
            raise ValueError(
                f"expected a validation_split between 0 and 1 that leaves rows on both sides of {rows}; "
                f"received validation_split={share!r}"
            )
        if "crossentropy" in reader.loss._kind:
            warn_of_missing_classes(reader.labels(arrays.y), first)
        self.validation = arrays.part(slice(first, rows))
        return arrays.part(slice(0, first))

    def warn_of_scale(self) -> None:
        """Warn, in the first fit(), of columns that are too large for a first layer that is Dense."""
        compiled, model = self._compiled, self._model
        if compiled.is_scale_checked or not isinstance(self.source, Rows):
            return
        compiled.is_scale_checked = True
        layer = next((each for each in model._layers if each.weights), None)
        kernel = None if layer is None else layer.weight("kernel")
        if layer is None or kernel is None:
            return
        columns = unscaled_columns(self.source.first_rows, kernel, layer.activation)
        if columns:
            space = model._space
            warn_of_unscaled(columns, model.feature_names if space is None else space.columns)


def reader_for(model: Any, compiled: Compiled, columns: int, y: Array) -> Reader:
    """Build the model for so many columns of x; choose the loss by the shape of y."""
    if not model.built:
        model.build((None, columns))
    return Reader(model, compiled.loss_for(1 if y.ndim == 1 else y.shape[1], model.output_shape[1]))


def validation_data(model: Any, compiled: Compiled, given: Any, batch_size: int | None, steps: int | None) -> Data:
    """Return validation_data, (x, y), (x, y, sample_weight) or an iterable of batches, as data."""
    try:
        return _validation_data(model, compiled, given, batch_size, steps)
    except (ValueError, TypeError) as error:
        raise type(error)(f"validation_data: {error}") from None


def _validation_data(model: Any, compiled: Compiled, given: Any, batch_size: int | None, steps: int | None) -> Data:
    if isinstance(given, Arrays):
        return Data(model, compiled, *given, batch_size=batch_size, steps=steps)
    if isinstance(given, (tuple, list)) and len(given) in (2, 3) and not _is_batch(given[0]):
        return Data(model, compiled, *given, batch_size=batch_size, steps=steps)
    if isinstance(given, tuple) and any(hasattr(each, "shape") for each in given):
        raise ValueError(f"expected (x, y) or (x, y, sample_weight); received a tuple of {len(given)}")
    return Data(model, compiled, given, None, steps=steps)


def _is_batch(given: Any) -> bool:
    """Return whether it is a tuple of arrays, not of rows: a row that is a tuple or a list has numbers."""
    if not isinstance(given, tuple):
        return False
    first = given[0] if given else None
    return not isinstance(first, (tuple, list)) or any(np.ndim(each) > 0 for each in first)


def _refuse_with_iterables(**arguments: Any) -> None:
    """Raise ValueError for arguments that an iterable of batches decides itself."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"expected no {name} with an iterable of batches (x, y) or (x, y, sample_weight); "
                f"received {name}={value!r:.100}"
            )

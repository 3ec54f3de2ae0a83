"""A model as engines of tables call it: columns in, one column out, its type known before any row is there."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.tables.columns import listed


class Answers:
    """The answers of a model to tables, as it is now: later changes of the model do not reach them.

    model: a Sequential with feature_names or a FeatureSpace. classes: predict_classes() instead of predict().
    names: the columns that the model takes, in order.
    kind: the type of an answer, "float32" or "float64", of classes also "int64", "bool" or "str".
    units: None for one answer a row; otherwise the length of the array of a row.
    Raises TypeError for other objects, ValueError for a model without names, without classes, or not built.
    """

    def __init__(self, model: Sequential, classes: bool = False) -> None:
        if not isinstance(model, Sequential):
            raise TypeError(f"expected a Sequential of fastnn; received {type(model).__name__}")
        space = model.feature_space
        names = model.feature_names if space is None else tuple(space.features)
        if names is None:
            raise ValueError(
                "expected a model that names its columns; received one without feature_names or a FeatureSpace: "
                "set model.feature_names = [...], in the order of the inputs"
            )
        self.names = names
        self._model, self._classes = copy.copy(model), classes
        outputs = np.zeros((1, model.output_shape[1]), model.dtype)
        sample = model._labels(outputs) if classes else outputs
        self.units = sample.shape[1] if sample.ndim > 1 and sample.shape[1] > 1 else None
        strings = sample.dtype.kind in "UO" and all(isinstance(each, str) for each in model.classes or ())
        self.kind = "str" if strings else sample.dtype.name
        if self.kind not in ("float32", "float64", "int64", "bool", "str"):
            raise ValueError(
                "expected classes of one type, for a column: strings, 64-bit integers, booleans or floats; "
                f"received {listed(list(model.classes or ()))}"
            )

    def __call__(self, table: Any) -> tuple[Array, Array]:
        """Return the answers to the rows of a table, (rows,) or (rows, units), and where there are none.

        The second array is True where an output is NaN, and so chooses no class. Engines make null of that: most sort
        NaN above all numbers, so that `prediction > 0.5` would be true. Columns are taken by name.
        """
        outputs = self._model.predict(table)
        gaps = np.isnan(outputs)
        values = self._model._labels(outputs) if self._classes else outputs
        if self._classes:
            gaps = np.repeat(gaps.any(axis=1, keepdims=True), self.units or 1, axis=1)
        return (values, gaps) if self.units else (values.reshape(-1), gaps[:, 0])

    def of_columns(self, columns: Sequence[Any]) -> tuple[Array, Array]:
        """Return the same of columns in the order of names. Raises ValueError for another number of columns."""
        self.check_count(len(columns))
        return self(dict(zip(self.names, columns, strict=True)))

    def check_count(self, columns: int) -> None:
        """Raise ValueError unless there are as many columns as names."""
        if columns != len(self.names):
            raise ValueError(f"expected {len(self.names)} columns, {listed(self.names)}; received {columns}")


def with_none(values: Array, gaps: Array) -> Array:
    """Return values with None where there are gaps, as an array of objects if there are any.

    >>> with_none(np.array([1, 2]), np.array([False, True]))
    array([1, None], dtype=object)
    """
    if not gaps.any():
        return values
    objects = values.astype(object)
    objects[gaps] = None
    return objects

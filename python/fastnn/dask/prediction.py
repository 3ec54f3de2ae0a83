"""Predictions of dask's arrays and dataframes. Shape, dtype and names come from the model: nothing is computed."""

from __future__ import annotations

import copy
from typing import Any

import dask.array
import numpy as np
from dask.base import is_dask_collection

from fastnn.arrays import Array
from fastnn.dask.collections import check_columns, is_table
from fastnn.models.sequential import Sequential


def predict(model: Any, x: Any, classes: bool = False) -> Any:
    """Return the model's answers for a dask array or dataframe as a lazy collection of the same kind.

    model: a Sequential, as it is now; or a Future of one, as client.scatter(model, broadcast=True) returns it.
    x: a dask array (rows, inputs), or a dask dataframe. A model with feature_names takes its columns by name and
        ignores others; one with a FeatureSpace takes the table as it is.
    classes: return predict_classes() instead of predict(). An output that is NaN then raises its ValueError.
    Returns an array (rows, units), of one output (rows,); or a DataFrame with the columns "prediction_0", …, or
        "prediction_cat", … of a model with the classes "cat", …; of one output, and of classes, a Series "prediction".
        Frames keep their index and partitions. Each row has the bits that model.predict() gives it.
    Raises, before anything is computed, TypeError for other objects, and ValueError for other columns than those of the
        model. Values that are no numbers raise TypeError when they are computed.

    >>> import dask.array
    >>> model = Sequential([Dense(1, "relu", input_shape=(2,))])
    >>> model.set_weights([[[2], [3]], [10]])
    >>> predict(model, dask.array.ones((4, 2), chunks=(3, 2))).compute()
    array([15., 15., 15., 15.], dtype=float32)
    """
    known = model.result() if hasattr(model, "result") else model
    if not isinstance(known, Sequential):
        raise TypeError(f"expected a Sequential, or a Future of one; received {type(known).__name__}")
    is_array = isinstance(x, dask.array.Array)
    if is_table(x) and not is_array and x.ndim == 2:
        meta = _answers_of_frame(x._meta, known, classes)
        return x.map_partitions(_answers_of_frame, _as_it_is(model), classes, meta=meta)
    if not is_array:
        advice = ": use x.to_frame()" if is_table(x) else "" if is_dask_collection(x) else ": use model.predict(x)"
        raise TypeError(f"expected a dask array or dataframe; received {type(x).__name__}{advice}")
    if x.ndim != 2:
        raise ValueError(f"expected x of shape (rows, inputs); received shape {x.shape}")
    check_columns("x", x)
    meta = _answers(np.empty((0, x.shape[1]), x.dtype), known, classes)
    x = x.rechunk({1: -1})
    chunks = (x.chunks[0], *((units,) for units in meta.shape[1:]))
    dropped = [] if meta.ndim == 2 else [1]
    fixed = _as_it_is(model)
    return x.map_blocks(_answers, fixed, classes, dtype=meta.dtype, chunks=chunks, drop_axis=dropped, meta=meta)


def _as_it_is(model: Any) -> Any:
    """Return the model for tasks: a copy, since threads of this process would see later training. A Future has none."""
    return copy.copy(model) if isinstance(model, Sequential) else model


def _answers(rows: Any, model: Sequential, classes: bool) -> Array:
    y = model.predict_classes(rows) if classes else model.predict(rows)
    return y[:, 0] if y.shape[1:] == (1,) else y


def _answers_of_frame(part: Any, model: Sequential, classes: bool) -> Any:
    import pandas

    y = _answers(part, model, classes)
    if y.ndim == 1:
        return pandas.Series(y, index=part.index, name="prediction")
    names = range(y.shape[1]) if model.classes is None else model.classes
    return pandas.DataFrame(y, index=part.index, columns=[f"prediction_{name}" for name in names])

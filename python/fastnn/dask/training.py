"""Training on dask collections: the fit() of a model whose batches a cluster computes together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from dask.base import is_dask_collection

from fastnn.arguments import integer, positive_integer
from fastnn.callbacks.history import History
from fastnn.dask.collections import check_columns, is_table
from fastnn.dask.steps import ClusterFit, Slices
from fastnn.dask.table import table_of
from fastnn.floating_point import default_mode
from fastnn.initializers.base import checked_seed
from fastnn.layers.normalization import BatchNormalization
from fastnn.models.fitting import validated_epochs
from fastnn.models.frames import as_numbers, names_of
from fastnn.models.full_batch import is_full_batch
from fastnn.models.sequential import Sequential
from fastnn.models.sources import reader_for
from fastnn.models.sources import validation_data as as_validation
from fastnn.models.trainer_owner import drawn_seed

BATCH_SIZE = 65536


@default_mode()
def train(
    model: Sequential,
    x: Any,
    y: Any,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_data: Any = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    seed: int | None = None,
) -> History:
    """Train a compiled model on dask collections; return the History of losses and metrics.

    The model gets the bits of model.fit(x, y, shuffle=False) on one machine with the same batch_size and seed: for any
    number of workers, any partitions of the same rows, and if workers end and others take over.

    x, y, sample_weight: dask arrays or dataframes, with the same rows in the same partitions; arrays of known chunks
        may have any. Rows are taken in their order, so shuffle a sorted table once before training.
    batch_size: default 65536. The workers share each batch in blocks of 256 rows, and at the end of it the model takes
        one step. They keep the partitions of the present batch and the next one in memory.
    validation_data: (x, y) or (x, y, sample_weight) in memory, evaluated by this process.
    epochs, verbose, callbacks, class_weight, initial_epoch, seed: as fit() takes them.
    Raises ValueError for what needs all rows at once: LBFGS, a trainable BatchNormalization, losses that are functions;
        else as fit().

    >>> import dask.array
    >>> model = Sequential([Dense(1, kernel_initializer="zeros", input_shape=(1,))])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = dask.array.arange(1000, chunks=100)[:, None] / 1000
    >>> history = train(model, x, 2 * x, batch_size=500, epochs=20, verbose=0)
    >>> history.history["loss"][-1] < history.history["loss"][0]
    True
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"expected a Sequential; received {type(model).__name__}")
    compiled = model._compiled_for("fit")
    batch_size = BATCH_SIZE if batch_size is None else positive_integer("batch_size", batch_size)
    epochs, initial_epoch = integer("epochs", epochs, least=0), integer("initial_epoch", initial_epoch, least=0)
    seed = drawn_seed(model.history, initial_epoch) if seed is None else checked_seed(seed)
    for name, collection in {"x": x, "y": y, "sample_weight": sample_weight}.items():
        if name != "sample_weight" or collection is not None:
            _check_collection(name, collection)
    _check_validation(validation_data)
    if is_full_batch(compiled.optimizer):
        raise ValueError("expected an optimizer of batches; received LBFGS, which needs all rows at once: use Adam")
    if model._columns is None:
        model.feature_names = names_of(_empty(x))
    reader = reader_for(model, compiled, as_numbers(_empty(x), model._columns).shape[1], np.empty(_empty(y).shape))
    _check_model(model, reader.loss)
    table = table_of(reader, x, y, sample_weight, class_weight)
    if not table.rows:
        raise ValueError("expected x of at least 1 row; received none")
    source = Slices(table, batch_size, epochs)
    return model._fit(
        ClusterFit,
        source,
        reader.loss,
        steps=source.steps,
        callbacks=callbacks,
        verbose=verbose,
        epochs=epochs,
        initial_epoch=initial_epoch,
        seed=seed,
        is_validated=validated_epochs(1),
        validation=None
        if validation_data is None
        else lambda: as_validation(model, compiled, validation_data, None, None).source,
    )


def _check_collection(name: str, collection: Any) -> None:
    """Raise TypeError or ValueError for what is no dask array or dataframe of rows."""
    most = 2 if name in ("x", "y") else 1
    if not is_table(collection):
        advice = "" if is_dask_collection(collection) else ": rows in memory are for model.fit()"
        raise TypeError(
            f"expected {name} to be a dask array or dataframe; received {type(collection).__name__}{advice}"
        )
    least = 2 if name == "x" else 1
    if not least <= collection.ndim <= most:
        shape = "(rows, inputs)" if name == "x" else "(rows,) or (rows, columns)" if name == "y" else "(rows,)"
        raise ValueError(f"expected {name} of shape {shape}; received {collection.ndim} dimensions")
    check_columns(name, collection)


def _check_validation(given: Any) -> None:
    for each in given if isinstance(given, (tuple, list)) else [given]:
        if is_dask_collection(each):
            raise TypeError(
                f"expected validation_data in memory; received a dask {type(each).__name__}: use its compute()"
            )


def _check_model(model: Sequential, loss: Any) -> None:
    """Raise ValueError for what needs more than the gradients of blocks of rows."""
    if loss._core_settings() is None:
        raise ValueError(f"expected a loss of fastnn.losses; received the function {loss.name}, which workers lack")
    for layer in model.layers:
        if isinstance(layer, BatchNormalization) and layer.trainable:
            raise ValueError(
                "expected layers that take each row by itself; received a trainable BatchNormalization, layer "
                f"'{layer.name}', which needs the mean of all rows of a batch: use LayerNormalization, or set its "
                "trainable to False"
            )


def _empty(collection: Any) -> Any:
    """Return no rows of a collection: its columns and dtypes."""
    if hasattr(collection, "chunks"):
        return np.empty((0, *collection.shape[1:]), collection.dtype)
    return collection._meta

"""Rows to train on, in the partitions of dask collections; only partitions that are needed are in memory."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import dask
import numpy as np
from dask.delayed import Delayed, delayed
from dask.optimization import cull

from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.models.batches import Chunk, Reader, targets_of


class Piece(NamedTuple):
    """Some rows of a partition."""

    partition: int
    rows: slice


class Table:
    """Rows with targets, in partitions.

    parts: delayed Chunks. lengths: how many rows each has.
    """

    def __init__(self, parts: list[Any], lengths: list[int]) -> None:
        self._parts = parts
        self._ends = list(accumulate(lengths))
        self._held: dict[int, Any] = {}
        self.rows = self._ends[-1] if lengths else 0

    def pieces(self, rows: slice) -> list[Piece]:
        """Return where the rows are, in order."""
        pieces, partition, start = [], bisect.bisect_right(self._ends, rows.start), rows.start
        while start < rows.stop:
            first = self._ends[partition - 1] if partition else 0
            end = min(rows.stop, self._ends[partition])
            if end > start:  # not an empty partition
                pieces.append(Piece(partition, slice(start - first, end - first)))
            partition, start = partition + 1, end
        return pieces

    def hold(self, *needed: slice) -> None:
        """Have the cluster load the partitions of these rows, and let go of others."""
        wanted = {piece.partition for rows in needed for piece in self.pieces(rows)}
        new = sorted(wanted.difference(self._held))
        loaded = dask.persist(*(self._parts[i] for i in new))
        self._held = {i: held for i, held in self._held.items() if i in wanted} | dict(zip(new, loaded, strict=True))

    def take(self, rows: slice) -> list[Any]:
        """Return the rows, of partitions that it holds, as delayed Chunks."""
        return [delayed(_cut, pure=False)(self._held[i], places) for i, places in self.pieces(rows)]


def table_of(reader: Reader, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> Table:
    """Return the rows of dask collections. Counts those of y, if dask does not know how many partitions have.

    Raises ValueError for collections that do not have the same rows in the same partitions.
    """
    lengths = _lengths(y)
    given = {"x": x, "y": y} | ({} if sample_weight is None else {"sample_weight": sample_weight})
    parts = {name: _parts(name, collection, lengths) for name, collection in given.items()}
    for name, of_name in parts.items():
        if len(of_name) != len(lengths):
            raise ValueError(
                f"expected {name} in as many partitions as y, with the same rows; received {len(of_name)} partitions "
                f"of {name} and {len(lengths)} of y"
            )
    weights = parts.get("sample_weight", [None] * len(lengths))
    first_rows = [0, *accumulate(lengths)]
    make = delayed(_chunk, pure=False)
    shared = delayed(reader, traverse=False)
    chunks = [
        make(shared, *of_part, class_weight, first, rows)
        for *of_part, first, rows in zip(parts["x"], parts["y"], weights, first_rows[:-1], lengths, strict=True)
    ]
    return Table(chunks, lengths)


def _lengths(y: Any) -> list[int]:
    if hasattr(y, "chunks") and not np.isnan(y.chunks[0]).any():
        return list(y.chunks[0])
    count = delayed(len, pure=False)
    return [int(rows) for rows in dask.compute(*map(count, _delayed(y)))]


def _parts(name: str, collection: Any, lengths: list[int]) -> list[Any]:
    """Return the partitions, delayed; those of an array with as many rows in chunks as there are in `lengths`."""
    if hasattr(collection, "chunks"):
        if collection.ndim == 2:
            collection = collection.rechunk({1: -1})
        rows = sum(collection.chunks[0])
        if not np.isnan(rows):
            if rows != sum(lengths):
                raise ValueError(f"expected {sum(lengths)} rows of {name}, as many as of y; received {rows}")
            collection = collection.rechunk({0: tuple(lengths)})
    return _delayed(collection)


def _delayed(collection: Any) -> list[Any]:
    """Return the partitions, delayed, each with the tasks that it needs alone: dask sends all that it is given."""
    parts = np.ravel(np.array(collection.to_delayed(), object)).tolist()
    graph = dict(parts[0].dask) if parts else {}
    return [Delayed(part.key, cull(graph, [part.key])[0]) for part in parts]


@default_mode()
def _chunk(reader: Reader, x: Any, y: Any, weights: Any, class_weight: Any, first_row: int, rows: int) -> Chunk | None:
    """Return a partition as the trainer takes it; errors count rows from first_row on. None for one without rows."""
    if len(x) == len(y) != rows:
        raise ValueError(
            f"expected a partition of {rows} rows, as dask said; received {len(y)}: give map_blocks() the chunks "
            "of its results, and draw the same rows each time"
        )
    if not len(y) and not len(x):
        return None
    return reader.chunk(reader.rows_of(x), targets_of(y), weights, class_weight, first_row)


def _cut(chunk: Chunk, rows: slice) -> Chunk:
    return chunk if chunk.rows == rows.stop - rows.start else chunk.part(rows)


def joined(arrays: Sequence[Array | None]) -> Any:
    """Return the rows of arrays as one array; None for no arrays.

    >>> joined([np.zeros((2, 1)), np.zeros((3, 1))]).shape
    (5, 1)
    """
    given = [array for array in arrays if array is not None]
    return np.concatenate(given) if len(given) > 1 else given[0] if given else None

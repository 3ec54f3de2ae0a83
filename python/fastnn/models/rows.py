"""Arrays as batches: whole with the order of their rows, or gathered and converted a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arrays import Array
from fastnn.models.batches import OUT_OF_DATA, Batches, Chunk, Reader, check_lengths
from fastnn.warning import warn

CONVERTED_BYTES = 64 << 20  # larger arrays of another dtype are converted chunk by chunk, again in each epoch
STEPS_AT_ONCE = 1 << 13  # of several epochs: about 10 ms of the smallest steps
CHUNK_BYTES = 4 << 20  # of x in a chunk: little enough for the caches, enough that Python's part does not show


class Rows(Batches):
    """Rows of arrays in batches; the last batch of a pass over them may be short.

    x, y: arrays of rows_of() and targets_of(). weights: an array (rows,) or None.
    shuffle: True; "batch", within each batch; or False. The order depends on seed and pass alone.
    steps: of an epoch; default all batches. The next epoch goes on where one stopped; the last rows end an epoch.
    """

    def __init__(
        self,
        reader: Reader,
        x: Array,
        y: Array,
        weights: Array | None,
        batch_size: int,
        *,
        shuffle: bool | str = False,
        seed: int = 0,
        steps: int | None = None,
    ) -> None:
        check_lengths(x, y, weights)
        self.rows, self.batch_size, self.shuffle, self.seed = len(x), batch_size, shuffle, seed
        self._batches = -(-self.rows // batch_size)
        self.steps: int = steps or self._batches
        self._reader, self._x, self._y = reader, x, y
        self._labels: Array | None = None
        # Only what has the model's dtype, or is small, is checked and handed over whole.
        self._whole = (x.dtype == reader.dtype or x.nbytes <= CONVERTED_BYTES) and y.nbytes <= CONVERTED_BYTES
        if self._whole:
            self._x, (self._y, self._labels) = reader.x(x), reader.y(y)
        self._weights = None if weights is None else reader.weights(weights)
        self._batch = self._end = 0  # of those in a pass over the rows
        self._order: npt.NDArray[np.int64] | None = None

    @property
    def first_rows(self) -> Array:
        """The array x, of the dtype it was given in or of the model's."""
        return self._x

    def start(self, epoch: int, step: int) -> None:
        """Go to a step of an epoch."""
        epochs = -(-self._batches // self.steps)  # of a pass over the rows
        first = epoch % epochs * self.steps
        self._batch, self._end = first + step, first + self.steps
        self._order = self._shuffled(epoch // epochs)

    def _shuffled(self, number: int) -> npt.NDArray[np.int64] | None:
        if not self.shuffle:
            return None
        order = _core.permutation(self.rows, self.seed, number)
        if self.shuffle == "batch":  # the rows of each batch in the order in which the permutation has them
            order = order[np.argsort(order // self.batch_size, kind="stable")]
        return order

    def finish(self) -> None:
        """End an epoch."""

    def take(self, steps: int) -> Chunk | None:
        """Return the next batches, at most so many; None at the end of the epoch."""
        batches = min(steps, self._end - self._batch, self._batches - self._batch)
        if batches <= 0:
            if self._end > self._batches:
                warn(OUT_OF_DATA)
            return None
        if not self._whole:
            bytes_of_batch = max(1, self._x[:1].nbytes * self.batch_size)
            batches = min(batches, max(1, CHUNK_BYTES // bytes_of_batch))
        start = self._batch * self.batch_size
        rows = slice(start, min(self.rows, start + batches * self.batch_size))
        self._batch += batches
        return self._chunk(rows)

    def take_epochs(self, epoch: int, most: int, rows: int) -> Chunk | None:
        """Return 2 to `most` whole epochs, from `epoch` on, of at most `rows` rows in all; None: one by one."""
        count = min(most, rows // self.rows, STEPS_AT_ONCE // self.steps)
        if count < 2 or self._labels is None or self.steps != self._batches:
            return None
        order = np.empty((count, self.rows), np.int64)
        for i in range(count):
            shuffled = self._shuffled(epoch + i)
            order[i] = np.arange(self.rows) if shuffled is None else shuffled
        return Chunk(self._x, self._y, self._weights, order, self.batch_size, self._labels)

    def _chunk(self, rows: slice) -> Chunk:
        order = None if self._order is None else self._order[rows]
        weights = self._weights
        if self._labels is not None and order is not None:
            return Chunk(self._x, self._y, weights, order, self.batch_size, self._labels)
        places: Any = rows if order is None else order
        x, y = self._x[places], self._y[places]
        if self._labels is not None:
            labels = self._labels[places]
        else:
            x = self._checked(self._reader.x, x, places)
            y, labels = self._checked(self._reader.y, y, places)
        return Chunk(x, y, None if weights is None else weights[places], None, self.batch_size, labels)

    def _checked(self, convert: Callable[[Array, int], Any], array: Array, places: Any) -> Any:
        """Return the rows as the trainer takes them; errors name the row's number in the whole array."""
        if isinstance(places, slice):
            return convert(array, places.start)
        try:
            return convert(array, 0)
        except ValueError:
            for row, place in zip(array, places.tolist(), strict=True):
                convert(row[None], place)
            raise

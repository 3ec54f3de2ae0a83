"""Iterables of batches: generators, data loaders, and data sets with len() and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

from fastnn import _core
from fastnn.models.batches import OUT_OF_DATA, Batches, Chunk, Reader, unpacked
from fastnn.warning import warn

_END = object()


class Stream(Batches):
    """Batches (x, y[, sample_weight]) of an iterable, as they come; one step each.

    data: an iterator, an iterable, or an object with len() and data[i], as keras.utils.PyDataset, whose batches come in
        shuffled order if shuffle is true, and whose on_epoch_begin() and on_epoch_end() are called.
    steps: of an epoch; default until data ends, or len(data).
    """

    def __init__(
        self,
        data: Any,
        *,
        steps: int | None = None,
        shuffle: bool | str = False,
        seed: int = 0,
        class_weight: Mapping[int, float] | None = None,
    ) -> None:
        if isinstance(data, tuple) and any(hasattr(each, "shape") for each in data):
            raise ValueError(
                "expected x and y as two arguments; received a tuple of arrays as x: unpack it, as in fit(*x)"
            )
        if isinstance(data, (Mapping, str, bytes)) or (callable(data) and not hasattr(data, "__iter__")):
            advice = ": call it" if callable(data) else ""
            raise TypeError(
                "expected x to be an array or a frame with y, or an iterable of batches (x, y); "
                f"received {type(data).__name__}{advice}"
            )
        self._length = _length_of(data)
        self._is_indexed = hasattr(data, "__getitem__") and self._length is not None and not isinstance(data, list)
        if not self._is_indexed and not hasattr(data, "__iter__"):
            raise TypeError(
                "expected x to be an array or a frame with y, or an iterable of batches (x, y); "
                f"received {type(data).__name__}"
            )
        self._data, self._given, self.shuffle, self.seed = data, steps, shuffle, seed
        self._class_weight = class_weight
        self._reader: Reader | None = None
        self._iterator: Iterator[Any] | None = None
        self._is_begun = False  # a run that goes on skips the batches of earlier epochs, in the first one alone
        self._taken = 0
        self.steps: int | None = steps or self._length
        if self._length == 0:
            raise ValueError("expected at least 1 batch; received data of length 0")

    def read_by(self, reader: Reader) -> None:
        """Set what the batches must be for a model."""
        self._reader = reader

    def first_batch(self) -> tuple[Any, Any]:
        """Return x and y of the first batch, which still comes."""
        if self._is_indexed:
            return unpacked(self._data[0])[:2]
        iterator = self._iterator = iter(self._data)
        for batch in iterator:
            self._iterator = chain([batch], iterator)
            return unpacked(batch)[:2]
        raise ValueError("expected at least 1 batch; received an iterable without any")

    def start(self, epoch: int, step: int) -> None:
        """Begin an epoch, or go on in a started one; skip the steps that were done before."""
        if self._is_indexed:
            if hasattr(self._data, "on_epoch_begin"):
                self._data.on_epoch_begin()
            size = len(self._data)
            if self._given is None:
                self.steps = size
            self._iterator = self._from(epoch * (self.steps or size) + step, size)
        else:
            skipped = step
            if not self._is_begun and self._given is not None and self._length is not None:
                skipped = (epoch * self._given + step) % self._length
            if self._iterator is None:
                self._iterator = iter(self._data)
            for _ in range(skipped):
                self._next()
        self._is_begun = True
        self._taken = step

    def take(self, steps: int) -> Chunk | None:
        """Return the next batch; None at the end of the epoch."""
        assert self._reader is not None
        assert self._iterator is not None
        if self._taken == (self.steps if self._is_indexed else self._given):
            return None
        batch = self._next()
        if batch is not _END:
            self._taken += 1
            try:
                return self._reader.batch(batch, self._class_weight)
            except (ValueError, TypeError) as error:
                raise type(error)(f"batch {self._taken - 1} of the epoch: {error}") from None
        self._iterator = None
        if self._given is not None or self._taken == 0:
            if self._taken == 0 and self._given is None and not self._is_one_shot():
                raise ValueError("expected at least 1 batch; received an iterable without any")
            warn(OUT_OF_DATA)
        self.steps = self._given or self._taken
        return None

    def finish(self) -> None:
        """End an epoch."""
        if self._given is None:
            self._iterator = None
        if hasattr(self._data, "on_epoch_end"):
            self._data.on_epoch_end()

    def _next(self) -> Any:
        """Return the next batch, _END behind the last. What can begin anew does, if the steps of an epoch are given."""
        assert self._iterator is not None
        batch = next(self._iterator, _END)
        if batch is _END and self._given is not None and not self._is_one_shot():
            self._iterator = iter(self._data)
            batch = next(self._iterator, _END)
        return batch

    def _from(self, first: int, size: int) -> Iterator[Any]:
        """Return the batches of data with an index, from the first one on, pass after pass."""
        order: Any = None
        for number in count(first):
            if order is None or number % size == 0:
                order = range(size)
                if self.shuffle:
                    order = _core.permutation(size, self.seed, number // size).tolist()
            yield self._data[order[number % size]]

    def _is_one_shot(self) -> bool:
        return hasattr(self._data, "__next__")


def _length_of(data: Any) -> int | None:
    """Return len(data), None if it has none. A DataLoader of an endless set, or tqdm of a generator, only seem to."""
    try:
        return len(data)
    except TypeError:
        if hasattr(data, "__len__") and not hasattr(data, "__iter__"):
            raise
        return None

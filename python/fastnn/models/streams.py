"""Iterables of batches: generators, data loaders, and data sets with len() and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from fastnn import _core
from fastnn.models.batches import OUT_OF_DATA, Batches, Chunk, Reader, unpacked
from fastnn.warning import warn


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
            raise ValueError("expected x and y as two arguments; received a tuple of arrays as x: write fit(*x)")
        if isinstance(data, (Mapping, str, bytes)) or (callable(data) and not hasattr(data, "__iter__")):
            advice = ": call it" if callable(data) else ""
            raise TypeError(
                "expected x to be an array or a frame with y, or an iterable of batches (x, y); "
                f"received {type(data).__name__}{advice}"
            )
        self._is_indexed = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list)
        if not self._is_indexed and not hasattr(data, "__iter__"):
            raise TypeError(
                "expected x to be an array or a frame with y, or an iterable of batches (x, y); "
                f"received {type(data).__name__}"
            )
        self._data, self._given, self.shuffle, self.seed = data, steps, shuffle, seed
        self._class_weight = class_weight
        self._reader: Reader | None = None
        self._iterator: Iterator[Any] | None = None
        self._taken = 0
        self._length = len(data) if hasattr(data, "__len__") else None
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
        self._taken = 0
        if self._is_indexed:
            order: Any = range(len(self._data))
            if self.shuffle:
                order = _core.permutation(len(order), self.seed, epoch).tolist()
            if hasattr(self._data, "on_epoch_begin"):
                self._data.on_epoch_begin()
            self._iterator = (self._data[i] for i in order)
        elif self._iterator is None:
            self._iterator = iter(self._data)
        for _ in range(step):
            next(self._iterator, None)
            self._taken += 1

    def take(self, steps: int) -> Chunk | None:
        """Return the next batch; None at the end of the epoch."""
        assert self._reader is not None
        assert self._iterator is not None
        if self._given is not None and self._taken == self._given:
            return None
        for batch in self._iterator:
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

    def _is_one_shot(self) -> bool:
        return iter(self._data) is self._data

"""The steps of a fit() that dask computes: which rows and tasks a step has, and what becomes of their results."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import dask
import numpy as np
from dask.delayed import delayed

from fastnn.dask.gradients import BLOCK, Sums, added, blocks_of, seen
from fastnn.dask.table import Table, joined
from fastnn.models.batches import Batches, Chunk
from fastnn.models.fitting import Fit
from fastnn.threads import get_num_threads


class Batch(NamedTuple):
    """The rows of a step, and those of the next one if there is one."""

    rows: slice
    following: tuple[slice, ...]


class Slices(Batches):
    """The batches of a table, in the order of its rows."""

    steps: int
    threads: int  # that share a batch
    seed = 0  # Fit.resume() sets it; nothing is drawn

    def __init__(self, table: Table, batch_size: int, epochs: int) -> None:
        self.table, self.batch_size, self.epochs = table, batch_size, epochs
        self.steps = -(-table.rows // batch_size)
        self._epoch = self._step = 0
        self._client = _client()

    def start(self, epoch: int, step: int) -> None:
        """Go to a step of an epoch."""
        self._check_client()
        self._epoch, self._step = epoch, step
        self.threads = _threads()

    def take(self, steps: int) -> Any:
        """Return the next Batch; None at the end of the epoch."""
        self._check_client()
        if self._step == self.steps:
            return None
        rows, self._step = self._rows(self._step), self._step + 1
        is_last = self._step == self.steps and self._epoch + 1 == self.epochs
        return Batch(rows, () if is_last else (self._rows(self._step % self.steps),))

    def finish(self) -> None:
        """End an epoch."""

    def _check_client(self) -> None:
        """Raise RuntimeError unless the client is open that holds the partitions."""
        client = _client()
        if client is not self._client or getattr(client, "status", None) in ("closing", "closed"):
            raise RuntimeError(
                "expected dask's client to stay open until train() returns; received a closed one, or another as the "
                "default: the model has the weights of the last step, so call train() again to go on"
            )

    def _rows(self, step: int) -> slice:
        return slice(step * self.batch_size, min(self.table.rows, (step + 1) * self.batch_size))


class ClusterFit(Fit):
    """One call of fastnn.dask.train()."""

    def _train(self, chunk: Any) -> tuple[Chunk, Any, int | None, Any]:
        """Run the step of a Batch: tasks compute the sums of its blocks, this process updates the weights."""
        batch: Batch = chunk
        trainer, table, rows = self.trainer, self.source.table, batch.rows.stop - batch.rows.start
        has_metrics = self.scores.has_metrics
        table.hold(batch.rows)
        tasks = list(self._tasks(batch.rows, trainer.units if has_metrics else None))
        last = None
        for blocks in tasks:
            last = delayed(added, pure=False)(last, blocks)
        looked_at = [delayed(seen, pure=False)(blocks) for blocks in tasks] if has_metrics else []
        begun = dask.persist(last, looked_at)  # first the step, then the partitions of the next one
        table.hold(batch.rows, *batch.following)
        sums: Sums
        sums, looked_at = dask.compute(*begun)
        loss, layer = sums.loss / rows + sums.activity / rows + trainer.penalty(), sums.layer
        if layer is None and not np.isfinite(loss):
            layer = -1
        if layer is None:
            trainer.apply(sums.gradients)
        nothing = np.empty((rows, 0), trainer.dtype)
        labels, outputs, weights = nothing, None, None
        if has_metrics:
            labels, outputs, weights = map(joined, zip(*looked_at, strict=True))
        return Chunk(nothing, labels, weights, None, rows, labels), np.array([loss]), layer, outputs

    def _tasks(self, rows: slice, units: int | None) -> Iterator[Any]:
        trainer, of_batch = self.trainer, rows.stop - rows.start
        # The weights of now, with a name of their own instead of a hash.
        shared = delayed(trainer.arguments(), name=f"trainer-{uuid.uuid4().hex}", traverse=False)
        # One task for each thread: then the sums, as large as the model, seldom go to another worker; the gradients of
        # the blocks never do, which are many times as large.
        of_task = -(-of_batch // (BLOCK * self.source.threads)) * BLOCK
        for first in range(0, of_batch, of_task):
            last = min(first + of_task, of_batch)
            chunks = self.source.table.take(slice(rows.start + first, rows.start + last))
            place = first, of_batch, trainer.core.batches()
            yield delayed(blocks_of, pure=False)(shared, place, units, chunks)


def _client() -> Any:
    """Return the default client, or None."""
    try:
        from distributed import default_client

        return default_client()
    except (ImportError, ValueError):
        return None


def _threads() -> int:
    """Return how many tasks run at a time: the threads of the default client's workers, or those of this process."""
    client = _client()
    return get_num_threads() if client is None else max(1, sum(client.nthreads().values()))

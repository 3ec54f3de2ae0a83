"""The tasks of a step. A worker computes the gradient of each block of 256 rows by itself; the sums go from worker to
worker, so that blocks are added in the order of their rows: the bits of fit() (docs/numerics.md, "A step").

Tasks are functions of their arguments alone, so dask may run one again, on another worker.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn.arithmetic import ordered_sum
from fastnn.arrays import Array
from fastnn.dask.table import joined
from fastnn.floating_point import default_mode
from fastnn.models.batches import Chunk
from fastnn.models.trainer import core_of

BLOCK = 256  # rows


class Blocks(NamedTuple):
    """What some blocks of a batch contribute to a step."""

    gradients: Array  # (blocks, numbers)
    losses: Array  # of rows, times their weights
    activities: Array  # of blocks
    layer: int | None  # the first that is not finite, or -1, if a loss is not
    seen: tuple[Array, Array, Array | None] | None  # for metrics: labels, outputs and weights of rows


class Sums(NamedTuple):
    """The same, added up from the first block of the batch on."""

    gradients: Array
    loss: float
    activity: float
    layer: int | None


@default_mode()
def blocks_of(trainer: tuple[Any, ...], place: tuple[int, int, int], units: int | None, chunks: list[Chunk]) -> Blocks:
    """Return the gradients of the rows of chunks.

    trainer: the arguments of core_of(), with the weights. place: the first row in the batch, a multiple of BLOCK; the
    rows of the batch; the batches before it. units: of the outputs of training, if they are wanted.
    """
    fields = ("x", "y", "weights", "labels")
    x, y, weights, labels = (joined([getattr(chunk, field) for chunk in chunks]) for field in fields)
    outputs = None if units is None else np.empty((len(x), units), x.dtype)
    gradients, losses, activities, layer = core_of(*trainer).block_gradients(x, y, weights, outputs, *place)
    return Blocks(gradients, losses, activities, layer, None if outputs is None else (labels, outputs, weights))


@default_mode()
def added(sums: Sums | None, blocks: Blocks) -> Sums:
    """Return the sums of all blocks before, and of these, in order."""
    if sums is not None and sums.layer is not None:
        return sums
    loss, activity = (0.0, 0.0) if sums is None else (sums.loss, sums.activity)
    gradients = list(blocks.gradients)
    if sums is not None:
        gradients.insert(0, sums.gradients)
    total = gradients[0].copy() if gradients else np.empty(0)  # none: the first block has no finite loss
    with np.errstate(over="ignore", invalid="ignore"):
        for each in gradients[1:]:
            total += each
    loss = float(ordered_sum(loss, blocks.losses))
    return Sums(total, loss, float(ordered_sum(activity, blocks.activities)), blocks.layer)


def seen(blocks: Blocks) -> tuple[Array, Array, Array | None]:
    """Return labels, outputs and weights of the rows, for metrics."""
    assert blocks.seen is not None
    return blocks.seen

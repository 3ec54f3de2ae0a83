"""One member of a RealMLP estimator: a network of fastnn.models.real_mlp, trained."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastnn.arrays import Array
from fastnn.models.real_mlp import Settings, Task, compiled
from fastnn.models.sequential import Sequential
from fastnn.tables.feature_space import FeatureSpace


class Rows(NamedTuple):
    """Rows as the table they come from, targets (rows, units), and the weight of each row or None."""

    table: Any
    y: Array
    weights: Array | None


class Member(NamedTuple):
    """A trained network and how its training went."""

    model: Sequential
    losses: list[float]
    scores: list[float]


def train(
    task: Task, space: FeatureSpace, rows: Rows, held_out: Rows, settings: Settings, seed: int, verbose: bool
) -> Member:
    """Return a network that was trained on rows, with the weights of the epoch that was best on those held out.

    space: not adapted yet.
    """
    x, held_out_x = space.adapt(rows.table)(rows.table), space(held_out.table)
    model, batch_size, best = compiled(task, space, rows.y.shape[1], len(x), settings, seed)
    history = model.fit(
        x,
        rows.y,
        batch_size,
        settings.epochs,
        verbose=2 if verbose else 0,
        sample_weight=rows.weights,
        validation_data=(held_out_x, held_out.y, *(() if held_out.weights is None else (held_out.weights,))),
        callbacks=[best],
        seed=seed,
    )
    return Member(model, history.history["loss"], best.scores)

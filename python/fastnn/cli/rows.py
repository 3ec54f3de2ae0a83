"""Read a table part by part as a model takes it: inputs, true values, weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.cli import features, raw_table
from fastnn.cli.arrow_files import Column
from fastnn.cli.inputs import Chosen
from fastnn.cli.score import Target
from fastnn.cli.tables import Table
from fastnn.cli.unknown import Unknown
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class Part:
    """Some rows of a table: the inputs, what predict() takes; the numbers of the target and the weights, or None."""

    x: Any
    target: Array | None
    weights: Array | None
    rows: int


def parts(model: Sequential, table: Table, chosen: Chosen, target: Target | None) -> Iterator[Part]:
    """Yield the rows of a table. Raises ValueError, with the place, for what is no number and no class."""
    if features.columns_of(model) is not None:
        yield from _of_raw_table(model, table, chosen, target)
        return
    everything = list(range(table.columns))
    special = {chosen.target, chosen.weights}
    readers: dict[int, Callable[[str], float]] = {
        each: lambda _: 0.0 for each in {*everything} - {*chosen.inputs} - special
    }
    if target is not None and chosen.target is not None:
        readers[chosen.target] = target.number
    first = 0
    for chunk in table.chunks(readers):
        x = chunk if chosen.inputs == everything else chunk[:, chosen.inputs]
        truth = None if chosen.target is None else chunk[:, chosen.target]
        weights = None if chosen.weights is None else checked_weights(chunk[:, chosen.weights], table.path, first)
        yield Part(x, truth, weights, len(chunk))
        first += len(chunk)


def _of_raw_table(model: Sequential, table: Table, chosen: Chosen, target: Target | None) -> Iterator[Part]:
    names = raw_table.names_of(table)
    others = [each for each in (chosen.target, chosen.weights) if each is not None]
    texts = set(features.texts_of(model))
    if target is not None and target.is_text and chosen.target is not None:
        texts.add(names[chosen.target])
    first = 0
    for raw in raw_table.chunks(table, [*chosen.inputs, *others], texts):
        inputs = {names[i]: raw[names[i]] for i in chosen.inputs}
        rows = len(next(iter(raw.values()))) if raw else 0
        truth = weights = None
        if target is not None and chosen.target is not None:
            truth = target.numbers(raw[names[chosen.target]], first)
        if chosen.weights is not None:
            weights = checked_weights(raw[names[chosen.weights]], table.path, first)
        yield Part(inputs, truth, weights, rows)
        first += rows


def predicted(model: Sequential, unknown: Unknown, part: Part, path: str, first_row: int) -> Array:
    """Return the outputs for a part. Raises ValueError, with the row, for a value that the model refuses.

    unknown: counts the values that the model was not trained on.
    """
    try:
        return model.predict(unknown.encoded(part.x))
    except (TypeError, ValueError) as error:
        if not isinstance(part.x, dict):
            raise
        row, said = _first_refused(model, part, error)
        raise ValueError(f"{path}, row {first_row + row}: {said}") from None


def _first_refused(model: Sequential, part: Part, error: Exception) -> tuple[int, Exception]:
    """Return the number of the first row of a part that the model refuses, and why. error: that of all rows."""
    first, end, texts = 0, part.rows, features.texts_of(model)
    while end - first > 1:
        middle = (first + end) // 2
        some = raw_table.rows_of(part.x, np.arange(first, middle))
        # A column of numbers is text as a whole if one of its values is.
        table: Any = {name: column if name in texts else raw_table.typed(column) for name, column in some.items()}
        try:
            model.predict(table)
            first = middle
        except (TypeError, ValueError) as earlier:
            end, error = middle, earlier
    return first, error


def checked_weights(column: Column, path: str, first_row: int) -> Array:
    """Return a column of --weights. Raises ValueError unless its values are finite numbers from 0.

    >>> checked_weights(np.array([1.0, -1.0]), "rows.csv", 10)
    Traceback (most recent call last):
    ValueError: rows.csv: expected finite numbers from 0 as --weights; received -1.0 in row 11
    """
    said = f"{path}: expected finite numbers from 0 as --weights"
    if isinstance(column, list):
        row, text = next(((row, value) for row, value in enumerate(column) if value is not None), (0, None))
        raise ValueError(f"{said}; received {text!r:.60} in row {first_row + row}")
    wrong = ~(np.isfinite(column) & (column >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{said}; received {column[row]} in row {first_row + row}")
    return column

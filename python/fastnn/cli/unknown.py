"""Values of categories that a model was not trained on: it answers all the same, so the user is told."""

from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.tables.values import is_gap


class Unknown:
    """Encodes the rows of raw tables and counts, by column, the values that the model was not trained on."""

    def __init__(self, model: Sequential) -> None:
        self._space = model.feature_space
        self._rows = 0
        self._found: dict[str, tuple[int, Any]] = {}  # by column, how many and the first one
        columns = [] if self._space is None else self._space.columns
        kinds = {} if self._space is None else self._space.features
        self._places = {
            name: columns.index(f"{name} (unknown)")
            for name, kind in kinds.items()
            if str(kind).endswith("categorical")
        }

    def encoded(self, x: Any) -> Any:
        """Return the rows that model.predict() takes: those of a raw table as numbers."""
        if self._space is None:
            return x
        rows: Array = self._space(x)
        self._rows += len(rows)
        for name, place in self._places.items():
            column = x[name]
            values = [value for row in np.flatnonzero(rows[:, place]) if not is_gap(value := column[row])]
            if values:
                count, first = self._found.get(name, (0, values[0]))
                self._found[name] = count + len(values), first
        return rows

    def notes(self, path: str) -> list[str]:
        """Return a sentence for each column that had such values."""
        return [
            f"{path}: {count} of {self._rows} rows have a value in column {name!r:.60} that the model was not trained "
            f"on, such as {_shown(first)}"
            for name, (count, first) in self._found.items()
        ]


def _shown(value: Any) -> str:
    return f"{value!r:.60}" if isinstance(value, str) else f"{value:g}"

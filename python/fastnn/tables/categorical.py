"""Columns of categories: a column of zeros and ones for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastnn.arrays import Array
from fastnn.tables.columns import listed
from fastnn.tables.values import as_integer, as_text, distinct
from fastnn.text import is_text

# Kind -> what a value must be.
KINDS: dict[str, Callable[[Any, str], str | int]] = {"string_categorical": as_text, "integer_categorical": as_integer}


class Categorical(NamedTuple):
    """A column of categories, adapted: its values, and whether a gap is a value of its own.

    The first number of a row is 1 for a value that is none of these, as in Keras with num_oov_indices=1.
    takes_unknown: whether there may be such values; a space that stands for an encoder that refuses them does too.
    """

    name: str
    kind: str
    values: tuple[str | int, ...]
    gap: bool
    takes_unknown: bool = True

    @classmethod
    def adapted(cls, name: str, kind: str, _: Mapping[str, float], column: Any) -> Categorical:
        """Learn the different values of a column, sorted. Raises TypeError for values of another kind."""
        codes, found = distinct(column, name)
        values: list[Any] = sorted({KINDS[kind](value, name) for value in found})
        wrong = next((value for value in values if isinstance(value, str) and not is_text(value)), None)
        if not values or wrong is not None:
            received = "only gaps" if wrong is None else ascii(wrong)[:60]
            raise ValueError(
                f"expected values of Unicode characters but NUL in column {name!r:.60}; received {received}: leave it "
                "out"
            )
        return cls(name, kind, tuple(values), bool((codes < 0).any()))

    @property
    def columns(self) -> list[str]:
        """The names of the columns of numbers that this one becomes."""
        known = [f"{self.name}={value}" for value in self.values]
        return [f"{self.name} (unknown)", *known, *[f"{self.name} (missing)"] * self.gap]

    @property
    def width(self) -> int:
        """The number of these columns."""
        return 1 + len(self.values) + self.gap

    def encode(self, column: Any, to: Array) -> None:
        """Write a 1 in each row of an array (rows, columns) of zeros. Raises ValueError for a value to refuse."""
        codes, found = distinct(column, self.name, self.values)
        numbers = {value: i for i, value in enumerate(self.values, 1)}
        check = KINDS[self.kind]
        gap = len(self.values) + 1 if self.gap else 0
        places = np.array([*(numbers.get(check(value, self.name), 0) for value in found), gap])
        chosen = places[codes]
        if not self.takes_unknown and not chosen.all():
            code = codes[np.argmin(chosen)]
            received = "a gap" if code < 0 else f"{found[code]!r:.60}"
            raise ValueError(
                f"expected one of {listed(self.values)} in column {self.name!r:.60}; received {received}, which the "
                "encoder that this column came from refuses: leave the row out"
            )
        to[np.arange(len(codes)), chosen] = 1

    def get_config(self) -> dict[str, Any]:
        """Return what a model file keeps."""
        config = {"name": self.name, "type": self.kind, "values": list(self.values), "gap": self.gap}
        return config if self.takes_unknown else config | {"unknown": False}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Categorical:
        """Return the column of get_config(). Raises ValueError for other keys and values."""
        name, kind = config["name"], config["type"]
        values: Any = config.get("values")
        gap, takes_unknown = config.get("gap"), config.get("unknown", True)
        value_type = str if kind == "string_categorical" else int
        is_valid = (
            set(config) - {"unknown"} == {"name", "type", "values", "gap"}
            and isinstance(gap, bool)
            and isinstance(takes_unknown, bool)
            and isinstance(values, list)
            and len(values) > 0
            and all(type(value) is value_type for value in values)
            and (value_type is str or all(-(1 << 63) <= value < 1 << 63 for value in values))
            and len(set(values)) == len(values)
        )
        if not is_valid:
            raise ValueError(
                f"expected column {name!r:.60} to have gap (true or false) and values, a list of different "
                f"{'strings' if value_type is str else 'integers of 64 bits'}, optionally unknown (true or false); "
                f"received {config!r:.200}"
            )
        return cls(name, kind, tuple(values), bool(gap), takes_unknown)

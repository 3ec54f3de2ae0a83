"""Columns of numbers: how each kind is scaled, and what stands in for a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnn.arguments import finite
from fastnn.arrays import Array
from fastnn.tables.values import numbers

Values = npt.NDArray[np.float64]
Settings = dict[str, float]


class Kind(NamedTuple):
    """A kind of column of numbers: its settings, how they are learned, what is computed of a number."""

    word: str  # after the name of a column that holds other numbers than the table's
    settings: tuple[str, ...]
    learn: Callable[[Values, Mapping[str, float]], Settings]  # of the numbers that are no gaps
    fill: Callable[[Values], Any]
    apply: Callable[[Values, Settings], Values]


def _normalized(values: Values, _: Mapping[str, float]) -> Settings:
    if values.min() == values.max():  # rounded, the variance would not be 0
        return {"mean": float(values[0]), "variance": 0.0}
    return {"mean": float(values.mean()), "variance": float(values.var())}


def _normalize(x: Values, s: Settings) -> Values:
    # A constant column is 0, not a rounding error times a large number; StandardScaler does the same.
    return (x - s["mean"]) / (np.sqrt(s["variance"]) or 1.0)


def _robust(values: Values, _: Mapping[str, float]) -> Settings:
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    quartiles, span = high - low, float(values.max() - values.min())
    return {"median": median, "factor": 1 / quartiles if quartiles > 0 else 2 / span if span > 0 else 0.0}


def _smoothly_clipped(x: Values, s: Settings) -> Values:
    scaled = np.clip(s["factor"] * (x - s["median"]), -1e100, 1e100)  # its square is finite
    return scaled / np.sqrt(1 + (scaled / 3) ** 2)  # between -3 and 3


def _given(_: Values, settings: Mapping[str, float]) -> Settings:
    return dict(settings)


def _itself(x: Values, _: Settings) -> Values:
    return x


KINDS: dict[str, Kind] = {
    "float": Kind("", (), _given, np.mean, _itself),
    "float_normalized": Kind("normalized", ("mean", "variance"), _normalized, np.mean, _normalize),
    "float_rescaled": Kind("rescaled", ("scale", "offset"), _given, np.mean, lambda x, s: x * s["scale"] + s["offset"]),
    "float_robust": Kind("robust", ("median", "factor"), _robust, np.median, _smoothly_clipped),
    "boolean": Kind("", (), _given, np.mean, _itself),
}


class Numeric(NamedTuple):
    """A column of numbers, adapted: what is computed of each, and what a gap becomes: NaN if `fill` is."""

    name: str
    kind: str
    fill: float
    indicator: bool  # whether a column tells the gaps
    settings: Settings

    @classmethod
    def adapted(cls, name: str, kind: str, settings: Mapping[str, float], column: Any) -> Numeric:
        """Learn from the values of a column. Raises TypeError for text, ValueError without any finite number."""
        values = _checked(numbers(column, name), name, kind)
        present = values[~np.isnan(values)]
        if not len(present) or not np.isfinite(present).all():
            received = "infinity: make it a gap" if len(present) else "only gaps: leave it out"
            raise ValueError(f"expected finite numbers in column {name!r:.60}; received {received}")
        row = KINDS[kind]
        with np.errstate(over="ignore"):
            learned, fill = row.learn(present, settings), float(row.fill(present))
        if not np.isfinite([fill, *learned.values()]).all():
            raise ValueError(f"expected numbers of at most 1e150 in column {name!r:.60}; received larger ones")
        return cls(name, kind, fill, len(present) < len(values), learned)

    @property
    def columns(self) -> list[str]:
        """The names of the columns of numbers that this one becomes."""
        word = KINDS[self.kind].word
        return [f"{self.name} ({word})" if word else self.name] + [f"{self.name} (missing)"] * self.indicator

    @property
    def width(self) -> int:
        """The number of these columns."""
        return 1 + self.indicator

    def encode(self, column: Any, to: Array) -> None:
        """Write the numbers of a column to an array (rows, columns) of zeros. Raises ValueError for one too large."""
        values = _checked(numbers(column, self.name, has_type=True), self.name, self.kind, has_type=True)
        gaps = np.isnan(values)
        values[gaps] = self.fill
        with np.errstate(over="ignore"):
            to[:, 0] = KINDS[self.kind].apply(values, self.settings)
        wrong = ~(np.isfinite(to[:, 0]) | gaps)
        if wrong.any():
            value = values[wrong][0]
            raise ValueError(f"expected finite numbers in column {self.name!r:.60}; received {value}: make it a gap")
        if self.indicator:
            to[:, 1] = gaps

    def get_config(self) -> dict[str, Any]:
        """Return what a model file keeps."""
        fill = None if np.isnan(self.fill) else self.fill  # JSON has no NaN
        return {"name": self.name, "type": self.kind, "fill": fill, "indicator": self.indicator} | self.settings

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Numeric:
        """Return the column of get_config(). Raises ValueError for other keys and values."""
        name, kind, indicator = config["name"], config["type"], config.get("indicator")
        known = KINDS[kind].settings
        if set(config) != {"name", "type", "fill", "indicator", *known} or not isinstance(indicator, bool):
            raise ValueError(
                f"expected column {name!r:.60} to have fill, indicator (true or false)"
                f"{''.join(f', {each}' for each in known)}; received {config!r:.200}"
            )
        settings = {each: finite(each, config[each]) for each in known}
        for each in ("variance", "factor"):
            if settings.get(each, 0.0) < 0:
                raise ValueError(
                    f"expected the {each} of column {name!r:.60} to be at least 0; received {config[each]}"
                )
        fill = np.nan if config["fill"] is None else finite("fill", config["fill"])
        return cls(name, kind, fill, indicator, settings)


def _checked(values: Values, name: str, kind: str, has_type: bool = False) -> Values:
    if kind == "boolean":
        wrong = (values != 0) & (values != 1) & ~np.isnan(values)
        if wrong.any():
            advice = "make it 0, 1 or a gap" if has_type else "give the column another type"
            raise ValueError(f"expected booleans, 0 or 1 in column {name!r:.60}; received {values[wrong][0]}: {advice}")
    return values

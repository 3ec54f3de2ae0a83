"""What stands between a raw table and a network: the one place of the command line that prepares a model's inputs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.cli.raw_table import RawTable, gaps
from fastnn.layers.layer import Layer
from fastnn.layers.preprocessing import Normalization
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class Features:
    """The first layer of a model for tables of these columns, adapted to the rows to train on."""

    layer: Layer
    names: list[str]

    def rows(self, table: RawTable) -> Any:
        """Return what fit() and predict() of a model with this layer take for a table."""
        return numbers(table, self.names)

    def name_inputs(self, model: Sequential) -> None:
        """Let the model take columns by name."""
        model.feature_names = self.names


def prepare(table: RawTable, types: Mapping[str, str]) -> Features:
    """Return the features of a table. types: by name, "number" or "category", where the column does not say it.

    Raises ValueError for text and gaps, which need a layer that encodes them.

    >>> prepare({"a": np.array([1.0, 3.0])}, {}).layer.mean
    array([2.])
    """
    if encoded := next((name for name, kind in types.items() if kind == "category"), None):
        raise ValueError(f"expected columns of numbers; received {encoded!r} as a category")
    names, layer = list(table), Normalization()
    layer.adapt(numbers(table, names))
    return Features(layer, names)


def numbers(table: RawTable, names: list[str]) -> Any:
    """Return columns of numbers as an array (rows, columns). Raises ValueError for text and gaps.

    >>> numbers({"a": np.array([1.0, 3.0]), "b": ["x", None]}, ["a", "b"])
    Traceback (most recent call last):
    ValueError: expected numbers in column 'b'; received 'x'; --drop leaves it out
    """
    for name in names:
        column, advice = table[name], "; --drop leaves it out"
        if isinstance(column, list):
            text = next(value for value in column if value is not None)
            raise ValueError(f"expected numbers in column {name!r}; received {text!r:.60}{advice}")
        if missing := int(gaps(column).sum()):
            raise ValueError(f"expected numbers in column {name!r}; received {missing} missing ones{advice}")
    return np.column_stack([np.asarray(table[name]) for name in names])


def columns_of(model: Sequential) -> list[str] | None:
    """Return the names of the columns that a model takes as they stand, text and gaps too; None if it takes numbers."""
    return None


def texts_of(model: Sequential) -> Collection[str]:
    """Return the names of the columns that a model takes as text, whatever is in them."""
    return ()

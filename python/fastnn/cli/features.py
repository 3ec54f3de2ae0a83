"""What stands between a raw table and a network: the one place of the command line that prepares a model's inputs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from fastnn.cli.raw_table import RawTable
from fastnn.models.sequential import Sequential
from fastnn.tables.feature_space import FeatureSpace


@dataclass(frozen=True)
class Features:
    """The first layer of a model for tables of these columns, adapted to the rows to train on."""

    layer: FeatureSpace

    @property
    def categories(self) -> list[str]:
        """The names of the columns that are categories."""
        return [name for name, kind in self.layer.features.items() if str(kind).endswith("categorical")]


def prepare(table: RawTable, part: RawTable, types: Mapping[str, str], numbers: str = "float_normalized") -> Features:
    """Return the features of a table, adapted to the part of its rows that is trained on.

    types: by name, "number" or "category", where the column does not say it. numbers: the type of a column of numbers.
    All rows decide a type, so that it does not depend on which are held out.
    Raises ValueError and TypeError for a column of which no type can be said.

    >>> table = {"a": np.array([1.0, 3.0]), "b": ["x", "x"]}
    >>> prepare(table, table, {}).categories
    ['b']
    """
    kinds = {"number": "float_normalized"}
    given = {
        name: kinds.get(kind, "string_categorical" if isinstance(table[name], list) else "integer_categorical")
        for name, kind in types.items()
    }
    for name, column in part.items():
        if all(value is None for value in column) if isinstance(column, list) else np.isnan(column).all():
            raise ValueError(
                f"expected values in column {name!r:.60} in the rows to train on; received only gaps: leave it out: "
                f"drop=[{name!r}]"
            )
    found = FeatureSpace.infer(table, types=given).features
    types = {name: numbers if kind == "float_normalized" else kind for name, kind in found.items()}
    return Features(FeatureSpace(types).adapt(part))


def columns_of(model: Sequential) -> list[str] | None:
    """Return the names of the columns that a model takes as they stand, text and gaps too; None if it takes numbers."""
    return None if model.feature_space is None else list(model.feature_space.features)


def texts_of(model: Sequential) -> Collection[str]:
    """Return the names of the columns that a model takes as text, whatever is in them."""
    space = model.feature_space
    return [] if space is None else [name for name, kind in space.features.items() if kind == "string_categorical"]

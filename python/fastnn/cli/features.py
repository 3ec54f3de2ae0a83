"""The FeatureSpace of a raw table, and what one tells of the columns that a model takes."""

from collections.abc import Collection, Mapping

from fastnn.cli.raw_table import RawTable
from fastnn.models.sequential import Sequential
from fastnn.tables.feature_space import FeatureSpace

_KINDS = {"number": "float_normalized", "category": "string_categorical"}


def prepare(table: RawTable, types: Mapping[str, str]) -> FeatureSpace:
    """Return the space of a table, adapted to it. types: by name, "number" or "category", where values do not say it.

    Raises ValueError for text of too many values.

    >>> import numpy as np
    >>> prepare({"a": np.array([1.0, 3.0]), "b": ["x", "x"]}, {}).columns
    ['a', 'b (unknown)', 'b=x']
    """
    kinds = {}
    for name, column in table.items():
        if name in types:
            kinds[name] = _KINDS[types[name]]
            continue
        try:
            kinds[name] = FeatureSpace.infer({name: column}).features[name]
        except ValueError:
            values = sorted({value for value in column if value is not None})
            raise ValueError(
                f"expected column {name!r} to have numbers, or text of at most 100 values, each twice on average; "
                f"received {len(values)} different texts in {len(column)} rows, such as {values[0]!r:.60}; "
                f"--drop {name} leaves it out, --types {name}=category takes it"
            ) from None
    return FeatureSpace(kinds).adapt(table)


def columns_of(model: Sequential) -> list[str] | None:
    """Return the names of the columns that a model takes as they stand, text and gaps too; None if it takes numbers.

    >>> columns_of(Sequential([prepare({"a": [1.0, 3.0]}, {})]))
    ['a']
    """
    return None if model.feature_space is None else list(model.feature_space.features)


def texts_of(model: Sequential) -> Collection[str]:
    """Return the names of the columns that a model takes as text, whatever is in them.

    >>> texts_of(Sequential([prepare({"b": ["x", "x"]}, {})]))
    ['b']
    """
    kinds = {} if model.feature_space is None else model.feature_space.features
    return [name for name, kind in kinds.items() if kind == "string_categorical"]

"""Tables as columns: dicts, frames of pandas, polars and pyarrow, structured arrays, lists of dicts.

The packages are not imported: a frame is recognized by what it offers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.lazy import refuse_lazy
from fastnn.text import did_you_mean

Column = Callable[[int], Any]  # a column by its number


def frame_columns(x: Any) -> tuple[list[Any], Column] | None:
    """Return the labels of a frame's columns, and the function that returns a column by its number; None for others.

    >>> frame_columns([[1, 2]]) is None
    True
    """
    if hasattr(x, "iloc"):
        return (list(x.columns), lambda i: x.iloc[:, i]) if hasattr(x, "columns") else None
    if hasattr(x, "to_series") and hasattr(x, "columns"):  # polars
        return list(x.columns), x.to_series
    if hasattr(x, "column_names") and hasattr(x, "column"):  # pyarrow
        return list(x.column_names), x.column
    return None


def _table_columns(x: Any) -> tuple[list[Any], Column] | None:
    """Return the labels of a table's columns, and the function that returns a column; None if x is no table."""
    refuse_lazy(x)
    if isinstance(x, Mapping):
        given = dict(x)
        return list(given), list(given.values()).__getitem__
    if isinstance(x, np.ndarray):
        array, names = x, x.dtype.names
        return None if names is None else (list(names), lambda i: array[names[i]])
    if isinstance(x, (list, tuple)) and x and all(isinstance(row, Mapping) for row in x):
        labels = list(dict.fromkeys(label for row in x for label in row))
        return labels, lambda i: [row.get(labels[i]) for row in x]
    if hasattr(x, "iloc") and not hasattr(x, "columns"):  # a Series of pandas, one row
        return list(x.index), lambda i: [x.iloc[i]]
    return frame_columns(x)


def is_table(x: Any) -> bool:
    """Return whether x has columns with names, so that it is no array of numbers.

    >>> is_table({"a": [1]}), is_table([{"a": 1}]), is_table([[1]])
    (True, True, False)
    """
    return _table_columns(x) is not None


def chosen_columns(x: Any, names: Iterable[str] | None = None) -> tuple[dict[str, Any], int]:
    """Return the columns of a table by name, and the number of rows; only those of `names` if given, in their order.

    Raises TypeError for what is no table, ValueError for a missing column and columns of different lengths.

    >>> chosen_columns({"a": [1, 2], "b": ["x", "y"], "id": [7, 8]}, ["b", "a"])
    ({'b': ['x', 'y'], 'a': [1, 2]}, 2)
    """
    table = _table_columns(x)
    if table is None:
        raise TypeError(
            "expected a table: a dict of columns, a frame of pandas, polars or pyarrow, a structured array or a list "
            f"of dicts; received {type(x).__name__}"
        )
    labels, column = table
    wanted = labels if names is None else list(names)
    places: dict[Any, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    for name in wanted:
        if not isinstance(name, str) or len(places.get(name, ())) != 1:
            raise ValueError(_wrong_label(name, labels))
    columns = {name: _checked(name, column(places[name][0])) for name in wanted}
    lengths = {name: len(values) for name, values in columns.items()}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            raise ValueError(
                f"expected columns of the same length; received {rows} values in column {wanted[0]!r:.60} and {length} "
                f"in column {name!r:.60}"
            )
    return columns, rows


def listed(labels: Sequence[Any], most: int = 5) -> str:
    """Return labels for a message; the first ones of many.

    >>> listed(["a", "b", "c"], 2)
    "'a', 'b' and 1 more"
    """
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(f"{label!r:.60}" for label in labels[:most]) + more


def _wrong_label(name: Any, labels: list[Any]) -> str:
    if not isinstance(name, str):
        return f"expected names of columns to be strings; received {name!r:.60} ({type(name).__name__})"
    if name in labels:
        return f"expected one column {name!r:.60}; received {labels.count(name)}"
    like = did_you_mean(name, [label for label in labels if isinstance(label, str)])
    return f"expected a column {name!r:.60}; received {listed(labels) or 'no columns'}{like}"


def _checked(name: str, values: Any) -> Any:
    shape = getattr(values, "shape", None)
    is_column = len(shape) == 1 if isinstance(shape, tuple) else isinstance(values, (list, tuple)) or is_arrow(values)
    if not is_column:
        received = f"shape {shape}" if shape else f"{values!r:.60} ({type(values).__name__}): for one row write [value]"
        raise TypeError(f"expected column {name!r:.60} to be a list or a 1-D array of values; received {received}")
    return values


def is_arrow(values: Any) -> bool:
    """Return whether this is a column of pyarrow.

    >>> is_arrow([1])
    False
    """
    return hasattr(values, "dictionary_encode") or hasattr(values, "dictionary_decode")

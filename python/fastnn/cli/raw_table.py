"""Raw tables: columns by name, of numbers or text, with gaps, as training and a model's feature_space take them."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.cli.arrow_files import Column
from fastnn.cli.csv_rows import is_boolean, number_of
from fastnn.cli.tables import Table

RawTable = dict[str, Column]

# What stands for a missing value in a .csv file, in any case of letters.
_GAPS = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"))


def read(table: Table, wanted: Sequence[int], texts: Collection[str] = ()) -> RawTable:
    """Return the wanted columns of the whole table. A column of .csv has numbers if all its fields are numbers or gaps.

    texts: names of columns that stay text even then.

    >>> from pathlib import Path
    >>> _ = Path("rows.csv").write_text("a,b\\n1,x\\n,NA\\n")
    >>> with Table("rows.csv") as table:
    ...     read(table, [0, 1])
    {'a': array([ 1., nan]), 'b': ['x', None]}
    """
    parts: list[list[Any]] = [[] for _ in wanted]
    for chunk in table.raw_chunks(wanted):
        for part, column in zip(parts, chunk, strict=True):
            part.append(column)
    return _columns(table, wanted, map(_joined, parts), texts)


def chunks(table: Table, wanted: Sequence[int], texts: Collection[str]) -> Iterator[RawTable]:
    """Yield the wanted columns of some rows at a time.

    texts: names of columns that stay text even where a part of the file has only numbers in it.
    """
    for chunk in table.raw_chunks(wanted):
        yield _columns(table, wanted, chunk, texts)


def _columns(table: Table, wanted: Sequence[int], columns: Iterable[Any], texts: Collection[str]) -> RawTable:
    names = names_of(table)
    read = {
        names[i]: (_text if names[i] in texts else typed)(column) for i, column in zip(wanted, columns, strict=True)
    }
    for name, column in read.items():
        if isinstance(column, list):
            _refuse_other_encodings(column, f"{table.path}, column {name!r:.60}")
    return read


def _refuse_other_encodings(column: list[str | None], what: str) -> None:
    """Raise ValueError for text that is no UTF-8: as a category it would be an unknown value, without a word."""
    try:
        "".join(filter(None, column)).encode()
    except UnicodeEncodeError as error:
        text = next(value for value in column if value is not None and error.object[error.start] in value)
        raise ValueError(
            f"{what}: expected text in UTF-8; received {ascii(text)[:60]}; convert the file first, for example with "
            "iconv -f WINDOWS-1252 -t UTF-8"
        ) from None


def names_of(table: Table) -> list[str]:
    """Return the names of a table's columns; their numbers if it has no names."""
    return list(map(str, range(table.columns))) if table.names is None else table.names


def typed(column: Column) -> Column:
    """Return text as numbers, NaN for a gap, if all that is no gap is a number; else text with None for a gap.

    >>> typed(["1", "", "nan"]), typed(["1", "", "x"]), typed(["True", "false"])
    (array([ 1., nan, nan]), ['1', None, 'x'], array([1., 0.]))
    """
    if not isinstance(column, list):
        return column
    with suppress(ValueError, TypeError):  # most columns have no gaps; looking for them takes most of the time
        return _numbers(column)
    values = _with_gaps(column)
    known = [value for value in values if value is not None]
    if known and all(map(is_boolean, known)):
        return np.array([math.nan if value is None else number_of(value) for value in values], np.float64)
    with suppress(ValueError):
        return _numbers(["nan" if value is None else value for value in values])
    return values


def _text(column: Column) -> Column:
    """Return text with None for a gap, even if all of it is numbers; numbers of other files stay."""
    return _with_gaps(column) if isinstance(column, list) else column


def _numbers(column: list[Any]) -> Array:
    """Return text as numbers. Raises ValueError for other text, TypeError for None."""
    everything = "".join(column)
    if "_" in everything or not everything.isascii():  # float() also reads 1_000, and digits of other scripts
        raise ValueError("expected numbers; received others")
    return np.fromiter(map(float, column), np.float64, len(column))


def _with_gaps(column: list[str | None]) -> list[str | None]:
    """Return text without spaces around it, and None for what stands for a missing value."""
    stripped = (None if value is None else value.strip() for value in column)
    return [None if value is None or value.lower() in _GAPS else value for value in stripped]


def gaps(column: Column) -> Array:
    """Return whether each value is missing.

    >>> gaps(["x", None])
    array([False,  True])
    """
    if isinstance(column, list):
        return np.array([value is None for value in column], bool)
    missing: Array = np.isnan(column)
    return missing


def rows_of(table: RawTable, rows: Array) -> RawTable:
    """Return some rows of a table, by their numbers.

    >>> rows_of({"a": ["x", "y"]}, np.array([1]))
    {'a': ['y']}
    """
    places = rows.tolist()
    return {
        name: [column[i] for i in places] if isinstance(column, list) else column[rows]
        for name, column in table.items()
    }


def _joined(parts: list[Any]) -> Column:
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [value for part in parts for value in part]

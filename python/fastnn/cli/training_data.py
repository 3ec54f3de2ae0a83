"""What train() learns from: the columns of a table, the kind of its target, the rows that are held out."""

import argparse
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.cli import inputs, raw_table
from fastnn.cli.arrow_files import Column
from fastnn.cli.csv_rows import is_number
from fastnn.cli.raw_table import RawTable, gaps
from fastnn.cli.rows import checked_weights
from fastnn.cli.tables import Table
from fastnn.tables.values import COMMA_ADVICE, is_number_with_comma
from fastnn.text import did_you_mean, printable

MOST_CLASSES = 20  # whole numbers with more values than this are amounts, unless --classification says otherwise
_HELD_OUT = 5  # one row of so many
_TYPES = ("number", "category")


@dataclass(frozen=True)
class Kind:
    """Whether the target is one of some classes, which ones, and what says so."""

    is_class: bool
    classes: list[Any]
    why: str

    def numbers(self, column: Column, what: str) -> Array:
        """Return the index of each row's class, or the numbers. Raises ValueError for others."""
        if not self.is_class:
            if isinstance(column, list):
                row, text = next((row, value) for row, value in enumerate(column) if value is not None)
                advice = f"{COMMA_ADVICE}, or use --classification" * is_number_with_comma(text)
                raise ValueError(
                    f"{what}: expected numbers; received {text!r:.60} in row {row}; "
                    + (advice or "--classification takes text")
                )
            if not np.isfinite(column).all():
                raise ValueError(
                    f"{what}: expected finite numbers; received inf in row {np.argmin(np.isfinite(column))}"
                )
            return column
        places = {str(name) if isinstance(column, list) else name: place for place, name in enumerate(self.classes)}
        values = column if isinstance(column, list) else column.tolist()
        for row, value in enumerate(values):
            if value not in places:
                shown = ", ".join(map(str, self.classes))
                raise ValueError(
                    f"{what}: expected one of the classes {shown:.200}; received {value!r:.60} in row {row}"
                )
        return np.array([places[value] for value in values], np.int64)


@dataclass(frozen=True)
class Data:
    """Rows to learn from or to score: the inputs by name, the target as it stands, the weights or None."""

    inputs: RawTable
    target: Column
    weights: Array | None
    path: str

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.target)

    def take(self, rows: Array) -> "Data":
        """Return some of the rows, by their numbers."""
        target = raw_table.rows_of({"": self.target}, rows)[""]
        weights = None if self.weights is None else self.weights[rows]
        return Data(raw_table.rows_of(self.inputs, rows), target, weights, self.path)


def read(options: argparse.Namespace, path: str, like: Data | None = None) -> Data:
    """Return the rows of a table. like: others whose columns are to be read, as they are text or numbers there.

    Raises ValueError for columns that do not exist, and for rows without a target.
    """
    with inputs.open_table(options, path) as table:
        target, weights = inputs.special(options, table)
        assert target is not None
        wanted = _inputs(options, table, {target, weights}, None if like is None else list(like.inputs))
        special = [target] if weights is None else [target, weights]
        titles = raw_table.names_of(table)
        target_name = titles[target]
        known = {} if like is None else {**like.inputs, target_name: like.target}
        texts = [name for name, column in known.items() if isinstance(column, list)]
        raw = raw_table.read(table, [*wanted, *special], texts)
    if table.counts or (options.header is None and table.names is None and _begins_with_a_new_word(raw)):
        why = "its fields are numbers" if table.counts else "one of its fields is a number"
        print(f"fastnn: note: {printable(f'{table.path}: {inputs.FIRST_ROW.format(why)}')}", file=sys.stderr)
    column = raw.pop(target_name)
    if not len(column):
        raise ValueError(f"{table.path}: expected rows below the names of the columns; received none")
    if (missing := gaps(column)).any():
        raise ValueError(
            f"{table.path}: expected a value of the target {target_name!r} in every row; received a gap, nothing or "
            f"a word such as NA or none, in {missing.sum()} of {len(missing)} rows, the first is row "
            f"{np.argmax(missing)}, counted from 0; leave such rows out, or write another word"
        )
    given = None if weights is None else checked_weights(raw.pop(titles[weights]), table.path, 0)
    if given is not None and not given.any():
        raise ValueError(f"{table.path}: expected --weights above 0; received 0 in all rows")
    return Data(raw, column, given, table.path)


def _begins_with_a_new_word(raw: RawTable) -> bool:
    """Return whether the first row has text, in some column, that no other row has there, as names of columns are."""
    texts = (column for column in raw.values() if isinstance(column, list))
    return any(len(column) > 1 and column[0] is not None and column[0] not in column[1:] for column in texts)


def _inputs(options: argparse.Namespace, table: Table, out: set[int | None], names: Sequence[str] | None) -> list[int]:
    titles = raw_table.names_of(table)
    if names is not None:
        found = {title: i for i, title in enumerate(titles)}
        for name in names:
            if name not in found:
                said = f"expected a column {name!r}, as in the rows to train on; received none"
                raise ValueError(f"{table.path}: {said}{did_you_mean(name, titles)}")
        return [found[name] for name in names]
    if options.columns is not None:
        wanted = inputs.columns(options, table)
        if both := [titles[i] for i in wanted if i in out]:
            raise ValueError(f"{table.path}: expected --columns without --target and --weights; received {both[0]!r}")
    else:
        dropped = inputs.dropped(options, table)
        wanted = [i for i in range(table.columns) if i not in out and i not in dropped]
    if not wanted:
        raise ValueError(f"{table.path}: expected columns to learn from besides --target; received none")
    used = [titles[i] for i in {*wanted, *(out - {None})} if i is not None]
    for i in wanted:
        if not titles[i]:
            raise ValueError(
                f"{table.path}: expected a name of each column; received none of column {i}; --drop {i} leaves it out"
            )
        if used.count(titles[i]) > 1 or wanted.count(i) > 1:
            raise ValueError(
                f"{table.path}: expected one column {titles[i]!r}; received several; --drop leaves one out"
            )
    return wanted


def types_of(text: str | None, data: Data) -> dict[str, str]:
    """Return --types as {name: "number" or "category"}. Raises ValueError for columns that are none of these.

    >>> types_of("a=category", Data({"a": np.array([1.0])}, ["x"], None, "rows.csv"))
    {'a': 'category'}
    """
    types = {}
    for part in (text or "").split(",") if text else ():
        name, _, kind = part.rpartition("=")
        if name not in data.inputs:
            names = ", ".join(map(repr, data.inputs))
            said = f"expected --types NAME=number,NAME=category with inputs, {names:.300}; received {part!r:.60}"
            raise ValueError(f"{said}{did_you_mean(name, data.inputs)}")
        if kind not in _TYPES:
            raise ValueError(f"expected number or category as the type of {name!r}; received {kind!r:.60}")
        column = data.inputs[name]
        if kind == "number" and isinstance(column, list):
            texts = ((row, value) for row, value in enumerate(column) if value is not None)
            row, value = next((row, value) for row, value in texts if not is_number(value))
            raise ValueError(
                f"{data.path}: expected numbers in column {name!r}, by --types; received {value!r:.60} in row {row}"
            )
        types[name] = kind
    return types


def kind_of(target: Column, is_class: bool | None, path: str) -> Kind:
    """Return what a target is: classes if it is text, or whole numbers with at most 20 values; else numbers.

    is_class: what the user says, or None. Raises ValueError for a target that is the same in all rows.

    >>> kind_of(np.array([3.0, 5.0, 3.0]), None, "rows.csv")
    Kind(is_class=True, classes=[3, 5], why='2 whole numbers')
    >>> kind_of(np.array([3.0, 5.5]), None, "rows.csv")
    Kind(is_class=False, classes=[], why='numbers that are not whole')
    """
    values: list[Any] = sorted(set(target)) if isinstance(target, list) else np.unique(target).tolist()
    if len(values) < 2:
        raise ValueError(f"{path}: expected a target of several values; received {values[0]!r:.60} in all rows")
    if is_class is None and isinstance(target, list):
        _refuse_numbers(values, path)
    are_whole = not isinstance(target, list) and all(value % 1 == 0 for value in values)
    if isinstance(target, list):
        why = "text"
    elif are_whole:
        why = f"{len(values)} whole numbers"
    else:
        why = "numbers that are not whole"
    if is_class is None:
        is_class = isinstance(target, list) or (are_whole and len(values) <= MOST_CLASSES)
    else:
        why = "--classification" if is_class else "--regression"
    classes = [int(value) for value in values] if are_whole else values
    return Kind(is_class, classes if is_class else [], why)


def _refuse_numbers(values: list[str], path: str) -> None:
    """Raise ValueError for a target of text that looks like amounts with decimal commas, or with a few words."""
    comma = next(filter(is_number_with_comma, values), None)
    word = next((value for value in values if not is_number(value) and not is_number_with_comma(value)), None)
    expected = f"{path}: expected the target to be numbers, or names of classes"
    if word is None:
        said = f"received numbers with commas, such as {comma!r:.60}"
        raise ValueError(f"{expected}; {said}; {COMMA_ADVICE}, or use --classification")
    if sum(map(is_number, values)) > MOST_CLASSES:
        said = f"received {word!r:.60} among numbers"
        raise ValueError(f"{expected}; {said}; leave such rows out, or use --classification")


def split(y: Array, kind: Kind, seed: int, *, in_time: bool, path: str) -> tuple[Array, Array]:
    """Return the numbers of the rows to train on, and of those held out, a fifth.

    in_time: whether these are the last rows. Otherwise they are drawn; of each class there is a fifth.
    Raises ValueError for fewer than 5 rows, and for a class that the rows to train on would lack.

    >>> split(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), Kind(True, ["a", "b"], ""), 1, in_time=True, path="rows.csv")[1]
    array([8, 9])
    """
    rows = len(y)
    if rows < _HELD_OUT:
        raise ValueError(f"{path}: expected at least {_HELD_OUT} rows, since a fifth is held out; received {rows}")
    if kind.is_class:
        counts = np.bincount(y, minlength=len(kind.classes))
        if (counts < 2).any():
            rare = kind.classes[int(np.argmin(counts))]
            raise ValueError(
                f"{path}: expected at least 2 rows of each class; received 1 of {rare!r:.60}; leave the row out"
                + ("" if isinstance(rare, str) else ", or use --regression")
            )
    if in_time:
        order = np.arange(rows)
        is_held_out = order >= rows - rows // _HELD_OUT
    else:
        # Rows of one class stand together, so that of two rows at least one is left to train on.
        order = _core.permutation(rows, seed, 0)
        order = order[np.argsort(y[order], kind="stable")] if kind.is_class else order
        is_held_out = np.zeros(rows, bool)
        is_held_out[order[_HELD_OUT // 2 :: _HELD_OUT]] = True
    if kind.is_class and (lacking := set(range(len(kind.classes))) - set(y[~is_held_out].tolist())):
        name = kind.classes[min(lacking)]
        raise ValueError(
            f"{path}: expected rows of each class to train on; received {name!r:.60} in the last fifth alone"
        )
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def refuse_equal(table: RawTable, path: str) -> None:
    """Raise ValueError for a column without any value, and if all rows are equal."""
    for name, column in table.items():
        if gaps(column).all():
            raise ValueError(f"{path}: expected values in column {name!r}; received none; --drop leaves it out")
    if all(
        len({str(value) for value in (column if isinstance(column, list) else column.tolist())}) == 1
        for column in table.values()
    ):
        raise ValueError(f"{path}: expected rows that differ in the columns to learn from; received equal ones")


def described(table: RawTable, categories: Collection[str]) -> list[str]:
    """Return a line for each column: its name, its type, its range or its number of values, how many are missing.

    >>> described({"a": np.array([1.0, 3.5, np.nan]), "b": ["x", "y", "x"]}, ["b"])
    ['a  number, 1 to 3.5, 1 missing', 'b  category, 2 values']
    """
    lines, width = [], max(map(len, table))
    for name, column in table.items():
        missing = gaps(column)
        if name in categories:
            known = {str(value) for value, gap in zip(column, missing.tolist(), strict=True) if not gap}
            said = f"category, {len(known)} values"
        else:
            numbers = np.asarray(column, np.float64)
            said = f"number, {np.nanmin(numbers):g} to {np.nanmax(numbers):g}"
        lines.append(f"{name:{width}}  {said}" + (f", {missing.sum()} missing" if missing.any() else ""))
    return lines

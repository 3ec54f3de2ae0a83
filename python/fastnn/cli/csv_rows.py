"""Read rows of numbers from .csv text, in chunks. Columns are separated by commas, semicolons or tabs."""

import csv
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TextIO

import numpy as np

from fastnn.arrays import Array

Readers = Mapping[int, Callable[[str], float]]

# The beginnings of files that are no .csv, as text with surrogates for what is not UTF-8.
_OTHERS = (
    (("\udcff\udcfe", "\udcfe\udcff"), "UTF-16, which spreadsheets call Unicode text"),
    ("\udc93NUMPY", "a .npy file"),
    ("\x1f\udc8b", "a gzip file; decompress it first"),
    ("PK\x03\x04", "a zip archive, as .xlsx and .npz are"),
)

# A number in a country's own way, such as 1,5 or 1.234,50: no name of a column, and nothing to guess the value of.
_GROUPED = re.compile(r"\s*[-+]?[0-9][0-9., ']*\s*")


class CsvRows:
    """The rows of an open .csv file.

    `columns` is the number of columns and `names` their names or None. `counts` is whether the first line, taken as a
    row, could name columns: whole numbers that count up, as years do.
    path: the file's name for errors. header: whether the first line names the columns; None: if no field is a number.
    separator: what separates the columns; None: a comma, a semicolon or a tab, as the first two lines say.

    >>> import io
    >>> rows = CsvRows(io.StringIO("a;b\\n1;2\\n"), "rows.csv", None)
    >>> rows.names, [chunk.tolist() for chunk in rows.chunks(100, {})]
    (['a', 'b'], [[[1.0, 2.0]]])
    """

    def __init__(self, file: TextIO, path: str, header: bool | None, separator: str | None = None) -> None:
        self._path, self._is_guess = path, header is None
        self._booleans: dict[int, Callable[[str], float]] = {}  # readers of the columns with True or False so far
        first, second = file.readline(), file.readline()
        for beginning, kind in _OTHERS:
            if first.startswith(beginning):
                raise ValueError(f"{path}: expected .csv text in UTF-8; received {kind}")
        self._separator = _separator(first, second) if separator is None else separator
        try:
            fields = _fields(first, self._separator)
        except ValueError as error:
            raise ValueError(f"{path}, line 1: {error}") from error
        if not fields:
            what = "an empty first line" if first else "an empty file"
            raise ValueError(f"{path}: expected a line of fields; received {what}")
        if header is None:
            are_numbers = any(is_number(field) or is_boolean(field) or _GROUPED.fullmatch(field) for field in fields)
            header = not are_numbers and any(field.strip() for field in fields)
        self.columns = len(fields)
        self.names = [field.strip() for field in fields] if header else None
        self.counts = not header and self._is_guess and first != second and _counts_up(fields)
        read = [second] if header else [first, second]
        self._lines = itertools.chain([line for line in read if line], file)

    def chunks(self, rows: int, readers: Readers) -> Iterator[Array]:
        """Yield arrays of at most so many rows.

        readers: by column, a function of a field that returns its number, where it is not the number itself.
        """
        line_number = 1 if self.names is None else 2
        while chunk := list(itertools.islice(self._lines, rows)):
            lines = [line for line in chunk if not self._is_blank(line)]
            if lines:
                yield self._parse(lines, chunk, line_number, readers)
            line_number += len(chunk)

    def fields(self, rows: int) -> Iterator[list[list[str]]]:
        """Yield lists of at most so many rows, each a list of its fields as they stand, which may be any text.

        Raises ValueError for a row of another length than the first line, and for a quote that is not closed.

        >>> import io
        >>> list(CsvRows(io.StringIO("a,b\\nx,1\\n,2\\n"), "rows.csv", None).fields(100))
        [[['x', '1'], ['', '2']]]
        """
        line, is_at_end = "", False

        def lines() -> Iterator[str]:
            nonlocal line, is_at_end
            for each in self._lines:
                line = each
                yield each
            is_at_end = True

        reader = csv.reader(lines(), delimiter=self._separator)
        before = 0 if self.names is None else 1  # lines
        chunk: list[list[str]] = []
        while True:
            first = reader.line_num + 1  # a quoted field may have several lines
            try:
                fields = next(reader, None)
            except csv.Error as error:
                advice = ": perhaps a quote is not closed" if "field limit" in str(error) else ""
                raise ValueError(f"{self._path}, line {before + first}: {error}{advice}") from error
            if fields is None:
                break
            if is_at_end:  # the reader has asked for another line
                raise ValueError(
                    f"{self._path}, line {before + first}: expected a closing quote; received the end of the file"
                )
            if reader.line_num == first and self._is_blank(line):
                continue
            if len(fields) != self.columns:
                said = f"expected {self.columns} columns, as in the first line; received {len(fields)}"
                raise ValueError(f"{self._path}, line {before + first}: {said}")
            chunk.append(fields)
            if len(chunk) == rows:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _is_blank(self, line: str) -> bool:
        return line.isspace() and self._separator not in line

    def _parse(self, lines: list[str], chunk: list[str], line_number: int, readers: Readers) -> Array:
        array = self._array(lines, readers)
        if array is None and self._has_more_booleans(lines):
            array = self._array(lines, readers)
        if array is None or array.shape != (len(lines), self.columns):
            raise ValueError(f"{self._path}{self._fault(chunk, line_number, readers)}")
        return array

    def _array(self, lines: list[str], readers: Readers) -> Array | None:
        """Return the numbers of the lines, None if NumPy cannot read them."""
        converters: Any = {**self._booleans, **readers} or None
        with suppress(ValueError):
            return np.loadtxt(
                lines,
                delimiter=self._separator,
                quotechar='"',
                comments=None,
                converters=converters,
                encoding=None,
                ndmin=2,
            )
        return None

    def _has_more_booleans(self, lines: list[str]) -> bool:
        """Find the columns with True or False; whether there are more than before. NumPy does not read these words."""
        found = len(self._booleans)
        with suppress(csv.Error):
            for fields in csv.reader(lines, delimiter=self._separator):
                self._booleans |= {i: number_of for i, field in enumerate(fields[: self.columns]) if is_boolean(field)}
        return len(self._booleans) > found

    def _fault(self, chunk: list[str], line_number: int, readers: Readers) -> str:
        """Return the end of the error message for a chunk that NumPy could not read."""
        for number, line in enumerate(chunk, line_number):
            try:
                fields = _fields(line, self._separator)
            except ValueError as error:
                return f", line {number}: {error}"
            if line.count('"') % 2 == 1:
                return f", line {number}: expected a closing quote; received the end of the line"
            if not self._is_blank(line) and len(fields) != self.columns:
                return f", line {number}: expected {self.columns} columns, as in the first line; received {len(fields)}"
            for index, field in enumerate(fields):
                try:
                    readers.get(index, number_of)(field)
                except ValueError as error:
                    name = index if self.names is None else repr(self.names[index])
                    advice = " (if this line names the columns, use --header)" * (number == 1 and self._is_guess)
                    return f", line {number}, column {name}: {error}{advice}"
        return f": expected rows of {self.columns} numbers from line {line_number} on; received unreadable lines"


def _separator(first: str, second: str) -> str:
    """Return what separates the columns of two lines. If the first line has several, the second line decides."""
    widths = {each: _width(first, each) for each in ("\t", ";", ",")}
    found = [each for each, width in widths.items() if width > 1]
    return next((each for each in found if _width(second, each) == widths[each]), (found or [","])[0])


def _width(line: str, separator: str) -> int:
    with suppress(ValueError):
        return len(_fields(line, separator))
    return 0


def _fields(line: str, separator: str) -> list[str]:
    """Split a line into fields. A csv.Error, which says little, becomes a ValueError."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        raise ValueError(f"expected rows of numbers, separated by {separator!r}; {error}") from error


def _counts_up(fields: list[str]) -> bool:
    numbers = [int(field) if re.fullmatch("[0-9]{1,9}", field.strip()) else -1 for field in fields]
    return len(numbers) > 1 and numbers[0] >= 0 and all(a < b for a, b in itertools.pairwise(numbers))


_BOOLEANS = {"true": 1.0, "false": 0.0}
_ADVICE = dict.fromkeys(("", "na", "null", "none"), "; write nan for a missing value")


def is_boolean(field: str) -> bool:
    """Return whether the text is True or False, in any case of letters.

    >>> is_boolean(" TRUE"), is_boolean("1")
    (True, False)
    """
    return field.strip().lower() in _BOOLEANS


def is_number(field: str) -> bool:
    """Return whether the text is a number.

    >>> is_number(" 1e3"), is_number("1_000")
    (True, False)
    """
    with suppress(ValueError):
        float(field)
        return "_" not in field  # float() accepts 1_000, numpy.loadtxt does not
    return False


def number_of(field: str) -> float:
    """Return the number that the text is, as numpy.loadtxt reads it, 1 for True and 0 for False.

    Raises ValueError for other text.

    >>> number_of("1,5")
    Traceback (most recent call last):
    ValueError: expected a number; received '1,5'; write decimals with a point, and digits without groups
    """
    if is_number(field) and field.strip().isascii():  # float() also reads digits of other scripts
        return float(field)
    if is_boolean(field):
        return _BOOLEANS[field.strip().lower()]
    advice = "; write decimals with a point, and digits without groups" if _GROUPED.fullmatch(field) else ""
    advice = _ADVICE.get(field.strip().lower(), advice)
    raise ValueError(f"expected a number; received {field!r}{advice}")

"""Read and write tables in chunks of rows: .csv (csv_rows.py), .npy, and Parquet and Arrow files (arrow_files.py).

A file may be larger than the memory. An output file appears whole or not at all.
"""

import csv
import io
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from fastnn.arrays import Array
from fastnn.cli import arrow_files
from fastnn.cli.arrow_files import ArrowRows, ArrowWriter, Column
from fastnn.cli.csv_rows import CsvRows, Readers
from fastnn.files import WholeFile, open_regular
from fastnn.text import did_you_mean

# 8 MiB of float64: large enough to hide the cost of a chunk, small enough for the caches to help.
_NUMBERS_PER_CHUNK = 2**20

# Version 3.0 is for names of columns in other encodings, which arrays of numbers do not have.
_NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

_STDIN = "standard input"  # in errors; a file of this name has no suffix


class Table:
    """A table in a file, or .csv on standard input for "-". Use it in a `with` block, which closes the file.

    `columns` is the number of columns and `names` their names or None. `rows` is the number of rows, None if unknown.
    `counts` is whether a first line of .csv that is taken as a row may have been meant to name the columns.
    header: whether the first line of a .csv file names the columns; None: if none of its fields is a number.
    separator: of the columns of a .csv file; None: a comma, a semicolon or a tab, as its first lines say.

    >>> np.savetxt("rows.csv", [[1, 2], [3, 4], [5, 6]], delimiter=",")
    >>> with Table("rows.csv") as table:
    ...     [chunk.shape for chunk in table.chunks()]
    [(3, 2)]
    """

    def __init__(self, path: str, header: bool | None = None, separator: str | None = None) -> None:
        self.path = _STDIN if path == "-" else path
        self._header, self._separator = header, separator
        self.names: list[str] | None = None
        self.rows: int | None = None
        self.counts = False
        self._chunks: Callable[[Readers], Iterator[Array]]
        self._raw: Callable[[Sequence[int]], Iterator[list[Column]]]
        self._on_close = ExitStack()
        suffix = ".csv" if path == "-" else Path(path).suffix
        readers: dict[str, Callable[[], int]] = {".csv": self._open_csv, ".tsv": self._open_csv, ".npy": self._open_npy}
        readers |= dict.fromkeys(arrow_files.SUFFIXES, self._open_arrow)
        reader = readers.get(suffix.lower())
        if reader is None:
            raise ValueError(
                f"{path}: expected a file that ends in {_either(readers)}; received {suffix or 'no'} suffix"
            )
        self.columns = reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._on_close.close()

    def chunks(self, readers: Readers = MappingProxyType({})) -> Iterator[Array]:
        """Yield the rows in order, as arrays of shape (rows of the chunk, columns).

        readers: by column, the function that makes a number of a field of .csv, where the field is not the number.
        """
        return self._chunks(readers)

    def raw_chunks(self, wanted: Sequence[int]) -> Iterator[list[Column]]:
        """Yield the wanted columns of some rows at a time, as they stand.

        A column is a float64 array, or a list of text with None for a missing one; those of .csv are always text.
        """
        return self._raw(wanted)

    def column(self, wanted: str, option: str) -> int:
        """Return the index of a column from its name, or its number from 0 (negative: from the end).

        option: of the command line, for errors.
        """
        if self.names is not None and wanted in self.names:
            if (count := self.names.count(wanted)) > 1:
                raise ValueError(
                    f"{self.path}: expected one column {wanted!r}; received {count} with this name; give its number"
                )
            return self.names.index(wanted)
        with suppress(ValueError):
            if -self.columns <= (number := int(wanted)) < self.columns:
                return number % self.columns
        valid = f"a number from {-self.columns} to {self.columns - 1}"
        advice = "" if self.rows is not None or self.names is not None else "; for names in the first line use --header"
        if self.names is not None:
            valid = f"one of {', '.join(map(repr, self.names[-8:]))} (the last of the header), or {valid}"
            advice = did_you_mean(wanted, self.names)
            if self.columns == 1 and wanted in self.names[0]:
                advice = "; --separator says what separates the columns, if no comma, semicolon or tab does"
        raise ValueError(f"{self.path}: expected {option} to be {valid}; received {wanted!r}{advice}")

    def _open_npy(self) -> int:
        array = load_npy(self.path)
        if array.ndim != 2 or array.dtype.kind not in "biuf":
            received = f"received {array.ndim} dimensions of {array.dtype}"
            raise ValueError(f"{self.path}: expected a 2-D array of numbers; {received}")
        self.rows = array.shape[0]
        step = max(1, _NUMBERS_PER_CHUNK // max(1, array.shape[1]))
        self._chunks = lambda _: (array[i : i + step] for i in range(0, array.shape[0], step))
        self._raw = lambda wanted: ([part[:, i].astype(np.float64) for i in wanted] for part in self._chunks({}))
        return int(array.shape[1])

    def _open_arrow(self) -> int:
        file = open_regular(self.path)
        self._on_close.push(file)
        try:
            rows = ArrowRows(file, self.path, Path(self.path).suffix.lower())
        except (ValueError, ImportError):
            file.close()
            raise
        self.names, self.rows = rows.names, rows.rows
        step = max(1, _NUMBERS_PER_CHUNK // max(1, rows.columns))
        self._chunks = lambda readers: rows.chunks(step, readers)
        self._raw = lambda wanted: rows.raw(step, wanted)
        return rows.columns

    def _open_csv(self) -> int:
        # Opening a FIFO waits for its writer.
        content = _stdin() if self.path == _STDIN else open_regular(self.path, or_fifo=True)
        file = io.TextIOWrapper(content, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._on_close.push(file)
        try:
            rows = CsvRows(file, self.path, self._header, self._separator)
        except ValueError:
            file.close()
            raise
        self.names, self.counts = rows.names, rows.counts
        step = max(1, _NUMBERS_PER_CHUNK // rows.columns)
        self._chunks = lambda readers: rows.chunks(step, readers)
        self._raw = lambda wanted: ([[row[i] for row in chunk] for i in wanted] for chunk in rows.fields(step))
        return rows.columns


def _either(suffixes: Iterable[str]) -> str:
    *first, last = suffixes
    return f"{', '.join(first)} or {last}"


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise ValueError("standard input is closed; expected rows of a .csv file on it")
    return open(0, "rb", closefd=False)  # the descriptor stays open when the table is closed


def load_npy(path: str) -> Array:
    """Return the array of a .npy file, memory-mapped: its numbers are read when they are used.

    Raises ValueError for anything but a .npy file of numbers.

    >>> np.save("rows.npy", [[1.0, 2.0]])
    >>> load_npy("rows.npy").shape
    (1, 2)
    """
    with open_regular(path) as file:
        try:
            with warnings.catch_warnings():  # NumPy warns of shapes that overflow; the error below says it
                warnings.simplefilter("ignore")
                return _mapped(file)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path}: expected a NumPy .npy file of numbers; {error!s:.200}") from error


def _mapped(file: BinaryIO) -> Array:
    """Return the array of an open file, as np.load(mmap_mode="r") does, which takes a path only."""
    if file.read(2) == b"PK":
        raise ValueError("it is an .npz")
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _NPY_HEADERS:
        raise ValueError(f"its format is of version {version}")
    try:
        shape, is_fortran, dtype = _NPY_HEADERS[version](file)
    except (OSError, ValueError):
        raise
    except Exception as error:  # the header is a Python expression, and its parser raises many kinds of exceptions
        raise ValueError(f"its header cannot be read: {str(error) or type(error).__name__}") from error
    begin, size = file.tell(), os.fstat(file.fileno()).st_size
    if dtype.hasobject:
        raise ValueError("it holds Python's objects")
    valid = all(type(each) is int and 0 <= each <= sys.maxsize for each in shape)  # isinstance would accept bool
    if not valid or begin + math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"its header says {shape} of {dtype}, and the file has {size} bytes")
    return np.memmap(file, dtype, "r", begin, shape, "F" if is_fortran else "C")


def writer(path: str, names: Sequence[str], dtype: npt.DTypeLike) -> "Writer | ArrowWriter":
    """Return what writes rows to this file, by its suffix. names: of the columns, which .csv and .npy leave out.

    >>> with writer("out.csv", ["p"], "float32") as file:
    ...     file.write(np.ones((2, 1), "float32"))
    >>> Path("out.csv").read_text()
    '1.0\\n1.0\\n'
    """
    suffix = Path(path).suffix.lower()
    if suffix in arrow_files.SUFFIXES:
        return ArrowWriter(path, names, dtype, suffix)
    if suffix not in (".csv", ".npy"):
        known = _either((".csv", ".npy", *arrow_files.SUFFIXES))
        raise ValueError(f"{path}: expected an output file that ends in {known}; received {suffix or 'no'} suffix")
    return Writer(path, len(names), dtype)


class Writer:
    """Writes rows of numbers to a .csv or .npy file, which appears whole at the end of the `with` block or not at all.

    >>> with Writer("out.npy", columns=2, dtype="float32") as writer:
    ...     writer.write(np.ones((3, 2), "float32"))
    >>> np.load("out.npy").shape
    (3, 2)
    """

    def __init__(self, path: str, columns: int, dtype: npt.DTypeLike) -> None:
        self._npy = Path(path).suffix.lower() == ".npy"
        self._columns, self._dtype, self._rows = columns, np.dtype(dtype), 0
        if self._npy and self._dtype.hasobject:
            said = "expected classes of one type and at most 256 characters; received others; write a .csv file"
            raise ValueError(f"{path}: {said}")
        self._file = WholeFile(path)
        self._write_header()

    def _write_header(self) -> None:
        if self._npy:  # NumPy's header has room for a larger number of rows, which is written at the end
            shape = (self._rows, self._columns)
            header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)

    def write(self, rows: Array) -> None:
        """Append rows."""
        self._rows += len(rows)
        self._file.write(np.ascontiguousarray(rows).tobytes() if self._npy else csv_text(rows).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is not None:
                raise error  # so that WholeFile discards the file
            self._file.rewind()
            self._write_header()


def csv_text(rows: Array) -> str:
    """Return rows of numbers or classes as lines of .csv. Each number is the shortest text that reads back as the same.

    >>> csv_text(np.array([[0.1, 2]], "float32"))
    '0.1,2.0\\n'
    """
    if rows.dtype.kind in "UO":
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows.tolist())
        return lines.getvalue()
    return "".join(",".join(row) + "\n" for row in rows.astype(str).tolist())

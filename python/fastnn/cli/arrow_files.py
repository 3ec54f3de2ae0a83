"""Read and write Parquet, Feather and Arrow files batch by batch, by the optional package pyarrow."""

import importlib
import io
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from fastnn.arrays import Array
from fastnn.cli.csv_rows import Readers
from fastnn.files import WholeFile

SUFFIXES = (".parquet", ".feather", ".arrow")

Column = (
    list[str | None] | Array
)  # of a raw table: text, None where it is missing; or numbers, NaN where one is missing


def package(path: str) -> Any:
    """Return the package pyarrow. Raises ImportError, with how to install it, if it is missing.

    >>> import pyarrow
    >>> package("rows.parquet") is pyarrow
    True
    """
    try:
        for module in ("pyarrow.parquet", "pyarrow.ipc"):
            importlib.import_module(module)
        return importlib.import_module("pyarrow")
    except ImportError:
        raise ImportError(f"{path}: reading and writing such files needs pyarrow: pip install pyarrow") from None


class ArrowRows:
    """The rows of an open file of Parquet or of Arrow's formats (file, stream, Feather version 2).

    `columns` is the number of columns, `names` their names, `rows` the number of rows or None. Raises ImportError
    without pyarrow, ValueError for other files.
    """

    def __init__(self, file: BinaryIO, path: str, suffix: str) -> None:
        self._pyarrow, self._path = package(path), path
        kind, opened = ("Parquet", self._parquet) if suffix == ".parquet" else ("Arrow", self._arrow)
        self.rows: int | None = None
        self._batches: Callable[[int], Iterator[Any]]
        try:
            schema = opened(file)
        except (self._pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{path}: expected a file of {kind}; {_said(error)}") from error
        self.names: list[str] = list(schema.names)
        self.columns = len(self.names)

    def _parquet(self, file: BinaryIO) -> Any:
        content = self._pyarrow.parquet.ParquetFile(file)
        self.rows = content.metadata.num_rows
        self._batches = lambda rows: content.iter_batches(batch_size=rows)
        return content.schema_arrow

    def _arrow(self, file: BinaryIO) -> Any:
        try:
            content = self._pyarrow.ipc.open_file(file)
        except self._pyarrow.ArrowInvalid:
            file.seek(0)
            stream = self._pyarrow.ipc.open_stream(file)
            self._batches = lambda rows: (part for batch in stream for part in _parts(batch, rows))
            return stream.schema
        numbers = range(content.num_record_batches)
        self._batches = lambda rows: (part for i in numbers for part in _parts(content.get_batch(i), rows))
        return content.schema

    def chunks(self, rows: int, readers: Readers) -> Iterator[Array]:
        """Yield arrays (rows, columns) of at most so many rows; a missing number is NaN.

        readers: by column, the function that makes a number of a text.
        """
        for first, batch in self._read(rows):
            columns = [self._numbers(batch.column(i), i, first, readers.get(i)) for i in range(self.columns)]
            yield np.stack(columns, axis=1) if columns else np.empty((batch.num_rows, 0))

    def raw(self, rows: int, wanted: Sequence[int]) -> Iterator[list[Column]]:
        """Yield the wanted columns of at most so many rows, as numbers or text."""
        for _, batch in self._read(rows):
            yield [self._raw(batch.column(i), i) for i in wanted]

    def _read(self, rows: int) -> Iterator[tuple[int, Any]]:
        """Yield the number of the first row of each batch, and the batch."""
        first = 0
        try:
            for batch in self._batches(rows):
                yield first, batch
                first += batch.num_rows
        except (self._pyarrow.ArrowException, OSError) as error:
            raise ValueError(
                f"{self._path}: expected rows that can be read after row {first}; {_said(error)}"
            ) from error

    def _numbers(self, column: Any, index: int, first: int, reader: Callable[[str], float] | None) -> Array:
        values: list[Any] | Array = self._plain(column)
        if not isinstance(values, list):
            return values
        if reader is None:
            name, has = self.names[index], "text" if _is_text(self._pyarrow.types, column.type) else str(column.type)
            raise ValueError(f"{self._path}: expected numbers in column {name!r}; received {has}")
        numbers = np.empty(len(values))
        for row, value in enumerate(values):
            try:
                numbers[row] = reader("" if value is None else str(value))
            except ValueError as error:
                where = f"{self._path}, row {first + row}, column {self.names[index]!r}"
                raise ValueError(f"{where}: {error}") from error
        return numbers

    def _raw(self, column: Any, index: int) -> Column:
        values: Column = self._plain(column)
        if isinstance(values, list) and not _is_text(self._pyarrow.types, column.type):
            said = f"expected numbers or text in column {self.names[index]!r}; received {column.type}"
            raise ValueError(f"{self._path}: {said}; --drop leaves it out")
        return values

    def _plain(self, column: Any) -> Any:
        """Return float64 numbers, or the list of the values if they are no numbers."""
        types = self._pyarrow.types
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        kinds = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_null)
        if any(is_kind(column.type) for is_kind in kinds):
            if types.is_boolean(column.type):  # has no cast to float64
                column = column.cast(self._pyarrow.uint8())
            return column.cast(self._pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
        return column.to_pylist()


def _said(error: Exception) -> str:
    return f"pyarrow says: {' '.join(str(error).split()):.200}"


def _is_text(types: Any, kind: Any) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_string_view))


def _parts(batch: Any, rows: int) -> Iterator[Any]:
    return (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


class ArrowWriter:
    """Writes rows of numbers or classes to a Parquet or Arrow file, which appears whole at the end or not at all.

    names: of the columns. Raises ImportError without pyarrow; ValueError for classes of several types.
    """

    def __init__(self, path: str, names: Sequence[str], dtype: npt.DTypeLike, suffix: str) -> None:
        self._pyarrow, dtype = package(path), np.dtype(dtype)
        if dtype.hasobject:
            said = "expected classes of one type and at most 256 characters; received others; write a .csv file"
            raise ValueError(f"{path}: {said}")
        kind = self._pyarrow.string() if dtype.kind == "U" else self._pyarrow.from_numpy_dtype(dtype)
        self._schema = self._pyarrow.schema([(name, kind) for name in names])
        self._file = WholeFile(path)
        new = self._pyarrow.parquet.ParquetWriter if suffix == ".parquet" else self._pyarrow.ipc.new_file
        self._writer = new(_Sink(self._file), self._schema)

    def write(self, rows: Array) -> None:
        """Append rows."""
        columns = [self._pyarrow.array(rows[:, i], field.type) for i, field in enumerate(self._schema)]
        self._writer.write(self._pyarrow.record_batch(columns, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            self._writer.close()
            if error is not None:
                raise error  # so that WholeFile discards the file


class _Sink(io.RawIOBase):
    """A file object, as pyarrow writes to one, over a WholeFile."""

    def __init__(self, file: WholeFile) -> None:
        self._file, self._size = file, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._file.write(content)
        self._size += len(content)
        return len(content)

    def tell(self) -> int:
        return self._size

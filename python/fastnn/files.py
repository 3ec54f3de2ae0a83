"""Files, opened and written by the compiled core: reading never waits for a FIFO, writing is all or nothing."""

import os
from types import TracebackType
from typing import BinaryIO, Self

from fastnn import _core
from fastnn.text import printable


def open_regular(path: str, *, or_fifo: bool = False) -> BinaryIO:
    """Open a regular file to read its bytes. The `name` of the returned file is the path.

    or_fifo: whether to open a FIFO too; the call then waits until another process opens the FIFO to write.
    Raises ModelFormatError (a ValueError) for other kinds of file, ValueError for a path with a NUL byte, OSError.

    >>> with WholeFile("greeting.txt") as file:
    ...     file.write(b"hello")
    >>> with open_regular("greeting.txt") as file:
    ...     file.read()
    b'hello'
    """

    def opened(path: str, flags: int) -> int:
        return _core.open_to_read(os.fsencode(path), or_fifo)

    if "\0" in path:  # Python would say "embedded null byte"
        raise ValueError(f"path has a NUL byte: {printable(path):.100}")
    return open(path, "rb", opener=opened)


class WholeFile:
    """A file to write bytes to. It appears whole at the end of the `with` block, or not at all after an error.

    A crash at any moment leaves either the old file or the new one. The new file keeps the old one's permissions. If
    the path is a symbolic link, its target is replaced.
    Raises OSError, which names the path; also for a path that is not a regular file.

    >>> with WholeFile("numbers.txt") as file:
    ...     file.write(b"?, 2")
    ...     file.rewind()
    ...     file.write(b"1")
    >>> open_regular("numbers.txt").read()
    b'1, 2'
    """

    def __init__(self, path: str) -> None:
        self._file = _core.OutputFile(os.fsencode(path))

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)

    def rewind(self) -> None:
        """Let the next bytes overwrite the first."""
        self._file.rewind()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._file.commit()
        finally:
            self._file.abandon()

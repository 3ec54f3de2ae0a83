"""Files, as the compiled core opens and writes them: read without waiting for a FIFO, written whole or not at all."""

import os
from types import TracebackType
from typing import BinaryIO, Self

from fastnn import _core
from fastnn.text import printable


def open_regular(path: str, *, or_fifo: bool = False) -> BinaryIO:
    """Return the file, opened to read its bytes; its `name` is the path.

    or_fifo: whether a FIFO is opened too, and waited for until somebody opens it to write.
    Raises ModelFormatError (a ValueError) for other kinds of file, ValueError for a path with a NUL byte, OSError.
    """

    def opened(path: str, flags: int) -> int:
        return _core.open_to_read(os.fsencode(path), or_fifo)

    if "\0" in path:  # Python would say "embedded null byte"
        raise ValueError(f"path has a NUL byte: {printable(path):.100}")
    return open(path, "rb", opener=opened)


class WholeFile:
    """A file to write bytes to, which appears whole at the end of the `with` block, or not at all after an error.

    A symbolic link stays and its target is written; an old file's permissions are kept; a path that is no regular file
    is refused. A crash at any moment leaves either the old file or the new one. Errors name the path.
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

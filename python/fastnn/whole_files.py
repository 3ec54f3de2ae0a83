"""Files that are written whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from fastnn.regular_files import check_path, kind_of
from fastnn.summary import printable


class WholeFile:
    """A `file` to write bytes to, which appears whole at the end of the `with` block, or not at all after an error.

    As with Sequential.save, a symbolic link stays and its target is written, a file keeps its permissions, and what is
    no regular file is refused.
    """

    def __init__(self, path: str) -> None:
        check_path(path)
        self._name = path
        mode: int | None
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  # Path would drop a slash at the end
        except FileNotFoundError:
            mode = stat.S_IFDIR if path.endswith("/") else None
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if mode is not None and not stat.S_ISREG(mode):
            raise ValueError(f"{printable(path)}: is {kind_of(mode)}; expected a regular file to write, or none")
        self._path = Path(os.path.realpath(path))
        # A name that nobody else writes to, and short: the file's own may be as long as names may be.
        self._part = self._path.with_name(f".fastnn-{secrets.token_hex(8)}.tmp")
        with self.errors_name_it():
            self.file = self._part.open("xb")
            if mode is not None:
                self._part.chmod(stat.S_IMODE(mode))

    @contextmanager
    def errors_name_it(self) -> Iterator[None]:
        """Let the system's errors name the file, not the part of it that is written."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._name) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self.errors_name_it():
                self.file.close()
                if kind is None:
                    self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

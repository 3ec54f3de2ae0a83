"""Files that are written whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class WholeFile:
    """A `file` to write bytes to, which appears whole at the end of the `with` block, or not at all after an error.

    As with Sequential.save, a symbolic link stays and its target is written, a file keeps its permissions, and what is
    no regular file is refused.
    """

    def __init__(self, path: str) -> None:
        self._name = path
        self._path = Path(os.path.realpath(path))
        mode = stat.S_IMODE(self._path.stat().st_mode) if self._path.exists() else None
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if mode is not None and not self._path.is_file():
            raise ValueError(f"{path}: expected a regular file to write, or none")
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        with self.errors_name_it():
            self.file = self._part.open("wb")
            if mode is not None:
                self._part.chmod(mode)

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

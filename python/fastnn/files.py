"""Files: opened to read without waiting, written whole or not at all.

What a path names is decided on the open descriptor, as in cpp/io/file.cpp: between a look at the path and its opening,
a FIFO could take the file's place, and opening that waits for a writer.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fastnn._core import ModelFormatError
from fastnn.text import printable


def open_regular(path: str) -> BinaryIO:
    """Return the file, opened to read its bytes.

    Raises ModelFormatError (a ValueError) for a FIFO or a device, OSError for what the system says, of a folder and a
    socket too, ValueError for a path that is none.
    """
    check_path(path)
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    try:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ModelFormatError(f"{printable(path)}: is {kind_of(mode)}; expected a regular file")
    except BaseException:
        file.close()
        raise
    return file


def check_path(path: str) -> None:
    """Raise ValueError where Python would say "embedded null byte" alone."""
    if "\0" in path:
        raise ValueError(f"path has a NUL byte: {printable(path):.100}")


def kind_of(mode: int) -> str:
    """Return what a file of this mode is, if not a regular one."""
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "a special file"


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


class WholeFile:
    """A `file` to write bytes to, which appears whole at the end of the `with` block, or not at all after an error.

    As with Sequential.save, a symbolic link stays and its target is written, a file keeps its permissions, what is no
    regular file is refused, and a crash at any moment leaves either the old file or the new one.
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
        with self.errors_name_it():
            self._path = _resolved(path)
        # A name that nobody else writes to, and short: the file's own may be as long as names may be.
        self._part = self._path.with_name(f".fastnn-{secrets.token_hex(8)}.tmp")
        with self.errors_name_it():
            # What replaces a private file is never readable for others; a new one obeys the umask.
            self.file = open(self._part, "xb", opener=_new_file if mode is None else _private_file)  # noqa: SIM115
            try:
                if mode is not None:
                    os.fchmod(self.file.fileno(), mode & 0o777)
            except BaseException:
                self._remove()
                raise

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
            if kind is None:
                with self.errors_name_it():
                    self.file.flush()
                    _sync(self.file.fileno())
                    self.file.close()
                    self._part.replace(self._path)
        finally:
            self._remove()
        if kind is None:
            _sync_directory(self._path.parent)

    def _remove(self) -> None:
        with suppress(OSError):  # of what could not be written before
            self.file.close()
        self._part.unlink(missing_ok=True)


def _resolved(path: str) -> Path:
    """Return what links lead to, which may not be there yet; its folder must be, before a `..` takes it off again."""
    folder, name = os.path.split(path)
    resolved = Path(os.path.realpath(folder or ".", strict=True), name)
    if not resolved.is_symlink():
        return resolved
    return _resolved(os.path.join(resolved.parent, os.readlink(resolved)))  # noqa: PTH115, PTH118  # as it stands there


def _new_file(path: str, flags: int) -> int:
    return os.open(path, flags, 0o666)


def _private_file(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of file systems that have no fsync; the move is still atomic there
            raise


def _sync_directory(path: Path) -> None:
    """Put the new name on the disk. A failure is not reported: the file is complete and in place."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Opening a file to read it: never waits, and refuses what is no regular file.

What a path names is decided on the open descriptor, as in cpp/io/file.cpp: between a look at the path and its opening,
a FIFO could take the file's place, and opening that waits for a writer.
"""

import os
import stat
from typing import BinaryIO

from fastnn._core import ModelFormatError
from fastnn.summary import printable


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

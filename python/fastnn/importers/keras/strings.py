"""Strings in an HDF5 file, looked at before HDF5 itself does, which believes what a broken file says of them.

It allocates as many bytes as an attribute says its string has, up to 4 GiB, and loops for ever over a free space of no
size among the strings. Both stand in the file as they are, so they are found by their names wherever they stand.
"""

import re
import struct
from typing import BinaryIO

from fastnn._core import LimitError, ModelFormatError

# A heap of strings: signature, version; and the names of the attributes that Hdf5.text() is asked for.
_SOUGHT = re.compile(rb"GCOL\x01\x00\x00\x00|model_config\x00|keras_version\x00")
_LONGEST = 14
_PIECE = 1 << 20
_MOST = 100_000


def check_strings(file: BinaryIO, size: int, most_text: int) -> None:
    """Raise LimitError for an attribute's string of more than `most_text` bytes, ModelFormatError for a broken heap."""
    file.seek(0)
    start = file.read(16)
    if (start[13:15] if start[8] < 2 else start[9:11]) != b"\x08\x08":
        raise ModelFormatError("has places and lengths of other sizes than 8 bytes; expected a file as Keras writes it")
    left = _MOST
    for at, is_heap in _places(file, size):
        left -= _checked_heap(file, size, at, left) if is_heap else _checked_attribute(file, at, most_text)
        if left < 0:
            raise LimitError(f"has more than {_MOST} strings")


def _places(file: BinaryIO, size: int) -> list[tuple[int, bool]]:
    """Return where heaps and attributes' names stand; whether it is a heap."""
    found: dict[int, bool] = {}
    end = b""
    for start in range(0, size, _PIECE):
        file.seek(start)
        piece = end + file.read(_PIECE)
        for match in _SOUGHT.finditer(piece):
            found[start - len(end) + match.start()] = match[0].startswith(b"GCOL")
        if len(found) > _MOST:
            raise LimitError(f"has more than {_MOST} heaps of strings")
        end = piece[1 - _LONGEST :]
    return list(found.items())


def _checked_heap(file: BinaryIO, size: int, start: int, most: int) -> int:
    """Return how many objects a heap has; each has a number (0 is the free space), references and a size."""
    file.seek(start + 8)
    at, stop = start + 16, min(start + int.from_bytes(file.read(8), "little"), size)
    count = 0
    while at + 16 <= stop and count <= most:
        file.seek(at)
        number, _, _, length = struct.unpack("<HHLQ", file.read(16))
        if number == 0 and length < 16:  # the free space's includes this header
            raise ModelFormatError(f"has a heap of strings at byte {start} that is broken at byte {at}")
        at += length if number == 0 else 16 + (length + 7) // 8 * 8
        count += 1
    return count


def _checked_attribute(file: BinaryIO, at: int, most_text: int) -> int:
    """Return 1 for the attribute whose name stands there; its message is of one of three versions."""
    for version, before, unit in ((1, 8, 8), (2, 8, 1), (3, 9, 1)):
        file.seek(max(at - before, 0))
        head = file.read(8)
        if len(head) < 8 or head[0] != version:
            continue
        sizes = struct.unpack("<HHH", head[2:])
        name, kind, shape = (-(-each // unit) * unit for each in sizes)
        file.seek(at + name)
        content = file.read(kind + shape + 4)
        length = int.from_bytes(content[kind + shape :], "little")
        if content and content[0] & 15 == 9 and length > most_text:  # of variable length
            raise LimitError(f"has a string of {length} bytes at byte {at}; fastnn reads at most {most_text}")
    return 1

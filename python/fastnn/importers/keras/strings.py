"""Strings in an HDF5 file, checked before HDF5 reads them.

HDF5 allocates as many bytes as an attribute says its string has, up to 4 GiB. It loops for ever over a free space of
size 0 in a heap of strings. Both are found by their signatures, wherever in the file they are.
"""

import struct
from collections.abc import Iterator

from fastnn._core import LimitError, ModelFormatError

_HEAP = b"GCOL\x01\x00\x00\x00"  # signature and version
_ATTRIBUTES = (b"model_config\x00", b"keras_version\x00")  # which file.py reads
_MOST_OBJECTS = 100_000  # of all heaps, which may overlap in a hostile file


def check_strings(content: bytes, most_text: int) -> None:
    """Raise LimitError for an attribute's string of more than `most_text` bytes, ModelFormatError for a broken heap."""
    if (content[13:15] if content[8] < 2 else content[9:11]) != b"\x08\x08":
        raise ModelFormatError("has addresses and lengths of other sizes than 8 bytes; expected a file of Keras")
    for name in _ATTRIBUTES:
        for at in _places(content, name):
            _check_attribute(content, at, most_text)
    count = 0
    for start in _places(content, _HEAP):
        for _ in _heap_objects(content, start):
            count += 1
            if count > _MOST_OBJECTS:
                raise LimitError(f"has more than {_MOST_OBJECTS} strings")


def _places(content: bytes, sought: bytes) -> Iterator[int]:
    at = content.find(sought)
    while at >= 0:
        yield at
        at = content.find(sought, at + 1)


def _heap_objects(content: bytes, start: int) -> Iterator[int]:
    """Yield the position of each object; it has a number (0: the free space), a count of references and a size."""
    at, stop = start + 16, min(start + int.from_bytes(content[start + 8 : start + 16], "little"), len(content))
    while at + 16 <= stop:
        yield at
        number, _, _, length = struct.unpack_from("<HHLQ", content, at)
        if number == 0 and length < 16:  # the free space's includes this header
            raise ModelFormatError(f"has a heap of strings at byte {start} that is broken at byte {at}")
        at += length if number == 0 else 16 + (length + 7) // 8 * 8


def _check_attribute(content: bytes, at: int, most_text: int) -> None:
    """Check the attribute whose name is at this position; its message has one of three versions."""
    for version, before, unit in ((1, 8, 8), (2, 8, 1), (3, 9, 1)):
        if at >= before and content[at - before] == version:
            sizes = struct.unpack_from("<HHH", content, at - before + 2)
            name, kind, shape = (-(-each // unit) * unit for each in sizes)
            is_of_variable_length = content[at + name : at + name + 1] and content[at + name] & 15 == 9
            value = at + name + kind + shape
            length = int.from_bytes(content[value : value + 4], "little")
            if is_of_variable_length and length > most_text:
                raise LimitError(f"has a string of {length} bytes at byte {at}; fastnn reads at most {most_text}")

"""Tensors of ONNX as arrays; their numbers stand in the file itself, or in others of its folder ("external data").

The numbers are read here, and not by the onnx package: from no other folder, through no link, and nothing is allocated
before the file was seen to hold as much.
"""

import errno
import math
import os
import re
import stat
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError

Array = npt.NDArray[Any]

_TYPES = {  # TensorProto.DataType: dtype, the field its numbers are in unless they are in raw_data
    1: ("<f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"), 4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"), 6: ("<i4", "int32_data"), 7: ("<i8", "int64_data"), 9: ("?", "int32_data"),
    10: ("<f2", "int32_data"), 11: ("<f8", "double_data"), 12: ("<u4", "uint64_data"), 13: ("<u8", "uint64_data"),
    16: ("<u2", "int32_data"),
}  # fmt: skip
_STRING, _HALF, _BRAIN = 8, 10, 16
DTYPES = {number: np.dtype("<f4" if number == _BRAIN else dtype) for number, (dtype, _) in _TYPES.items()}
_FIELDS = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_MOST_DIMENSIONS = 64


class Folder:
    """The folder of a model's file, in which its other files are; None: it has no other files."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._read: dict[tuple[str, int, int], bytes] = {}
        self._left: dict[str, int] = {}

    def numbers(self, tensor: Any, what: str, needed: int) -> bytes:
        """Return the bytes of a tensor's numbers, `needed` of them."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        known = entries.keys() <= {"location", "offset", "length", "checksum"}
        if len(entries) != len(tensor.external_data) or not known:
            raise ModelFormatError(f"{what} has the external data {sorted(entries)!r:.100}, or something there twice")
        offset, length = (_size(entries.get(key), what, key) for key in ("offset", "length"))
        if length not in (None, needed):
            raise ModelFormatError(f"{what} has {length} bytes of external data; its shape and type need {needed}")
        key = (entries.get("location", ""), offset or 0, needed)
        if key not in self._read:  # exporters write equal tensors once
            self._read[key] = self._bytes(*key, what)
        return self._read[key]

    def _bytes(self, location: str, offset: int, length: int, what: str) -> bytes:
        parts = location.split("/")
        if "_ORT_MEM_ADDR_" in location:
            raise UnsupportedModelError(f"{what} is in the memory of a process that ran ONNX Runtime, not in a file")
        if self._path is None:
            raise ModelFormatError(f"{what} is in another file; expected a folder to find it in")
        if {"", ".", ".."} & set(parts) or re.search(r"[\\:#\0]", location):
            raise ModelFormatError(
                f"{what} is in the file {location!r:.100}; expected one in the folder of the model's file"
            )
        with _opened(self._path, parts) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise ModelFormatError(f"{what} is in {location!r:.100}, which is no regular file of one name")
            left = self._left.setdefault(location, status.st_size)
            if offset + length > status.st_size or length > left:
                raise ModelFormatError(
                    f"{what} is at bytes {offset} to {offset + length} of {location!r:.100}, which has "
                    f"{status.st_size}, of which others have {status.st_size - left}"
                )
            self._left[location] = left - length
            file.seek(offset)
            return file.read(length)


def _size(text: str | None, what: str, key: str) -> int | None:
    if text is not None and not re.fullmatch(r"[0-9]{1,18}", text):
        raise ModelFormatError(f"{what} has the {key} {text!r:.40}; expected a number of bytes")
    return None if text is None else int(text)


def _opened(folder: str, parts: list[str]) -> BinaryIO:
    """Return the file, opened part by part, no link being followed."""
    path, flags = folder or ".", os.O_RDONLY | os.O_CLOEXEC
    within = os.open(path, flags | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            path = os.path.join(path, part)  # noqa: PTH118
            following = os.open(part, flags | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=within)
            os.close(within)
            within = following
        path = os.path.join(path, parts[-1])  # noqa: PTH118
        # Nor does a FIFO make us wait.
        last = os.O_NOFOLLOW | os.O_NONBLOCK
        return open(parts[-1], "rb", opener=lambda name, mode: os.open(name, mode | last, dir_fd=within))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR):
            raise ModelFormatError(
                f"{path} holds numbers of the model; expected a regular file, reached through no link"
            ) from None
        raise OSError(error.errno, f"{error.strerror}, and numbers of the model", path) from None
    finally:
        os.close(within)


def array(tensor: Any, folder: Folder, what: str) -> Array | list[str]:
    """Return a TensorProto as an array, bfloat16 as float32; strings as a list.

    what: it is, for errors. ModelFormatError where it contradicts itself.
    """
    shape = tuple(tensor.dims)
    if len(shape) > _MOST_DIMENSIONS or any(size < 1 for size in shape):
        raise ModelFormatError(f"{what} has the shape {shape!s:.60}; expected sizes of at least 1")
    number = tensor.data_type
    if number not in _TYPES and number != _STRING:
        raise UnsupportedModelError(f"{what} has the data type {number}; expected float32, float64 or another of NumPy")
    dtype, field = ("", "string_data") if number == _STRING else _TYPES[number]
    if tensor.HasField("segment"):
        raise UnsupportedModelError(f"{what} is a segment of a tensor; expected a whole one")
    present = [name for name in _FIELDS if len(getattr(tensor, name))]
    count = math.prod(shape)
    if tensor.data_location == 1 or len(tensor.external_data):
        if present or number == _STRING or tensor.data_location != 1:
            raise ModelFormatError(f"{what} has numbers both in the file and outside")
        data: Any = folder.numbers(tensor, what, count * np.dtype(dtype).itemsize)
    elif present not in ([field], ["raw_data"]) or (number == _STRING and present != [field]):
        raise ModelFormatError(f"{what} has its numbers in {' and '.join(present) or 'no field'}; expected {field}")
    else:
        data = getattr(tensor, present[0])
        if len(data) != count * (np.dtype(dtype).itemsize if present == ["raw_data"] else 1):
            raise ModelFormatError(f"{what} has {len(data)} bytes or numbers; its shape is {shape!s:.60}")
    if number == _STRING:
        return _strings(data, what)
    numbers = np.frombuffer(data, dtype) if isinstance(data, bytes) else _listed(data, dtype, number, what)
    if number == _BRAIN:  # the upper half of a float32
        numbers = (numbers.astype("<u4") << 16).view("<f4")
    return numbers.reshape(shape)


def _listed(data: Any, dtype: str, number: int, what: str) -> Array:
    """Return the numbers of a list of them, that of int32_data having the bits of smaller ones."""
    if np.dtype(dtype).kind == "f" and number != _HALF:
        return np.fromiter(data, dtype, len(data))
    narrow = np.dtype("<u2" if number == _HALF else dtype)
    wide = np.fromiter(data, "<u8" if narrow == np.dtype("<u8") else "<i8", len(data))
    numbers = wide.astype(narrow)
    if (numbers != wide).any():
        raise ModelFormatError(f"{what} has numbers that {np.dtype(dtype)} cannot hold")
    return numbers.view(dtype) if number == _HALF else numbers


def _strings(data: Any, what: str) -> list[str]:
    try:
        return [text.decode() for text in data]
    except UnicodeDecodeError:
        raise ModelFormatError(f"{what} has strings that are not UTF-8") from None

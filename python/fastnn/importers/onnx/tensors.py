"""Tensors of ONNX as arrays. Their numbers are in the model's file, or in other files of its folder ("external data").

The onnx package converts them, and opens external files inside the folder alone and through no link. What it does not
check is checked here: contradictions, and how much of a file is read.
"""

import errno
import importlib
import itertools
import math
import os
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError

Array = npt.NDArray[Any]
Value = Array | list[str]

_NAMES = [
    "-",
    "f4",
    "u1",
    "i1",
    "u2",
    "i2",
    "i4",
    "i8",
    "-",
    "?",
    "f2",
    "f8",
    "u4",
    "u8",
    "-",
    "-",
    "f4",
]  # by TensorProto.DataType
DTYPES = {number: np.dtype(name) for number, name in enumerate(_NAMES) if name != "-"}
_STRING, _FLOAT16, _BFLOAT16 = 8, 10, 16
_FIELDS = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_EXTERNAL = 1


class Tensors:
    """Reads the tensors of a model; folder: that of its file, or None if it has no other files."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._read: dict[tuple[str, int, int], Array] = {}
        self._left: dict[str, int] = {}

    def array(self, tensor: Any, what: str) -> Value:
        """Return a TensorProto as an array, bfloat16 as float32; strings as a list.

        what: the tensor's name in errors. ModelFormatError if it contradicts itself, OSError for external data.
        """
        shape, kind = tuple(tensor.dims), tensor.data_type
        if any(size < 1 for size in shape):
            raise ModelFormatError(f"{what} has the shape {shape!s:.60}; expected sizes of at least 1")
        if kind not in DTYPES and kind != _STRING:
            raise UnsupportedModelError(f"{what} has the data type {kind}; expected one of NumPy's")
        present = [name for name in _FIELDS if len(getattr(tensor, name))]
        is_external = tensor.data_location == _EXTERNAL
        if len(present) + is_external != 1 or is_external != bool(tensor.external_data):
            raise ModelFormatError(f"{what} has its numbers in {present or 'no field'} or outside; expected one place")
        if is_external:
            numbers = self._external(tensor, what)
        elif kind == _STRING:
            return _strings(tensor, math.prod(shape), what)
        elif present[0] in ("float_data", "double_data"):  # of which onnx would make two copies
            listed = getattr(tensor, present[0])
            numbers = _shaped(np.fromiter(listed, DTYPES[kind], len(listed)), shape, what)
        else:
            numbers = _converted(tensor, None, what)
        return numbers.astype("f4") if kind == _BFLOAT16 else numbers

    def _external(self, tensor: Any, what: str) -> Array:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        known = entries.keys() <= {"location", "offset", "length", "checksum"}
        if len(entries) != len(tensor.external_data) or not known or tensor.data_type == _STRING:
            raise ModelFormatError(f"{what} has the external data {sorted(entries)!r:.100}, or something there twice")
        itemsize = 2 if tensor.data_type == _BFLOAT16 else DTYPES[tensor.data_type].itemsize
        needed = math.prod(tensor.dims) * itemsize
        location, offset, length = (entries.get(key, "0") for key in ("location", "offset", "length"))
        if not re.fullmatch(r"[0-9]{1,18} [0-9]{1,18}", f"{offset} {length}"):
            raise ModelFormatError(f"{what} has the offset {offset!r:.40} and length {length!r:.40}; expected numbers")
        if "length" in entries and int(length) != needed:
            raise ModelFormatError(f"{what} has {length} bytes of external data; its shape and type need {needed}")
        key = (location, int(offset), needed)
        if key not in self._read:  # exporters write equal tensors once
            path = self._path(location, what)
            located = type(tensor)(data_type=tensor.data_type, dims=tensor.dims, data_location=_EXTERNAL)
            for name, value in zip(("location", "offset", "length"), key, strict=True):
                located.external_data.add(key=name, value=str(value))
            self._read[key] = _converted(
                located, self._folder or ".", f"{what} in {location!r:.100}, expected to be a regular file of one name,"
            )
            left = self._left.get(location, os.stat(path).st_size) - needed  # noqa: PTH116
            if left < 0:
                raise ModelFormatError(
                    f"{what} needs {needed} bytes of {location!r:.100}; others leave {left + needed}"
                )
            self._left[location] = left
        return _shaped(self._read[key], tuple(tensor.dims), what)

    def _path(self, location: str, what: str) -> str:
        """Return the path of an external file, none of whose parts is a link."""
        parts = location.split("/")
        if "_ORT_MEM_ADDR_" in location:
            raise UnsupportedModelError(f"{what} is in the memory of a process that ran ONNX Runtime, not in a file")
        if self._folder is None:
            raise ModelFormatError(f"{what} is in another file; expected a folder to find it in")
        if {"", ".", ".."} & set(parts) or re.search(r"[\\:#\0]", location):
            raise ModelFormatError(
                f"{what} is in the file {location!r:.100}; expected one in the folder of the model's file"
            )
        paths = list(itertools.accumulate([self._folder, *parts], os.path.join))
        if any(map(os.path.islink, paths[1:])):
            raise ModelFormatError(f"{what} is in {location!r:.100}; expected a regular file, reached through no link")
        if not os.path.lexists(paths[-1]):
            said = "No such file: it holds numbers of the model and belongs beside the model's file"
            raise FileNotFoundError(errno.ENOENT, said, paths[-1])
        return paths[-1]


def _converted(tensor: Any, folder: str | None, what: str) -> Array:
    onnx: Any = importlib.import_module("onnx")
    try:
        numbers: Array = onnx.numpy_helper.to_array(tensor, folder or "")
    except (ValueError, TypeError, OverflowError, onnx.checker.ValidationError) as error:
        raise ModelFormatError(f"{what} cannot be read: {error!s:.300}") from None
    if tensor.int32_data:  # onnx takes the lower bits of a number that is too large
        bits = numbers.view("u2") if tensor.data_type in (_FLOAT16, _BFLOAT16) else numbers
        if (bits.reshape(-1) != np.fromiter(tensor.int32_data, "i4", bits.size)).any():
            raise ModelFormatError(f"{what} has numbers that {numbers.dtype} cannot hold")
    return numbers


def _shaped(numbers: Array, shape: tuple[int, ...], what: str) -> Array:
    try:
        return numbers.reshape(shape)
    except ValueError:
        raise ModelFormatError(f"{what} has {numbers.size} numbers; its shape is {shape!s:.60}") from None


def _strings(tensor: Any, count: int, what: str) -> list[str]:
    if len(tensor.string_data) != count:
        raise ModelFormatError(f"{what} has {len(tensor.string_data)} strings; expected {count}")
    try:
        return [text.decode() for text in tensor.string_data]
    except UnicodeDecodeError:
        raise ModelFormatError(f"{what} has strings that are not UTF-8") from None

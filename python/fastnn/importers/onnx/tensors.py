"""Tensors of ONNX as arrays. Their numbers are in the model's file, or in other files of its folder ("external data").

The onnx package converts them, and opens external files inside the folder only and through no link. What it does not
check is checked here: contradictions, and how much of a file is read.
"""

import errno
import importlib
import math
import os
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.refusals import refusing

Array = npt.NDArray[Any]

_STRING, _FLOAT16, _BFLOAT16 = 8, 10, 16
DTYPES = {  # of TensorProto.DataType; bfloat16 is read as float32
    number: np.dtype(name)
    for number, name in enumerate("- f4 u1 i1 u2 i2 i4 i8 - ? f2 f8 u4 u8 - - f4".split())  # noqa: SIM905
    if name != "-"
}
_FIELDS = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_EXTERNAL = 1


class Tensors:
    """Reads the tensors of a model; folder: that of its file, or None if it has no other files."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._read: dict[tuple[str, int, int], Array] = {}
        self._left: dict[str, int] = {}

    def array(self, tensor: Any, what: str) -> Array:
        """Return a TensorProto as an array; texts as one of objects, since NumPy's own texts are all as long as one.

        what: the tensor's name in errors. ModelFormatError if it contradicts itself, OSError for external data.
        """
        kind = tensor.data_type
        if kind not in DTYPES and kind != _STRING:
            raise UnsupportedModelError(f"{what} has the data type {kind}; expected one that NumPy has")
        present = [name for name in _FIELDS if len(getattr(tensor, name))]
        is_external = tensor.data_location == _EXTERNAL
        if len(present) + is_external != 1 or is_external != bool(tensor.external_data):
            raise ModelFormatError(f"{what} has its numbers in {present or 'no field'} or outside; expected one place")
        if any(size < 1 for size in tensor.dims):
            raise ModelFormatError(f"{what} has the shape {list(tensor.dims)!s:.60}; expected sizes of at least 1")
        with refusing(f"{what} cannot be read", Exception):  # onnx and NumPy raise many kinds
            if kind == _STRING:
                values = np.array([text.decode() for text in tensor.string_data], object)
            else:
                values = self._external(tensor, what) if is_external else _numbers(tensor, present[0])
            return values.reshape(tuple(tensor.dims))

    def _external(self, tensor: Any, what: str) -> Array:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if len(entries) != len(tensor.external_data) or entries.keys() - {"location", "offset", "length", "checksum"}:
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
            with refusing(f"{what} needs {needed} bytes of {location!r:.100}, a regular file without links", Exception):
                self._read[key] = _numbers(located, "", self._folder or ".")
            self._left[location] = self._left.get(location, os.stat(path).st_size) - needed  # noqa: PTH116
            if self._left[location] < 0:
                raise ModelFormatError(f"{what} needs bytes of {location!r:.100} that others have; expected each once")
        return self._read[key]

    def _path(self, location: str, what: str) -> str:
        """Return the path of an external file inside the folder. The onnx package refuses links."""
        if "_ORT_MEM_ADDR_" in location:
            raise UnsupportedModelError(f"{what} is in the memory of a process that ran ONNX Runtime, not in a file")
        if self._folder is None:
            raise ModelFormatError(f"{what} is in another file; expected a folder to find it in")
        if {"", ".", ".."} & set(location.split("/")) or re.search(r"[\\:#\0]", location):
            raise ModelFormatError(
                f"{what} is in the file {location!r:.100}; expected one in the folder of the model's file"
            )
        path = os.path.join(self._folder, location)  # noqa: PTH118
        if not os.path.lexists(path):
            said = "No such file: it holds numbers of the model and belongs beside the model's file"
            raise FileNotFoundError(errno.ENOENT, said, path)
        return path


def _numbers(tensor: Any, field: str, folder: str = "") -> Array:
    if field in ("float_data", "double_data"):  # of which onnx would make two copies
        listed = getattr(tensor, field)
        return np.fromiter(listed, DTYPES[tensor.data_type], len(listed))
    numbers: Array = importlib.import_module("onnx.numpy_helper").to_array(tensor, folder)
    if field == "int32_data":  # onnx takes the lower bits of a number that is too large
        bits = numbers.view("u2") if tensor.data_type in (_FLOAT16, _BFLOAT16) else numbers
        if (bits.reshape(-1) != np.fromiter(tensor.int32_data, "i4", bits.size)).any():
            raise ValueError(f"it has numbers that {numbers.dtype} cannot hold")
    return numbers.astype("f4") if tensor.data_type == _BFLOAT16 else numbers

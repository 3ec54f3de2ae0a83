"""Tensors of ONNX as arrays. Their numbers are in the model's file, or in other files of its folder ("external data").

The onnx package converts them. Checked here: contradictions, how much of a file is read, and that external files are
regular ones inside the folder, reached through no link. (The onnx package would wait for a FIFO in a file's place.)
"""

import errno
import importlib
import math
import os
import re
import stat
from typing import Any, BinaryIO

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing

_STRING, _FLOAT16, DOUBLE, _BFLOAT16 = 8, 10, 11, 16
DTYPES = {  # of TensorProto.DataType; bfloat16 is read as float32
    number: np.dtype(name)
    for number, name in enumerate("- f4 u1 i1 u2 i2 i4 i8 - ? f2 f8 u4 u8 - - f4".split())  # noqa: SIM905
    if name != "-"
}
FLOATS = (1, _FLOAT16, DOUBLE, _BFLOAT16)
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
        if any(size < 0 for size in tensor.dims):
            raise ModelFormatError(f"{what} has the shape {list(tensor.dims)!s:.60}; expected sizes of at least 0")
        is_empty = not math.prod(tensor.dims) and not present and not is_external
        if len(present) + is_external != (0 if is_empty else 1) or is_external != bool(tensor.external_data):
            raise ModelFormatError(f"{what} has its numbers in {present or 'no field'} or outside; expected one place")
        with refusing(f"{what} cannot be read", Exception):  # onnx and NumPy raise many kinds
            if is_empty:  # such as the sizes of a scalar's shape
                values = np.zeros(0, object if kind == _STRING else DTYPES[kind])
            elif kind == _STRING:
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
        folder, way = self._place(entries.get("location", ""), what)
        location, offset, length = "/".join(way), entries.get("offset", "0"), entries.get("length", "0")
        if not re.fullmatch(r"[0-9]{1,18} [0-9]{1,18}", f"{offset} {length}"):
            raise ModelFormatError(f"{what} has the offset {offset!r:.40} and length {length!r:.40}; expected numbers")
        if "length" in entries and int(length) != needed:
            raise ModelFormatError(f"{what} has {length} bytes of external data; its shape and type need {needed}")
        key = (location, int(offset), needed)
        if key not in self._read:  # exporters write equal tensors once
            needs = f"{what} needs {needed} bytes of {location!r:.100}"
            try:
                file = _open_inside(folder, way)
            except FileNotFoundError:
                said = "No such file; it holds weights of the model: put it beside the model's file"
                raise FileNotFoundError(errno.ENOENT, said, os.path.join(folder, *way)) from None  # noqa: PTH118
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
                    raise
                said = "a link, or no regular file; expected a regular file without links"
                raise ModelFormatError(f"{needs}, which is {said}") from None
            with file:
                size = os.fstat(file.fileno()).st_size
                file.seek(int(offset))
                content = file.read(needed)
            self._left[location] = self._left.get(location, size) - needed
            if len(content) < needed:
                raise ModelFormatError(f"{needs} from byte {offset} on; expected a file of more than {size}")
            if self._left[location] < 0:
                raise ModelFormatError(f"{what} needs bytes of {location!r:.100} that others have; expected each once")
            self._read[key] = _numbers(type(tensor)(data_type=tensor.data_type, dims=tensor.dims, raw_data=content), "")
        return self._read[key]

    def _place(self, location: str, what: str) -> tuple[str, list[str]]:
        """Return the folder, and the way from there to an external file inside it: folders and the file's name."""
        if "_ORT_MEM_ADDR_" in location:
            raise UnsupportedModelError(f"{what} is in the memory of a process that ran ONNX Runtime, not in a file")
        if self._folder is None:
            raise ModelFormatError(f"{what} is in another file; expected a folder to find it in")
        way = os.path.normpath(location).split("/")
        if location.startswith("/") or location[-1:] in ("", "/") or way[0] in (".", "..") or "\0" in location:
            raise ModelFormatError(
                f"{what} is in the file {location!r:.100}; expected one in the folder of the model's file"
            )
        return self._folder or ".", way


def _open_inside(folder: str, way: list[str]) -> BinaryIO:
    """Open the file at the end of a way through folders, through no link; never wait for a FIFO."""
    *folders, name = way
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for each in folders:
            inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=at)
    finally:
        os.close(at)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:  # another name may be outside the folder
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.path.join(folder, *way))  # noqa: PTH118
    return os.fdopen(descriptor, "rb")


def _numbers(tensor: Any, field: str) -> Array:
    if field in ("float_data", "double_data"):  # of which onnx would make two copies
        listed = getattr(tensor, field)
        return np.fromiter(listed, DTYPES[tensor.data_type], len(listed))
    numbers: Array = importlib.import_module("onnx.numpy_helper").to_array(tensor)
    if field == "int32_data":  # onnx takes the lower bits of a number that is too large
        bits = numbers.view("u2") if tensor.data_type in (_FLOAT16, _BFLOAT16) else numbers
        if (bits.reshape(-1) != np.fromiter(tensor.int32_data, "i4", bits.size)).any():
            raise ValueError(f"it has numbers that {numbers.dtype} cannot hold")
    return numbers.astype("f4") if tensor.data_type == _BFLOAT16 else numbers

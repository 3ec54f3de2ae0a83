"""Tensors of a file that ``torch.save(module.state_dict())`` wrote, read without torch and without running anything.

Such a file is a zip archive (PyTorch 1.6 and later) of a pickle and the numbers of each storage. A pickle is a program;
this one may only call the few functions below, on values that they check. Where PyTorch's own
``torch.load(weights_only=True)`` knows more, this refuses.
"""

import errno
import io
import math
import zipfile
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.files import open_regular
from fastnn.importers.refusals import refusal
from fastnn.importers.torch.opcodes import value_of

Array = npt.NDArray[Any]

_MOST_MEMBERS = 100_000
_BEFORE_1_6 = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_PROGRAMS = {"code": "TorchScript", "constants.pkl": "TorchScript", "models": "torch.export's"}  # by a member of theirs
_DTYPES = {
    "Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2",
    "Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?",
}  # fmt: skip
_STORAGES = {f"{name}Storage": name for name in _DTYPES}


def _tensor(
    storage: Array, offset: int, shape: Any, strides: Any, _: Any = None, __: Any = None, flags: Any = None
) -> Array:
    """torch._utils._rebuild_tensor_v2: a view of a storage."""
    if flags:  # the negative or the conjugate bit: numbers that mean others than they say
        raise UnsupportedModelError("a tensor is a view that negates or conjugates; save its clone() instead")
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or not all(type(each) is int and 0 <= each < 2**48 for each in numbers):
        raise ModelFormatError("a tensor has a shape or strides that are no whole numbers")
    count = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if count > 0 and last >= storage.size:
        raise ModelFormatError(f"a tensor of shape {shape!s:.60} reaches beyond its storage of {storage.size} numbers")
    if count > storage.size:
        raise UnsupportedModelError(
            f"a tensor of shape {shape!s:.60} repeats the {storage.size} numbers of its storage, as expand() does; "
            "save its clone() instead"
        )
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)


def _parameter(tensor: Array, *_: Any) -> Array:
    """torch._utils._rebuild_parameter."""
    return tensor


_CALLS = {
    "collections.OrderedDict": lambda: {},
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
}


def _named(module: str, name: str) -> Any:
    if module == "torch" and name in _STORAGES:
        return _STORAGES[name]
    if f"{module}.{name}" in _CALLS:
        return _CALLS[f"{module}.{name}"]
    raise UnsupportedModelError(
        f"its pickle names {f'{module}.{name}'!r:.100}, which fastnn never runs; expected tensors alone, "
        "as torch.save(module.state_dict(), path) writes them"
    )


class _Archive:
    """The members of the zip file, stored as they are: no more bytes than the file has."""

    def __init__(self, file: Any, size: int) -> None:
        self._zip = zipfile.ZipFile(file)
        self._storages: dict[str, bytes] = {}
        members = self._zip.infolist()
        if len(members) > _MOST_MEMBERS:
            raise LimitError(f"has {len(members)} members; fastnn reads at most {_MOST_MEMBERS}")
        self._members = {member.filename: member for member in members}
        for part in {name.split("/")[1] for name in self._members if "/" in name} & _PROGRAMS.keys():
            raise UnsupportedModelError(
                f"is {_PROGRAMS[part]}, a program, which fastnn never runs; save the module's state_dict(), or "
                "export it to ONNX"
            )
        plain = all(m.compress_type == zipfile.ZIP_STORED and not m.flag_bits & 1 for m in members)
        plain = plain and all(m.compress_size == m.file_size for m in members)
        if len(self._members) != len(members) or not plain or sum(m.file_size for m in members) > size:
            raise ModelFormatError("has members of the same name, compressed, encrypted or larger than the file")
        roots = [name.removesuffix("data.pkl") for name in self._members if name.rpartition("/")[2] == "data.pkl"]
        if len(roots) != 1:
            raise ModelFormatError(f"has {len(roots)} members data.pkl; expected 1, as torch.save() writes")
        self._root = roots[0]
        if f"{self._root}byteorder" in self._members and self.member("byteorder") != b"little":
            raise UnsupportedModelError("was written on a big-endian machine; expected little-endian numbers")

    def storage(self, pid: Any) -> Array:
        """Return the numbers of a storage, the same for the same."""
        kind, storage, key, _, size = pid
        if kind != "storage" or not isinstance(key, str) or type(size) is not int:
            raise ModelFormatError("its pickle refers to something that is not a storage")
        dtype = np.dtype(_DTYPES[storage])
        if key not in self._storages:
            self._storages[key] = self.member(f"data/{key}")
        data = self._storages[key]
        if len(data) != size * dtype.itemsize:
            raise ModelFormatError(f"storage {key!r:.40} has {len(data)} bytes; expected {size} numbers of {dtype}")
        numbers = np.frombuffer(data, dtype)
        if storage == "BFloat16":  # the upper half of a float32
            return (numbers.astype("<u4") << 16).view("<f4")
        return numbers

    def member(self, name: str) -> bytes:
        if self._root + name not in self._members:
            raise ModelFormatError(f"has no member {self._root + name!r:.100}")
        return self._zip.read(self._members[self._root + name])


def is_saved(start: bytes) -> bool:
    """Return whether a file that begins so is one of torch.save(), today's or an older one's."""
    return start.startswith((b"PK\x03\x04", _BEFORE_1_6))


def read(path: str) -> dict[Any, Any]:
    """Return what the file's pickle holds, tensors as arrays, bfloat16 as float32.

    ModelFormatError for what the file says, of which UnsupportedModelError for what it wants to run; OSError.
    """

    def refuse(error: ModelFormatError, what: str) -> NoReturn:
        raise refusal(path, type(error)(what)) from None

    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if file.read(len(_BEFORE_1_6)) == _BEFORE_1_6:
            refuse(
                UnsupportedModelError(),
                "was written by PyTorch before 1.6, or as that did; load it there and save its state_dict() again",
            )
        try:
            archive = _Archive(file, size)
            content = value_of(archive.member("data.pkl"), _named, archive.storage)
        except ModelFormatError as error:
            refuse(error, str(error))
        except MemoryError:
            raise
        except Exception as error:  # a pickle's program may fail in any way
            if (
                isinstance(error, OSError) and error.errno != errno.EINVAL
            ):  # EINVAL: of a member before the file's start
                raise
            refuse(ModelFormatError(), f"is not what torch.save() writes: {type(error).__name__}: {error!s:.100}")
    if not isinstance(content, dict):
        raise ModelFormatError(f"{path}: holds a {type(content).__name__}; expected a state dict")
    return content

"""Tensors of a file that ``torch.save(module.state_dict())`` wrote, read without torch and without running anything.

Such a file is a zip archive of a pickle and the numbers of each storage. Before PyTorch 1.6 it was pickles in a row,
then the numbers. A pickle is a program. Python's pickletools splits it into opcodes; here only those run that tensors
in dicts need, with only a few functions.
"""

import io
import os
import pickletools
import zipfile
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.bfloat16 import widened
from fastnn.importers.containers import Budget, ZipArchive
from fastnn.importers.refusals import in_one_sentence, refusing

# About 5,000 tensors. Python's objects take up to 100 times as many bytes, if each byte makes an empty dict.
_MOST_PICKLE_BYTES = 1 << 19
_BEFORE_1_6 = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_VERSION = 1001  # of that format
_PROGRAMS = {"code": "TorchScript", "models": "torch.export's"}  # by one of their folders
_BFLOAT16 = np.dtype("<u2")  # the upper half of a float32
_DTYPES = {
    "Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2",
    "Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?",
}  # fmt: skip


def is_saved(start: bytes) -> bool:
    """Return whether a file with these first bytes is from torch.save(), of today or before 1.6."""
    return start.startswith((b"PK\x03\x04", _BEFORE_1_6))


def read(file: BinaryIO) -> dict[Any, Any]:
    """Return the dict of an open file's pickle, with tensors as arrays and bfloat16 as float32.

    Raises ModelFormatError, UnsupportedModelError if the file wants to run something, LimitError, OSError.
    """
    with in_one_sentence(file.name), refusing("is not what torch.save() writes", Exception):
        is_archive = file.read(len(_BEFORE_1_6)) != _BEFORE_1_6
        file.seek(0)
        content = _archived(file) if is_archive else _in_a_row(file)
        if type(content) is not dict:
            raise ModelFormatError(f"holds a {type(content).__name__}; expected a state dict")
        return content


def _archived(file: BinaryIO) -> Any:
    archive = _Archive(file)
    return _value(io.BytesIO(archive.member("data.pkl", _MOST_PICKLE_BYTES)), archive.storage)


def _in_a_row(file: BinaryIO) -> Any:
    """Return the value of a file of PyTorch before 1.6.

    Its pickles: a number, the format's version, facts about the machine, the value, a list of the storages' keys. The
    storages follow in that order, each as the count of its numbers, in 8 bytes, and the numbers.
    """
    beginning = file.read(_MOST_PICKLE_BYTES)
    pickles, storages = io.BytesIO(beginning), _Storages(os.fstat(file.fileno()).st_size)
    try:
        _, version, machine, content, keys = (_value(pickles, storages.storage) for _ in range(5))
    except ValueError:
        if len(beginning) == _MOST_PICKLE_BYTES and not pickles.read(1):
            said = f"has pickles of more than {_MOST_PICKLE_BYTES} bytes, the most that fastnn reads"
            raise LimitError(f"{said}; save the state_dict() alone") from None
        raise
    if type(version) is not int or version != _VERSION:
        raise UnsupportedModelError(f"has a version of the format other than {_VERSION}")
    if type(machine) is not dict or machine.get("little_endian") is not True:
        raise UnsupportedModelError("was written on a big-endian machine; expected little-endian numbers")
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise ModelFormatError("has keys of storages that are no list of texts")
    file.seek(pickles.tell())
    storages.fill(file, keys)
    return content


class _Storages:
    """The storages of a file before PyTorch 1.6: allocated where the pickle names them, filled from behind it."""

    def __init__(self, size: int) -> None:
        self._budget = Budget(size)
        self._arrays: dict[str, tuple[np.dtype[Any], Array]] = {}

    def storage(self, pid: Any) -> Array:
        """Return the numbers of a storage, or of the part of it that a view of it has."""
        dtype, key, size, view = _storage_of(pid)
        if key not in self._arrays:
            self._budget.take(f"storage {key!r:.40} of {size} numbers takes", size * dtype.itemsize)
            self._arrays[key] = (dtype, np.empty(size, "<f4" if dtype is _BFLOAT16 else dtype))
        numbers = _same(key, size, dtype, *self._arrays[key])
        if view is None:
            return numbers
        _, start, count = view
        if type(start) is not int or type(count) is not int or not 0 <= start <= start + count <= size:
            raise ModelFormatError(f"a view reaches beyond its storage {key!r:.40} of {size} numbers")
        return numbers[start : start + count]

    def fill(self, file: BinaryIO, keys: Iterable[str]) -> None:
        """Read the numbers of all storages, in the order of their keys."""
        for key in keys:
            if key not in self._arrays:
                raise ModelFormatError(f"has the storage {key!r:.40}, which its pickle does not name, or has it twice")
            dtype, numbers = self._arrays.pop(key)
            said = int.from_bytes(file.read(8), "little")
            stored = np.empty(numbers.size, dtype) if dtype is _BFLOAT16 else numbers
            if said != numbers.size or file.readinto(stored.view("u1")) != stored.nbytes:  # type: ignore[attr-defined]
                raise ModelFormatError(f"storage {key!r:.40} does not have the {numbers.size} numbers of its tensors")
            if dtype is _BFLOAT16:
                numbers.view("<u2")[0::2], numbers.view("<u2")[1::2] = 0, stored
        if self._arrays or file.read(1):
            raise ModelFormatError("has storages without numbers, or more after them")


def _storage_of(pid: Any) -> tuple[np.dtype[Any], str, int, Any]:
    """Return the dtype, the key, the size and the view (before PyTorch 1.6) of a storage, by its persistent id."""
    kind, dtype, key, _, size, *more = pid
    view = more[0] if more else None
    if kind != "storage" or not isinstance(dtype, np.dtype) or type(key) is not str or type(size) is not int:
        raise ModelFormatError("its pickle refers to something that is not a storage")
    if size < 0 or not (view is None or (type(view) is tuple and len(view) == 3)):
        raise ModelFormatError(f"storage {key!r:.40} has a size or a view that no storage has")
    return dtype, key, size, view


def _same(key: str, size: int, dtype: np.dtype[Any], known: np.dtype[Any], numbers: Array) -> Array:
    """Return the numbers of a storage; ModelFormatError if a pickle says that it has others."""
    if known is not dtype or numbers.size != size:
        raise ModelFormatError(
            f"storage {key!r:.40} has {numbers.size} numbers of {known}; its pickle refers to {size} of {dtype}"
        )
    return numbers


class _Archive:
    """The members of a file, all stored, so that reading them takes no more bytes than the file has."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = ZipArchive(file)
        self._storages: dict[str, tuple[np.dtype[Any], Array]] = {}
        for part in {name.split("/")[1] for name in self._zip.members if "/" in name} & _PROGRAMS.keys():
            raise UnsupportedModelError(
                f"is {_PROGRAMS[part]}, a program, which fastnn never runs; save the module's state_dict(), or "
                "export it to ONNX"
            )
        if any(member.compress_type != zipfile.ZIP_STORED for member in self._zip.members.values()):
            raise ModelFormatError("has compressed members; expected them stored, as torch.save() writes")
        roots = [name.removesuffix("data.pkl") for name in self._zip.members if name.rpartition("/")[2] == "data.pkl"]
        if len(roots) != 1:
            raise ModelFormatError(f"has {len(roots)} members data.pkl; expected 1, as torch.save() writes")
        self._root = roots[0]
        if f"{self._root}byteorder" in self._zip.members and self.member("byteorder") != b"little":
            raise UnsupportedModelError("was written on a big-endian machine; expected little-endian numbers")

    def storage(self, pid: Any) -> Array:
        """Return the numbers of a storage, which many tensors may share."""
        dtype, key, size, _ = _storage_of(pid)
        if key not in self._storages:
            numbers = np.frombuffer(self.member(f"data/{key}"), dtype)
            self._storages[key] = (dtype, widened(numbers) if dtype is _BFLOAT16 else numbers)
        return _same(key, size, dtype, *self._storages[key])

    def member(self, name: str, most: int | None = None) -> bytes:
        """Return the bytes of a member; LimitError if there are more than `most`."""
        member = self._zip.members.get(self._root + name)
        if member is None:
            raise ModelFormatError(f"has no member {self._root + name!r:.100}")
        if most is not None and member.file_size > most:
            raise LimitError(
                f"{name} has {member.file_size} bytes; fastnn reads at most {most}; save the state_dict() alone"
            )
        return self._zip.read(member.filename)


def _tensor(
    storage: Array, offset: int, shape: Any, strides: Any, _: Any = None, __: Any = None, flags: Any = None
) -> Array:
    """torch._utils._rebuild_tensor_v2: a view of a storage."""
    if flags:  # the negative or the conjugate bit: the numbers stand for others
        raise UnsupportedModelError("a tensor is a view that negates or conjugates; save its clone() instead")
    are_tuples = type(shape) is type(strides) is tuple
    if not are_tuples or not all(type(each) is int and each >= 0 for each in (offset, *shape, *strides)):
        raise ModelFormatError("a tensor has a shape or strides that are no tuples of whole numbers")
    size = storage.itemsize
    with refusing(f"a tensor reaches beyond its storage of {storage.size} numbers", ValueError, TypeError):
        tensor: Array = np.ndarray(shape, storage.dtype, storage, offset * size, [stride * size for stride in strides])
    if tensor.size > storage.size:
        raise UnsupportedModelError(
            f"a tensor of shape {tensor.shape} repeats the {storage.size} numbers of its storage, as expand() does; "
            "save its clone() instead"
        )
    return tensor


_KNOWN: dict[str, Any] = {f"torch.{name}Storage": np.dtype(dtype) for name, dtype in _DTYPES.items()} | {
    "collections.OrderedDict": lambda pairs=(): _dict(pairs),
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,  # before PyTorch 0.4
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}


def _named(module: Any, name: Any) -> Any:
    if type(module) is not str or type(name) is not str:
        raise ModelFormatError("its pickle has a name that is no text")
    full = f"{module}.{name}"
    if full not in _KNOWN:
        raise UnsupportedModelError(
            f"its pickle names {full!r:.100}, which fastnn never runs; expected tensors alone, "
            "as torch.save(module.state_dict(), path) writes them"
        )
    return _KNOWN[full]


def _dict(pairs: Any) -> dict[Any, Any]:
    """collections.OrderedDict, to which Python 2 gives a list of its items."""
    if not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise ModelFormatError("its pickle has an OrderedDict of something else than pairs")
    found: dict[Any, Any] = _update({}, *(each for pair in pairs for each in pair))
    return found


def _extend(target: Any, *values: Any) -> Any:
    if type(target) is not list:
        raise ModelFormatError(f"its pickle appends to a {type(target).__name__}; expected a list")
    target.extend(values)
    return target


def _update(target: Any, *values: Any) -> Any:
    if type(target) is not dict or not all(type(key) in (str, int) for key in values[::2]):
        raise ModelFormatError(f"its pickle sets an item of a {type(target).__name__}; expected a dict of texts")
    target.update(zip(values[::2], values[1::2], strict=True))
    return target


def _call(function: Any, arguments: Any) -> Any:
    if not callable(function) or type(arguments) is not tuple:
        raise ModelFormatError("its pickle calls what is no function")
    return function(*arguments)


# The value that an opcode makes of those on the stack.
_OPCODES: dict[str, Callable[..., Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_DICT": dict, "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple, "TUPLE": lambda *values: values, "TUPLE1": lambda *values: values,
    "TUPLE2": lambda *values: values, "TUPLE3": lambda *values: values, "APPEND": _extend, "APPENDS": _extend,
    "SETITEM": _update, "SETITEMS": _update, "STACK_GLOBAL": _named, "REDUCE": _call,
    "BUILD": lambda target, attributes: _update(target),  # PyTorch gives the dict the versions of modules
}  # fmt: skip
_LITERALS = {
    "BINFLOAT", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINUNICODE", "BINUNICODE8", "SHORT_BINUNICODE",
    "BINSTRING", "SHORT_BINSTRING",  # of Python 2
}  # fmt: skip


def _value(content: BinaryIO, stored: Callable[[Any], Any]) -> Any:
    """Return the value of a pickle: dicts, lists, tuples, texts, numbers and tensors; any error for a wrong program.

    content: read up to the pickle's end. stored: returns the storage of a persistent id. Nested values are never
    hashed, compared or printed: a tuple that holds the same tuple twice, sixty deep, would take for ever.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # the stack under each mark
    memo: dict[Any, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(content):
        taken: list[Any] = []
        if pickletools.stackslice in opcode.stack_before:  # all since the last mark
            taken, stack = stack, below.pop()
        count = sum(each not in (pickletools.markobject, pickletools.stackslice) for each in opcode.stack_before)
        taken = stack[len(stack) - count :] + taken
        del stack[len(stack) - count :]
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                below.append(stack)
                stack = []
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                stack += taken
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_named(*argument.split(" ", 1)))
            case "BINPERSID":
                stack.append(stored(*taken))
            case "STOP":
                return taken[0]
            case name if name in _LITERALS:
                stack.append(argument)
            case name if name in _OPCODES:
                stack.append(_OPCODES[name](*taken))
            case name:
                raise UnsupportedModelError(f"its pickle has the opcode {name}, which no state dict needs")
    raise ModelFormatError("has an empty pickle")

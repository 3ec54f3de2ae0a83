"""Tensors of a safetensors file that another program wrote."""

import os
from contextlib import suppress
from typing import Any, BinaryIO

from fastnn import _core
from fastnn.arrays import Array
from fastnn.importers.bfloat16 import widened

_DTYPES = {
    "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "BOOL": "?", "U8": "u1", "I8": "i1",
    "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8", "U64": "<u8",
}  # fmt: skip


def read(file: BinaryIO) -> dict[str, Array]:
    """Return the tensors of an open file by name, bfloat16 as float32.

    Raises ModelFormatError (a ValueError) for a file that breaks the format's rules, OSError.
    """
    tensors = {}
    entries = _read(file, with_data=True)[1][::-1]
    while entries:  # popped, so that only one tensor is in memory as both bfloat16 and float32
        name, dtype, shape, data = entries.pop()
        numbers = data.view(_DTYPES[dtype]).reshape(shape)
        tensors[name] = widened(numbers) if dtype == "BF16" else numbers
    return tensors


def is_state_dict(file: BinaryIO) -> bool:
    """Whether tensors of the file are named as PyTorch names a module's weights."""
    with suppress(_core.ModelFormatError):
        return any(name.rpartition(".")[2] == "weight" for name, *_ in _read(file, with_data=False)[1])
    return False


def is_own(file: BinaryIO) -> bool:
    """Whether the file says that it is fastnn's."""
    return _read(file, with_data=False)[0].get("format") == "fastnn"


def _read(file: BinaryIO, *, with_data: bool) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    return _core.read_safetensors(file.fileno(), os.fsencode(file.name), with_data)

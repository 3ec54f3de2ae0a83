"""Tensors of a safetensors file that another program wrote, by the rules of the format's own reader."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError

_MOST_HEADER_BYTES = 100_000_000  # the format's own limit
_DTYPES = {
    "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "BOOL": "?", "U8": "u1", "I8": "i1",
    "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8", "U64": "<u8",
}  # fmt: skip


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key that stands there twice")
    return found


def _entry(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    """Return dtype, shape, begin and end of a tensor."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFormatError(f"tensor {name!r:.100} is not described by dtype, shape and data_offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    lists = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2 and len(shape) <= 64
    if not lists or not all(type(each) is int and 0 <= each < 2**63 for each in [*shape, *offsets]):
        raise ModelFormatError(f"tensor {name!r:.100} has the shape {shape!r:.60} and the offsets {offsets!r:.60}")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in _DTYPES:
        raise UnsupportedModelError(
            f"tensor {name!r:.100} has the dtype {entry['dtype']!r:.40}; expected one of NumPy's"
        )
    return entry["dtype"], shape, offsets[0], offsets[1]


def read_bytes(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors by name, bfloat16 as float32; ModelFormatError without the file's name."""
    length = int.from_bytes(content[:8], "little")
    if length > _MOST_HEADER_BYTES:
        raise LimitError(f"has a header of {length} bytes; expected at most {_MOST_HEADER_BYTES}")
    if len(content) < 8 + length:
        raise ModelFormatError(f"has {len(content)} bytes; expected 8 and a header of {length}")
    try:
        header = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"has a header that is not JSON: {error!s:.100}") from None
    if not isinstance(header, dict):
        raise ModelFormatError("has a header that is not a JSON object")
    header.pop("__metadata__", None)
    tensors, end = {}, 0
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    data = memoryview(content)[8 + length :]
    for name, (dtype, shape, begin, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        size = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
        if begin != end or stop - begin != size or stop > len(data):
            raise ModelFormatError(
                f"tensor {name!r:.100} is at bytes {begin} to {stop}; expected {end} to {end + size}"
            )
        numbers = np.frombuffer(data[begin:stop], _DTYPES[dtype]).reshape(shape)
        tensors[name] = (numbers.astype("<u4") << 16).view("<f4") if dtype == "BF16" else numbers
        end = stop
    if end != len(data):
        raise ModelFormatError(f"has {len(data)} bytes of tensors; its header describes {end}")
    return {name: tensors[name] for name in header}


def read(path: str) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a file by name; ModelFormatError for what it says, OSError."""
    try:
        return read_bytes(Path(path).read_bytes())
    except ModelFormatError as error:
        raise type(error)(f"{path}: {error}") from None

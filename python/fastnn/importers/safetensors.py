"""Tensors of a safetensors file that another program wrote, by the rules of the format's own reader."""

import io
import json
import math
import re
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.files import open_regular
from fastnn.importers.refusals import refusal

# The format allows 100,000,000. Python's objects take up to 51 times as many (test_safetensors_file.py); 4096 modules
# of a weight and a bias each need 640,000 to 800,000.
_MOST_HEADER_BYTES = 1 << 20
_DTYPES = {
    "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "BOOL": "?", "U8": "u1", "I8": "i1",
    "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8", "U64": "<u8",
}  # fmt: skip


def _natural(text: str) -> int:
    if text.startswith("-"):  # -0 too
        raise ValueError("a negative number")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    for key, value in pairs:  # half of a surrogate pair is no UTF-8
        f"{key}{value if isinstance(value, str) else ''}".encode()
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


def _header(file: BinaryIO, size: int) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    if length > _MOST_HEADER_BYTES:
        raise LimitError(f"has a header of {length} bytes; expected at most {_MOST_HEADER_BYTES}")
    if size < 8 + length:
        raise ModelFormatError(f"has {size} bytes; expected 8 and a header of {length}")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_unique, parse_int=_natural)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"has a header that is not JSON: {error!s:.100}") from None
    if not isinstance(header, dict):
        raise ModelFormatError("has a header that is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
        raise ModelFormatError("has __metadata__ that are not texts by name")
    return header


def _read(file: BinaryIO, size: int) -> dict[str, npt.NDArray[Any]]:
    header = _header(file, size)
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    left, end = size - file.tell(), 0
    in_order = sorted(entries.items(), key=lambda item: item[1][2:])
    for name, (dtype, shape, begin, stop) in in_order:
        expected = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
        if begin != end or stop - begin != expected or stop > left:
            raise ModelFormatError(
                f"tensor {name!r:.100} is at bytes {begin} to {stop} of {left}; expected it from {end} on, "
                "as long as its shape and dtype say"
            )
        end = stop
    if end != left:
        raise ModelFormatError(f"has {left} bytes of tensors; its header describes {end}")
    tensors = {}
    for name, (dtype, shape, begin, stop) in in_order:  # nothing was allocated before all sizes were right
        numbers = np.frombuffer(file.read(stop - begin), _DTYPES[dtype]).reshape(shape)
        tensors[name] = (numbers.astype("<u4") << 16).view("<f4") if dtype == "BF16" else numbers
    return {name: tensors[name] for name in header}


def is_state_dict(path: str) -> bool:
    """Whether the file's tensors are named as PyTorch names its modules' weights."""
    with open_regular(path) as file:
        return re.search(rb'[".]weight"\s*:\s*{', file.read(1 << 16)) is not None


def is_own(path: str) -> bool:
    """Whether the file says that it is fastnn's."""
    with open_regular(path) as file:
        return re.search(rb'[{,]\s*"format"\s*:\s*"fastnn"', file.read(1 << 22)) is not None


def read(path: str) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a file by name, bfloat16 as float32; ModelFormatError for what it says, OSError."""
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            return _read(file, size)
        except ModelFormatError as error:
            raise refusal(path, error) from None
        except ValueError as error:  # of a file that became shorter meanwhile
            raise refusal(path, ModelFormatError(f"{error!s:.100}")) from None

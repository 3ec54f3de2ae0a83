"""A look at a protobuf file's bytes before they are parsed.

Two bytes can be an empty node, which is 180 bytes in memory: a file of 2 MB would take 180 MB. So the parts are
counted first. And protobuf returns a text that is not UTF-8 as bytes, where the importer expects str.
"""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError
from fastnn.importers.onnx.budget import MESSAGE, Budget
from fastnn.importers.refusals import refusing

_FIELD = 8  # numbers in memory: a text in protobuf's list, which doubles as it grows, and as a Python str
_PARTS = "a node, a tensor, an attribute or a name"
_WIDTHS = {3: 16, 4: 16, 5: 4, 13: 4}  # FieldDescriptor.TYPE_INT64, UINT64, INT32, UINT32: bytes in memory
_MOST_VARINT_BYTES = 10


def check(content: bytes, descriptor: Any, budget: Budget) -> None:
    """Raise ModelFormatError if content is no message of this descriptor, LimitError if it has too many parts."""
    left = [(0, len(content), descriptor)]
    while left:
        position, end, kind = left.pop()
        fields = kind.fields_by_number
        while position < end:
            tag, start = _varint(content, position, end)
            budget.take(_FIELD, _PARTS)
            field = fields.get(tag >> 3)
            match tag & 7:
                case 0:  # a varint
                    size = _varint(content, start, end)[1] - start
                case 1:
                    size = 8
                case 5:
                    size = 4
                case 2:  # bytes: a text, a list of numbers, another message
                    size, start = _varint(content, start, end)
                case wire:
                    raise ModelFormatError(f"is no ONNX model: byte {position} begins a field of kind {wire}")
            position = start + size
            if position > end:
                raise ModelFormatError(
                    f"is no ONNX model: expected {size} bytes at byte {start}; received {end - start}"
                )
            if field is None or tag & 7 != 2:
                continue
            if field.message_type is not None:
                budget.take(MESSAGE, _PARTS)
                left.append((start, position, field.message_type))
            elif field.type == field.TYPE_STRING:
                with refusing(f"is no ONNX model: the text at byte {start} is not UTF-8", UnicodeDecodeError):
                    content[start:position].decode()
            elif width := _WIDTHS.get(field.type):  # a list: each byte below 128 ends a number
                count = int(np.count_nonzero(np.frombuffer(content, "u1", size, start) < 128))
                budget.take(max(0, count * width - size) // 8, _PARTS)


def _varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, lowest first, and where it ends."""
    number = 0
    for i, byte in enumerate(content[position : min(end, position + _MOST_VARINT_BYTES)]):
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return number, position + i + 1
    raise ModelFormatError(f"is no ONNX model: no protobuf number is at byte {position}")

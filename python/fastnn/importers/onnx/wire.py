"""How many messages and numbers a protobuf file holds, counted in its bytes before they are parsed.

Two bytes of a file can be an empty node, which is a hundred in memory, or two numbers, which are sixteen: a small file
could fill all of it.
"""

from typing import Any

from fastnn._core import LimitError, ModelFormatError

_MOST_MESSAGES = 300_000  # tens of megabytes; ten for a node with one attribute
_MOST_FIELDS = 2_000_000
_MOST_INTEGERS = 2**20  # bytes of lists of 64-bit integers: shapes, of which one byte may be eight in memory
_FIXED = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2
_LARGEST_VARINT = 10


def check(content: bytes, descriptor: Any) -> None:
    """Raise ModelFormatError where content is no message of this descriptor, LimitError where it has too many parts."""
    kinds: dict[str, dict[int, Any]] = {}
    left, messages, fields, integers = [(0, len(content), descriptor)], 0, 0, 0
    while left:
        position, end, kind = left.pop()
        messages += 1
        known = kinds.get(kind.full_name) or kinds.setdefault(kind.full_name, kind.fields_by_number)
        while position < end:
            fields += 1
            if messages + len(left) > _MOST_MESSAGES or fields > _MOST_FIELDS or integers > _MOST_INTEGERS:
                raise LimitError(f"has more than {_MOST_MESSAGES} nodes, tensors and attributes, or too many numbers")
            tag, position = _varint(content, position, end)
            wire = tag & 7
            if wire == _VARINT:
                _, position = _varint(content, position, end)
                continue
            size = _FIXED.get(wire, 0)
            if wire == _BYTES:
                size, position = _varint(content, position, end)
            elif size == 0:
                raise ModelFormatError(f"is no ONNX model: no protobuf field begins at byte {position}")
            if size > end - position:
                raise ModelFormatError(f"is no ONNX model: a field of {size} bytes at byte {position}, {end} are there")
            field = known.get(tag >> 3) if wire == _BYTES else None
            if field is not None and field.message_type is not None:
                left.append((position, position + size, field.message_type))
            elif field is not None and field.type == field.TYPE_STRING:
                _check_text(content[position : position + size], position)
            elif field is not None and field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
                integers += size
            position += size


def _check_text(text: bytes, position: int) -> None:
    """Refuse what the protobuf package would hand on as bytes in place of a str."""
    try:
        text.decode()
    except UnicodeDecodeError:
        raise ModelFormatError(f"is no ONNX model: the text at byte {position} is not UTF-8") from None


def _varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, lowest first, and where it ends."""
    number = 0
    for i in range(_LARGEST_VARINT):
        if position + i >= end:
            break
        byte = content[position + i]
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return number, position + i + 1
    raise ModelFormatError(f"is no ONNX model: no protobuf number is at byte {position}")

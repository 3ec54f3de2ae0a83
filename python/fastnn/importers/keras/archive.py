"""The zip archive of a .keras file: its members are checked before zipfile reads them, and read within a budget."""

import stat
import zipfile
from collections.abc import Container
from typing import BinaryIO

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.keras.guard import Budget

_ENTRY = 16  # bytes of memory for a byte of the list of members


def read_members(file: BinaryIO, size: int, wanted: Container[str]) -> dict[str, bytes]:
    """Return the wanted members of an archive of `size` bytes; the others are empty.

    Errors are ModelFormatError, or zipfile's own, such as for a wrong checksum.
    """
    budget, length = Budget(size), _directory_bytes(file, size)
    budget.take(f"lists its members in {length} bytes", _ENTRY * length)
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = member.filename
            _check_member(member, size)
            if name in contents:
                raise ModelFormatError(f"has two members of the same name, {name!r:.100}")
            contents[name] = b""
            if name in wanted:
                with archive.open(member) as unpacked:
                    contents[name] = unpacked.read(budget.left + 1)  # it may unpack to more than it says
                budget.take(f"has the compressed member {name}", len(contents[name]))
    return contents


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Return the length of the list of members, of which zipfile makes objects without a limit."""
    file.seek(max(size - 98, 0))
    end = file.read(98)
    if end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFormatError("does not end as a zip archive: it is truncated, or something follows it")
    if end[56:60] != b"PK\x06\x07":
        return int.from_bytes(end[-10:-6], "little")
    # Archives of more than 4 GiB have another record of 56 bytes, and a locator of 20 that says where it begins.
    if end[:4] != b"PK\x06\x06" or int.from_bytes(end[64:72], "little") != size - 98:
        raise ModelFormatError("does not end as a zip archive of more than 4 GiB")
    return int.from_bytes(end[40:48], "little")


def _check_member(member: zipfile.ZipInfo, size: int) -> None:
    name, parts = f"{member.filename!r:.100}", member.filename.rstrip("/").split("/")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if "\\" in name or {"", ".", ".."} & set(parts) or mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFormatError(f"has the member {name}, which is no plain file or leads elsewhere")
    if member.flag_bits & 1:
        raise ModelFormatError(f"has the encrypted member {name}; expected plain files")
    if member.compress_size > size:  # zipfile allocates as much
        raise ModelFormatError(f"has the member {name}, which is larger than the file")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without a limit
        raise UnsupportedModelError(f"has the member {name} in another compression; expected stored or deflated")

"""Containers of unknown origin, read within a budget of memory: zip archives, whose members are checked first."""

import os
import stat
import zipfile
from typing import BinaryIO

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError

_SPARE = 16 << 20  # bytes
_ENTRY = 16  # bytes of memory for a byte of the list of members


class Budget:
    """The memory that reading a container may take: its size and 16 MiB."""

    def __init__(self, size: int) -> None:
        self.left = size + _SPARE

    def take(self, what: str, amount: int) -> None:
        """Raise LimitError if `amount` bytes are not left."""
        self.left -= amount
        if self.left < 0:
            raise LimitError(f"{what}, more memory than fastnn spends on a file of this size")


class ZipArchive:
    """The members of an open file: plain files of unique names, together no larger than the file.

    Errors are ModelFormatError, its subclasses, or those of zipfile, such as for a wrong checksum.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        self._budget, length = Budget(size), _directory_bytes(file, size)
        self._budget.take(f"lists its members in {length} bytes", _ENTRY * length)
        self._zip = zipfile.ZipFile(file)
        listed = self._zip.infolist()
        self.members = {member.filename: member for member in listed}
        if len(self.members) != len(listed):
            raise ModelFormatError("has members of the same name")
        for member in listed:
            _check_member(member)
        if sum(member.compress_size for member in listed) > size:  # zipfile allocates as much
            raise ModelFormatError("has members that are larger than the file")

    def read(self, name: str) -> bytes:
        """Return the bytes of a member."""
        with self._zip.open(self.members[name]) as member:
            content = member.read(self._budget.left + 1)  # it may unpack to more than it says
        self._budget.take(f"has the compressed member {name}", len(content))
        return content


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Return the length of the list of members. zipfile makes objects of the whole list."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":  # zipfile would skip what precedes an archive
        raise ModelFormatError("does not begin as a zip archive")
    file.seek(max(size - 98, 0))
    end = file.read(98)
    if end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFormatError("does not end as a zip archive: it is truncated, or something follows it")
    if end[56:60] != b"PK\x06\x07":
        return int.from_bytes(end[-10:-6], "little")
    # Large archives and PyTorch's have another record of 56 bytes. A locator of 20 bytes says where it begins.
    if end[:4] != b"PK\x06\x06" or int.from_bytes(end[64:72], "little") != size - 98:
        raise ModelFormatError("does not end as a zip64 archive")
    return int.from_bytes(end[40:48], "little")


def _check_member(member: zipfile.ZipInfo) -> None:
    name, parts = f"{member.filename!r:.100}", member.filename.rstrip("/").split("/")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if "\\" in name or {"", ".", ".."} & set(parts) or mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFormatError(f"has the member {name}, which is no plain file or leads elsewhere")
    if member.flag_bits & 1:
        raise ModelFormatError(f"has the encrypted member {name}; expected plain files")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without a limit
        raise UnsupportedModelError(f"has the member {name} in another compression; expected stored or deflated")

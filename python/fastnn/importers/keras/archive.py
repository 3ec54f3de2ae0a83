"""The zip archive that a .keras file is: its members, read without more memory than the file is worth."""

import io
import json
import stat
import struct
import zipfile
from typing import Any, BinaryIO

from fastnn._core import LimitError, ModelFormatError

_MOST_CONFIG_BYTES = 1 << 20  # Python's objects take up to 50 times as many
_MOST_DIRECTORY_BYTES = 1 << 20  # of the archive's list of members: about 10,000
_MOST_UNPACKED_BYTES = 16 << 20  # of a compressed member; Keras compresses none


def parse_json(text: str | bytes, what: str) -> Any:
    """Return what a text of at most 2 MiB says; what: to call it in errors."""
    if len(text) > _MOST_CONFIG_BYTES:
        raise LimitError(f"{what} has {len(text)} bytes; fastnn reads at most {_MOST_CONFIG_BYTES}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"{what} is not JSON: {error!s:.100}") from None


class _Window(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length, self._at = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._length)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(self._length - self._at, 0))
        self._file.seek(self._start + self._at)
        read = self._file.readinto(memoryview(buffer)[:wanted])  # type: ignore[attr-defined]
        self._at += read
        return int(read)


class Archive:
    """The members of a zip archive that are files, by their names."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        _check_directory(file, size)
        self._zip = zipfile.ZipFile(file)
        listed = self._zip.infolist()
        self.members = {member.filename: member for member in listed}
        if len(self.members) != len(listed):
            raise ModelFormatError("has members of the same name")
        for member in listed:
            _check_member(member)
        stored = [m for m in listed if m.compress_type == zipfile.ZIP_STORED]
        # zipfile allocates what a member is said to have.
        if sum(m.compress_size for m in listed) > size or any(m.file_size != m.compress_size for m in stored):
            raise ModelFormatError("has members that are larger than the file")

    def json(self, name: str) -> Any:
        """Return what a member says."""
        member = self._member(name)
        if member.file_size > _MOST_CONFIG_BYTES:
            raise LimitError(f"{name} has {member.file_size} bytes; fastnn reads at most {_MOST_CONFIG_BYTES}")
        return parse_json(self._zip.read(member), name)

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """Return a member as a file, and its size; one that is not compressed is not read into memory."""
        member = self._member(name)
        if member.compress_type != zipfile.ZIP_STORED:
            if member.file_size > _MOST_UNPACKED_BYTES:
                raise LimitError(
                    f"{name} is compressed, and has {member.file_size} bytes; fastnn unpacks at most "
                    f"{_MOST_UNPACKED_BYTES}: expected it as Keras writes it, stored as it is"
                )
            return io.BytesIO(self._zip.read(member)), member.file_size
        with self._zip.open(member) as content:  # its checksum
            while content.read(1 << 20):
                pass
        self._file.seek(member.header_offset + 26)
        header = 30 + sum(struct.unpack("<HH", self._file.read(4)))
        return io.BufferedReader(_Window(self._file, member.header_offset + header, member.file_size)), member.file_size

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self.members:
            raise ModelFormatError(f"has no {name}; expected a file that Keras wrote")
        return self.members[name]


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a list of members that would take much memory, before it is read."""
    file.seek(max(size - 98, 0))
    end = file.read(98)
    if end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFormatError("does not end as a zip archive: it is cut, or something follows it")
    directory = struct.unpack("<L", end[-10:-6])[0]
    if end[-42:-38] == b"PK\x06\x07":  # of more than 4 GiB: the record before it has the larger number
        directory = max(directory if directory < 2**32 - 1 else 0, struct.unpack("<Q", end[-58:-50])[0])
    if directory > _MOST_DIRECTORY_BYTES:
        raise LimitError(f"lists its members in {directory} bytes; fastnn reads at most {_MOST_DIRECTORY_BYTES}")


def _check_member(member: zipfile.ZipInfo) -> None:
    name, parts = member.filename, member.filename.rstrip("/").split("/")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if "\\" in name or not all(parts) or ".." in parts or "." in parts or mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFormatError(f"has the member {name!r:.100}, which is no plain file or leads elsewhere")
    if member.flag_bits & 1:
        raise ModelFormatError(f"has the encrypted member {name!r:.100}; expected plain files")

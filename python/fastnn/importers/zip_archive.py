"""Zip archives of unknown origin, opened within bounds: zipfile alone would take any memory that they ask for."""

import struct
import zipfile
from typing import BinaryIO

from fastnn._core import LimitError, ModelFormatError

_MOST_DIRECTORY_BYTES = 1 << 20  # about 10,000 members; zipfile's objects take 13 times as many


def open_archive(file: BinaryIO, size: int) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Return the archive, and its members by name: unique, not encrypted, together no larger than the file.

    Only compressed members may become larger when they are read. Raises ModelFormatError, LimitError, and what zipfile
    raises.
    """
    _check_directory(file, size)
    archive = zipfile.ZipFile(file)
    listed = archive.infolist()
    members = {member.filename: member for member in listed}
    if len(members) != len(listed):
        raise ModelFormatError("has members of the same name")
    if any(member.flag_bits & 1 for member in listed):
        raise ModelFormatError("has encrypted members; expected plain ones")
    stored = [member for member in listed if member.compress_type == zipfile.ZIP_STORED]
    # zipfile allocates the size that a member claims.
    if sum(m.compress_size for m in listed) > size or any(m.file_size != m.compress_size for m in stored):
        raise ModelFormatError("has members that are larger than the file")
    return archive, members


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory that would take much memory, before it is read."""
    file.seek(max(size - 98, 0))
    end = file.read(98)
    if end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFormatError("does not end as a zip archive: it is cut, or something follows it")
    directory = struct.unpack("<L", end[-10:-6])[0]
    if end[-42:-38] == b"PK\x06\x07":  # above 4 GiB the size is in the record before
        directory = max(directory if directory < 2**32 - 1 else 0, struct.unpack("<Q", end[-58:-50])[0])
    if directory > _MOST_DIRECTORY_BYTES:
        raise LimitError(f"lists its members in {directory} bytes; fastnn reads at most {_MOST_DIRECTORY_BYTES}")

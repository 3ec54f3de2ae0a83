"""The zip archive of a .keras file: members are checked before zipfile reads them, and read within a budget."""

import json
import stat
import zipfile
from typing import Any, BinaryIO

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.keras.guard import Budget

_ENTRY = 16  # bytes of memory for a byte of the list of members
_MOST_JSON = 1 << 20  # bytes; Python's objects take up to 50 times as many


def parse_json(text: str | bytes, what: str) -> Any:
    """Return the value of a JSON text of at most 1 MiB; `what` names it in errors."""
    if len(text) > _MOST_JSON:
        raise LimitError(f"{what} has {len(text)} bytes; fastnn reads at most {_MOST_JSON}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"{what} is not JSON: {error!s:.100}") from None


class Archive:
    """A zip archive of `size` bytes. Errors are ModelFormatError, or zipfile's own."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._size, self._budget = size, Budget(size)
        length = _directory_bytes(file, size)
        self._budget.take(f"lists its members in {length} bytes", _ENTRY * length)
        self._zip = zipfile.ZipFile(file)
        listed = self._zip.infolist()
        self.members = {member.filename: member for member in listed}
        if len(self.members) != len(listed):
            raise ModelFormatError("has members of the same name")
        for member in listed:
            _check_member(member)

    def read(self, name: str) -> bytes:
        """Return the bytes of a member, whose checksum zipfile verifies."""
        member = self.members.get(name)
        if member is None:
            raise ModelFormatError(f"has no {name}; expected a file that Keras wrote")
        if member.compress_size > self._size:  # zipfile allocates as much
            raise ModelFormatError(f"has the member {name}, which is larger than the file")
        with self._zip.open(member) as file:
            content = file.read(self._budget.left + 1)  # it may unpack to more than it says
        self._budget.take(f"has the compressed member {name}, which has {len(content)} bytes or more", len(content))
        return content

    def json(self, name: str) -> Any:
        """Return the value of a JSON member."""
        return parse_json(self.read(name), name)


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Return the length of the list of members; zipfile makes objects of all that it says."""
    file.seek(max(size - 98, 0))
    end = file.read(98)
    if end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFormatError("does not end as a zip archive: it is truncated, or something follows it")
    if end[56:60] != b"PK\x06\x07":
        return int.from_bytes(end[-10:-6], "little")
    # Archives of more than 4 GiB have a record of 56 bytes more, and a locator of 20 that says where it begins.
    if end[:4] != b"PK\x06\x06" or int.from_bytes(end[64:72], "little") != size - 98:
        raise ModelFormatError("does not end as a zip archive of more than 4 GiB")
    return int.from_bytes(end[40:48], "little")


def _check_member(member: zipfile.ZipInfo) -> None:
    name, parts = member.filename, member.filename.rstrip("/").split("/")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if "\\" in name or {"", ".", ".."} & set(parts) or mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFormatError(f"has the member {name!r:.100}, which is no plain file or leads elsewhere")
    if member.flag_bits & 1:
        raise ModelFormatError(f"has the encrypted member {name!r:.100}; expected plain files")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without a limit
        raise UnsupportedModelError(
            f"has the member {name!r:.100} in compression {member.compress_type}; expected stored or deflated members"
        )

"""An HDF5 file as Keras writes it: no other file is opened, no link followed, no more allocated than the file backs.

HDF5 trusts a file. So whatever could make it allocate or loop without end is checked before it looks there.
"""

import importlib
import io
import math
import zlib
from typing import Any

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.containers import Budget

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_TEXT = 1 << 20  # bytes: Python's objects of a config take up to 50 times as many
_OBJECT = 160  # bytes of memory for a group or dataset
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3  # the filters that HDF5 can undo without a plugin


class Hdf5:
    """The groups, datasets and attributes of a file. Errors are ModelFormatError, or h5py's own."""

    def __init__(self, content: bytes) -> None:
        try:
            self._h5py: Any = importlib.import_module("h5py")
        except ImportError:
            raise ImportError("reading Keras' files needs h5py: pip install h5py") from None
        if not content.startswith(SIGNATURE):
            raise ModelFormatError("has weights that are no HDF5 file")
        self._content, self._budget = content, Budget(len(content))
        self.root = self._h5py.File(io.BytesIO(content), "r")

    def at(self, path: str) -> Any:
        """Return a group or dataset by its path, None if there is none."""
        found = self.root
        for name in path.split("/"):
            found = None if found is None else self._child(found, name)
        return found

    def children(self, group: Any) -> dict[str, Any]:
        """Return the groups and datasets in a group by their names; none if there is no group."""
        names = () if group is None else group.keys()
        self._budget.take("has too many groups and datasets", _OBJECT * len(names))
        return {name: self._child(group, name) for name in names}

    def _child(self, group: Any, name: str) -> Any:
        link = group.get(name, getlink=True)
        if link is not None and not isinstance(link, self._h5py.HardLink):  # a hard link stays in the file
            kind = type(link).__name__
            raise ModelFormatError(f"{name!r:.100} in {group.name!r:.100} is a {kind}, which fastnn does not follow")
        return None if link is None else group[name]

    def text(self, item: Any, name: str) -> str | None:
        """Return an attribute that is one string, None if there is none; check_strings() has accepted the file."""
        if item is None or name not in item.attrs:
            return None
        attribute = item.attrs.get_id(name)
        is_string = self._h5py.check_string_dtype(attribute.dtype) is not None
        if attribute.shape != () or not is_string or attribute.get_storage_size() > MOST_TEXT:
            raise ModelFormatError(f"the attribute {name!r} is no string of at most {MOST_TEXT} bytes")
        value = item.attrs[name]
        return value.decode() if isinstance(value, bytes) else str(value)

    def texts(self, item: Any, name: str) -> list[str] | None:
        """Return an attribute that is a list of strings of one size, as Keras writes them; None for any other."""
        attribute = item.attrs.get_id(name)
        if attribute.dtype.kind != "S" or len(attribute.shape) != 1 or attribute.get_storage_size() > MOST_TEXT:
            return None
        return [text.decode() for text in item.attrs[name].tolist()]

    def checked(self, dataset: Any) -> Any:
        """Return a dataset that is safe to read."""
        name, plan, h5d = f"has the dataset {dataset.name!r:.100}, which", dataset.id.get_create_plist(), self._h5py.h5d
        if plan.get_layout() == h5d.VIRTUAL or plan.get_external_count():
            raise ModelFormatError(f"{name} keeps its numbers in other files, which fastnn does not open")
        chunk = dataset.chunks or dataset.shape
        count = math.prod(-(-size // each) for size, each in zip(dataset.shape, chunk, strict=True) if size)
        most = math.prod(chunk) * dataset.dtype.itemsize
        self._budget.take(f"{name} of shape {dataset.shape} takes {count * most} bytes", count * most)
        stored = dataset.id.get_storage_size()
        if (stored != most and not dataset.chunks) or (dataset.size and not stored):
            raise ModelFormatError(f"{name} has {stored} bytes; expected {dataset.nbytes}")
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if not {_DEFLATE, _SHUFFLE, _FLETCHER32} >= set(filters) or filters.count(_DEFLATE) > 1:
            raise UnsupportedModelError(f"{name} is packed by the filters {filters}; expected deflate and shuffle")
        if _DEFLATE in filters:
            self._check_chunks(dataset, name, filters.index(_DEFLATE), count, most)
        return dataset

    def _check_chunks(self, dataset: Any, name: str, deflate: int, count: int, most: int) -> None:
        """Refuse chunks that unpack to more than `most` bytes each, since HDF5 would allocate as much."""

        def check(chunk: Any) -> None:
            stream = memoryview(self._content)[chunk.byte_offset : chunk.byte_offset + chunk.size]
            is_packed = not chunk.filter_mask >> deflate & 1
            if is_packed and len(zlib.decompressobj().decompress(stream, most + 5)) > most + 4:  # a checksum
                raise LimitError(f"{name} has a chunk that unpacks to more than {most} bytes")

        if dataset.id.get_num_chunks() > count:
            raise ModelFormatError(f"{name} has more chunks than its shape {dataset.shape} has room for")
        dataset.id.chunk_iter(check)

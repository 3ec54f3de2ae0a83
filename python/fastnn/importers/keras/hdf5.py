"""An HDF5 file as Keras writes it: no other file is opened, no link followed, no more allocated than the file backs.

HDF5 believes what a file says. So what could make it allocate or loop without end is checked before it looks there.
"""

import importlib
import io
import math
import zlib
from typing import Any

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.keras.guard import Budget
from fastnn.importers.keras.strings import check_strings

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_OBJECT = 160  # bytes of memory for a group or dataset
_MOST_TEXT = 1 << 20  # bytes of an attribute, the most that parse_json() takes
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3  # the filters that HDF5 can undo without a plugin


class Hdf5:
    """The groups, datasets and attributes of a file. Errors are ModelFormatError, or h5py's own."""

    def __init__(self, content: bytes) -> None:
        try:
            self._h5py: Any = importlib.import_module("h5py")
        except ImportError:
            raise ImportError("reading Keras' files needs h5py: pip install 'fastnn[keras]'") from None
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
        if group is None:
            return {}
        self._check_group(group)
        self._budget.take("has too many groups and datasets", _OBJECT * len(group))
        return {name: self._child(group, name) for name in group}

    def is_dataset(self, item: Any) -> bool:
        """Return whether an item is a dataset, not a group."""
        return isinstance(item, self._h5py.Dataset)

    def text(self, item: Any, name: str) -> str | None:
        """Return an attribute that is one string, None if there is none."""
        if item is None or name not in item.attrs:
            return None
        check_strings(self._content, _MOST_TEXT)
        attribute = item.attrs.get_id(name)
        is_string = self._h5py.check_string_dtype(attribute.dtype) is not None
        if attribute.shape != () or not is_string or attribute.get_storage_size() > _MOST_TEXT:
            raise ModelFormatError(f"the attribute {name!r} is no string of at most {_MOST_TEXT} bytes")
        value = item.attrs[name]
        return value.decode() if isinstance(value, bytes) else str(value)

    def checked(self, dataset: Any) -> Any:
        """Return a dataset of at most two dimensions that is safe to read: it takes no more than the file backs."""
        name, plan, h5d = f"dataset {dataset.name!r:.100}", dataset.id.get_create_plist(), self._h5py.h5d
        if plan.get_layout() == h5d.VIRTUAL or plan.get_external_count():
            raise ModelFormatError(f"{name} keeps its numbers in other files, which fastnn does not open")
        if dataset.shape is None or len(dataset.shape) > 2:
            raise ModelFormatError(f"{name} has the shape {dataset.shape}; expected at most two dimensions")
        chunk = dataset.chunks or dataset.shape
        count = math.prod(-(-size // each) for size, each in zip(dataset.shape, chunk, strict=True) if size)
        most = math.prod(chunk) * dataset.dtype.itemsize
        self._budget.take(f"{name} of shape {dataset.shape} takes {count * most} bytes", count * most)
        stored = dataset.id.get_storage_size()
        if (stored != most and not dataset.chunks) or (dataset.size and not stored):
            raise ModelFormatError(f"{name} of shape {dataset.shape} has {stored} bytes; expected {dataset.nbytes}")
        if dataset.chunks:
            self._check_chunks(dataset, name, [plan.get_filter(i)[0] for i in range(plan.get_nfilters())], count, most)
        return dataset

    def _check_group(self, item: Any) -> None:
        if not isinstance(item, self._h5py.Group):
            raise ModelFormatError(f"{item.name!r:.100} is no group")

    def _child(self, group: Any, name: str) -> Any:
        self._check_group(group)
        link = group.get(name, getlink=True)
        if link is not None and not isinstance(link, self._h5py.HardLink):  # a hard link stays in the file
            kind = type(link).__name__
            raise ModelFormatError(f"{name!r:.100} in {group.name!r:.100} is a {kind}, which fastnn does not follow")
        return None if link is None else group[name]

    def _check_chunks(self, dataset: Any, name: str, filters: list[int], count: int, most: int) -> None:
        """Refuse chunks that unpack to more than `most` bytes each: HDF5 would allocate as much."""
        if not {_DEFLATE, _SHUFFLE, _FLETCHER32} >= set(filters) or filters.count(_DEFLATE) > 1:
            raise UnsupportedModelError(f"{name} is packed by the filters {filters}; expected deflate and shuffle")
        if _DEFLATE not in filters:
            return
        if dataset.id.get_num_chunks() > count:
            raise ModelFormatError(f"{name} has {dataset.id.get_num_chunks()} chunks; expected at most {count}")

        def check(chunk: Any) -> None:
            stream = memoryview(self._content)[chunk.byte_offset : chunk.byte_offset + chunk.size]
            is_packed = not chunk.filter_mask >> filters.index(_DEFLATE) & 1
            if is_packed and len(zlib.decompressobj().decompress(stream, most + 5)) > most + 4:  # a checksum
                raise LimitError(f"{name} has a chunk that unpacks to more than its {most} bytes")

        dataset.id.chunk_iter(check)

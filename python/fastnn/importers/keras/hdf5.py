"""Weights in an HDF5 file, as Keras writes them: no other file is opened, no more allocated than the file backs.

Groups and datasets are reached by hard links alone, which lead nowhere else.
"""

import importlib
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.keras.strings import check_strings

Array = npt.NDArray[Any]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS = 100_000
_MOST_TEXT = 1 << 20  # bytes: Python's objects of a config take up to 50 times as many
_SPARE = 16 << 20  # bytes that compressed datasets may have more than the file
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}  # all that HDF5 itself can undo, without a plugin


class Hdf5:
    """An open file of `size` bytes; raises ModelFormatError, or what h5py does where the file is broken."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        try:
            self._h5py: Any = importlib.import_module("h5py")
        except ImportError:
            raise ImportError("reading Keras' files needs h5py: pip install 'fastnn[keras]'") from None
        self._file, self._size, self._are_strings_checked = file, size, False
        self._left = size + _SPARE
        self._objects = 0
        self.root = self._h5py.File(file, "r")

    def child(self, group: Any, name: str) -> Any:
        """Return a group or dataset by its name in a group, None where there is none."""
        if not isinstance(group, self._h5py.Group):
            raise ModelFormatError(f"{group.name!r:.100} is no group")
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, self._h5py.HardLink):
            kind = type(link).__name__
            raise ModelFormatError(f"{name!r:.100} in {group.name!r:.100} is a {kind}, which fastnn does not follow")
        return group[name]

    def children(self, group: Any) -> list[str]:
        """Return the names in a group."""
        self._objects += len(group)
        if self._objects > _MOST_OBJECTS:
            raise LimitError(f"has more than {_MOST_OBJECTS} groups and datasets")
        return list(group)

    def at(self, path: str) -> Any:
        """Return a group or dataset by its path, None where there is none."""
        found = self.root
        for name in path.split("/"):
            found = None if found is None else self.child(found, name)
        return found

    def is_dataset(self, item: Any) -> bool:
        """Tell a dataset from a group."""
        return isinstance(item, self._h5py.Dataset)

    def text(self, item: Any, name: str) -> str | None:
        """Return an attribute that is one string, None where there is none."""
        if name not in item.attrs:
            return None
        if not self._are_strings_checked:
            check_strings(self._file, self._size, _MOST_TEXT)
            self._are_strings_checked = True
        attribute = item.attrs.get_id(name)
        kind = self._h5py.check_string_dtype(attribute.dtype)
        if attribute.shape != () or kind is None or attribute.get_storage_size() > _MOST_TEXT:
            raise ModelFormatError(f"the attribute {name!r} is no string of at most {_MOST_TEXT} bytes")
        value = item.attrs[name]
        value = value.decode() if isinstance(value, bytes) else str(value)
        if len(value) > _MOST_TEXT:
            raise LimitError(f"the attribute {name!r} has {len(value)} characters; expected at most {_MOST_TEXT}")
        return value

    def array(self, dataset: Any) -> Array:
        """Return the numbers of a dataset, float16 and bfloat16 as float32."""
        name, dtype = f"dataset {dataset.name!r:.100}", dataset.dtype
        # Python's tools have no other name for bfloat16 in a file than two opaque bytes.
        is_bfloat16 = dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None and dtype.shape == ()
        if not is_bfloat16 and not (dtype.kind == "f" and dtype.itemsize in (2, 4, 8)):
            raise UnsupportedModelError(f"{name} holds {dtype!s:.60}; expected floats of 16, 32 or 64 bits")
        self._check_storage(dataset, name)
        numbers = np.asarray(dataset[()])
        if is_bfloat16:
            return (numbers.view("<u2").astype(np.uint32) << 16).view(np.float32)
        return numbers.astype(np.float32 if dtype.itemsize == 2 else dtype.newbyteorder("="), copy=False)

    def _check_storage(self, dataset: Any, name: str) -> None:
        plan, h5d = dataset.id.get_create_plist(), self._h5py.h5d
        if plan.get_layout() == h5d.VIRTUAL or plan.get_external_count():
            raise ModelFormatError(f"{name} keeps its numbers in other files, which fastnn does not open")
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if any(each not in _FILTERS for each in filters):
            raise UnsupportedModelError(f"{name} is packed by the filters {filters}; expected {_FILTERS} at most")
        if dataset.shape is None or len(dataset.shape) > 2:
            raise ModelFormatError(f"{name} has the shape {dataset.shape}; expected at most two dimensions")
        wanted, stored = dataset.nbytes, dataset.id.get_storage_size()
        self._left -= wanted
        is_plain = plan.get_layout() != h5d.CHUNKED
        chunk = 0 if is_plain else int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize
        if self._left < 0 or chunk > _SPARE:
            raise LimitError(f"{name} of shape {dataset.shape} takes {wanted} bytes, more than the file can hold")
        if (is_plain and stored != wanted) or (wanted and not stored):
            raise ModelFormatError(f"{name} of shape {dataset.shape} has {stored} bytes; expected {wanted}")

"""Keras' files, .keras and .h5, read without Keras: what the model is, and its weights. Nothing of them is run."""

import contextlib
import errno
import math
import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.files import open_regular
from fastnn.importers.keras.archive import Archive, parse_json
from fastnn.importers.keras.hdf5 import SIGNATURE, Hdf5
from fastnn.importers.keras.model import KerasSteps, Place, flat_rows, model_steps, refuse_code
from fastnn.importers.refusals import refusal
from fastnn.importers.report import convert
from fastnn.models.sequential import Sequential

Array = npt.NDArray[Any]

_ZIP = b"PK\x03\x04"
_WEIGHTS = "model.weights.h5"


def load(path: str | os.PathLike[str], *, fold: bool = True, check: Any = None, name: str | None = None) -> Sequential:
    """Return the model of a file that Keras 3 or 2 wrote, .keras or .h5, by content; Keras is not needed, h5py is.

    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them.
    check: (x, y), rows and Keras' answers, of which ``model.conversion`` then says how far the model's are.
    name: of the model; otherwise as in the file.

    Rows of arrays, such as images, that a Flatten makes rows of numbers of, are given flattened: x.reshape(len(x), -1).
    Classes are in no Keras file: set ``model.classes``.
    Raises UnsupportedModelError for layers that fastnn cannot do, ModelFormatError for broken files, LimitError (all
    ValueErrors); OSError; ImportError without h5py.

    >>> model = load("digits.keras")  # doctest: +SKIP
    >>> print(model.conversion)  # doctest: +SKIP
    """
    where = os.fsdecode(path)
    with open_regular(where) as file, _errors_of(where):
        found = _read(file, os.fstat(file.fileno()).st_size)
    rows = flat_rows(check, found.shape)
    inputs = None if found.shape is None else math.prod(found.shape)
    title = f"Keras model {found.name!r:.60}"
    try:
        return convert(title, found.steps, inputs=inputs, fold=fold, name=name or found.name or None, check=rows)
    except ModelFormatError as error:
        raise refusal(where, error) from None


@contextlib.contextmanager
def _errors_of(where: str) -> Iterator[None]:
    """Raise fastnn's errors with the path in front, and what zipfile, json and h5py raise as ModelFormatError."""
    try:
        yield
    except ModelFormatError as error:
        raise refusal(where, error) from None
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # of a place before its start
            raise
        found = ModelFormatError(f"is not what Keras writes: {type(error).__name__}: {error!s:.200}")
        raise refusal(where, found) from None


def _read(file: BinaryIO, size: int) -> KerasSteps:
    start = file.read(8)
    file.seek(0)
    if start == SIGNATURE:
        return _read_h5(Hdf5(file, size))
    if start[:4] == _ZIP:
        return _read_keras(file, size)
    raise ModelFormatError("is neither HDF5 nor a zip archive; expected a .keras or a .h5 file of Keras")


def _major(version: Any) -> int | None:
    match = re.match(r"(\d{1,4})\.", version) if isinstance(version, str) else None
    if match and int(match[1]) < 2:
        raise UnsupportedModelError(f"was written by Keras {version:.20}; expected 2 or later: save it again there")
    return int(match[1]) if match else None


def _read_keras(file: BinaryIO, size: int) -> KerasSteps:
    """Read the zip archive of Keras 3, and 2.12 and later."""
    archive = Archive(file, size)
    config = archive.json("config.json")
    version = archive.json("metadata.json") if "metadata.json" in archive.members else {}
    if _WEIGHTS not in archive.members:
        kept = ", ".join(sorted(archive.members))
        raise UnsupportedModelError(f"keeps its weights in another form than {_WEIGHTS}: {kept:.200}; save it as .h5")
    refuse_code(config.get("config") if isinstance(config, dict) else None)
    content, length = archive.open(_WEIGHTS)
    weights = _NumberedWeights(Hdf5(content, length))
    keras = _major(version.get("keras_version") if isinstance(version, dict) else None)
    return model_steps(config, keras, weights)


def _read_h5(hdf5: Hdf5) -> KerasSteps:
    """Read the HDF5 file of Keras 2, and of Keras 3 where asked for."""
    text = hdf5.text(hdf5.root, "model_config")
    if text is None:
        raise UnsupportedModelError(
            "holds weights alone, not what the layers are (as save_weights() writes); save the whole model: "
            "model.save('model.keras')"
        )
    config = parse_json(text, "its model_config")
    refuse_code(config)
    version = hdf5.text(hdf5.root, "keras_version")
    if version is None and (group := hdf5.at("model_weights")) is not None:
        version = hdf5.text(group, "keras_version")
    return model_steps(config, _major(version), _NamedWeights(hdf5))


class _NumberedWeights:
    """Weights in model.weights.h5: layers/dense_1/vars/0, the first one of the second Dense."""

    def __init__(self, hdf5: Hdf5) -> None:
        self._hdf5 = hdf5
        # Keras 2 may have written another word for "layers".
        known = ("layers", "_layer_checkpoint_dependencies")
        self._layers = next((name for name in known if hdf5.at(name) is not None), known[0])

    def __call__(self, place: Place, names: tuple[str, ...]) -> dict[str, Array]:
        path = "".join(f"{self._layers}/{each}/" for each in place.numbered) + "vars"
        group = self._hdf5.at(path)
        found = [] if group is None else self._hdf5.children(group)
        if sorted(found) != sorted(str(i) for i in range(len(names))):
            raise ModelFormatError(
                f"{_WEIGHTS}: {path} has the weights {', '.join(found)!r:.60}; expected {len(names)} of "
                f"{place.names[-1]!r:.60}: {', '.join(names)}"
            )
        return {
            name: self._hdf5.array(self._hdf5.child(group, str(i))) for i, name in enumerate(names) if name != "count"
        }


class _NamedWeights:
    """Weights in a .h5 file: model_weights/dense_6/[any names]/kernel, :0 after it where Keras 2 wrote it."""

    def __init__(self, hdf5: Hdf5) -> None:
        self._hdf5 = hdf5
        self._groups: dict[str, list[tuple[list[str], Any]]] = {}

    def __call__(self, place: Place, names: tuple[str, ...]) -> dict[str, Array]:
        top = place.names[0]
        if top not in self._groups:
            group = self._hdf5.at("model_weights")
            group = None if group is None else self._hdf5.child(group, top)
            self._groups[top] = [] if group is None else list(self._datasets(group, []))
        found = self._groups[top]
        if len(place.names) > 1:  # a layer of a model within; its own name stands before its weights', then the model's
            for depth in range(1, len(place.names)):
                if len(found) > len(names):
                    found = [each for each in found if each[0][-1 - depth :][:1] == [place.names[-depth]]]
        arrays = {path[-1]: dataset for path, dataset in found}
        if len(found) != len(names) or arrays.keys() != set(names):
            raise ModelFormatError(
                f"model_weights of {'/'.join(place.names)!r:.100} are {', '.join(arrays)!r:.100}; expected one each of "
                f"{', '.join(names)!r}"
            )
        return {name: self._hdf5.array(arrays[name]) for name in names if name != "count"}

    def _datasets(self, group: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
        if len(path) > 64:
            raise LimitError("model_weights: groups stand in groups more than 64 deep")
        for name in self._hdf5.children(group):
            child = self._hdf5.child(group, name)
            if self._hdf5.is_dataset(child):
                yield [*path, re.sub(r":\d+$", "", name)], child
            else:
                yield from self._datasets(child, [*path, name])

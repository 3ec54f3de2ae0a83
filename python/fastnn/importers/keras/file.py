"""Keras' files, .keras and .h5, without Keras: which container it is, and where the config and the weights are."""

import os
import re
from typing import Any, BinaryIO

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.files import open_regular
from fastnn.importers.keras.archive import Archive, parse_json
from fastnn.importers.keras.config import Stored, refuse_code
from fastnn.importers.keras.guard import naming
from fastnn.importers.keras.hdf5 import SIGNATURE, Hdf5
from fastnn.importers.keras.model import KerasModel, read_model
from fastnn.importers.keras.weights import named_weights, numbered_weights
from fastnn.importers.refusals import refusal
from fastnn.models.sequential import Sequential

_WEIGHTS = "model.weights.h5"


def load(path: str | os.PathLike[str], *, fold: bool = True, check: Any = None, name: str | None = None) -> Sequential:
    """Return the model of a .keras or .h5 file of Keras 3 or 2, whatever its name; it needs h5py, not Keras.

    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them.
    check: (x, y), rows and Keras' answers to them; ``model.conversion`` then tells how far the model's are from these.
    name: of the model; default: the file's.

    If the model flattens arrays such as images first, give it flattened rows: x.reshape(len(x), -1).
    A Keras file has no classes: set ``model.classes``.
    Raises UnsupportedModelError for layers that fastnn does not have, ModelFormatError for broken files, LimitError
    (all ValueErrors); OSError; ImportError without h5py.

    >>> model = load("digits.keras")  # doctest: +SKIP
    >>> print(model.conversion)  # doctest: +SKIP
    """
    where = os.fsdecode(path)
    with open_regular(where) as file, naming(f"{where}:"):
        model = _read(file)
    try:
        return model.converted(fold=fold, check=check, name=name)
    except ModelFormatError as error:
        raise refusal(where, error) from None


def _read(file: BinaryIO) -> KerasModel:
    start = file.read(8)
    file.seek(0)
    if start == SIGNATURE:
        config, version, stored = _h5(Hdf5(file.read()))
    elif start[:4] == b"PK\x03\x04":
        config, version, stored = _keras(Archive(file, os.fstat(file.fileno()).st_size))
    else:
        raise ModelFormatError("is neither HDF5 nor a zip archive; expected a .keras or a .h5 file of Keras")
    major = re.match(r"(\d{1,4})\.", version) if isinstance(version, str) else None
    if major and int(major[1]) < 2:
        raise UnsupportedModelError(f"was written by Keras {version:.20}; expected 2 or later: save it again there")
    model = read_model(config, int(major[1]) if major else None, stored)
    refuse_code(config)  # last, so that an unknown layer is refused by its name
    return model


def _keras(archive: Archive) -> tuple[Any, Any, Stored]:
    """Return the config, the version and the weights of a zip archive of Keras 3, or 2.12 and later."""
    config = archive.json("config.json")
    metadata = archive.json("metadata.json") if "metadata.json" in archive.members else {}
    if _WEIGHTS not in archive.members:
        kept = ", ".join(sorted(archive.members))
        raise UnsupportedModelError(f"has no {_WEIGHTS}, but {kept:.200}; save it as .h5")
    return config, metadata.get("keras_version"), numbered_weights(Hdf5(archive.read(_WEIGHTS)))


def _h5(hdf5: Hdf5) -> tuple[Any, Any, Stored]:
    """Return the config, the version and the weights of an HDF5 file of Keras 2, or of Keras 3 if asked for."""
    text = hdf5.text(hdf5.root, "model_config")
    if text is None:
        raise UnsupportedModelError(
            "holds weights alone, not what the layers are (as save_weights() writes); save the whole model: "
            "model.save('model.keras')"
        )
    version = hdf5.text(hdf5.root, "keras_version") or hdf5.text(hdf5.at("model_weights"), "keras_version")
    return parse_json(text, "its model_config"), version, named_weights(hdf5)

"""Keras' files, .keras and .h5, without Keras: which container it is, where the config and the weights are in it."""

import json
import os
import re
from typing import Any, BinaryIO

from fastnn._core import LimitError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.containers import ZipArchive
from fastnn.importers.keras import weights
from fastnn.importers.keras.config import Stored, refuse_code
from fastnn.importers.keras.hdf5 import MOST_TEXT, SIGNATURE, Hdf5
from fastnn.importers.keras.model import KerasModel, read_model
from fastnn.importers.keras.strings import check_strings
from fastnn.importers.paths import open_model
from fastnn.importers.refusals import in_one_sentence, misplaced, refusing
from fastnn.models.sequential import Sequential
from fastnn.text import printable

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def load(
    file: BinaryIO,
    *,
    config: str | os.PathLike[str] | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
) -> Sequential:
    """Return the model of an open .keras or .h5 file of Keras 3 or 2, whatever its name; it needs h5py, not Keras.

    config: the path of what model.to_json() wrote, for a file of weights alone.
    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them.
    check: (x, y), rows and Keras' answers to them; ``model.conversion`` then tells how far the model's are from these.
    verify: whether the layers' formulas in NumPy and the model answer some rows, and a model whose answers differ is
        refused (default).

    If the model flattens arrays such as images first, give it flattened rows: x.reshape(len(x), -1).
    A Keras file has no classes: set ``model.classes``.
    Raises UnsupportedModelError for layers that fastnn does not have, ModelFormatError for broken files, LimitError
    (all ValueErrors); OSError; ImportError without h5py.

    >>> import h5py, keras
    >>> keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save("model.keras")
    >>> with open("model.keras", "rb") as file:
    ...     load(file).output_shape
    (None, 3)
    """
    hdf5, text = _opened(file)
    if config is not None and (hdf5 is None or text is not None):
        raise misplaced(file.name, "layers", "keras")
    with in_one_sentence(file.name):
        with refusing("is not what Keras writes", Exception):
            model = _read(*(_keras(ZipArchive(file)) if hdf5 is None else _h5(hdf5, text, config)))
        return model.converted(fold=fold, check=check, reference=model.formulas if verify else None)


def tensors(file: BinaryIO) -> tuple[dict[str, Array], bool]:
    """Return the weights of an open file of weights alone, and whether their order is that of the layers.

    They have the names and shapes of a PyTorch state dict: a kernel is "dense.weight" (units, inputs).
    Raises ValueError for a file that says what its layers are, and what load() raises.
    """
    hdf5, text = _opened(file)
    if hdf5 is None or text is not None:
        raise misplaced(file.name, "layers", "keras")
    with in_one_sentence(file.name), refusing("is not what Keras writes", Exception):
        return weights.as_tensors(hdf5)


def _opened(file: BinaryIO) -> tuple[Hdf5 | None, str | None]:
    """Return a file as HDF5, None for a zip archive, and the config in it, None if it has weights alone."""
    with in_one_sentence(file.name), refusing("is not what Keras writes", Exception):
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None, None
        file.seek(0)
        content = file.read()
        check_strings(content, MOST_TEXT)
        hdf5 = Hdf5(content)
        return hdf5, hdf5.text(hdf5.root, "model_config")


def _read(config: Any, version: Any, stored: Stored) -> KerasModel:
    major = re.match(r"(\d{1,4})\.", version) if isinstance(version, str) else None
    if major and int(major[1]) < 2:
        raise UnsupportedModelError(f"was written by Keras {version:.20}; expected 2 or later: save it again there")
    model = read_model(config, int(major[1]) if major else None, stored)
    refuse_code(config)  # last, so that an unknown layer is refused by its name
    return model


def _keras(archive: ZipArchive) -> tuple[Any, Any, Stored]:
    """Return the config, the version and the weights of a zip archive of Keras 3, or 2.12 and later."""
    if not archive.members.keys() >= {*_MEMBERS}:
        names = ", ".join(sorted(archive.members))
        raise UnsupportedModelError(f"holds {names:.200}; expected {', '.join(_MEMBERS)}: save it as .h5")
    metadata, config, numbers = map(archive.read, _MEMBERS)
    version = _json(metadata, "metadata.json").get("keras_version")
    return _json(config, "config.json"), version, weights.numbered(Hdf5(numbers))


def _h5(hdf5: Hdf5, text: str | None, path: str | os.PathLike[str] | None) -> tuple[Any, Any, Stored]:
    """Return the config, the version and the weights of an HDF5 file of Keras 2, or of Keras 3 if asked for.

    text: the config in it. path: of the config beside it, if it has weights alone.
    """
    version = hdf5.text(hdf5.root, "keras_version") or hdf5.text(hdf5.at("model_weights"), "keras_version")
    if text is not None:
        return _json(text, "its model_config"), version, weights.named(hdf5)
    stored = weights.alone(hdf5)
    if path is None:
        names = ", ".join(map(repr, weights.names_of(weights.as_tensors(hdf5)[0])))
        raise UnsupportedModelError(
            f"holds weights alone, as save_weights() writes; say what follows its layers {names:.200}, as in "
            "load_model(path, layers=['relu', 'linear']), or give what model.to_json() wrote: layers='model.json'"
        )
    with open_model(path) as file:
        config = _json(file.read(MOST_TEXT + 1), printable(file.name))
    if isinstance(config, dict):  # Keras 3 does not write its version there
        version = config.get("keras_version") or version or ("3." if "module" in config else None)
    return config, version, stored


def _json(text: str | bytes, what: str) -> Any:
    if len(text) > MOST_TEXT:
        raise LimitError(f"{what} has {len(text)} bytes; fastnn reads at most {MOST_TEXT}")
    with refusing(f"{what} is not JSON", ValueError, RecursionError):
        return json.loads(text)

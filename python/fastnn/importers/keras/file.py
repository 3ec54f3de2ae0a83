"""Keras' files, .keras and .h5, without Keras: which container it is, where the config and the weights are in it."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastnn._core import LimitError, UnsupportedModelError
from fastnn.importers.containers import ZipArchive
from fastnn.importers.keras.config import KerasLayer, Stored, refuse_code
from fastnn.importers.keras.hdf5 import MOST_TEXT, SIGNATURE, Hdf5
from fastnn.importers.keras.model import KerasModel, read_model
from fastnn.importers.keras.strings import check_strings
from fastnn.importers.refusals import in_one_sentence, refusing
from fastnn.models.sequential import Sequential

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_DEEPEST = 64  # groups within groups


def load(
    file: BinaryIO, *, fold: bool = True, check: Any = None, verify: bool = True, name: str | None = None
) -> Sequential:
    """Return the model of an open .keras or .h5 file of Keras 3 or 2, whatever its name; it needs h5py, not Keras.

    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them.
    check: (x, y), rows and Keras' answers to them; ``model.conversion`` then tells how far the model's are from these.
    verify: whether the layers' formulas in NumPy and the model answer some rows, and a model whose answers differ is
        refused (default).
    name: of the model; default: the file's.

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
    with in_one_sentence(file.name):
        with refusing("is not what Keras writes", Exception):
            model = _read(file)
        return model.converted(fold=fold, check=check, name=name, reference=model.formulas if verify else None)


def _read(file: BinaryIO) -> KerasModel:
    start = file.read(8)
    file.seek(0)
    if start == SIGNATURE:
        config, version, stored = _h5(file.read())
    else:
        config, version, stored = _keras(ZipArchive(file))
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
    metadata, config, weights = map(archive.read, _MEMBERS)
    version = _json(metadata, "metadata.json").get("keras_version")
    return _json(config, "config.json"), version, _numbered_weights(Hdf5(weights))


def _h5(content: bytes) -> tuple[Any, Any, Stored]:
    """Return the config, the version and the weights of an HDF5 file of Keras 2, or of Keras 3 if asked for."""
    check_strings(content, MOST_TEXT)
    hdf5 = Hdf5(content)
    text = hdf5.text(hdf5.root, "model_config")
    if text is None:
        raise UnsupportedModelError(
            "holds weights alone, not what the layers are (as save_weights() writes); save the whole model: "
            "model.save('model.keras')"
        )
    version = hdf5.text(hdf5.root, "keras_version") or hdf5.text(hdf5.at("model_weights"), "keras_version")
    return _json(text, "its model_config"), version, _named_weights(hdf5)


def _json(text: str | bytes, what: str) -> Any:
    if len(text) > MOST_TEXT:
        raise LimitError(f"{what} has {len(text)} bytes; fastnn reads at most {MOST_TEXT}")
    with refusing(f"{what} is not JSON", ValueError, RecursionError):
        return json.loads(text)


def _numbered_weights(hdf5: Hdf5) -> Stored:
    """Return the weights of model.weights.h5: layers/dense_1/vars/0 is the first one of the second Dense."""
    root = "layers" if hdf5.at("layers") is not None else "_layer_checkpoint_dependencies"  # of Keras 2

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = hdf5.children(hdf5.at("".join(f"{root}/{each}/" for each in layer.numbered) + "vars"))
        named = {str(i): name for i, name in enumerate(names)}
        return {named.get(number, number): hdf5.checked(item) for number, item in found.items()}

    return stored


def _named_weights(hdf5: Hdf5) -> Stored:
    """Return the weights of a .h5 file: model_weights/dense_6/[any names]/kernel; Keras 2 writes kernel:0."""

    @functools.cache
    def datasets(top: str) -> list[tuple[tuple[str, ...], Any]]:
        return list(_datasets(hdf5, hdf5.at(f"model_weights/{top}")))

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = datasets(layer.names[0])
        # A model within the model has one group: the names at the end of the path tell its layers apart.
        for depth in range(1, len(layer.names)):
            if len(found) > len(names):
                found = [each for each in found if each[0][-1 - depth : -depth] == (layer.names[-depth],)]
        is_whole = len(found) <= len(names)
        return {path[-1] if is_whole else "/".join(path): hdf5.checked(dataset) for path, dataset in found}

    return stored


def _datasets(hdf5: Hdf5, group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if len(path) > _DEEPEST:
        raise LimitError(f"model_weights: groups stand in groups more than {_DEEPEST} deep")
    for name, child in hdf5.children(group).items():
        if hasattr(child, "keys"):
            yield from _datasets(hdf5, child, (*path, name))
        else:
            yield (*path, re.sub(r":\d+$", "", name)), child

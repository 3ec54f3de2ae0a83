"""Where Keras' files keep the weights of a layer: .keras files by number, .h5 files by name."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from fastnn._core import LimitError
from fastnn.importers.keras.config import KerasLayer, Stored
from fastnn.importers.keras.hdf5 import Hdf5

_DEEPEST = 64  # groups within groups


def numbered_weights(hdf5: Hdf5) -> Stored:
    """Return the weights of model.weights.h5: layers/dense_1/vars/0 is the first one of the second Dense."""
    # What Keras 2 may call "layers".
    root = next((name for name in ("layers", "_layer_checkpoint_dependencies") if hdf5.at(name) is not None), "layers")

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = hdf5.children(hdf5.at("".join(f"{root}/{each}/" for each in layer.numbered) + "vars"))
        named = {str(i): name for i, name in enumerate(names)}
        return {named.get(number, number): hdf5.checked(item) for number, item in found.items()}

    return stored


def named_weights(hdf5: Hdf5) -> Stored:
    """Return the weights of a .h5 file: model_weights/dense_6/[any names]/kernel; Keras 2 writes kernel:0."""

    @functools.cache
    def datasets(top: str) -> list[tuple[tuple[str, ...], Any]]:
        return list(_datasets(hdf5, hdf5.at(f"model_weights/{top}")))

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = datasets(layer.names[0])
        # Of a model within the model: the path ends with the names of models and of the layer, as far as they matter.
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

"""Where HDF5 files of Keras keep weights: beside a config, which names layers, or alone, as save_weights() writes."""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.keras.config import KerasLayer, Stored, floats
from fastnn.importers.keras.hdf5 import Hdf5

_DEEPEST = 64  # groups within groups
_NUMBERED = ("layers", "_layer_checkpoint_dependencies")  # of Keras 3; of Keras 2.12 and later
# The weights of layers in numbered files, by the numbers that there may be.
_ORDERS: dict[str, list[tuple[str, ...]]] = {
    "dense": [("kernel",), ("kernel", "bias")],
    "batch_normalization": [
        ("moving_mean", "moving_variance"),
        ("gamma", "beta", "moving_mean", "moving_variance"),
    ],
    "layer_normalization": [("gamma", "beta")],
    "p_re_lu": [("alpha",)],
}
# As a state dict of PyTorch calls them.
_TENSORS = {
    "kernel": "weight", "gamma": "weight", "alpha": "weight", "bias": "bias", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip


def numbered(hdf5: Hdf5) -> Stored:
    """Return the weights of model.weights.h5: layers/dense_1/vars/0 is the first one of the second Dense."""
    root = next((name for name in _NUMBERED if hdf5.at(name) is not None), _NUMBERED[0])

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = hdf5.children(hdf5.at("".join(f"{root}/{each}/" for each in layer.numbered) + "vars"))
        named = {str(i): name for i, name in enumerate(names)}
        return {named.get(number, number): hdf5.checked(item) for number, item in found.items()}

    return stored


def named(hdf5: Hdf5, root: str = "model_weights/") -> Stored:
    """Return the weights of a .h5 file: model_weights/dense_6/[any names]/kernel; Keras 2 writes kernel:0."""

    @functools.cache
    def datasets(top: str) -> list[tuple[tuple[str, ...], Any]]:
        return list(_datasets(hdf5, hdf5.at(f"{root}{top}")))

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        found = datasets(layer.names[0])
        # A model within the model has one group: the names at the end of the path tell its layers apart.
        for depth in range(1, len(layer.names)):
            if len(found) > len(names):
                found = [each for each in found if each[0][-1 - depth : -depth] == (layer.names[-depth],)]
        is_whole = len(found) <= len(names)
        return {path[-1] if is_whole else "/".join(path): hdf5.checked(dataset) for path, dataset in found}

    return stored


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise LimitError(f"has groups in groups more than {_DEEPEST} deep")


def _datasets(hdf5: Hdf5, group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    _check_depth(len(path))
    for name, child in hdf5.children(group).items():
        if hasattr(child, "keys"):
            yield from _datasets(hdf5, child, (*path, name))
        else:
            yield (*path, re.sub(r":\d+$", "", name)), child


def alone(hdf5: Hdf5) -> Stored:
    """Return the weights of a file without a config, for the layers of another; ModelFormatError if it has none."""
    if any(hdf5.at(name) is not None for name in _NUMBERED):
        return numbered(hdf5)
    if "layer_names" not in hdf5.root.attrs:
        names = ", ".join(map(repr, hdf5.children(hdf5.root)))
        raise ModelFormatError(
            f"is an HDF5 file that holds {names:.200}, which are no layers of a Sequential or Functional of Keras; "
            "expected what model.save() writes"
        )
    return named(hdf5, "")


def as_tensors(hdf5: Hdf5) -> tuple[dict[str, Array], bool]:
    """Return a file's weights under the names of a state dict, and whether their order is that of the layers."""
    alone(hdf5)
    for root in _NUMBERED:
        if hdf5.at(root) is not None:
            modules = dict(_numbered_modules(hdf5, root))
            in_order = sorted(modules, key=_class_and_number)  # which is that of the layers of one class
            is_ordered = len({_class_and_number(name)[0] for name in modules}) == 1
            return _flat((name, modules[name]) for name in in_order), is_ordered
    top = hdf5.texts(hdf5.root, "layer_names")
    modules = {}
    for layer in top or hdf5.children(hdf5.root):
        for path, dataset in _datasets(hdf5, hdf5.at(layer)):
            modules.setdefault("/".join((layer, *path[:-1])), {})[path[-1]] = hdf5.checked(dataset)
    tops = [name.partition("/")[0] for name in modules]
    are_single = len(set(tops)) == len(tops)  # no model is within the model
    names = tops if are_single else modules
    return _flat(zip(names, modules.values(), strict=True)), are_single and top is not None


def _class_and_number(name: str) -> tuple[str, int]:
    """Return what "dense_1" says: the second of its class, 1."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if re.fullmatch("[0-9]{1,9}", number) and stem else (name, 0)


def _numbered_modules(hdf5: Hdf5, path: str, around: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each layer's name in the file and its weights by name; models within have their layers below them."""
    _check_depth(path.count("/"))
    for name in hdf5.children(hdf5.at(path)):
        found = hdf5.children(hdf5.at(f"{path}/{name}/vars"))
        if found:
            orders = _ORDERS.get(_class_and_number(name)[0], [])
            keys = next((order for order in orders if {*map(str, range(len(order)))} == found.keys()), None)
            if keys is None:
                raise _unnamed(around + name, found)
            yield around + name, {key: hdf5.checked(found[str(i)]) for i, key in enumerate(keys)}
        for root in _NUMBERED:
            yield from _numbered_modules(hdf5, f"{path}/{name}/{root}", f"{around}{name}/")


def _flat(modules: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Array]:
    tensors = {}
    for name, weights in modules:
        for key, weight in weights.items():
            if key not in _TENSORS:
                raise _unnamed(name, weights)
            numbers = floats(key, weight)
            tensors[f"{name}.{_TENSORS[key]}"] = numbers.T if key == "kernel" else numbers
    return tensors


def _unnamed(layer: str, weights: Iterable[str]) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"has the layer {layer!r:.100} with the weights {', '.join(weights)!r:.100}; expected those of Dense, "
        "BatchNormalization, LayerNormalization and PReLU alone; give what model.to_json() wrote: layers='model.json'"
    )


def names_of(tensors: Iterable[str]) -> list[str]:
    """Return the names of the layers of as_tensors()."""
    return list(dict.fromkeys(name.rpartition(".")[0] for name in tensors))

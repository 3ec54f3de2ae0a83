"""The tensors of a state dict, by module: a dict, or a file of PyTorch or safetensors, or a part of one."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError
from fastnn.arrays import Array
from fastnn.importers import safetensors
from fastnn.importers.paths import open_model
from fastnn.importers.torch import pickle
from fastnn.importers.torch.kinds import as_array


def tensors_of(state_dict: Any, prefix: str | None) -> tuple[str, dict[str, Array], bool]:
    """Return the beginning of errors, the tensors by name, and whether their order is that of the modules."""
    if isinstance(state_dict, Mapping):
        where, content, is_ordered = "", dict(state_dict), True
    elif isinstance(state_dict, io.BufferedReader):
        is_ordered = pickle.is_saved(state_dict.read(20))
        state_dict.seek(0)
        where, content = f"{state_dict.name}: ", (pickle if is_ordered else safetensors).read(state_dict)
    else:
        with open_model(state_dict) as file:
            return tensors_of(file, prefix)
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), Mapping):
            content = dict(content[wrapper])
    if prefix is not None:
        content = _part(content, prefix, where)
    tensors = {}
    for key, value in content.items():
        if not isinstance(key, str):
            raise ModelFormatError(f"{where}expected tensors by name; received the key {key!r:.60}")
        if isinstance(value, Mapping):
            raise ModelFormatError(
                f"{where}{key!r:.60} holds a dict, not a tensor; if that is the state dict, take it with "
                f"prefix={f'{key}.'!r:.60}"
            )
        # NumPy would make an array larger than any memory of a file's nested lists.
        is_list = where and not isinstance(value, np.ndarray)
        array = np.asarray(None) if is_list else as_array(value, f"{where}{key}")
        if array.dtype.kind not in "biuf":
            raise ModelFormatError(f"{where}{key} is no tensor of real numbers but {type(value).__name__}")
        tensors[key] = array
    return where, tensors, is_ordered


def _part(content: dict[Any, Any], prefix: str, where: str) -> dict[Any, Any]:
    """Return what the names that begin with the prefix stand for, without that beginning."""
    if not isinstance(prefix, str):
        raise ValueError(f"{where}expected prefix to be text, such as 'actor.'; received {prefix!r:.60}")
    rest, inner = prefix, content
    while rest and isinstance(inner.get(rest.partition(".")[0]), Mapping):  # a file may hold each network as a dict
        name, _, rest = rest.partition(".")
        inner = dict(inner[name])
    found = {key[len(rest) :]: value for key, value in inner.items() if isinstance(key, str) and key.startswith(rest)}
    if not found:
        raise ValueError(
            f"{where}expected a prefix of the tensors' names; received {prefix!r:.60}; "
            f"the prefixes are {listed(prefixes(content)) or 'none'}"
        )
    return found


def prefixes(content: Mapping[Any, Any]) -> list[str]:
    """Return the prefixes that tell networks apart: the names of modules in which others are, each with its dot."""
    names = [f"{key}." if isinstance(value, Mapping) else key.rpartition(".")[0] for key, value in content.items()]
    parts = (name.split(".")[:-1] for name in names)
    return list(dict.fromkeys(".".join(part[: i + 1]) + "." for part in parts for i in range(len(part))))


def modules_of(tensors: dict[str, Array], where: str) -> dict[str, dict[str, Array]]:
    """Return the tensors of each module, by its name."""
    modules: dict[str, dict[str, Array]] = {}
    for key, array in tensors.items():
        module, _, tensor = key.rpartition(".")
        if tensor != "num_batches_tracked":
            modules.setdefault(module, {})[tensor] = array
    if not modules:
        raise ModelFormatError(f"{where}expected a state dict with at least one Linear module; it is empty")
    return modules


def listed(names: Iterable[str]) -> str:
    """Return names for an error.

    >>> listed(["fc", "out"])
    "'fc', 'out'"
    """
    return f"{', '.join(map(repr, names)):.500}"

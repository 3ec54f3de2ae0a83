"""PyTorch's state dicts: weights by name. What a module does with them is not in there, so it has to be told."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.files import open_regular
from fastnn.floating_point import default_mode
from fastnn.importers import safetensors
from fastnn.importers.refusals import in_one_sentence
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Step
from fastnn.importers.torch import pickle
from fastnn.importers.torch.layers import as_array, weighted
from fastnn.models.sequential import Sequential

Array = npt.NDArray[Any]
Activation = str | Mapping[str, Any]
_BATCH_NORM = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


@in_one_sentence()
@default_mode()
def from_torch_state_dict(
    state_dict: str | os.PathLike[str] | Mapping[str, Any],
    layers: Sequence[Activation] | Mapping[str, Activation],
    eps: float = 1e-5,
    name: str | None = None,
    *,
    fold: bool = True,
    check: Any = None,
) -> Sequential:
    """Return the model of a state dict of Linear, BatchNorm1d, LayerNorm and PReLU modules in a row.

    state_dict: a .pt or .pth file (read without torch, running nothing), a .safetensors file, by content, or the dict
        itself; also one that holds it as "state_dict" or "model_state_dict".
    layers: what follows each of its modules: the name of an activation, 'linear' for none, or with parameters
        {"name": "leaky_relu", "negative_slope": 0.01}. Either in order, or by the modules' names, in the order of
        computing: {"fc1": "relu", "out": "linear"}. Those that a safetensors file names otherwise than by numbers have
        no order, and need the second form. Two kinds of modules have tensors that others have as well and are told
        too: 'layer_norm' and 'prelu', with what follows them 'layer_norm+relu'.
    eps: of the BatchNorm1d and LayerNorm modules.
    fold: whether a BatchNorm1d becomes part of the Linear beside it, in float64, or a layer of its own.
    check: (x, y), rows and the module's answers; ``model.conversion`` tells how far the model's are from them.

    A model of float64 weights alone computes in float64, any other in float32.
    Raises ModelFormatError (a ValueError) for what does not fit, of which UnsupportedModelError for other modules;
    ValueError for wrong `layers`; OSError.

    >>> weights = {"0.weight": np.ones((3, 2), np.float32), "0.bias": np.zeros(3, np.float32)}
    >>> from_torch_state_dict(weights, layers=["relu"]).predict([[1.0, 2.0]])
    array([[3., 3., 3.]], dtype=float32)
    """
    where, tensors, is_ordered = _tensors(state_dict)
    modules = _modules(tensors, where)
    if (numbers := _numbers(modules)) is not None:
        in_order = dict(sorted(modules.items(), key=lambda item: numbers[item[0]]))
        modules, is_ordered = in_order, not is_ordered or list(in_order) == list(modules)
    activations = _activations(layers, modules, is_ordered)
    steps: list[Step] = []
    for module, activation in activations.items():
        source = f"{where}module '{module}'" if module else f"{where}the module"
        function = _function(source, activation)
        told, _, name_after = function.activation.rpartition("+")
        if function.activation in _TOLD:
            told, name_after = function.activation, "linear"
        steps.append(_step(source, modules[module], told, eps))
        steps.append(replace(function, activation=name_after))
    return convert(where.removesuffix(": ") or "state dict", steps, fold=fold, name=name, check=check)


@in_one_sentence()
def module_names(path: str) -> list[str]:
    """Return the names of the modules whose tensors a file holds."""
    where, tensors, _ = _tensors(path)
    return list(_modules(tensors, where))


def _tensors(state_dict: Any) -> tuple[str, dict[str, Array], bool]:
    """Return what errors begin with, the tensors by name, and whether their order is that of the modules."""
    if isinstance(state_dict, Mapping):
        where, content, is_ordered = "", dict(state_dict), True
    else:
        path = os.fsdecode(state_dict)
        with open_regular(path) as file:
            is_ordered = pickle.is_saved(file.read(20))
            where, content = f"{path}: ", pickle.read(path) if is_ordered else safetensors.read(file)
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), Mapping):
            content = dict(content[wrapper])
    tensors = {}
    for key, value in content.items():
        if not isinstance(key, str):
            raise ModelFormatError(f"{where}expected tensors by name; received the key {key!r:.60}")
        if isinstance(value, Mapping):
            raise ModelFormatError(
                f"{where}{key!r:.60} holds a dict, not a tensor; if that is the state dict, load the file with PyTorch "
                f"and give it alone: from_torch_state_dict(content[{key!r:.60}], layers)"
            )
        # NumPy would make arrays of a file's lists of lists, larger than any memory.
        is_list = where and not isinstance(value, np.ndarray)
        array = np.asarray(None) if is_list else as_array(value, f"{where}{key}")
        if array.dtype.kind not in "biuf":
            raise ModelFormatError(f"{where}{key} is no tensor of real numbers but {type(value).__name__}")
        tensors[key] = array
    return where, tensors, is_ordered


def _modules(tensors: dict[str, Array], where: str) -> dict[str, dict[str, Array]]:
    """Return the tensors of each module, by its name."""
    modules: dict[str, dict[str, Array]] = {}
    for key, array in tensors.items():
        module, _, tensor = key.rpartition(".")
        modules.setdefault(module, {})[tensor] = array
    if not modules:
        raise ModelFormatError(f"{where}expected a state dict with at least one Linear module; it is empty")
    return modules


def _numbers(names: Iterable[str]) -> dict[str, int] | None:
    """Return the numbers of names that differ by them alone, as nn.Sequential's do."""
    matches = {name: re.fullmatch(r"(.*?)(\d+)", name) for name in names}
    found = {name: (match[1], int(match[2])) for name, match in matches.items() if match}
    if len(found) < len(matches) or len({stem for stem, _ in found.values()}) != 1:
        return None
    return {name: number for name, (_, number) in found.items()}


def _activations(layers: Any, modules: dict[str, Any], is_ordered: bool) -> dict[str, Activation]:
    """Return the activation after each module, in the order of computing."""
    named = f"{', '.join(map(repr, modules)):.500}"
    if isinstance(layers, Mapping):
        if layers.keys() != modules.keys():
            raise ValueError(f"expected layers to name the modules {named}; received {', '.join(map(repr, layers))}")
        return dict(layers)
    if isinstance(layers, str) or len(layers) != len(modules):
        received = repr(layers) if isinstance(layers, str) else f"{len(layers)} names"
        raise ValueError(
            f"expected layers to be {len(modules)} names of activations, after {named}; received {received}"
        )
    if len(modules) > 1 and not is_ordered:
        raise ValueError(f"expected layers as a dict, since nothing says the order of the modules {named}")
    return dict(zip(modules, layers, strict=True))


def _step(source: str, tensors: dict[str, Array], told: str, eps: float) -> Step:
    weight, names = tensors.get("weight"), tensors.keys()
    kind = None
    if {"running_mean", "running_var"} <= names <= _BATCH_NORM:
        kind = "BatchNorm1d"
    elif weight is not None and weight.ndim == 2 and names <= {"weight", "bias"}:
        kind = "Linear"
    elif weight is not None and weight.ndim == 1 and names == {"weight", "bias"}:
        kind = "LayerNorm"
        if told != "layer_norm":
            raise UnsupportedModelError(
                f"{source}: a weight {weight.shape} with a bias is a LayerNorm's, a GroupNorm's or, without "
                "statistics, a BatchNorm1d's; say 'layer_norm' in layers if it is the first ('layer_norm+relu' if relu "
                "follows), or convert the module itself with from_torch"
            )
    elif weight is not None and weight.ndim == 1 and names == {"weight"}:
        kind = "PReLU"
        if weight.size > 1 and told != "prelu":
            raise UnsupportedModelError(
                f"{source}: a lone weight {weight.shape} is a PReLU's, or of a LayerNorm or RMSNorm without bias; "
                "say 'prelu' in layers if it is the first, or convert the module itself with from_torch"
            )
    if told and _TOLD.get(told) != kind:
        raise ValueError(f"{source}: layers says {told!r}, but its tensors are those of a {kind or 'stranger'}")
    if kind is None:
        raise UnsupportedModelError(
            f"{source}: expected the tensors of a Linear, BatchNorm1d, LayerNorm or PReLU; received "
            + ", ".join(f"{name} {array.shape}" for name, array in tensors.items())
        )
    return weighted(kind, source, tensors, eps)


_TOLD = {"layer_norm": "LayerNorm", "prelu": "PReLU"}  # what layers calls the modules that it tells
_DEFAULTS = {"leaky_relu": {"negative_slope": 0.01}, "elu": {"alpha": 1.0}, "celu": {"alpha": 1.0}}  # PyTorch's


def _function(source: str, activation: Activation) -> Function:
    if isinstance(activation, str):
        return Function(source, activation, dict(_DEFAULTS.get(activation.rpartition("+")[2], {})))
    parameters = dict(activation) if isinstance(activation, Mapping) else {}
    if not isinstance(parameters.get("name"), str):
        raise ValueError(
            "expected layers to hold names of activations, or dicts with a name and parameters; "
            f"received {activation!r:.100}"
        )
    return Function(source, parameters.pop("name"), parameters)

"""PyTorch's state dicts: weights by name. They do not say what the modules compute, so `layers` does."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers import safetensors
from fastnn.importers.paths import open_model
from fastnn.importers.refusals import in_one_sentence
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Product, Step
from fastnn.importers.torch import pickle
from fastnn.importers.torch.formulas import reference
from fastnn.importers.torch.kinds import KINDS, as_array, kinds_of, weighted
from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import BatchNormalization, LayerNormalization
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting

Entry = Layer | str | Mapping[str, Any]
_KIND_OF_LAYER = {kind.layer: name for name, kind in KINDS.items()} | {BatchNormalization: "BatchNorm1d"}
_KIND_OF_NAME = {"layer_norm": "LayerNorm", "prelu": "PReLU"}  # names in `layers` that are modules, not activations
_DEFAULTS = {"leaky_relu": {"negative_slope": 0.01}}  # PyTorch's, if not fastnn's


@suggesting
@in_one_sentence()
@default_mode()
def from_torch_state_dict(
    state_dict: str | os.PathLike[str] | BinaryIO | Mapping[str, Any],
    layers: Iterable[Layer | str | Mapping[str, Any]] | Mapping[str, Layer | str | Mapping[str, Any]],
    eps: float = 1e-5,
    name: str | None = None,
    *,
    prefix: str | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
) -> Sequential:
    """Return the model of a state dict of Linear, BatchNorm1d, LayerNorm and PReLU modules in a row.

    state_dict: a dict of tensors by name, or a .pt, .pth or .safetensors file of it, as a path or open. A dict that
        holds it as "state_dict" or "model_state_dict" works too. Files are read without torch; nothing in them runs.
    layers: what the model computes, in order. Each entry takes the next module, except an Activation, which takes none:

        - A layer of fastnn.layers takes a module of its kind: Dense a Linear, LayerNormalization a LayerNorm, PReLU a
          PReLU, Affine a BatchNorm1d. Dense(None) takes any number of units. Defaults are those of fastnn, so write
          PyTorch's: LayerNormalization(1e-5), {"name": "leaky_relu", "negative_slope": 0.01}.
        - The name of an activation, or a dict of its name and parameters, takes a Linear or BatchNorm1d and follows it:
          "relu"; "linear" for none. Here defaults are PyTorch's. "layer_norm" and "prelu" take such a module.

        A dict gives each module its entry by name: {"fc1": "relu", "out": Dense(None)}; an Activation has any other
        key. Safetensors files have no order. They need a dict, unless numbers are the names of the modules.
    eps: epsilon of BatchNorm1d modules, and of LayerNorm modules named "layer_norm" in layers.
    name: default "sequential", then "sequential_1", ….
    prefix: of a state dict that holds several networks, "actor." takes the one whose names begin so, without that
        beginning. A network that the file holds as a dict of its own, "actor", is taken by "actor." too.
    fold: whether a BatchNorm1d is folded into the Linear beside it, in float64 (default), or stays a layer of its own.
    check: (x, y), rows and the module's answers; ``model.conversion.difference`` then compares the two.
    verify: whether the modules' formulas in NumPy and the model answer some rows, and a model whose answers differ is
        refused (default). It cannot tell whether `layers` says what the module computed; `check` can.

    The model computes in float64 if all weights are float64, else in float32.
    Raises ModelFormatError (a ValueError) for malformed files and weights, its subclass UnsupportedModelError for other
    modules; ValueError for `layers` that do not fit; OSError.

    >>> weights = {"0.weight": np.ones((3, 2), np.float32), "0.bias": np.zeros(3, np.float32)}
    >>> from_torch_state_dict(weights, layers=[Dense(3, "relu")]).predict([[1.0, 2.0]])
    array([[3., 3., 3.]], dtype=float32)
    """
    where, tensors, is_ordered = _tensors(state_dict, prefix)
    return from_tensors(
        tensors,
        layers,
        where,
        is_ordered=is_ordered,
        eps=eps,
        defaults=_DEFAULTS,
        fold=fold,
        check=check,
        verify=verify,
        name=name,
    )


@in_one_sentence()
def from_tensors(
    tensors: dict[str, Array],
    layers: Any,
    where: str,
    *,
    is_ordered: bool,
    eps: float,
    defaults: Mapping[str, dict[str, float]],
    fold: bool,
    check: Any,
    verify: bool,
    name: str | None = None,
) -> Sequential:
    """Return the model of tensors that are named and shaped as in a state dict, of whatever source.

    where: the beginning of errors. is_ordered: whether they come in the order of the modules. defaults: parameters of
    activations that are unlike fastnn's.

    >>> tensors = {"dense.weight": np.ones((3, 2), np.float32)}
    >>> options = {"is_ordered": True, "eps": 1e-3, "defaults": {}, "fold": True, "check": None, "verify": True}
    >>> from_tensors(tensors, ["relu"], "weights: ", **options).output_shape
    (None, 3)
    """
    modules = _modules(tensors, where)
    steps: list[Step] = []
    entries = _entries(layers, list(modules), is_ordered)
    for module, entry in entries:
        if isinstance(entry, Activation):
            steps.append(Function(f"{where}Activation '{entry.name}'", entry.activation, entry.parameters))
        else:
            source = f"{where}module '{module}'" if module else f"{where}the module"
            steps += _steps(source, modules[module], entry, eps, defaults)
    formulas = [({} if isinstance(entry, Activation) else modules[module], entry) for module, entry in entries]
    return convert(
        where.removesuffix(": ") or "state dict",
        steps,
        fold=fold,
        name=name,
        check=check,
        reference=reference(formulas, eps, defaults) if verify else None,
    )


@in_one_sentence()
def module_names(file: BinaryIO, prefix: str | None = None) -> list[str]:
    """Return the names of the modules whose tensors an open file holds; prefix: as in from_torch_state_dict()."""
    where, tensors, _ = _tensors(file, prefix)
    return list(_modules(tensors, where))


def _tensors(state_dict: Any, prefix: str | None) -> tuple[str, dict[str, Array], bool]:
    """Return the beginning of errors, the tensors by name, and whether their order is that of the modules."""
    if isinstance(state_dict, Mapping):
        where, content, is_ordered = "", dict(state_dict), True
    elif isinstance(state_dict, io.BufferedReader):
        is_ordered = pickle.is_saved(state_dict.read(20))
        state_dict.seek(0)
        where, content = f"{state_dict.name}: ", (pickle if is_ordered else safetensors).read(state_dict)
    else:
        with open_model(state_dict) as file:
            return _tensors(file, prefix)
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
            f"the prefixes are {_listed(_prefixes(content)) or 'none'}"
        )
    return found


def _prefixes(content: Mapping[Any, Any]) -> list[str]:
    """Return the prefixes that tell networks apart: the names of modules in which others are, each with its dot."""
    names = [f"{key}." if isinstance(value, Mapping) else key.rpartition(".")[0] for key, value in content.items()]
    parts = (name.split(".")[:-1] for name in names)
    return list(dict.fromkeys(".".join(part[: i + 1]) + "." for part in parts for i in range(len(part))))


def _modules(tensors: dict[str, Array], where: str) -> dict[str, dict[str, Array]]:
    """Return the tensors of each module, by its name."""
    modules: dict[str, dict[str, Array]] = {}
    for key, array in tensors.items():
        module, _, tensor = key.rpartition(".")
        if tensor != "num_batches_tracked":
            modules.setdefault(module, {})[tensor] = array
    if not modules:
        raise ModelFormatError(f"{where}expected a state dict with at least one Linear module; it is empty")
    return modules


def _entries(layers: Any, modules: list[str], is_ordered: bool) -> list[tuple[str, Entry]]:
    """Return the entries with the names of the modules that they take."""
    if isinstance(layers, Mapping):
        received = [name for name, entry in layers.items() if not isinstance(entry, Activation)]
        if set(received) != set(modules):
            raise ValueError(
                f"expected layers to name the modules {_listed(modules)}; received {_listed(received)}, and any "
                "Activation under another name"
            )
        return list(layers.items())
    if isinstance(layers, (str, Layer)) or not isinstance(layers, Iterable):
        raise ValueError(f"expected layers to be a list of names and layers; received {layers!r:.100}")
    layers = list(layers)
    takers = sum(not isinstance(entry, Activation) for entry in layers)
    if takers != len(modules):
        prefixes = _prefixes(dict.fromkeys(f"{module}." for module in modules))
        advice = f"; one network of several is taken by a prefix: {_listed(prefixes)}" if len(prefixes) > 1 else ""
        raise ValueError(
            f"expected layers to have {len(modules)} names, or layers with weights, for the modules "
            f"{_listed(modules)}; received {takers}{advice}"
        )
    in_order = _in_order(modules, is_ordered)
    if in_order is None:
        raise ValueError(f"expected layers as a dict, since nothing says the order of the modules {_listed(modules)}")
    rest = iter(in_order)
    return [("" if isinstance(entry, Activation) else next(rest), entry) for entry in layers]


def _listed(names: Iterable[str]) -> str:
    return f"{', '.join(map(repr, names)):.500}"


def _in_order(names: list[str], is_ordered: bool) -> list[str] | None:
    """Return the names by their numbers, as in nn.Sequential, or as the file orders them; None if unknown."""
    matches = [(name, re.fullmatch(r"(.*?)([0-9]{1,9})", name)) for name in names]
    numbers = {name: (match[1], int(match[2])) for name, match in matches if match}
    if len(numbers) == len(names) and len({stem for stem, _ in numbers.values()}) == 1:
        by_number = sorted(names, key=lambda name: numbers[name])
        return by_number if not is_ordered or by_number == names else None
    return names if is_ordered or len(names) == 1 else None


def _steps(
    source: str, tensors: dict[str, Array], entry: Entry, eps: float, defaults: Mapping[str, dict[str, float]]
) -> list[Step]:
    """Return the steps of the module that an entry takes."""
    if isinstance(entry, Layer):
        kind = _KIND_OF_LAYER.get(type(entry))
        if kind is None:
            expected = ", ".join(layer.__name__ for layer in (*_KIND_OF_LAYER, Activation))
            raise ValueError(f"{source}: expected layers to hold {expected}; received {entry!r:.100}")
        if isinstance(entry, (LayerNormalization, BatchNormalization)):
            eps = entry.parameters["epsilon"]
        step = _module(source, tensors, kind, type(entry).__name__, eps)
        if isinstance(entry, Dense):
            _check_dense(source, entry, step)
            return [step, Function(source, entry.activation, entry.parameters)]
        return [step]
    function = _function(source, entry, defaults)
    if kind := _KIND_OF_NAME.get(function.activation):
        return [_module(source, tensors, kind, function.activation, eps)]
    return [_module(source, tensors, None, "", eps), function]


def _module(source: str, tensors: dict[str, Array], kind: str | None, said: str, eps: float) -> Step:
    """Return the step of a module of a kind, which layers calls `said`; None for the kind that its tensors show."""
    found = kinds_of(tensors)
    if not found:
        raise UnsupportedModelError(
            f"{source}: expected the tensors of a Linear, BatchNorm1d, LayerNorm or PReLU; received "
            + ", ".join(f"{name} {array.shape}" for name, array in tensors.items())
        )
    if kind is not None and kind not in found:
        raise ValueError(f"{source}: layers says {said!r}, but its tensors are those of a {' or '.join(found)}")
    if kind is None and "LayerNorm" in found and (found[-1] != "PReLU" or tensors["weight"].size > 1):
        owners, layer = "with a bias is a LayerNorm's, a GroupNorm's or a BatchNorm1d's", f"LayerNormalization({eps:g})"
        if found[-1] == "PReLU":
            owners, layer = "without a bias is a PReLU's, a LayerNorm's or an RMSNorm's", "PReLU()"
        raise UnsupportedModelError(
            f"{source}: a weight {tensors['weight'].shape} {owners}; if it is the first, put {layer} of "
            "fastnn.layers into layers, else convert the module itself with from_torch"
        )
    return weighted(kind or found[-1], source, tensors, eps)


def _check_dense(source: str, dense: Dense, step: Step) -> None:
    if isinstance(step, Product):
        (inputs, units), use_bias = step.kernel.shape, step.bias is not None
        given = (dense.declared_inputs or inputs, dense.units or units, dense.use_bias)
        if given != (inputs, units, use_bias):
            raise ValueError(
                f"{source}: layers says a Dense of {given[0]} inputs, units={given[1]}, use_bias={given[2]}, but its "
                f"tensors are those of {inputs} inputs, units={units}, use_bias={use_bias}"
            )


def _function(source: str, entry: Any, defaults: Mapping[str, dict[str, float]]) -> Function:
    parameters: dict[str, Any] = {"name": entry} if isinstance(entry, str) else {}
    if isinstance(entry, Mapping):
        parameters = dict(entry)
    name = parameters.pop("name", None)
    if not isinstance(name, str):
        raise ValueError(
            "expected layers to hold names of activations, dicts with a name and parameters, or layers; "
            f"received {entry!r:.100}"
        )
    told, plus, after = name.partition("+")
    if plus:
        layer = "PReLU()" if told == "prelu" else "LayerNormalization(1e-5)"
        raise ValueError(
            f"expected layers to hold one name each; received {name!r:.60}; write {layer}, Activation({after!r:.60}) "
            "of fastnn.layers in its place"
        )
    return Function(source, name, defaults.get(name, {}) | parameters)

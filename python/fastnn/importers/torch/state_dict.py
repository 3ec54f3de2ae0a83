"""PyTorch's state dicts: weights by name. They do not say what the modules compute, so `layers` does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers.refusals import in_one_sentence
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Product, Step
from fastnn.importers.torch.formulas import reference
from fastnn.importers.torch.kinds import KINDS, kinds_of, weighted
from fastnn.importers.torch.order import Modules, example, in_order
from fastnn.importers.torch.tensors import listed, modules_of, prefixes, tensors_of
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
    *,
    eps: float = 1e-5,
    prefix: str | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
    name: str | None = None,
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
        key. Safetensors files have no order. They need a dict, unless the numbers in the modules' names say it, or
        their widths: only one order lets each take what the one before it gives.
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
    where, tensors, is_ordered = tensors_of(state_dict, prefix)
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
    modules = modules_of(tensors, where)
    steps: list[Step] = []
    names = {}
    entries = _entries(layers, modules, is_ordered)
    for module, entry in entries:
        if isinstance(entry, Activation):
            source = f"{where}Activation '{entry.name}'"
            steps.append(Function(source, entry.activation, entry.parameters))
        else:
            source = f"{where}module '{module}'" if module else f"{where}the module"
            steps += _steps(source, modules[module], entry, eps, defaults)
        names[source] = entry.name if isinstance(entry, Activation) else module
    formulas = [({} if isinstance(entry, Activation) else modules[module], entry) for module, entry in entries]
    return convert(
        where.removesuffix(": ") or "state dict",
        steps,
        fold=fold,
        name=name,
        names=names,
        check=check,
        reference=reference(formulas, eps, defaults) if verify else None,
    )


@in_one_sentence()
def modules_and_example(file: BinaryIO, prefix: str | None = None) -> tuple[list[str], str]:
    """Return the names of the modules whose tensors an open file holds, and a value of `layers` for them.

    prefix: as in from_torch_state_dict().
    """
    where, tensors, is_ordered = tensors_of(file, prefix)
    modules = modules_of(tensors, where)
    names = in_order(modules, is_ordered)
    return names or list(modules), example(names or list(modules), is_dict=names is None)


def _entries(layers: Any, modules: Modules, is_ordered: bool) -> list[tuple[str, Entry]]:
    """Return the entries with the names of the modules that they take."""
    if isinstance(layers, Mapping):
        received = [name for name, entry in layers.items() if not isinstance(entry, Activation)]
        if set(received) != set(modules):
            raise ValueError(
                f"expected layers to name the modules {listed(modules)}; received {listed(received)}, and any "
                "Activation under another name"
            )
        return list(layers.items())
    if isinstance(layers, (str, Layer)) or not isinstance(layers, Iterable):
        raise ValueError(f"expected layers to be a list of names and layers; received {layers!r:.100}")
    layers = list(layers)
    takers = sum(not isinstance(entry, Activation) for entry in layers)
    if takers != len(modules):
        found = prefixes(dict.fromkeys(f"{module}." for module in modules))
        advice = f"; one network of several is taken by a prefix: {listed(found)}" if len(found) > 1 else ""
        raise ValueError(
            f"expected layers to have {len(modules)} names, or layers with weights, for the modules "
            f"{listed(modules)}; received {takers}{advice}"
        )
    names = in_order(modules, is_ordered)
    if names is None:
        raise ValueError(
            f"expected layers as a dict, since nothing says the order of the modules {listed(modules)}; give it "
            f"in the order of computing, as in layers={example(list(modules), is_dict=True)}"
        )
    rest = iter(names)
    return [("" if isinstance(entry, Activation) else next(rest), entry) for entry in layers]


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

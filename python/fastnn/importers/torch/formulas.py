"""What PyTorch's modules compute, as NumPy: the reference that checks a model of a state dict, which has no program.

It takes the tensors and what `layers` says of each module, and none of the importer's steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.importers.formulas import ACTIVATIONS
from fastnn.importers.roundings import precision_for
from fastnn.importers.verification import Reference
from fastnn.layers.activation import Activation
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import BatchNormalization, LayerNormalization, PReLU
from fastnn.models.sequential import Sequential

Tensors = Mapping[str, Array]


def reference(
    modules: Sequence[tuple[Tensors, Any]], eps: float, defaults: Mapping[str, Mapping[str, float]]
) -> Reference:
    """Return the reference of modules in a row: the tensors of each, if it has any, and its entry in `layers`.

    defaults: parameters of activations by name, where an entry does not say them.
    """
    arrays = [array for tensors, _ in modules for array in tensors.values()]

    def answers(rows: Array, source: str | None) -> Array:
        for tensors, entry in modules:
            own = {name: array.astype(rows.dtype, copy=False) for name, array in tensors.items()}
            rows = _activated(_computed(rows, own, entry, eps), entry, defaults)
        return rows

    return Reference(
        "the layers' formulas in NumPy",
        answers,
        precision=precision_for(arrays),
        operations=len(modules),
    )


def _computed(x: Array, tensors: Tensors, entry: Any, eps: float) -> Array:
    weight, bias = tensors.get("weight"), tensors.get("bias", np.float32(0))
    if "running_mean" in tensors:
        epsilon = entry.parameters["epsilon"] if isinstance(entry, BatchNormalization) else eps
        x = (x - tensors["running_mean"]) / np.sqrt(tensors["running_var"] + epsilon)
        return x * (1 if weight is None else weight) + bias
    if weight is None:
        return x
    if weight.ndim == 2:
        return np.asarray(x @ weight.T + bias)
    if isinstance(entry, LayerNormalization) or _name(entry) == "layer_norm":
        epsilon = entry.parameters["epsilon"] if isinstance(entry, Layer) else eps
        centred = x - x.mean(-1, keepdims=True)
        return np.asarray(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * weight + bias)
    return np.where(x > 0, x, x * weight)


def _activated(x: Array, entry: Any, defaults: Mapping[str, Mapping[str, float]]) -> Array:
    own = entry.parameters if isinstance(entry, Layer) else entry if isinstance(entry, Mapping) else {}
    name = _name(entry)
    if name in ("layer_norm", "prelu") or isinstance(entry, BatchNormalization | LayerNormalization | PReLU):
        return x
    parameters = {key: value for key, value in {**defaults.get(name, {}), **own}.items() if key != "name"}
    if name in ACTIVATIONS:
        return ACTIVATIONS[name](x, **parameters)
    # `layers` says it as fastnn defines it, and other tools do not have it.
    return np.asarray(Sequential([Activation({"name": name, **parameters})], dtype=x.dtype.name).predict(x))


def _name(entry: Any) -> str:
    return str(entry.activation if isinstance(entry, Layer) else entry["name"] if isinstance(entry, Mapping) else entry)

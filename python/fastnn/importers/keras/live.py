"""Live Keras models, read like a file's: get_config() is the config. Keras itself is not imported here."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers.keras.config import MODELS, KerasLayer
from fastnn.importers.keras.layers import unknown_layer
from fastnn.importers.keras.model import KerasModel, read_model
from fastnn.importers.live_objects import own_name, received
from fastnn.importers.roundings import FLOAT32, FLOAT64
from fastnn.importers.verification import ACCELERATORS, Reference
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting

_FAMILIES = ("keras", "tf_keras")
_PRECISIONS = {"float64": FLOAT64, "float16": 2.0**-10, "bfloat16": 2.0**-7}
_WRAPPED = {"build", "quantize"}  # Keras wraps them in each layer, which changes no answer


@suggesting
@default_mode()
def from_keras(
    model: Any, *, fold: bool = True, check: Any = None, verify: bool = True, name: str | None = None
) -> Sequential:
    """Return the model that computes what a Keras model does.

    model: a built keras.Sequential, or a Functional with layers in a row; Keras 3 or 2, any backend. It stays as it is.
    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them, in
        float64 (default), or stay layers of their own.
    check: rows x, or (x, y) with Keras' answers y; ``model.conversion.difference`` then compares the two.
    verify: whether Keras answers some rows, and a model whose answers differ is refused (default).
    name: default the name of the Keras model.

    If the Keras model begins by flattening images, pass flat rows to predict(): x.reshape(len(x), -1).
    Raises UnsupportedModelError (a ValueError) for layers that fastnn does not have, and for custom classes;
    ValueError for a model that is not built; TypeError for other objects.

    >>> import keras
    >>> source = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "relu")])
    >>> model = from_keras(source, check=np.ones((3, 4)))
    >>> model.output_shape, model.conversion.difference.rows
    ((None, 2), 3)
    """
    bases = {(base.__module__.partition(".")[0], base.__name__) for base in type(model).__mro__}
    if not any((family, "Model") in bases for family in _FAMILIES):
        advice = "fastnn.load_model(path) reads its files; of a class of Keras, make a model and train it"
        raise TypeError(f"expected a model of Keras; received {received(model)}; {advice}")
    if not _is_keras_own(model) or type(model).__name__ not in MODELS:
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise UnsupportedModelError(
            f"the model is of the class {kind}; expected a Sequential, or a Functional of layers in a row: "
            "if its layers are, convert keras.Sequential([keras.Input((inputs,)), *model.layers])"
        )
    if not model.built:
        raise ValueError(
            f"model {model.name!r} is not built, so it has no weights: call it on rows, or give it an Input"
        )
    layers = _layers(model, ())
    described = {"class_name": type(model).__name__, "config": model.get_config()}
    package = sys.modules[type(model).__module__.partition(".")[0]]

    def stored(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
        arrays = [np.asarray(array) for array in layers[layer.names].get_weights()]
        return {names[i] if i < len(names) else str(i): array for i, array in enumerate(arrays)}

    read = read_model(described, int(package.__version__.partition(".")[0]), stored)
    return read.converted(
        fold=fold,
        check=check,
        name=name,
        reference=_reference(model, package, layers, read) if verify else None,
        answers=lambda x: np.asarray(model.predict(x, verbose=0)),
    )


def _reference(model: Any, package: Any, layers: dict[tuple[str, ...], Any], read: KerasModel) -> Reference:
    """Return the reference that is the model itself, called without Keras' compilation, which takes seconds."""
    to_numpy = package.ops.convert_to_numpy if hasattr(package, "ops") else np.asarray
    dtypes = {str(layer.compute_dtype) for layer in layers.values()}
    # Keras' other backends compute in float32 where float64 is asked for.
    backend = package.backend.backend() if hasattr(package.backend, "backend") else "tensorflow"
    precisions = _PRECISIONS | ({} if backend == "tensorflow" else {"float64": FLOAT32})
    values = [getattr(weight, "value", weight) for weight in model.weights]
    is_on_cpu = all("cpu" in str(getattr(value, "device", "cpu")).lower() for value in values)

    def answers(rows: Array, source: str | None) -> Array:
        if source is not None:  # to tell where a difference begins
            return read.formulas.answers(rows, source)
        found = np.asarray(to_numpy(model(read.as_taken(rows), training=False)), np.float64)
        return found if read.is_flat else found.reshape(len(rows), -1, found.shape[-1])[:, 0]

    return replace(
        read.formulas,
        name="Keras",
        answers=answers,
        precision=max(precisions.get(dtype, FLOAT32 if is_on_cpu else ACCELERATORS) for dtype in dtypes),
        most=65504.0 if "float16" in dtypes else np.inf,
        largest=127 if any("int" in str(each.dtype) for each in getattr(model, "inputs", None) or []) else None,
    )


def _layers(model: Any, around: tuple[str, ...]) -> dict[tuple[str, ...], Any]:
    """Return the layers of a model and of models within it by their names; all must be Keras' own."""
    found = {}
    for layer in model.layers:
        source = f"layer {layer.name!r:.60} ({type(layer).__module__}.{type(layer).__qualname__})"
        if not _is_keras_own(layer):
            raise unknown_layer(source)
        activation = getattr(layer, "activation", None)
        if activation is not None and not _is_keras_own(activation):
            called = getattr(activation, "__name__", type(activation).__name__)
            raise UnsupportedModelError(
                f"{source} has the activation {called!r:.60}, a function of its own; expected one of Keras'"
            )
        found[*around, layer.name] = layer
        if type(layer).__name__ in MODELS:
            found |= _layers(layer, (*around, layer.name))
    return found


def _is_keras_own(item: Any) -> bool:
    """Return whether a model, layer or activation is Keras' own: a subclass, or a function, may compute anything."""
    return any(own_name(item, family, wrapped=_WRAPPED) for family in _FAMILIES)

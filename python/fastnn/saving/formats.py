"""The formats of model files, one row each. The first bytes of a file choose the row; its function reads the file."""

import os
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from fastnn import _core
from fastnn.importers import safetensors
from fastnn.importers.keras.file import load as load_keras
from fastnn.importers.keras.file import tensors as keras_tensors
from fastnn.importers.nnet import load as load_nnet
from fastnn.importers.onnx.file import load as load_onnx
from fastnn.importers.refusals import in_one_sentence, misplaced, refusal
from fastnn.importers.report import of_own_file
from fastnn.importers.torch.state_dict import from_tensors, from_torch_state_dict, modules_and_example
from fastnn.models.sequential import Sequential
from fastnn.models.training_part import restore
from fastnn.saving import native


def load(
    file: BinaryIO, options: Mapping[str, Any], training: Mapping[str, Any] | None = None, **common: Any
) -> Sequential:
    """Return the model of an open file.

    options: layers, prefix, eps and outputs of load_model(), which not all formats take; None for those not given.
    training: custom_objects of load_model(); None for compile=False.
    common: fold, check and verify of load_model().

    >>> Sequential([Dense(3, input_shape=(2,))]).save("model.safetensors")
    >>> with open("model.safetensors", "rb") as file:
    ...     load(file, {}, fold=True, check=None, verify=True).output_shape
    (None, 3)
    """
    beginning = file.read(_core.beginning_bytes)
    file.seek(0)
    kind = _core.format_of(beginning)
    if kind == "other":
        _core.refuse_foreign(beginning, os.fsencode(file.name), _READ)
    given = {name: value for name, value in options.items() if value is not None}
    layers, prefix, eps = (given.get(name) for name in ("layers", "prefix", "eps"))
    is_state_dict = kind == "torch" or (kind == "fastnn" and bool(given) and not safetensors.is_own(file))
    taken = {"torch": ("layers", "prefix", "eps"), "onnx": ("outputs",)}
    if kind == "keras" and layers is not None:
        taken["keras"] = ("layers",) if isinstance(layers, str | os.PathLike) else ("layers", "eps")
    kind = "torch" if is_state_dict else kind
    for name in (name for name in given if name not in taken.get(kind, ())):
        raise misplaced(file.name, name, kind)
    if kind == "fastnn":
        return _load_own(file, training=training, **common)
    if training:
        raise _no_custom_objects(training)
    if is_state_dict:
        if layers is None:
            raise _activations_missing(file, prefix)
        return from_torch_state_dict(file, layers, eps=1e-5 if eps is None else eps, prefix=prefix, **common)
    if kind == "keras" and layers is not None:
        return _load_keras_weights(file, layers, 1e-3 if eps is None else eps, common)
    return _READERS[kind](file, **given, **common)


def _load_keras_weights(file: BinaryIO, layers: Any, eps: float, common: dict[str, Any]) -> Sequential:
    if isinstance(layers, str | os.PathLike):
        return load_keras(file, config=layers, **common)
    tensors, is_ordered = keras_tensors(file)
    return from_tensors(tensors, layers, f"{file.name}: ", is_ordered=is_ordered, eps=eps, defaults={}, **common)


def _load_own(
    file: BinaryIO, *, training: Mapping[str, Any] | None, fold: bool, check: Any, verify: bool
) -> Sequential:
    part = None
    try:
        if training is None:
            config, weights = native.read(file)
        else:
            config, weights, part = native.read_with_training(file)
    except _core.ModelFormatError:
        if safetensors.is_state_dict(file):
            raise _activations_missing(file, None) from None
        raise
    with in_one_sentence(file.name):
        model = Sequential._of_file(config)
    try:
        model._adopt(model._states(config["build_input_shape"][-1], weights))
    except ValueError as error:  # Rescaling(2) with tensors of another scale
        raise refusal(file.name, _core.ModelFormatError(str(error))) from None
    if part is not None:
        with in_one_sentence(file.name):
            restore(model, *part, training or {})
    elif training:
        raise _no_custom_objects(training)
    if check is not None:
        model.conversion = of_own_file(model, file.name, check)
    return model


_READ = (
    "a model of fastnn (.safetensors), Keras (.keras, .h5), ONNX (.onnx), PyTorch (a state dict: .pt, .pth, "
    ".safetensors) or NNet (.nnet)"
)
# The names are those in cpp/io/format.cpp, the table of first bytes.
_READERS: dict[str, Callable[..., Sequential]] = {
    "keras": load_keras,
    "onnx": load_onnx,
    "nnet": load_nnet,
}


def _no_custom_objects(received: Mapping[str, Any]) -> ValueError:
    return ValueError(
        "expected no custom_objects, since fastnn runs its own layers alone, and the file has no losses or metrics of "
        f"such names; received custom_objects={dict(received)!r:.200}"
    )


def _activations_missing(file: BinaryIO, prefix: str | None) -> _core.ModelFormatError:
    """Return the error for a state dict without `layers`; raises that of one that could not be read with them."""
    names, layers = modules_and_example(file, prefix)
    error = _core.UnsupportedModelError(
        "looks like a PyTorch state dict, which holds no activations; name those that follow its "
        f"modules {', '.join(map(repr, names)):.200}, as in load_model(path, layers={layers})"
    )
    return refusal(file.name, error)

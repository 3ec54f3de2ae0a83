"""Models from files and to files: load_model and save_model."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from fastnn import _core
from fastnn.floating_point import default_mode
from fastnn.importers import safetensors
from fastnn.importers.report import of_own_file
from fastnn.models.sequential import Sequential
from fastnn.saving import formats


@default_mode()
def load_model(
    filepath: str | os.PathLike[str],
    *,
    layers: Sequence[Any] | Mapping[str, Any] | None = None,
    eps: float = 1e-5,
    fold: bool = True,
    check: Any = None,
) -> Sequential:
    """Return the model of a file, whichever kind it is by its content.

    fastnn's own .safetensors; Keras' .keras and .h5 (needs `pip install 'fastnn[keras]'`); .onnx ('fastnn[onnx]');
    PyTorch's state dicts, .pt and .safetensors, with `layers` and `eps` as from_torch_state_dict() takes them.

    fold: whether BatchNormalization, scalers and other affine layers are folded into the Dense beside them.
    check: (x, y), rows and the source's own answers to them: `model.conversion` then tells the largest difference.

    The whole file is checked first. Raises fastnn.ModelFormatError (a ValueError) for what the file says, of which
    UnsupportedModelError for what fastnn does not compute; OSError for what the system says; ImportError for a missing
    package. Nothing in a file is ever executed, and no other file is opened than ONNX's data beside it.
    """
    path = os.fsdecode(filepath)
    model = formats.load(path, layers, eps, fold, check)
    if model is not None:
        return model
    try:
        text, weights = _core.load_model(os.fsencode(filepath))
    except _core.ModelFormatError:
        if safetensors.is_state_dict(path):
            raise formats.activations_missing(path) from None
        raise
    config = json.loads(text)
    model = Sequential._unbuilt(config)
    model._adopt(model._states(config["build_input_shape"][-1], weights))
    if check is not None:
        model.conversion = of_own_file(model, path, check)
    return model


def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model to a file: model.save(filepath, overwrite)."""
    model.save(filepath, overwrite)

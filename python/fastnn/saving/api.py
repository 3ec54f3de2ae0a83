"""Models from files and to files: load_model and save_model."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.files import open_regular
from fastnn.floating_point import default_mode
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
    """Return the model of a file, whose content says which kind it is.

    fastnn's own .safetensors; Keras' .keras and .h5 (needs `pip install 'fastnn[keras]'`); .onnx ('fastnn[onnx]');
    PyTorch's state dicts, .pt and .safetensors, with `layers` and `eps` as from_torch_state_dict() takes them.

    fold: whether BatchNormalization, scalers and other affine layers are folded into the Dense beside them.
    check: (x, y), rows and the source's own answers to them: `model.conversion` then tells the largest difference.

    The whole file is checked first. Raises fastnn.ModelFormatError (a ValueError) for a malformed file, its subclass
    UnsupportedModelError for layers that fastnn does not have, OSError, ImportError for a missing package. Nothing in a
    file is ever executed, and no other file is opened than ONNX's data beside it.
    """
    with open_regular(os.fsdecode(filepath)) as file:
        return formats.load(file, layers, eps, fold, check)


def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model to a file: model.save(filepath, overwrite)."""
    model.save(filepath, overwrite)

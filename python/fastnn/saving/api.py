"""load_model and save_model."""

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
    verify: bool = True,
) -> Sequential:
    """Return the model of a file. The content of the file, not its name, decides how it is read.

    Formats: fastnn's .safetensors; .keras and .h5 of Keras (needs `pip install 'fastnn[keras]'`); .onnx (needs
    `pip install 'fastnn[onnx]'`); PyTorch's state dicts, .pt and .safetensors.

    layers, eps: only for state dicts, which do not hold activations; see from_torch_state_dict().
    fold: whether BatchNormalization, scalers and other affine layers are folded into the Dense beside them, in float64
        (default), or stay layers of their own.
    check: (x, y), rows and the source's answers to them; ``model.conversion.difference`` then compares the two.
    verify: whether an imported model is compared with its source on some rows, and refused with UnsupportedModelError
        if they differ (default); ``model.conversion.verification`` tells the result.

    The whole file is validated first. Nothing in it is executed, and no other file is opened, except external data of
    ONNX in the same folder.
    Raises ModelFormatError (a ValueError) for a malformed file; its subclasses UnsupportedModelError for a model that
    fastnn does not compute and LimitError for one that is too large; ValueError for arguments that do not fit the file;
    OSError; ImportError for a missing package.

    >>> from fastnn import load_model
    >>> model = Sequential([Dense(3, "relu", input_shape=(2,))])
    >>> model.save("model.safetensors")
    >>> load_model("model.safetensors") == model
    True
    """
    with open_regular(os.fsdecode(filepath)) as file:
        return formats.load(file, layers, eps, fold, check, verify)


def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model to a .safetensors file: model.save(filepath, overwrite).

    >>> from fastnn import save_model
    >>> save_model(Sequential([Dense(3, input_shape=(2,))]), "model.safetensors")
    """
    model.save(filepath, overwrite)

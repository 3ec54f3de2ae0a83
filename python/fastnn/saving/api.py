"""load_model and save_model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.arguments import flag
from fastnn.floating_point import default_mode
from fastnn.importers.paths import open_model
from fastnn.locks import changes
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting


@suggesting
@default_mode()
def load_model(
    filepath: str | os.PathLike[str],
    *,
    layers: Sequence[Any] | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    eps: float | None = None,
    outputs: str | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002
    safe_mode: bool = True,
) -> Sequential:
    """Return the model of a file. The content of the file, not its name, decides how it is read.

    Formats: fastnn's .safetensors; .keras and .h5 of Keras (needs `pip install h5py`); .onnx (needs
    `pip install onnx`); PyTorch's state dicts, .pt and .safetensors; .nnet of NNet.

    layers, eps: only for state dicts, which do not hold activations, and for weights alone of Keras (save_weights());
        see from_torch_state_dict(). Default eps: PyTorch's 1e-5, Keras' 1e-3. For weights of Keras, layers may be the
        path of what model.to_json() wrote: load_model("model.weights.h5", layers="model.json").
    prefix: only for state dicts that hold several networks: "actor." takes the one whose names begin so.
    outputs: only for ONNX files with several outputs: the name of one. The model is the part that makes it.
    fold: whether BatchNormalization, scalers and other affine layers are folded into the Dense beside them, in float64
        (default), or stay layers of their own.
    check: (x, y), rows and the source's answers to them; ``model.conversion.difference`` then compares the two.
    verify: whether an imported model is compared with its source on some rows, and refused with UnsupportedModelError
        if they differ (default); ``model.conversion.verification`` tells the result.

    compile: whether the model of a file of fastnn trains on where it was saved, as save() kept it (default), or is not
        compiled. Models of other formats are never compiled.
    custom_objects: {name: function} for the losses and metrics that compile() was given as functions, since a file
        holds their names alone; {name: class} for metrics of classes of one's own. Nothing else.
    safe_mode: accepted for programs written for Keras; fastnn is always safe.

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
    with changes:  # a fork waits for it: the child of half an import would wait for the other half for ever
        from fastnn.saving import formats  # with all importers (fastnn/__init__.py)
    if not isinstance(custom_objects or {}, Mapping):
        raise ValueError(f"expected custom_objects to be a dict of names; received {custom_objects!r:.100}")
    training = dict(custom_objects or {}) if flag("compile", compile) else None
    with open_model(filepath) as file:
        options = {"layers": layers, "prefix": prefix, "outputs": outputs, "eps": eps}
        return formats.load(file, options, training, fold=fold, check=check, verify=verify)


@suggesting
def save_model(
    model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model to a .safetensors file: model.save(filepath, overwrite, include_optimizer).

    >>> from fastnn import save_model
    >>> save_model(Sequential([Dense(3, input_shape=(2,))]), "model.safetensors")
    """
    model.save(filepath, overwrite, include_optimizer)

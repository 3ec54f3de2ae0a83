"""The formats of model files, one row each. The first bytes of a file choose the row; its function reads the file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from fastnn import _core
from fastnn.importers import safetensors
from fastnn.importers.keras.file import load as load_keras
from fastnn.importers.onnx.file import load as load_onnx
from fastnn.importers.refusals import refusal
from fastnn.importers.report import of_own_file
from fastnn.importers.torch.state_dict import from_torch_state_dict, module_names
from fastnn.models.sequential import Sequential
from fastnn.saving import native
from fastnn.text import printable


def load(
    file: BinaryIO, layers: Sequence[Any] | Mapping[str, Any] | None, eps: float, fold: bool, check: Any, verify: bool
) -> Sequential:
    """Return the model of an open file. The other parameters are those of load_model().

    >>> Sequential([Dense(3, input_shape=(2,))]).save("model.safetensors")
    >>> with open("model.safetensors", "rb") as file:
    ...     load(file, layers=None, eps=1e-5, fold=True, check=None, verify=True).output_shape
    (None, 3)
    """
    beginning = file.read(_core.beginning_bytes)
    file.seek(0)
    kind = _core.format_of(beginning)
    if kind == "torch" or (kind == "fastnn" and layers is not None and not safetensors.is_own(file)):
        if layers is None:
            raise _activations_missing(file)
        return from_torch_state_dict(file, layers, eps=eps, fold=fold, check=check, verify=verify)
    if layers is not None:
        said = "expected layers only with a PyTorch state dict"
        raise ValueError(f"{printable(file.name)}: {said}; a file of {kind} knows its own")
    return _READERS[kind](file, fold=fold, check=check, verify=verify)


def _load_own(file: BinaryIO, *, fold: bool, check: Any, verify: bool) -> Sequential:
    try:
        config, weights = native.read(file)
    except _core.ModelFormatError:
        if safetensors.is_state_dict(file):
            raise _activations_missing(file) from None
        raise
    model = Sequential._unbuilt(config)
    model._adopt(model._states(config["build_input_shape"][-1], weights))
    if check is not None:
        model.conversion = of_own_file(model, file.name, check)
    return model


# The names are those in cpp/io/format.cpp, the table of first bytes. Unknown files go to fastnn's own reader. Its error
# says what they look like.
_READERS: dict[str, Callable[..., Sequential]] = {"keras": load_keras, "onnx": load_onnx, "fastnn": _load_own}


def _activations_missing(file: BinaryIO) -> _core.ModelFormatError:
    """Return the error for a state dict without `layers`; raises that of one that could not be read with them."""
    names = ", ".join(map(repr, module_names(file)))
    error = _core.UnsupportedModelError(
        "looks like a PyTorch state dict, which holds no activations; name those that follow its "
        f"modules {names:.200}, as in load_model(path, layers=['relu', 'linear'])"
    )
    return refusal(file.name, error)

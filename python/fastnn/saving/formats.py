"""Which source a file is of, by its first bytes, and its model."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn import _core
from fastnn.files import open_regular
from fastnn.importers import safetensors
from fastnn.importers.keras.file import load as load_keras
from fastnn.importers.onnx.file import load as load_onnx
from fastnn.importers.refusals import refusal
from fastnn.importers.torch.pickle import is_saved
from fastnn.importers.torch.state_dict import from_torch_state_dict, module_names
from fastnn.models.sequential import Sequential
from fastnn.text import printable

_KERAS_MEMBERS = (b"metadata.json", b"config.json", b"model.weights.", b"assets/")
_ONNX_SECOND_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42\x72"  # the tags of a ModelProto's fields after ir_version


def format_of(path: str) -> str:
    """Return 'keras', 'onnx', 'torch' or 'safetensors', which is also for whatever else the file is."""
    with open_regular(path) as file:
        start = file.read(30)
        if start[:4] == b"PK\x03\x04":
            start += file.read(int.from_bytes(start[26:28], "little"))
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return "keras"
    if start[:4] == b"PK\x03\x04":  # a zip archive: the name of its first member stands at byte 30, its length at 26
        name = start[30:]
        if name.startswith(_KERAS_MEMBERS):
            return "keras"
        return "torch" if name.endswith(b"data.pkl") or b"/data/" in name else "safetensors"
    if is_saved(start):
        return "torch"
    # ONNX has no signature: its first field is nearly always the small number ir_version.
    is_onnx = (
        start[:1] == b"\x08" and start[1:2] < b"\x80" and start[2:3] in [bytes([tag]) for tag in _ONNX_SECOND_FIELDS]
    )
    return "onnx" if is_onnx and start[8:9] != b"{" else "safetensors"


def activations_missing(path: str) -> _core.ModelFormatError:
    """Return the error for a state dict without `layers`; raises that of one that could not be read with them."""
    names = ", ".join(map(repr, module_names(path)))
    error = _core.UnsupportedModelError(
        "looks like a PyTorch state dict, which holds no activations; name those that follow its "
        f"modules {names:.200}, as in load_model(path, layers=['relu', 'linear'])"
    )
    return refusal(path, error)


def load(
    path: str,
    layers: Sequence[Any] | Mapping[str, Any] | None,
    eps: float,
    fold: bool,
    check: Any,
) -> Sequential | None:
    """Return the model of another tool's file; None for one of fastnn's own."""
    kind = format_of(path)
    if kind == "torch" and layers is None:
        raise activations_missing(path)
    if kind == "safetensors" and layers is not None and safetensors.is_own(path):
        kind = "fastnn"
    if kind == "torch" or (kind == "safetensors" and layers is not None):
        return from_torch_state_dict(path, layers or (), eps=eps, fold=fold, check=check)
    if layers is not None:
        said = "expected layers only with a PyTorch state dict"
        raise ValueError(f"{printable(path)}: {said}; a file of {kind} knows its own")
    if kind == "safetensors":
        return None
    if kind == "keras":
        return load_keras(path, fold=fold, check=check)
    return load_onnx(path, fold=fold, check=check)

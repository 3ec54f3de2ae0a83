"""PyTorch's state dicts: weights by name. What a module does with them is not in there, so it has to be told."""

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers import safetensors_file, torch_pickle
from fastnn.importers.steps import Function, Product, Scale, Step, batch_normalization, to_model
from fastnn.models import Sequential

Array = npt.NDArray[Any]
_BATCH_NORM = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def from_torch_state_dict(
    state_dict: str | os.PathLike[str] | Mapping[str, Any],
    layers: Sequence[str] | Mapping[str, str],
    eps: float = 1e-5,
    name: str | None = None,
) -> Sequential:
    """Return the model of a state dict of Linear and BatchNorm1d modules in a row.

    state_dict: a .pt or .pth file (read without torch, running nothing), a .safetensors file, by content, or the dict
        itself; also one that holds it as "state_dict" or "model_state_dict".
    layers: what follows each of its modules: the name of an activation, 'linear' for none. Either in order, or by the
        modules' names, in the order of computing: {"fc1": "relu", "out": "linear"}. Those that a safetensors file names
        otherwise than by numbers have no order, and need the second form.
    eps: of the BatchNorm1d modules, which are folded into the Linear beside them in float64.

    A model of float64 weights alone computes in float64, any other in float32.
    Raises ModelFormatError (a ValueError) for what does not fit, of which UnsupportedModelError for other modules;
    ValueError for wrong `layers`; OSError.

    >>> weights = {"0.weight": np.ones((3, 2), np.float32), "0.bias": np.zeros(3, np.float32)}
    >>> from_torch_state_dict(weights, layers=["relu"]).predict([[1.0, 2.0]])
    array([[3., 3., 3.]], dtype=float32)
    """
    where, tensors, is_ordered = _tensors(state_dict)
    modules = _modules(tensors, where)
    if (numbers := _numbers(modules)) is not None:
        modules, is_ordered = dict(sorted(modules.items(), key=lambda item: numbers[item[0]])), True
    activations = _activations(layers, modules, is_ordered)
    steps: list[Step] = []
    for module, activation in activations.items():
        source = f"{where}{module or 'the module'}"
        steps += [_step(source, modules[module], eps), Function(source, activation)]
    return to_model(steps, name=name)[0]


def _tensors(state_dict: Any) -> tuple[str, dict[str, Array], bool]:
    """Return what errors begin with, the tensors by name, and whether their order is that of the modules."""
    if isinstance(state_dict, Mapping):
        where, content, is_ordered = "", dict(state_dict), True
    else:
        path = os.fsdecode(state_dict)
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise ModelFormatError(f"{path}: is no regular file; expected a .pt or a .safetensors file")
        with open(path, "rb") as file:  # noqa: PTH123
            is_ordered = file.read(4) == b"PK\x03\x04"
        where, content = f"{path}: ", (torch_pickle if is_ordered else safetensors_file).read(path)
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), Mapping):
            content = dict(content[wrapper])
    tensors = {}
    for key, value in content.items():
        if not isinstance(key, str):
            raise ModelFormatError(f"{where}expected tensors by name; received the key {key!r:.60}")
        array = _array(value, f"{where}{key}")
        if array.dtype.kind not in "biuf":
            raise ModelFormatError(f"{where}{key} is no tensor of real numbers but {type(value).__name__}")
        tensors[key] = array
    return where, tensors, is_ordered


def _array(value: Any, source: str) -> Array:
    """Return a tensor, which may be PyTorch's own, as an array."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if str(value.dtype) == "torch.bfloat16" else value
        return np.asarray(value)
    # RuntimeError is torch's word for a tensor without data or of another device, ValueError NumPy's for ragged lists.
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnsupportedModelError(f"{source}: expected a dense tensor of numbers: {error!s:.100}") from None


def _modules(tensors: dict[str, Array], where: str) -> dict[str, dict[str, Array]]:
    """Return the tensors of each module, by its name."""
    modules: dict[str, dict[str, Array]] = {}
    for key, array in tensors.items():
        module, _, tensor = key.rpartition(".")
        modules.setdefault(module, {})[tensor] = array
    if not modules:
        raise ModelFormatError(f"{where}expected a state dict with at least one Linear module; it is empty")
    return modules


def _numbers(names: Iterable[str]) -> dict[str, int] | None:
    """Return the numbers of names that differ by them alone, as nn.Sequential's do."""
    matches = {name: re.fullmatch(r"(.*?)(\d+)", name) for name in names}
    found = {name: (match[1], int(match[2])) for name, match in matches.items() if match}
    if len(found) < len(matches) or len({stem for stem, _ in found.values()}) != 1:
        return None
    return {name: number for name, (_, number) in found.items()}


def _activations(layers: Any, modules: dict[str, Any], is_ordered: bool) -> dict[str, str]:
    """Return the activation after each module, in the order of computing."""
    named = ", ".join(f"{module!r}" for module in modules)
    if isinstance(layers, Mapping):
        if layers.keys() != modules.keys():
            raise ValueError(f"expected layers to name the modules {named}; received {', '.join(map(repr, layers))}")
        return dict(layers)
    if isinstance(layers, str) or len(layers) != len(modules):
        received = repr(layers) if isinstance(layers, str) else f"{len(layers)} names"
        raise ValueError(
            f"expected layers to be {len(modules)} names of activations, after {named}; received {received}"
        )
    if len(modules) > 1 and not is_ordered:
        raise ValueError(f"expected layers as a dict, since a safetensors file keeps no order of the modules {named}")
    return dict(zip(modules, layers, strict=True))


def _step(source: str, tensors: dict[str, Array], eps: float) -> Product | Scale:
    weight, bias = tensors.get("weight"), tensors.get("bias")
    if weight is not None and weight.ndim == 2 and tensors.keys() <= {"weight", "bias"}:
        if weight.size == 0 or (bias is not None and bias.shape != weight.shape[:1]):
            raise ModelFormatError(f"{source}: expected a weight (units, inputs) and a bias (units,); received "
                                   f"{weight.shape} and {None if bias is None else bias.shape}")  # fmt: skip
        return Product(source, weight.T, bias)
    if {"running_mean", "running_var"} <= tensors.keys() <= _BATCH_NORM:
        return batch_normalization(source, weight, bias, tensors["running_mean"], tensors["running_var"], eps)
    raise UnsupportedModelError(
        f"{source}: expected the tensors of a Linear or a BatchNorm1d; received "
        + ", ".join(f"{name} {array.shape}" for name, array in tensors.items())
    )

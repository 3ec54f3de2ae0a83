"""PyTorch's live modules: nn.Sequential by its parts, any other whose forward is a chain by way of ONNX.

torch itself is never imported: whoever has a module has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers.live_objects import own_name, received
from fastnn.importers.refusals import refusing
from fastnn.importers.report import convert
from fastnn.importers.steps import Step
from fastnn.importers.torch import export
from fastnn.importers.torch.kinds import KINDS, as_array, unweighted, weighted
from fastnn.importers.torch.run import SAY_INPUTS, unknown_module
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting

_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


@suggesting
@default_mode()
def from_torch(
    module: Any,
    *,
    inputs: int | None = None,
    fold: bool = True,
    check: Any = None,
    verify: bool = True,
    name: str | None = None,
) -> Sequential:
    """Return the model that computes what a torch.nn.Module does in eval mode.

    module: an nn.Sequential, also nested, of Linear, BatchNorm1d, LayerNorm, PReLU, activations, Dropout and Flatten.
        It stays as it is. Any other module, and one with hooks, is exported to ONNX by PyTorch (needs onnx):
        its forward must be a chain of these layers. A model that begins with Flatten takes flat rows.
    inputs: how many columns the module's rows have. Default: those of `check`, else what its first layer takes. Needed
        if the weights do not say it: a forward that takes columns of its rows (``x[:, 2:5]``), a lone activation.
    fold: whether a BatchNorm1d is folded into the Linear beside it, in float64 (default), or stays a layer of its own.
    check: rows x, or (x, y) with the module's answers y; ``model.conversion.difference`` then compares the two.
    verify: whether the module answers some rows, and a model whose answers differ is refused (default).
    name: default "sequential", then "sequential_1", ….

    The model computes in float64 if all weights are float64, else in float32.
    Raises UnsupportedModelError (a ValueError), which names the module that fastnn does not compute; ModelFormatError
    (a ValueError) for weights that do not fit; ValueError for lazy modules without weights; ImportError if onnx is
    needed and missing.

    >>> from torch import nn
    >>> from_torch(nn.Sequential(nn.Linear(2, 3), nn.ReLU())).predict([[1.0, 2.0]]).shape
    (1, 3)
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Module):
        raise UnsupportedModelError(
            f"expected a torch.nn.Module; received {received(module)}; from_torch_state_dict(weights, layers) takes "
            "state dicts, and files of them"
        )
    nested = f"{_source('', module)} is nested too deep, or contains itself"
    with refusing(nested, RecursionError, raises=UnsupportedModelError):
        parts = list(_parts(torch, module, ""))
    if any(map(torch.nn.parameter.is_lazy, (*module.parameters(), *module.buffers()))):
        raise ValueError(f"{_source('', module)} has no weights yet; call it once, on rows")
    if inputs is not None and (isinstance(inputs, bool) or not isinstance(inputs, Integral) or inputs < 1):
        raise ValueError(f"expected inputs to be a whole number above 0, the columns of rows; received {inputs!r:.60}")
    given = export.width_of(check) if inputs is None else inputs
    own = next(((path, part) for path, kind, part in parts if kind is None), None)
    with export.evaluating(torch, module):
        if own is not None:
            source = _source(*own)
            return export.by_way_of_onnx(
                torch, module, source, inputs=given, fold=fold, check=check, verify=verify, name=name
            )
        steps = [step for path, kind, part in parts for step in _steps(torch, _source(path, part), str(kind), part)]
        taken = next((step.inputs for step in steps if step.inputs is not None), given)
        if taken is None:
            raise UnsupportedModelError(
                f"{_source('', module)} has no layer that says how many inputs it takes; {SAY_INPUTS}"
            )
        if inputs not in (None, taken):
            raise ValueError(f"expected inputs={taken}, what {_source('', module)} takes; received inputs={inputs}")
        return convert(
            f"PyTorch {type(module).__name__}",
            steps,
            inputs=taken,
            fold=fold,
            name=name,
            names={_source(path, part): path for path, _, part in parts},
            check=export.as_arrays(check),
            answers=lambda _: export.answers(torch, module, check),
            reference=export.module_reference(torch, module) if verify else None,
        )


def _source(path: str, module: Any) -> str:
    return f"module '{path}' ({type(module).__name__})" if path else type(module).__name__


def _parts(torch: Any, module: Any, path: str) -> Iterator[tuple[str, str | None, Any]]:
    """Return the path, the class's name and the module of each part; no name if the part may compute something else."""
    if not isinstance(module, torch.nn.Module):
        raise UnsupportedModelError(f"{_source(path, module)} is no module")
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedModelError(
            f"{_source(path, module)} is TorchScript; convert the module that it was made of, its state dict with "
            "from_torch_state_dict, or export it to ONNX"
        )
    wrapped = _WRAPPERS.get(type(module).__name__)
    if wrapped and wrapped in module._modules:
        raise UnsupportedModelError(f"{_source(path, module)} is around a module; convert its {wrapped}")
    kind = _kind(torch, module)
    if kind != "Sequential":
        yield path, kind, module
        return
    for name, part in module._modules.items():
        yield from _parts(torch, part, f"{path}.{name}".lstrip("."))


def _kind(torch: Any, module: Any) -> str | None:
    everywhere = vars(torch.nn.modules.module)  # hooks of all modules, such as profilers have
    hooks = ("_global_forward_hooks", "_global_forward_pre_hooks")
    if module._forward_hooks or module._forward_pre_hooks or any(everywhere.get(name) for name in hooks):
        return None
    cls = type(module)
    # A parametrized module has a class made for it, derived from its own: it computes the same with other weights.
    if torch.nn.utils.parametrize.is_parametrized(module) and "forward" not in vars(cls):
        cls = cls.__bases__[0]
    return own_name(module, "torch", cls)


def _steps(torch: Any, source: str, kind: str, module: Any) -> list[Step]:
    if kind not in KINDS:
        steps = unweighted(kind, source, module)
        if steps is None:
            raise unknown_module(source)
        return steps
    names = (*KINDS[kind].needed, *KINDS[kind].optional)
    tensors = {name: _tensor(torch, f"{source}: {name}", module, name) for name in names}
    if kind == "BatchNorm1d" and (tensors["running_mean"] is None or tensors["running_var"] is None):
        raise UnsupportedModelError(
            f"{source} has no running statistics: its answer to a row depends on the other rows; "
            "expected track_running_stats=True"
        )
    if kind == "LayerNorm":
        shape = tuple(module.normalized_shape)
        if len(shape) != 1:
            raise UnsupportedModelError(f"{source}: expected normalized_shape (units,); received {shape}")
        if tensors["weight"] is None:
            tensors["weight"] = np.ones(shape)
    return [weighted(kind, source, tensors, getattr(module, "eps", 0.0))]


def _tensor(torch: Any, source: str, module: Any, name: str) -> Array | None:
    with refusing(f"{source} cannot be read", Exception, raises=UnsupportedModelError):
        value = getattr(module, name)  # a parametrization is its author's code
    if value is None:
        return None
    if type(value) not in (torch.Tensor, torch.nn.Parameter):  # another may show one value and compute with another
        raise UnsupportedModelError(f"{source}: expected a tensor of PyTorch itself; received {type(value).__name__}")
    array = as_array(value, source)
    if array.dtype.kind != "f":
        raise UnsupportedModelError(f"{source}: expected real numbers; received {value.dtype}")
    return array

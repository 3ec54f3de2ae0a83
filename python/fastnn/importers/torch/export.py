"""What a live module of PyTorch itself says: its answers in eval mode, and a forward of its own as ONNX."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing
from fastnn.importers.roundings import FLOAT32
from fastnn.importers.torch.kinds import as_array
from fastnn.importers.torch.run import Run
from fastnn.importers.verification import ACCELERATORS, DifferentAnswersError, Reference
from fastnn.models.sequential import Sequential


@contextmanager
def evaluating(torch: Any, module: Any) -> Iterator[None]:
    """Put a module into eval mode, without gradients; each of its modules gets its own mode back."""
    modes = {each: each.training for each in module.modules()}
    is_training = any(modes.values())
    try:
        if is_training:
            module.eval()
        with torch.no_grad():
            yield
    finally:
        if is_training:
            module.train(modes[module])  # its own method, which may do more than set a flag
        for each, mode in modes.items():
            each.training = mode


def answers(torch: Any, module: Any, x: Any) -> Array:
    """Return a module's answers to rows, which are converted to its dtype."""
    tensor = next(_tensors(module), torch.zeros(()))
    rows = torch.from_numpy(np.array(as_array(x, "check"), np.float64)).to(tensor.device, tensor.dtype)
    with refusing(f"the module cannot take rows of shape {tuple(rows.shape)}", Exception, raises=ValueError):
        answer = module(rows)  # a forward is its author's code
    return as_array(answer, "the module's answer")


def module_reference(torch: Any, module: Any) -> Reference:
    """Return the reference that is the module itself."""
    precisions = [torch.finfo(tensor.dtype).eps for tensor in _tensors(module)]
    precisions += [ACCELERATORS for tensor in _tensors(module) if tensor.device.type != "cpu"]
    return Reference(
        "PyTorch",
        lambda rows, source: answers(torch, module, rows),
        precision=max(precisions, default=FLOAT32),
        most=min((torch.finfo(tensor.dtype).max for tensor in _tensors(module)), default=np.inf),
        operations=sum(1 for _ in module.modules()),
    )


def as_arrays(check: Any) -> Any:
    """Return `check`, None or rows or (x, y), as arrays."""
    if isinstance(check, tuple):
        return tuple(as_array(each, "check") for each in check)
    return None if check is None else as_array(check, "check")


def width_of(check: Any) -> int | None:
    """Return the number of columns of `check`, rows or (x, y); None if it is not two-dimensional."""
    rows = as_arrays(check[0] if isinstance(check, tuple) and check else check)
    return int(rows.shape[1]) if rows is not None and rows.ndim == 2 else None


def _tensors(module: Any) -> Iterator[Any]:
    return (tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point())


def by_way_of_onnx(
    torch: Any,
    module: Any,
    own: str,
    *,
    inputs: int | None,
    fold: bool,
    check: Any,
    verify: bool,
    name: str | None,
) -> Sequential:
    """Return the model of a module with any forward, as PyTorch exports it to ONNX.

    own: the part with a forward or hooks of its own. The export follows one run of them, so other rows verify it.
    inputs: of the module; None if its weights say it.
    """
    run = Run(torch, module, own, inputs)
    run.refuse_hopeless()
    try:
        import onnx  # noqa: F401

        from fastnn.importers.onnx.file import from_proto
    except ImportError:
        raise ImportError(f"{own} has a forward or hooks of its own, which need onnx: pip install onnx") from None
    if check is not None and not isinstance(check, tuple):
        check = (check, answers(torch, module, check))
    proto = _exported(torch, module, run)
    source = f"PyTorch {type(module).__name__}, by way of ONNX"
    fault = (
        f"{own} has a forward or hooks of its own that do not always compute the same; "
        "expected no random numbers, counters, or numbers of other rows"
    )
    reference = replace(module_reference(torch, module), fault=fault)
    try:
        return from_proto(
            proto,
            fold=fold,
            check=as_arrays(check),
            name=name,
            names=_module_names(module, proto),
            source=source,
            verify=verify,
            reference=reference,
        )
    except DifferentAnswersError:
        raise
    except UnsupportedModelError:  # in words of ONNX, of nodes that only the exporter knows
        raise run.refusal() from None


def _exported(torch: Any, module: Any, run: Run) -> Any:
    """Return a module's ModelProto, from PyTorch's older exporter, which is fast, or the newer, which follows more."""
    import onnx

    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", torch.jit.TracerWarning)  # the run is one of several
        with suppress(Exception):  # exporters raise anything
            file = io.BytesIO()
            torch.onnx.export(module, (run.rows,), file, dynamo=False)
            return onnx.load_from_string(file.getvalue())
        with suppress(Exception):  # also where it lacks a package of its own
            shapes = ({0: torch.export.Dim("n")},)
            exported = torch.onnx.export(module, (run.rows,), dynamo=True, verbose=False, dynamic_shapes=shapes)
            return exported.model_proto
    raise run.refusal()


def _module_names(module: Any, proto: Any) -> dict[str, str]:
    """Return the paths of modules by the names of the nodes that PyTorch makes of them: "/body/body.0/Gemm"."""
    paths, found = dict(module.named_modules()), {}
    for node in proto.graph.node:
        *scopes, _ = node.name.strip("/").split("/")
        candidates = (".".join(scopes), *scopes[-1:])
        found[node.name] = next((path for path in candidates if path and path in paths), "")
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off the caller's stdout and stderr what PyTorch's exporters log and print: graphs, pages long."""
    import logging  # PyTorch has it; imported during a fork, it would print an error of its own

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)

"""Steps of an ONNX graph's nodes, put together: sums as biases, and single numbers as one for each unit."""

from dataclasses import replace

import numpy as np

from fastnn._core import LimitError, ModelFormatError
from fastnn.importers.steps import Normalize, Product, Scale, Step


def merged(steps: list[Step]) -> list[Step]:
    """Return the steps with a sum that follows a product as its bias, and one that follows a scale as its shift."""
    made: list[Step] = []
    for step in steps:
        last = made[-1] if made else None
        # An Add alone has the factor 1, of no shape; a layer's own numbers are one for each unit.
        if isinstance(step, Scale) and step.scale.ndim == 0 and step.scale == 1 and last is not None:
            source = f"{last.source}, {step.source}" if last.source != step.source else step.source
            if isinstance(last, Product) and last.bias is None:
                made[-1] = replace(last, source=source, bias=np.broadcast_to(step.shift, last.kernel.shape[1]))
                continue
            if isinstance(last, Scale) and last.shift.ndim == 0 and last.shift == 0:
                made[-1] = replace(last, source=source, shift=step.shift, is_literal=True)
                continue
            if isinstance(last, Normalize) and last.beta.ndim == 0 and last.beta == 0:
                made[-1] = replace(last, source=source, beta=step.shift)
                continue
        # A decomposed normalization alone has the factor 1, of no shape.
        if isinstance(step, Scale) and isinstance(last, Normalize) and _is_bare(last):
            made[-1] = replace(last, source=f"{last.source}, {step.source}", gamma=step.scale, beta=step.shift)
            continue
        made.append(step)
    return made


def _is_bare(step: Normalize) -> bool:
    return step.gamma.ndim == step.beta.ndim == 0 and bool(step.gamma == 1) and bool(step.beta == 0)


def widened(steps: list[Step], width: int | None, most: int) -> list[Step]:
    """Return the steps, those of normalization with one number for each unit.

    width: of the first step's inputs. LimitError where the steps hold more than `most` numbers: single ones stand for
    many units, and one matrix may be that of many steps.
    """
    made: list[Step] = []
    for step in steps:
        arrays = [value for value in vars(step).values() if isinstance(value, np.ndarray)]
        sizes = [value.shape[-1] for value in arrays if value.ndim]
        width = sizes[0] if sizes else width
        most -= sum(value.size if value.ndim else width or 0 for value in arrays)
        if most < 0:
            raise LimitError(
                f"{step.source} is one too many: the file's numbers are used again and again, {width} units each time; "
                "fastnn reads models of about as many numbers as their files have"
            )
        if isinstance(step, Normalize) and step.gamma.ndim * step.beta.ndim == 0:
            if width is None:
                raise ModelFormatError(f"{step.source} does not say for how many units")
            gamma, beta = (np.broadcast_to(each, width) for each in (step.gamma, step.beta))
            step = replace(step, gamma=gamma, beta=beta)
        made.append(step)
    return made

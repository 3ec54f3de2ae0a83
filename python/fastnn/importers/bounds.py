"""Bounds for each unit, of layers that hold one bound for all: scales around a clip, shifts around a ReLU.

A bound costs no digits of a number far below it. Answers are within 3 ulps, or 3 ulps of 2**-20 if they are smaller:

- ``max(x, low) = size * max(x / size, -1)`` where low = -size is negative,
- ``max(x, low) = relu(x - low) + low`` elsewhere: the answer is no smaller than what is subtracted, or that is small.

``min(x, high)`` is ``-max(-x, -high)``.
"""

import numpy as np

from fastnn._core import ModelFormatError
from fastnn.arrays import Array
from fastnn.importers.steps import CLIPS, Bounds, Function, Scale, Slopes, Step, clip

MOST_PARTS = 8  # as many numbers, for each of a step's
REPORT = "bounds for each unit, by scales and shifts around one bound for all: within 3 ulps"

# Of a bound that x is divided by: x / 2**-20 overflows for no float32 below 2**107. The largest stands for none, since
# x / 2**100 keeps all digits of a float32 above 2**-26, and those of smaller ones to 2**-49.
_SMALLEST, _LARGEST = 2.0**-20, 2.0**100


def parts(step: Bounds) -> list[Step]:
    """Return the steps that keep x between bounds for each unit; ModelFormatError for NaN, or low above high."""
    source = step.source
    if not (step.low <= step.high).all():
        raise ModelFormatError(f"{source}: expected bounds that are numbers, none below above the one above it")
    low, high = np.broadcast_arrays(*(np.clip(each, -_LARGEST, _LARGEST) for each in (step.low, step.high)))
    if (low == -high).all() and (high >= _SMALLEST).all():
        return _scaled(clip(source, -1.0, 1.0), high)
    return _joined([*_at_least(source, low), *_negative(source), *_at_least(source, -high), *_negative(source)])


def of_step(step: Step) -> tuple[Array, Array] | None:
    """Return the low and high of a step that keeps x between bounds; None for any other."""
    if isinstance(step, Bounds):
        return step.low, step.high
    if not isinstance(step, Function) or step.activation == "linear":
        return None
    own = step.parameters
    ends = (own["minimum"], own["maximum"]) if step.activation == "clip" else CLIPS.get(step.activation)
    return None if ends is None else (np.asarray(ends[0]), np.asarray(ends[1]))


def within(first: tuple[Array, Array], then: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the low and high of two pairs, one after the other."""
    low, high = (np.asarray(np.minimum(np.maximum(each, then[0]), then[1])) for each in first)
    return low, high


def _at_least(source: str, low: Array) -> list[Step]:
    if (low <= -_LARGEST).all():
        return []
    is_shifted = low > -_SMALLEST
    shift = np.where(is_shifted, low, 0.0)
    made = _scaled(clip(source, -1.0, np.inf), np.where(is_shifted, 1.0, -low)) if not is_shifted.all() else []
    if is_shifted.any():
        alpha = np.where(is_shifted, 0.0, 1.0)
        bent = Function(source, "relu") if is_shifted.all() else Slopes(source, alpha)
        made += [Scale(source, np.ones(()), -shift), bent, Scale(source, np.ones(()), shift)]
    return made


def _scaled(step: Function, size: Array) -> list[Step]:
    """Return the step with `size` in place of 1."""
    return [Scale(step.source, 1 / size, np.zeros(())), step, Scale(step.source, size, np.zeros(()))]


def _negative(source: str) -> list[Step]:
    return [Scale(source, -np.ones(()), np.zeros(()))]


def _joined(steps: list[Step]) -> list[Step]:
    """Return the steps with one scale for each that follow one another, and none that changes nothing."""
    made: list[Step] = []
    for step in steps:
        last = made[-1] if made else None
        if isinstance(step, Scale) and isinstance(last, Scale):
            made[-1] = Scale(step.source, last.scale * step.scale, last.shift * step.scale + step.shift)
        else:
            made.append(step)
    return [each for each in made if not isinstance(each, Scale) or (each.scale != 1).any() or each.shift.any()]

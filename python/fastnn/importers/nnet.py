"""Networks of Stanford's NNet format (.nnet), such as ACAS Xu: text with the weights and the ranges of inputs."""

import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import in_one_sentence
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Product, Scale, Step, clip
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential

_MOST_BYTES = 1 << 22  # numbers take up to four times as many in memory
_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s*//[^\n]*\n)*\s*((?:" + _NUMBER + rb"(?:[,\s]+|\Z))*+)\Z")
_BOUNDS = "bounds of inputs"
_WIDEST = 16.0  # a float32 between 0 and 1, times this, is off by as little as its own rounding at 16


class _Network(NamedTuple):
    """Bounds of inputs; means and ranges of inputs, then of the outputs; weights (units, inputs) and (units,)."""

    low: Array
    high: Array
    mean: Array
    spread: Array
    layers: list[tuple[Array, Array]]


def load(file: BinaryIO, *, fold: bool = True, check: Any = None, verify: bool = True) -> Sequential:
    """Return the model of an open .nnet file, which takes inputs and gives outputs in the network's own units.

    As NNet itself does, it moves each input into its bounds, normalizes it, and scales the outputs back. An input whose
    minimum, maximum and mean are one number becomes 0, also if its range is 0. The other parameters are those of
    load_model(). Raises ModelFormatError, a ValueError, and its subclasses; OSError.

    >>> from pathlib import Path
    >>> content = "// Neural Network File Format\\n1,1,1,1,\\n1,1,\\n0,\\n-9,\\n9,\\n0,0,\\n1,1,\\n2,\\n3,\\n"
    >>> size = Path("model.nnet").write_text(content)
    >>> fastnn.load_model("model.nnet").predict([[4.0]])
    array([[11.]], dtype=float32)
    """
    with in_one_sentence(file.name):
        network = _network(_numbers(file))
        reference = Reference("NNet's formulas in NumPy", _answers(network)) if verify else None
        source = f"NNet model {file.name!r}"
        return convert(source, _steps(network), fold=fold, check=check, reference=reference)


def _numbers(file: BinaryIO) -> Array:
    if len(text := file.read(_MOST_BYTES + 1)) > _MOST_BYTES:
        raise LimitError(f"is longer than {_MOST_BYTES} bytes, the most that fastnn reads of an .nnet file")
    if (match := _TEXT.match(text)) is None:
        raise ModelFormatError("holds something else than comments (//) and numbers with commas between them")
    return np.fromstring(match[1].replace(b",", b" ").decode(), sep=" ")


def _network(numbers: Array) -> _Network:
    if len(numbers) < 4:
        raise ModelFormatError("has no sizes of layers")
    count, inputs, outputs = map(_size, numbers[:3])
    sizes = [_size(number) for number in numbers[4 : 5 + count]]  # the fourth is the largest of them
    if len(sizes) != count + 1 or (sizes[0], sizes[-1]) != (inputs, outputs):
        raise ModelFormatError(f"has {inputs} inputs and {outputs} outputs, and layers of the sizes {sizes!s:.60}")
    shapes = [shape for before, after in pairwise(sizes) for shape in ((after, before), (after,))]
    lengths = [inputs, inputs, inputs + 1, inputs + 1, *map(math.prod, shapes)]
    start = 6 + count  # behind a flag that is not used
    if len(numbers) != start + sum(lengths):
        raise ModelFormatError(
            f"has {len(numbers)} numbers; expected {start + sum(lengths)} for layers of {sizes!s:.60}"
        )
    low, high, mean, spread, *weights = np.split(numbers[start:], np.cumsum(lengths)[:-1])
    if not (low <= high).all():
        raise ModelFormatError("has a minimum above its maximum; expected it below, or the same")
    is_fixed = np.append((low == high) & (low == mean[:-1]), False)  # such an input is its mean, whatever its range
    if not (spread[~is_fixed] > 0).all():
        raise ModelFormatError(
            "has a range that is not above 0, which numbers are divided by; expected one above 0, or 0 for an input "
            "whose minimum, maximum and mean are one number"
        )
    spread[is_fixed] = 1.0
    arrays = [part.reshape(shape).astype("f4") for part, shape in zip(weights, shapes, strict=True)]
    return _Network(low, high, mean, spread, list(zip(arrays[::2], arrays[1::2], strict=True)))


def _answers(network: _Network) -> Callable[[Array, str | None], Array]:
    """Return what NNet itself computes, to verify the model with."""
    low, high, mean, spread, layers = network

    def answers(rows: Array, _: str | None) -> Array:
        x = (np.clip(rows, low, high) - mean[:-1]) / spread[:-1]
        for kernel, bias in layers[:-1]:
            x = np.maximum(x @ kernel.T + bias, 0)
        kernel, bias = layers[-1]
        return np.asarray((x @ kernel.T + bias) * spread[-1] + mean[-1])

    return answers


def _steps(network: _Network) -> list[Step]:
    low, high, mean, spread, layers = network
    steps = [*_bounded(low, high, spread[:-1]), Scale("inputs", 1 / spread[:-1], -mean[:-1] / spread[:-1])]
    for i, (kernel, bias) in enumerate(layers):
        activation = "relu" if i < len(layers) - 1 else "linear"
        steps += [Product(f"layer {i}", kernel.T, bias), Function(f"layer {i}", activation)]
    return [*steps, Scale("outputs", np.asarray(spread[-1]), np.asarray(mean[-1]))]


def _bounded(low: Array, high: Array, spread: Array) -> list[Step]:
    """Return the steps that move each input into its bounds: one clip, of inputs from 0 to 1 if bounds differ."""
    if len({*low}) == len({*high}) == 1:
        return [clip(_BOUNDS, low[0], high[0])]
    width = high - low
    if (width > _WIDEST * spread).any():
        raise UnsupportedModelError(f"has bounds of inputs that differ, and are more than {_WIDEST:g} ranges apart")
    inverse = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    return [Scale(_BOUNDS, inverse, -low * inverse), clip(_BOUNDS, 0, 1), Scale(_BOUNDS, width, low)]


def _size(number: float) -> int:
    if number != int(number) or not 0 < number < 2**31:
        raise ModelFormatError(f"has the size {number:g}; expected a whole number above 0")
    return int(number)

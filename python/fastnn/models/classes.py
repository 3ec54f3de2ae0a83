"""What outputs stand for: which of them are classes, and the classes' names."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.layers.arguments import is_text

# One output of these is the probability of the second of two classes.
_PROBABILITIES = ("sigmoid", "hard_sigmoid", "step")

_LONG, _LETTERS = 256, 2**20  # of a name, and of all if each were as long

Array = npt.NDArray[Any]


def are_classes(units: int, activation: str) -> bool:
    """Whether a model with these outputs, of this last activation, chooses a class."""
    return units > 1 or activation in _PROBABILITIES


def chosen(y: Array) -> Array:
    """Return the number of each row's class: the largest output's; one output is the second's above 0.5."""
    index: Array = y.argmax(axis=-1) if y.shape[-1] > 1 else (y[..., 0] > 0.5).astype(np.int64)
    return index


def refuse_nan(y: Array, where: str = "", first_row: int = 0) -> None:
    """Raise ValueError for the first row with NaN, which is the answer of no class."""
    wrong = np.isnan(y).any(axis=-1)
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        row = f"row {first_row + place[0]}" if len(place) == 1 else f"row {place}" if place else "the row"
        raise ValueError(f"{where}expected outputs to choose a class by; received NaN among those of {row}")


def checked(classes: Iterable[Any]) -> tuple[Any, ...]:
    """Return the classes, NumPy's as Python's; ValueError for what a model's file cannot hold."""
    if isinstance(classes, (str, bytes, bytearray, memoryview, set, frozenset, Mapping)):
        raise ValueError(f"expected classes to be a list, in the order of the outputs. Received: {classes!r:.100}")
    given = tuple(each.item() if isinstance(each, np.generic) else each for each in classes)
    for each in given:
        if not _is_class(each):
            raise ValueError(
                f"expected classes to be strings of Unicode characters but NUL, finite numbers or booleans. "
                f"Received: {each!r}"
            )
    return given


def check_count(count: int, units: int) -> None:
    """Raise ValueError for so many classes, if they are not one for each output, or two for a single one."""
    expected = 2 if units == 1 else units
    if count != expected:
        raise ValueError(f"expected {expected} classes, for {units} outputs; received {count}")


def _is_class(value: object) -> bool:
    if isinstance(value, str):
        return is_text(value)
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # an integer that JSON's readers have no number for
        return False


def as_array(classes: tuple[Any, ...]) -> Array:
    """Return the classes as an array, of objects where NumPy would make others of them, of ("1", 1), of (True, 2),
    and where each would take as much memory as a long name.
    """
    longest = max((len(each) for each in classes if isinstance(each, str)), default=0)
    if longest <= _LONG and longest * len(classes) <= _LETTERS:
        array = np.array(classes)
        if [(type(each), each) for each in array.tolist()] == [(type(each), each) for each in classes]:
            return array
    array = np.empty(len(classes), object)
    array[:] = classes
    return array

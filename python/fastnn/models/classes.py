"""Classes: whether a model chooses one, which one it chooses for a row, and the classes' names."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.text import is_text

# A single output of these activations is the probability of the second of two classes.
_PROBABILITIES = ("sigmoid", "hard_sigmoid", "step")

_LONG, _LETTERS = 256, 2**20  # limits of an array of strings: letters of the longest name, letters of all padded to it


def are_classes(units: int, activation: str) -> bool:
    """Whether a model with this number of units and this last activation chooses a class.

    >>> are_classes(3, "linear"), are_classes(1, "sigmoid"), are_classes(1, "linear")
    (True, True, False)
    """
    return units > 1 or activation in _PROBABILITIES


def chosen(y: Array) -> Array:
    """Return the index of each row's class: the largest of several outputs; 1 for a single output above 0.5.

    >>> chosen(np.array([[1, 3, 2]])), chosen(np.array([[0.7]]))
    (array([1]), array([1]))
    """
    index: Array = y.argmax(axis=-1) if y.shape[-1] > 1 else (y[..., 0] > 0.5).astype(np.int64)
    return index


def refuse_nan(y: Array, where: str = "", first_row: int = 0) -> None:
    """Raise ValueError, naming the first row with NaN, if there is one: NaN chooses no class.

    >>> refuse_nan(np.array([[1.0], [np.nan]]))
    Traceback (most recent call last):
    ValueError: expected outputs to choose a class by; received NaN among those of row 1
    """
    wrong = np.isnan(y).any(axis=-1)
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        row = f"row {first_row + place[0]}" if len(place) == 1 else f"row {place}" if place else "the row"
        raise ValueError(f"{where}expected outputs to choose a class by; received NaN among those of {row}")


def checked(classes: Iterable[Any]) -> tuple[Any, ...]:
    """Return the classes as Python's own objects. Raises ValueError for classes that a model file cannot hold.

    >>> checked(np.array([1, 2]))
    (1, 2)
    """
    if isinstance(classes, (str, bytes, bytearray, memoryview, set, frozenset, Mapping)):
        raise ValueError(f"expected classes to be a list, in the order of the outputs; received {classes!r:.100}")
    given = tuple(each.item() if isinstance(each, np.generic) else each for each in classes)
    for each in given:
        if not _is_class(each):
            raise ValueError(
                f"expected classes to be strings of Unicode characters but NUL, finite numbers or booleans; "
                f"received {each!r}"
            )
    return given


def check_count(count: int, units: int) -> None:
    """Raise ValueError unless there is one class for each unit, or two for a single unit.

    >>> check_count(2, 1)
    """
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
    """Return the class names as an array; dtype object if NumPy would change their types or pad all to one long name.

    >>> as_array((1, 2)), as_array((1, "1"))
    (array([1, 2]), array([1, '1'], dtype=object))
    """
    longest = max((len(each) for each in classes if isinstance(each, str)), default=0)
    if longest <= _LONG and longest * len(classes) <= _LETTERS:
        array = np.array(classes)
        if [(type(each), each) for each in array.tolist()] == [(type(each), each) for each in classes]:
            return array
    array = np.empty(len(classes), object)
    array[:] = classes
    return array

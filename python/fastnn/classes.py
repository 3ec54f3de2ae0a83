"""What outputs stand for: the names of their classes."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.base import is_text


def checked(classes: Iterable[Any]) -> tuple[Any, ...]:
    """Return the classes, NumPy's as Python's; ValueError for what a model's file cannot hold."""
    if isinstance(classes, str):
        raise ValueError(f"expected classes to be a list, one for each output. Received: {classes!r}")
    given = tuple(each.item() if isinstance(each, np.generic) else each for each in classes)
    for each in given:
        if not _is_class(each):
            raise ValueError(
                f"expected classes to be strings of Unicode characters but NUL, finite numbers or booleans. "
                f"Received: {each!r}"
            )
    return given


def _is_class(value: object) -> bool:
    if isinstance(value, str):
        return is_text(value)
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # an integer that JSON's readers have no number for
        return False


def as_array(classes: tuple[Any, ...]) -> npt.NDArray[Any]:
    """Return the classes as an array, of objects where NumPy would make others of them: of ("1", 1), of (True, 2)."""
    array = np.array(classes)
    if [(type(each), each) for each in array.tolist()] != [(type(each), each) for each in classes]:
        array = np.empty(len(classes), object)
        array[:] = classes
    return array

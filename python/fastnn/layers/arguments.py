"""Validation of arguments of layers and models: names, sizes, numbers, arrays of weights; attributes that are final."""

import itertools
from collections import defaultdict
from typing import Any

import numpy as np

from fastnn.arrays import Array, is_real, to_array
from fastnn.locks import changes

# Larger sizes are mistakes: one row of a layer with as many inputs would not fit a computer.
_LARGEST_SIZE = 2**31 - 1

_counts: defaultdict[str, "itertools.count[int]"] = defaultdict(itertools.count)


def as_weights(weights: Any) -> list[Array]:
    """Return a list of weights as NumPy arrays. Objects with `__array__` may run their own code here.

    Raises ValueError for masked values, TypeError for anything but a list of real numbers.

    >>> as_weights([[1, 2]])
    [array([1, 2])]
    """
    try:
        given = list(weights)
    except TypeError:
        raise TypeError(f"expected a list of weights, as get_weights() returns. Received: {weights!r}") from None
    arrays = [to_array(array) for array in given]
    for array in arrays:
        if not is_real(array):
            raise TypeError(f"expected weights of real numbers; received dtype {array.dtype}")
    return arrays


def is_text(string: str) -> bool:
    r"""Whether a model file can hold the string: no NUL, no lone surrogate.

    >>> is_text("Größe"), is_text("\0"), is_text("\ud800")
    (True, False, False)
    """
    return not any(c == "\0" or 0xD800 <= ord(c) < 0xE000 for c in string)


def unique_name(prefix: str, name: object) -> str:
    """Return name; if it is None, Keras' automatic name: dense, dense_1, dense_2, … in this process.

    Raises ValueError unless name is a string that a model file can hold, and not empty.

    >>> unique_name("sample", None), unique_name("sample", None), unique_name("sample", "own")
    ('sample', 'sample_1', 'own')
    """
    if name is not None:
        if not isinstance(name, str) or not name or not is_text(name):
            raise ValueError(
                f"expected name to be a string of at least 1 Unicode character, and no NUL. Received: name={name!r}"
            )
        return name
    with changes:
        number = next(_counts[prefix])
    return f"{prefix}_{number}" if number else prefix


def positive_integer(name: str, value: object) -> int:
    """Return value as an int. Raises ValueError, in Keras' words, unless it is an integer from 1 to 2**31 - 1.

    >>> positive_integer("units", np.int64(3))
    3
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= _LARGEST_SIZE:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a positive integer up to {_LARGEST_SIZE}. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def number(name: str, value: object) -> float:
    """Return value as a float. Raises ValueError unless it is a number.

    >>> number("epsilon", 1)
    1.0
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"expected {name} to be a number. Received: {name}={value!r}")
    return float(value)


def inputs_of_shape(name: str, shape: object, *, batch: bool = False) -> int:
    """Return the number of inputs in a shape: 4 for (4,), or for (None, 4) if batch. Raises ValueError for others.

    >>> inputs_of_shape("shape", (4,)), inputs_of_shape("shape", (None, 4), batch=True)
    (4, 4)
    """
    form = "(None, inputs)" if batch else "(inputs,)"
    if not isinstance(shape, (tuple, list)) or len(shape) != (2 if batch else 1):
        raise ValueError(f"expected {name} to be a tuple {form}. Received: {name}={shape!r}")
    return positive_integer(f"{name}[{len(shape) - 1}]", shape[-1])


class Fixed:
    """Base class with attributes that cannot change once they are set: a network may have been built from them.

    >>> Dense(3).units = 4
    Traceback (most recent call last):
    AttributeError: units of <Dense name=..., built=False> cannot be changed; make a new one with units=4
    """

    _fixed: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._fixed and name in self.__dict__:
            raise AttributeError(f"{name} of {self!r} cannot be changed; make a new one with {name}={value!r}")
        super().__setattr__(name, value)

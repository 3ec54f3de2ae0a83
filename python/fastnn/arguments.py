"""Validation of arguments: numbers in a range, integers, flags, names. Each function returns the value as Python's own.

All raise ValueError that says what was expected and what was received.
"""

from __future__ import annotations

import math

import numpy as np

# Larger sizes are mistakes: one row of a layer with as many inputs would not fit a computer.
_LARGEST_SIZE = 2**31 - 1


def number(name: str, value: object) -> float:
    """Return value as a float. Raises ValueError unless it is a number.

    >>> number("epsilon", 1)
    1.0
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueError(f"expected {name} to be a number; received {name}={value!r}")
    try:
        return float(value)
    except OverflowError:  # of an int
        raise ValueError(f"expected {name} to be a number up to 1.8e308; received an integer beyond it") from None


def finite(name: str, value: object, *, least: float = -math.inf, above: float = -math.inf) -> float:
    """Return value as a float. Raises ValueError unless it is finite, at least `least` and more than `above`.

    >>> finite("gain", 2), finite("l1", 0, least=0)
    (2.0, 0.0)
    >>> finite("delta", 0, above=0)
    Traceback (most recent call last):
    ValueError: expected delta to be more than 0; received delta=0
    """
    result = number(name, value)
    if not math.isfinite(result):
        raise ValueError(f"expected {name} to be a finite number; received {name}={value!r}")
    if result < least or result <= above:
        bound = f"at least {least:g}" if least > above else f"more than {above:g}"
        raise ValueError(f"expected {name} to be {bound}; received {name}={value!r}")
    return result


def fraction(name: str, value: object, *, below_1: bool = False) -> float:
    """Return value as a float. Raises ValueError unless it is a number from 0 to 1, or to below 1.

    >>> fraction("momentum", 1)
    1.0
    """
    result = number(name, value)
    if not 0 <= result <= 1 or (below_1 and result == 1):
        expected = "at least 0 and below 1" if below_1 else "from 0 to 1"
        raise ValueError(f"expected {name} to be {expected}; received {name}={value!r}")
    return result


def integer(name: str, value: object, *, least: int) -> int:
    """Return value as an int. Raises ValueError unless it is an integer of at least `least`.

    >>> integer("epochs", np.int64(3), least=0)
    3
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"expected {name} to be an integer of at least {least}; received {name}={value!r}")
    return int(value)


def positive_integer(name: str, value: object) -> int:
    """Return value as an int. Raises ValueError, in Keras' words, unless it is an integer from 1 to 2**31 - 1.

    >>> positive_integer("units", np.int64(3))
    3
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= _LARGEST_SIZE:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a positive integer up to {_LARGEST_SIZE}; "
            f"received {name}={value!r}"
        )
    return int(value)


def flag(name: str, value: object) -> bool:
    """Return value as a bool. Raises ValueError unless it is True or False.

    >>> flag("use_bias", np.bool_(True))
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"expected {name} to be True or False; received {name}={value!r}")
    return bool(value)


def last_axis(value: object) -> int:
    """Return value, the axis of the units in (rows, units): -1 or 1. Raises ValueError for others.

    >>> last_axis(-1)
    -1
    """
    if isinstance(value, bool) or value not in (-1, 1):
        raise ValueError(f"expected axis to be -1 or 1, that of the units in (rows, units); received axis={value!r}")
    return 1 if value == 1 else -1


def name_or(default: str, name: object) -> str:
    """Return the name, or the default for None. Raises ValueError for others than strings.

    >>> name_or("adam", None)
    'adam'
    """
    if name is not None and not isinstance(name, str):
        raise ValueError(f"expected name to be a string; received name={name!r}")
    return default if name is None else name

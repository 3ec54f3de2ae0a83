"""The values of a column: as numbers, or as the different values and the place of each row's among them.

Only different values are looked at one by one in Python; rows are, at most, looked up in a dict by C code.
"""

import re
from collections.abc import Container, Sequence
from decimal import Decimal
from itertools import repeat
from numbers import Integral, Real
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.arrays import Array, to_array
from fastnn.tables.columns import is_arrow

_GAPS = frozenset(("", "NA", "NaN", "null"))  # text that stands for no value
# A number in a country's own way: 1,5 or 1.234,50 or 1,234.50. Its value is not guessed: 1,234 may be either.
_COMMAS = re.compile(r"\s*[-+]?[0-9]+(?:[.,' ][0-9]{3})*,[0-9]+(?:\.[0-9]+)?\s*")
COMMA_ADVICE = "write decimals with a point, and digits without groups"
_NUMBERS = (int, float, Decimal, np.integer, np.floating, np.bool_)

Codes = npt.NDArray[np.intp]


def distinct(column: Any, name: str, values: Container[Any] = ()) -> tuple[Codes, list[Any]]:
    """Return the number of each row's value, -1 for a gap, and the different values, without gaps.

    Gaps are None, NaN, pandas.NA, NaT, and the text "", "NA", "NaN", "null", unless it is among `values`.
    Raises TypeError for values that cannot be looked up, such as lists.

    >>> codes, values = distinct(["b", None, "a", "b", "NA"], "city")
    >>> codes.tolist(), values
    ([0, -1, 1, 0, -1], ['b', 'a'])
    """
    try:
        codes, found = _factorized(column)
        hash(tuple(found))
    except (TypeError, NotImplementedError):  # of pyarrow for its lists
        value = next((each for each in column if each is not None), column)
        shown = f"{' '.join(repr(value).split()):.60} ({type(value).__name__})"
        raise TypeError(f"expected numbers or text in column {name!r:.60}; received {shown}: leave it out") from None
    places, numbered = np.full(len(found) + 1, -1, np.intp), dict[Any, int]()
    for i, each in enumerate(found):
        if not is_gap(each) or (isinstance(each, str) and each in values):
            value = each.item() if isinstance(each, (np.str_, np.number, np.bool_)) else each
            places[i] = numbered.setdefault(value, len(numbered))
    return places[codes], list(numbered)  # a gap's code, -1, takes the last place


def _factorized(column: Any) -> tuple[Codes, Sequence[Any]]:
    if hasattr(column, "iloc"):  # pandas
        codes, values = column.factorize()
        return codes, list(values)
    if is_arrow(column):
        encoded = column.dictionary_encode()
        if hasattr(encoded, "unify_dictionaries"):
            encoded = encoded.unify_dictionaries().combine_chunks()
        return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()
    if hasattr(column, "replace_strict"):  # polars
        values = [value for value in column.unique().to_list() if value is not None]
        codes = column.replace_strict(values, list(range(len(values))), default=-1, return_dtype=int)
        return codes.to_numpy(), values
    if isinstance(column, np.ndarray):
        column = list(column) if column.dtype.kind in "mM" else column.tolist()  # which has integers for dates
    found = dict.fromkeys(column)
    for place, value in enumerate(found):
        found[value] = place
    return np.fromiter(map(found.get, column, repeat(-1)), np.intp, len(column)), list(found)


def is_gap(value: Any) -> bool:
    """Return whether a value stands for none.

    >>> is_gap(None), is_gap(float("nan")), is_gap("NA"), is_gap(0)
    (True, True, True, False)
    """
    if isinstance(value, str):
        return value in _GAPS
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating, Decimal)) and value != value


def real_array(column: Any) -> Array | None:
    """Return a column as an array of real numbers or booleans, NaN for gaps; None if its values must be looked at.

    >>> real_array([1, None, 2.5]), real_array([True, False]), real_array(["1"])
    (array([1. , nan, 2.5]), array([ True, False]), None)
    """
    if isinstance(column, np.ndarray) and column.dtype == object:
        column = column.tolist()
    if not isinstance(column, (list, tuple)):
        array = to_array(column)
        if array.dtype.kind == "O" and hasattr(column, "iloc") and column.dtype.kind in ("i", "u", "f"):
            array = column.to_numpy(np.float64, na_value=np.nan)  # a nullable column of pandas
        return array if array.dtype.kind in "biuf" else None
    types = set(map(type, column))
    if types == {bool}:
        return np.array(column)
    if bool in types or not all(issubclass(each, (*_NUMBERS, NoneType)) for each in types):
        return None
    try:
        return np.array(column, np.float64)
    except (OverflowError, ValueError):  # an integer beyond float64, a signalling NaN
        return None


def numbers(column: Any, name: str, has_type: bool = False) -> npt.NDArray[np.float64]:
    """Return a column of numbers and booleans as a new array of float64, NaN for gaps.

    has_type: whether the column's type is settled. Then the error advises no other type.
    Raises TypeError for other values.

    >>> numbers([1, None, True], "age")
    array([ 1., nan,  1.])
    """
    array = real_array(column)
    if array is not None:
        return array.astype(np.float64)
    codes, values = distinct(column, name)
    found = [_number(value) for value in values]
    wrong = [value for value, number in zip(values, found, strict=True) if number is None]
    if wrong:
        words = [value for value in wrong if not is_number_as_text(value)]  # beside which numbers are text too
        advice = "make it a number or a gap" + (", or give the column another type" if not has_type else "")
        raise _wrong_value("numbers", name, (words or wrong)[0], advice, has_type)
    return np.array([*found, np.nan], np.float64)[codes]


def _number(value: Any) -> float | None:
    if is_number(value):
        try:
            return float(value)
        except (OverflowError, ValueError):
            pass
    return None


def is_number(value: Any) -> bool:
    """Return whether a value is a real number or a boolean.

    >>> is_number(1), is_number(True), is_number("1")
    (True, True, False)
    """
    return isinstance(value, (Real, Decimal, np.bool_))


def is_number_as_text(value: Any) -> bool:
    """Return whether a value is text that reads as a number.

    >>> is_number_as_text("1e3"), is_number_as_text("one"), is_number_as_text(1)
    (True, False, False)
    """
    try:
        return isinstance(value, str) and float(value) is not None
    except ValueError:
        return False


def is_number_with_comma(value: Any) -> bool:
    """Return whether a value is text with a number that has a decimal comma or groups of digits.

    >>> is_number_with_comma("54,0"), is_number_with_comma("1,234.50"), is_number_with_comma("54.0")
    (True, True, False)
    """
    return isinstance(value, str) and _COMMAS.fullmatch(value) is not None


def as_text(value: Any, name: str) -> str:
    """Return a value of a column of text. Raises TypeError for others."""
    if isinstance(value, str):
        return value
    raise _wrong_value("text", name, value, "give the column another type, or turn its values into strings")


def as_integer(value: Any, name: str) -> int:
    """Return a value of a column of integers, 3.0 among them. Raises TypeError for others, and beyond 64 bits."""
    if isinstance(value, (Integral, float, Decimal)) and not isinstance(value, bool):
        try:
            number = int(value)
        except OverflowError:  # infinity
            number = 1 << 63
        if number == value and -(1 << 63) <= number < 1 << 63:
            return number
    raise _wrong_value("integers of at most 64 bits", name, value, "give the column another type")


def _wrong_value(expected: str, name: str, value: Any, advice: str, has_type: bool = False) -> TypeError:
    """Return the error for a value of a column that is none of the expected ones."""
    if is_number_as_text(value):
        advice = "convert the column to numbers" + (
            ", or give it the type 'string_categorical'" if not has_type else ""
        )
    elif is_number_with_comma(value):
        advice = COMMA_ADVICE
    return TypeError(
        f"expected {expected} in column {name!r:.60}; received {value!r:.60} ({type(value).__name__}): {advice}"
    )

"""The type of a column, of its values; nothing is guessed."""

import re
from datetime import date
from typing import Any

import numpy as np

from fastnn.arrays import advice_on_dates
from fastnn.tables.values import (
    COMMA_ADVICE,
    distinct,
    is_number,
    is_number_as_text,
    is_number_with_comma,
    real_array,
)

_DATE = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?\s*")  # of ISO 8601
_MOST_CATEGORIES = 100
_MOST_NUMBERS = 20  # of a category such as 1, 2, 3+; with more, the rest is likely a mark for a gap, such as ?


def kind_of(column: Any, name: str, rows: int) -> str:
    """Return the type of a column. Raises ValueError for columns whose values do not decide it.

    >>> kind_of([1, None], "age", 2), kind_of([True, False], "paid", 2), kind_of(["x", "x"], "city", 2)
    ('float_normalized', 'boolean', 'string_categorical')
    """
    array = real_array(column)
    if array is not None and array.dtype.kind == "b":
        return "boolean"
    if array is not None and not np.isnan(array).all():
        return "float_normalized"
    values = distinct(column, name)[1]
    if not values:
        raise _undecided(name, "only gaps", f"leave it out: drop=[{name!r}]")
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(map(is_number, values)):
        return "float_normalized"
    other = next((value for value in values if not isinstance(value, str)), None)
    if other is not None:
        text = next((value for value in values if isinstance(value, str)), None)
        received = f"{other!r:.60} ({type(other).__name__})" + (f" beside {text!r:.60}" if text is not None else "")
        advice = advice_on_dates(other) or "make all its values numbers or all text"
        raise _undecided(name, received, f"{advice}, or leave it out: drop=[{name!r}]")
    if all(map(is_number_as_text, values)):
        advice = f"convert them to numbers, or give the type, types={{{name!r}: 'string_categorical'}}"
        raise _undecided(name, f"numbers as text, such as {values[0]!r:.60}", advice)
    typed = f"or give the type, types={{{name!r}: 'string_categorical'}}"
    if all(is_number_as_text(value) or is_number_with_comma(value) for value in values):
        comma = next(filter(is_number_with_comma, values))
        raise _undecided(name, f"numbers with commas, such as {comma!r:.60}", f"{COMMA_ADVICE}, {typed}")
    if all(map(_DATE.fullmatch, values)):
        advice = f"{advice_on_dates(date.min)}, or leave it out: drop=[{name!r}]"
        raise _undecided(name, f"dates as text, such as {values[0]!r:.60}", advice)
    if sum(map(is_number_as_text, values)) > _MOST_NUMBERS:
        word = next(value for value in values if not is_number_as_text(value))
        advice = f"write a number or, for a gap, nothing in its place, {typed}"
        raise _undecided(name, f"{word!r:.60} among numbers as text", advice)
    if len(values) > min(_MOST_CATEGORIES, rows / 2):
        advice = f"leave it out, drop=[{name!r}], or give its type, types={{{name!r}: 'string_categorical'}}"
        raise _undecided(name, f"{len(values)} different texts in {rows} rows, such as {values[0]!r:.60}", advice)
    return "string_categorical"


def _undecided(name: str, received: str, advice: str) -> ValueError:
    return ValueError(
        f"expected column {name!r:.60} to have numbers, booleans, or text of at most {_MOST_CATEGORIES} values, "
        f"each twice on average; received {received}: {advice}"
    )

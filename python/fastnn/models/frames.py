"""Rows of a frame of pandas, polars or pyarrow as an array of numbers, its columns by name if the model knows names.

With names, the other tables of FeatureSpace are taken too: a dict of columns, dicts as rows, a structured array.

The packages are not imported: a frame is recognized by what it offers.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from fastnn.arrays import Array, advice_on_dates, is_real, to_array
from fastnn.lazy import refuse_lazy
from fastnn.tables.columns import chosen_columns, frame_columns, is_table, listed
from fastnn.tables.feature_space import FeatureSpace
from fastnn.text import is_text

_ROWS_IN_CACHE = 4096

_TEXT = "a fastnn.FeatureSpace in front of the layers takes tables with text"

# How a model takes the columns of a frame: by its feature_names, through its space, or by position.
Inputs = Sequence[str] | FeatureSpace | None


def as_numbers(x: Any, inputs: Inputs = None) -> Array:
    """Return the rows x as an array of real numbers.

    inputs: the model's feature_names; the columns of a table, or the numbers of a pandas Series, are taken by them. Or
        its FeatureSpace, which encodes tables; arrays are rows that it has encoded.
    Columns of a frame are numbers if all their values are: booleans, nullable integers, Decimals; NA is NaN.
    Raises TypeError for anything else than real numbers and for lazy collections, ValueError for names that do not fit.

    >>> as_numbers([[1, True]])
    array([[1, 1]])
    >>> as_numbers({"id": ["a", "b"], "age": [30, 40]}, ["age"])
    array([[30],
           [40]])
    """
    refuse_lazy(x)
    if isinstance(inputs, FeatureSpace):
        if is_table(x):
            rows = inputs(x)
            return rows[0] if _is_series(x) else rows
        names, advice = None, "; the model's FeatureSpace takes tables with names of columns, such as a frame or a dict"
    else:
        names, advice = inputs, ""
    pandas = hasattr(x, "iloc")
    if _is_series(x):
        return _column(x, "the Series")[..., _places(names, x.index)]
    frame = frame_columns(x)
    if frame is None and names is not None and is_table(x):
        chosen, _ = chosen_columns(x, names)
        frame = list(chosen), list(chosen.values()).__getitem__
    if frame is None:
        array = to_array(x)
        if not is_real(array):
            if not advice and array.dtype == object and array.ndim > 0:
                advice = _advice_on_objects(array, is_array=array is x)
            elif not advice and is_table(x):
                advice = "; a model takes columns by name if it has a FeatureSpace or feature_names"
            elif not advice:
                advice = _behind(advice_on_dates(array))
            raise TypeError(
                f"expected an array of real numbers; received {type(x).__name__} of dtype {array.dtype}{advice}"
            )
        return array
    labels, column = frame
    places = _places(names, labels)
    if pandas and is_real(array := np.asarray(x)):  # others make numbers even of dates
        return array[:, places]
    columns = [_column(column(i), f"column {labels[i]!r:.60}") for i in np.arange(len(labels))[places].tolist()]
    return _side_by_side(columns) if columns else np.empty((len(x), 0))


def _side_by_side(columns: Sequence[Array]) -> Array:
    """Return np.stack(columns, axis=1), written in blocks of rows that stay in the cache.

    Column by column, 1,000,000 rows of 10 numbers took 0.1 s longer, a quarter of the prediction of 10-100-100-1.
    """
    rows = np.empty((len(columns[0]), len(columns)), np.result_type(*columns))
    for first in range(0, len(rows), _ROWS_IN_CACHE):
        for place, column in enumerate(columns):
            rows[first : first + _ROWS_IN_CACHE, place] = column[first : first + _ROWS_IN_CACHE]
    return rows


def _is_series(x: Any) -> bool:
    """Whether x is a Series of pandas, one row."""
    return hasattr(x, "iloc") and not hasattr(x, "columns")


def _column(values: Any, what: str) -> Array:
    """Return a column as numbers. Only the values of an object column are looked at one by one."""
    array = to_array(values)
    if array.dtype == object and array.ndim == 1:
        array = np.array([_number(value, what) for value in array.tolist()], np.float64)
    if array.ndim != 1 or not is_real(array):
        raise _no_number(what, array[0] if array.size else array.dtype)
    return array


def _number(value: Any, what: str) -> float:
    if value is None or type(value).__name__ == "NAType":  # pandas.NA
        return np.nan
    if isinstance(value, (Real, Decimal, np.bool_)):
        try:
            return float(value)
        except (OverflowError, ValueError):  # an integer beyond float64, a signalling NaN
            pass
    raise _no_number(what, value)


def _advice_on_objects(x: Array, is_array: bool) -> str:
    """Return what to do about objects: by the first one that is no number, if there is one."""
    for each in x.flat:
        if not _is_number(each):
            return f", such as {each!r:.60}" + _behind(_TEXT if isinstance(each, str) else advice_on_dates(each))
    return "; its objects are numbers: use x.astype('float64')" if is_array else ""


def _behind(advice: str) -> str:
    return f"; {advice}" if advice else ""


def _is_number(value: Any) -> bool:
    """Whether it is a number, or text of one."""
    if not isinstance(value, str):
        return isinstance(value, (Real, Decimal, np.bool_))
    try:
        float(value)
    except ValueError:
        return False
    return True


def _no_number(what: str, value: Any) -> TypeError:
    value = str(value) if isinstance(value, np.str_) else value
    advice = f"leave the column out, or encode it as the training of the model did; {_TEXT}"
    if isinstance(value, str) and _is_number(value):
        advice = "the column has numbers as text: make it float64"
    advice = advice_on_dates(value) or advice
    return TypeError(
        f"expected real numbers in each column; received {value!r:.60} ({type(value).__name__}) in {what}; {advice}"
    )


def _places(names: Sequence[str] | None, labels: Iterable[Any]) -> Any:
    """Return the index of the columns to take: by name, or all if the model has no names."""
    if names is None:
        return slice(None)
    labels = list(labels)
    if not set(names).intersection(labels):
        raise ValueError(
            f"expected columns by the names of the model's feature_names, {listed(names)}; received the labels "
            f"{listed(labels)}; to take the columns by position use x.to_numpy()"
        )
    places = places_of(names, labels)
    return slice(None) if places == list(range(len(labels))) else places


def places_of(names: Sequence[str], labels: Sequence[Any]) -> list[int]:
    """Return where each name is among the labels, in any order; others are ignored.

    Raises ValueError unless the labels have each name once.

    >>> places_of(["a", "b"], ["b", "id", "a"])
    [2, 0]
    """
    known, found = set(names), {label: place for place, label in enumerate(labels)}
    if gone := [name for name in names if name not in found]:
        columns = f"a column {gone[0]!r}, one" if len(gone) == 1 else f"the columns {listed(gone, 3)}"
        raise ValueError(f"expected {columns} of the model's feature_names; received {listed(labels)}")
    for place, label in enumerate(labels):
        if label in known and found[label] != place:
            raise ValueError(f"expected one column {label!r}; received {labels.count(label)}")
    return [found[name] for name in names]


def names_of(x: Any) -> tuple[str, ...] | None:
    """Return the labels of a frame's columns if they can be feature_names; None for arrays and other labels.

    >>> names_of(np.zeros((2, 3))) is None
    True
    """
    frame = frame_columns(x)
    try:
        return None if frame is None else checked_names(frame[0], None)
    except ValueError:  # numbers, a MultiIndex, a name twice
        return None


def checked_names(names: Iterable[str], inputs: int | None) -> tuple[str, ...]:
    """Return feature_names as strings. Raises ValueError unless each input has one, unlike all others.

    >>> checked_names(np.array(["age", "height"]), 2)
    ('age', 'height')
    """
    given = () if isinstance(names, (str, bytes)) else tuple(names)
    if not given or not all(isinstance(name, str) and is_text(name) for name in given):
        raise ValueError(
            "expected feature_names to be a list of strings of Unicode characters but NUL, in the order of the inputs; "
            f"received {names!r:.100}"
        )
    if len(set(given)) < len(given):
        twice = next(name for place, name in enumerate(given) if name in given[:place])
        raise ValueError(f"expected feature_names that differ; received {twice!r:.60} twice")
    if inputs is not None and len(given) != inputs:
        raise ValueError(f"expected {inputs} feature_names, one for each input; received {len(given)}")
    return tuple(map(str, given))

"""Targets as a loss takes them: their shape, their classes, their range, and what to do if they are otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np

from fastnn.arrays import Array, advice_on_dates, is_real, to_array
from fastnn.tables.values import is_number_as_text
from fastnn.text import did_you_mean

# The targets of a row: numbers; numbers of at least 0; from 0 to 1 for each output; from -1 to 1 for each output; the
# number of a class; 1 for the class and 0 for the others; a probability for each class; or what a function takes.
Kind = Literal["numbers", "counts", "binary", "signs", "labels", "one_hot", "distribution", "any"]

_SHOWN = 10  # classes in an error
_FROM_0 = "number the classes from 0, as y - 1 does"


def checked_labels(
    y: Any, kind: Kind, loss: str, units: int, activation: str, classes: tuple[Any, ...] | None, first_row: int
) -> Array:
    """Return y as an array (rows, columns) of finite real numbers. Raises ValueError unless it suits loss and model.

    >>> checked_labels([0, 2], "labels", "sparse_categorical_crossentropy", 3, "softmax", None, 0)
    array([[0],
           [2]])
    """
    if units == 1 and (activation == "softmax" or kind in ("labels", "one_hot")):
        what = "softmax of one output is always 1" if activation == "softmax" else f"{loss} of one output is constant"
        raise ValueError(
            f"expected a last layer of at least 2 units, since {what}; received 1. For two classes use "
            "Dense(1, activation='sigmoid') and loss='binary_crossentropy'"
        )
    array = _numbers(to_array(y), kind, loss, units, classes, first_row)
    array = _shaped(array, kind, loss, units)
    _check_finite(array, first_row)
    if kind == "labels":
        _check_class_numbers(array, units, first_row)
    elif kind == "binary":
        _check_range(array, 0, loss, units, first_row)
    elif kind == "signs":
        _check_range(array, -1, loss, units, first_row)
    elif kind in ("counts", "one_hot", "distribution"):
        _check_not_negative(array, loss, first_row)
    return array


def _numbers(y: Array, kind: Kind, loss: str, units: int, classes: tuple[Any, ...] | None, first_row: int) -> Array:
    """Return y as an array of real numbers; names of classes become class numbers."""
    is_label = kind == "labels" or (units == 1 and kind in ("binary", "signs"))
    flat = y.ravel()
    if y.dtype.kind == "O":
        texts = [isinstance(each, (str, bytes)) for each in flat]
        is_text = any(texts)
        if not is_text:
            try:
                y = y.astype(np.float64)
            except (TypeError, ValueError, OverflowError):
                shown = next((each for each in flat if not isinstance(each, Real)), flat[0])
                raise _no_numbers(f"objects such as {shown!r:.100}", shown) from None
    else:
        is_text = y.dtype.kind in "UST"
    if is_text:
        shown = next(each for each in flat if isinstance(each, (str, bytes)))
        if classes is None:
            advice = (
                "convert y to numbers"
                if is_number_as_text(shown)
                else "set model.classes to the list of classes, or number them, for example with "
                "sklearn.preprocessing.LabelEncoder"
            )
            raise ValueError(f"expected y of numbers; received text, such as {_plain(shown)!r:.100}: {advice}")
        if not is_label:
            advice = "; for classes use loss='sparse_categorical_crossentropy'" if units > 1 else ""
            raise ValueError(
                f"expected y of numbers for {loss}; received text, such as {_plain(flat[0])!r:.100}{advice}"
            )
        return _places(y, classes, first_row)
    if not is_real(y):
        raise _no_numbers(f"dtype {y.dtype}", y)
    if has_numbers(classes) and is_label and y.shape[1:] in ((), (1,)):
        return _places(y, classes or (), first_row)
    return y.astype(np.float32) if y.dtype == np.float16 else y


def _no_numbers(received: str, value: Any) -> ValueError:
    advice = advice_on_dates(value)
    return ValueError(f"expected y of real numbers; received {received}" + (f": {advice}" if advice else ""))


def has_numbers(classes: Sequence[Any] | None) -> bool:
    """Return whether targets of numbers are the model's classes themselves, not places among them.

    >>> has_numbers(("no", "yes")), has_numbers((1, 2)), has_numbers(None)
    (False, True, False)
    """
    return any(not isinstance(each, str) for each in classes or ())


def _places(y: Array, classes: tuple[Any, ...], first_row: int) -> Array:
    """Return the number of each class by its name."""
    places = {each: place for place, each in enumerate(classes)}
    numbers = [places.get(_plain(each), -1) for each in y.ravel().tolist()]
    result = np.array(numbers, np.int64).reshape(y.shape)
    unknown = np.argwhere(result < 0)
    if len(unknown):
        name = _plain(y[tuple(unknown[0])])
        shown = ", ".join(map(repr, classes[:_SHOWN])) + (", …" if len(classes) > _SHOWN else "")
        texts = [each for each in classes if isinstance(each, str)]
        advice = did_you_mean(name, texts)
        if isinstance(name, str) and not texts:
            advice = ": the classes are no text; convert y to their type, or set model.classes to its names"
        raise ValueError(
            f"expected y to be classes of the model, {shown}; received {name!r:.100} in row "
            f"{first_row + int(unknown[0][0])}{advice}"
        )
    return result


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _shaped(y: Array, kind: Kind, loss: str, units: int) -> Array:
    """Return y as (rows, columns). Raises ValueError for columns that do not suit the loss."""
    columns = y.shape[1] if y.ndim == 2 else 1
    expected = 1 if kind == "labels" else units
    if y.ndim in (1, 2) and (columns == expected or kind == "any"):
        return y[:, None] if y.ndim == 1 else y
    if kind == "labels":
        said = f"class numbers of shape (rows,) for {loss}"
    else:
        said = f"y of shape (rows, {units}), as the model's outputs"
        if units == 1:
            said = "y of shape (rows,) or (rows, 1), as the model's outputs"
    raise ValueError(f"expected {said}; received shape {y.shape}{_advice(y, kind, loss, units, columns)}")


def _advice(y: Array, kind: Kind, loss: str, units: int, columns: int) -> str:
    """Return what to do about targets of another shape."""
    if y.ndim not in (1, 2):
        return f": flatten it, for example with y.reshape(len(y), {units if kind != 'labels' else 1})" if y.ndim else ""
    if kind == "labels":
        return ": for one-hot rows use loss='categorical_crossentropy'" if columns == units else ""
    if columns == 1:
        if kind in ("one_hot", "distribution") or _are_class_numbers(y, units):
            other = "" if loss == "categorical_crossentropy" else f", or one-hot rows, np.eye({units})[y]"
            return f": for class numbers use loss='sparse_categorical_crossentropy'{other}"
        return ": use a last layer of 1 unit, or give a target for each output"
    if units == 1 and kind in ("binary", "signs"):
        return (
            f": for one-hot rows use Dense({columns}, activation='softmax') and loss='categorical_crossentropy'; for "
            f"{columns} yes-or-no targets a row Dense({columns}, activation='sigmoid')"
        )
    return f": use a last layer of {columns} units"


def _are_class_numbers(y: Array, units: int) -> bool:
    return bool(y.size and y.dtype.kind in "biu" and y.min() >= 0 and y.max() < units)


def _check_finite(y: Array, first_row: int) -> None:
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row, column = map(int, np.argwhere(~np.isfinite(y))[0])
        raise ValueError(
            f"expected finite numbers in y; received {y[row, column]} in row {first_row + row}, column {column}: fill "
            "in or leave out such rows"
        )


def _check_class_numbers(y: Array, units: int, first_row: int) -> None:
    wrong = (y < 0) | (y >= units)
    if y.dtype.kind == "f":
        wrong |= y != np.floor(y)
    if not wrong.any():
        return
    row = int(np.argmax(wrong[:, 0]))
    said = f"received {y[row, 0]} in row {first_row + row}"
    largest, smallest = y.max(), y.min()
    if y[row, 0] != np.floor(y[row, 0]):
        said += ": to predict numbers use another loss, such as 'mse'"
    elif smallest == 1 and largest == units:
        said += f": {_FROM_0}"
    elif smallest < 0:
        said += ": number the classes from 0, for example by np.unique(y, return_inverse=True)"
    elif largest < 2**31:
        said += f": use a last layer of {int(largest) + 1} units, or number the classes from 0 without gaps"
    raise ValueError(f"expected class numbers from 0 to {units - 1}, for {units} outputs; {said}")


def _check_not_negative(y: Array, loss: str, first_row: int) -> None:
    wrong = y < 0
    if wrong.any():
        row, column = map(int, np.argwhere(wrong)[0])
        place = f"row {first_row + row}" + (f", column {column}" if y.shape[1] > 1 else "")
        raise ValueError(
            f"expected targets of at least 0 for {loss}; received {y[row, column]} in {place}: to predict numbers use "
            "another loss, such as 'mse'"
        )


def _check_range(y: Array, least: int, loss: str, units: int, first_row: int) -> None:
    """Raise ValueError unless all targets are from least to 1."""
    wrong = (y < least) | (y > 1)
    if not wrong.any():
        return
    row, column = map(int, np.argwhere(wrong)[0])
    place = f"row {first_row + row}" + (f", column {column}" if y.shape[1] > 1 else "")
    said = f"received {y[row, column]} in {place}"
    is_whole = bool((y == np.floor(y)).all())
    if is_whole and least == 0 and set(np.unique(y).tolist()) <= {-1, 1}:
        said += ": turn -1 and 1 into 0 and 1, (y + 1) / 2, or use loss='hinge'"
    elif is_whole and least == 0 and set(np.unique(y).tolist()) <= {1, 2}:
        said += f": {_FROM_0}"
    elif is_whole and y.min() >= 0 and units == 1 and y.max() < 2**31:
        count = int(y.max()) + 1
        said += (
            f": for the classes 0 to {count - 1} use Dense({count}, activation='softmax') and "
            "loss='sparse_categorical_crossentropy'"
        )
    else:
        said += ": to predict numbers use another loss, such as 'mse'"
    raise ValueError(f"expected targets from {least} to 1 for {loss}; {said}")

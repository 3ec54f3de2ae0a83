"""What can be wrong with the data of fit(): numbers that are not finite, columns without a scale, a class left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.arguments import finite, positive_integer
from fastnn.arrays import Array
from fastnn.losses.targets import has_numbers
from fastnn.warning import warn

_CHECKED_NUMBERS = 1 << 18  # numbers checked at once, so that the answers of np.isfinite stay in the cache
_SAMPLED_ROWS = 256  # rows that decide whether columns have a scale
_SHOWN = 5  # columns or classes in a message
_BOUNDED = frozenset(("tanh", "sigmoid", "softmax", "softsign", "hard_sigmoid", "hard_tanh", "erf"))


def check_finite(
    array: Array, name: str, given: Array, first_row: int = 0, columns: Sequence[str] | None = None
) -> None:
    """Raise ValueError, naming row and column, unless all numbers are finite.

    given: the same rows before their conversion to the model's dtype. first_row: the number of the first of them.
    columns: their names.

    >>> check_finite(np.array([[0, 1], [2, np.nan]]), "x", np.array([[0, 1], [2, np.nan]]))
    Traceback (most recent call last):
    ValueError: expected finite numbers in x; received nan in row 1, column 1: fill in or leave out such rows, or let \
a fastnn.FeatureSpace in front of the layers take gaps
    """
    step = max(1, _CHECKED_NUMBERS // max(1, array[:1].size))
    for start in range(0, len(array), step):
        finite = np.isfinite(array[start : start + step])
        if finite.all():
            continue
        place = tuple(np.argwhere(~finite)[0])
        row = start + int(place[0])
        value = given[(row, *place[1:])] if given.shape == array.shape else array[(row, *place[1:])]
        where = f"row {first_row + row}" + (f", column {place[1]}" if len(place) > 1 else "")
        where += f" ({columns[place[1]]!r:.60})" if columns is not None else ""
        if np.isfinite(value):
            raise ValueError(
                f"expected numbers in {name} within the range of {array.dtype}; received {value} in {where}: scale "
                f"{name}, or use a model of dtype='float64'"
            )
        gaps = (
            ", or let a fastnn.FeatureSpace in front of the layers take gaps" if name == "x" and value != value else ""
        )
        raise ValueError(
            f"expected finite numbers in {name}; received {value} in {where}: fill in or leave out such rows{gaps}"
        )


def checked_class_weight(
    given: Any, classes: Sequence[Any] | None = None, numbers: range | None = None
) -> dict[int, float]:
    """Return class_weight as {number of the class: weight}. Raises ValueError for other things than such a dict.

    classes: the model's. Names may stand for their numbers; if a class is a number itself, all keys are classes.
    numbers: the class numbers that targets may have; None for any.

    >>> checked_class_weight({"no": 1, "yes": 5}, ["no", "yes"])
    {0: 1.0, 1: 5.0}
    """
    if not isinstance(given, Mapping):
        advice = ": dict(enumerate(x)) makes one of a list x" if isinstance(given, (list, tuple, np.ndarray)) else ""
        raise ValueError(
            f"expected class_weight to be a dict {{class: weight}}{advice}; received class_weight={given!r:.100}"
        )
    places = {name: place for place, name in enumerate(classes or ())}
    weights: dict[int, float] = {}
    for name, weight in given.items():
        number: Any = places.get(name, None if has_numbers(classes) else name)
        is_number = isinstance(number, (int, float, np.integer, np.floating)) and number % 1 == 0
        if not is_number or (numbers is not None and int(number) not in numbers):
            expected = "class numbers" if numbers is None else f"class numbers from {numbers[0]} to {numbers[-1]}"
            if classes:
                expected = f"classes of the model, {', '.join(map(repr, classes))},"
            raise ValueError(f"expected {expected} as keys of class_weight; received {name!r:.60}")
        if int(number) in weights:
            raise ValueError(f"expected one weight for each class in class_weight; received a second, of {name!r:.60}")
        weights[int(number)] = finite(f"class_weight[{name!r}]", weight, least=0)
    return weights


def class_numbers(targets: str, units: int) -> range | None:
    """Return the class numbers that targets of a kind may have; None for any number.

    >>> class_numbers("labels", 3), class_numbers("binary", 1), class_numbers("numbers", 1)
    (range(0, 3), range(0, 2), None)
    """
    if targets == "signs":
        return range(-1, 2)
    if targets in ("labels", "one_hot", "distribution", "binary"):
        return range(max(2, units))
    return None


def check_one_class(y: Array) -> None:
    """Raise ValueError if a row of several columns has no class, or more than one, so that none could weigh it."""
    if y.ndim < 2 or y.shape[1] == 1:
        return
    several = (y == y.max(axis=1, keepdims=True)).sum(axis=1) > 1
    if several.any():
        row = int(several.argmax())
        raise ValueError(
            f"expected one class in each row of y with class_weight; received {y[row].tolist()!r:.60} in row {row}: "
            "use sample_weight"
        )


def optional_sizes(**sizes: object) -> list[int | None]:
    """Return positive integers as Python's; None stays. Raises ValueError for others.

    >>> optional_sizes(batch_size=np.int64(8), steps=None)
    [8, None]
    """
    return [None if value is None else positive_integer(name, value) for name, value in sizes.items()]


def unscaled_columns(x: Array, kernel: Array, activation: str) -> list[int]:
    """Return the columns of x that drown all others in a first layer, or saturate it.

    A column counts if its products with the kernel have a root mean square above 100, or above 20 for an activation
    with bounds, where float32 has no derivative left. Columns that were scaled, or whose kernel makes up for their
    size, stay far below: He's initial weights give at most 1.5.

    >>> unscaled_columns(np.array([[1, 50000], [2, 80000]]), np.ones((2, 3)), "relu")
    [1]
    """
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), _SAMPLED_ROWS)).astype(np.int64))
    sample, weights = x[rows].astype(np.float64), kernel.astype(np.float64)
    size = np.sqrt(np.mean(sample**2, axis=0)) * np.sqrt(np.mean(weights**2, axis=1))
    return [int(column) for column in np.flatnonzero(size > (20 if activation in _BOUNDED else 100))]


def warn_of_unscaled(columns: Sequence[int], names: Sequence[str] | None) -> None:
    """Warn, with their names, of columns whose numbers are too large for the first layer."""
    shown = ", ".join(repr(names[column]) if names else str(column) for column in columns[:_SHOWN])
    more = f", … ({len(columns)} in total)" if len(columns) > _SHOWN else ""
    noun = "column" if len(columns) == 1 else "columns"
    warn(
        f"the numbers in {noun} {shown}{more} of x are too large for the first layer; training may not get anywhere. "
        "Scale them, for example to mean 0 and standard deviation 1.",
    )


def labels_of(y: Array) -> Array:
    """Return the class number of each row: of one-hot rows the place of the largest number, else y, rounded.

    >>> labels_of(np.array([[0, 1], [1, 0]])), labels_of(np.array([0.9, 2.0]))
    (array([1, 0]), array([1, 2]))
    """
    if y.ndim > 1 and y.shape[-1] != 1:
        places: Array = y.argmax(axis=-1)
        return places
    return np.rint(y.reshape(len(y))).astype(np.int64)


def warn_of_missing_classes(y: Array, split: int) -> None:
    """Warn if the rows from `split` on lack a class that the others have, or the other way round."""
    is_one_column = y.ndim == 1 or y.shape[1] == 1
    if (y != np.rint(y)).any() or not (is_one_column or (y.sum(axis=1) == 1).all()):
        return  # probabilities, shades of an autoencoder, or several labels in a row
    labels = labels_of(y)
    train, validation = set(np.unique(labels[:split]).tolist()), set(np.unique(labels[split:]).tolist())
    for lacking, names in (("validation", train - validation), ("training", validation - train)):
        if names:
            shown = ", ".join(map(str, sorted(names)[:_SHOWN])) + (", …" if len(names) > _SHOWN else "")
            warn(
                f"validation_split takes the last rows as they stand; the {lacking} rows have none of class {shown}. "
                "Shuffle x and y before, or give validation_data.",
            )
            return


def check_spread(mean: float, deviation: float) -> None:
    """Raise ValueError for targets, by their mean and standard deviation, that answers of float32 cannot give.

    >>> check_spread(1.7e9, 29.0)
    Traceback (most recent call last):
    ValueError: expected targets that differ by more than 1/65536 of their mean, since answers are float32; received a \
mean of 1.7e+09 and a standard deviation of 29: subtract a constant from them
    """
    if not abs(mean) + 10 * deviation < float(np.finfo(np.float32).max):
        raise ValueError(
            f"expected targets within the range of float32, up to 3.4e+38; received a mean of {mean:.6g} and a "
            f"standard deviation of {deviation:.6g}: divide them by a constant"
        )
    if 0 < deviation < abs(mean) / 65536:  # numbers near the mean are up to 1/256 of the deviation apart
        raise ValueError(
            "expected targets that differ by more than 1/65536 of their mean, since answers are float32; received a "
            f"mean of {mean:.6g} and a standard deviation of {deviation:.6g}: subtract a constant from them"
        )

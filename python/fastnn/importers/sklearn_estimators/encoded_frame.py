"""The FeatureSpace of an estimator's front, and the steps that make the front's columns of the space's numbers.

A FeatureSpace has one column for each column of the frame. What scikit-learn computes of that column, however often, is
linear in its numbers: of x and 1 for a gap, or of a 1 in the place of a category.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.frame_columns import REFUSED, Category, Column, Number, Raw, gaps_of, is_gap
from fastnn.importers.sklearn_estimators.front import FromFrame, Front
from fastnn.importers.sklearn_estimators.parallel import side_by_side
from fastnn.importers.steps import Columns, Product, Scale, Step
from fastnn.importers.verification import NotVerifiedError
from fastnn.tables.feature_space import FeatureSpace
from fastnn.text import is_text


class _Term(NamedTuple):
    """``x[:, places] @ weights + shift`` of the numbers x of rows."""

    places: Array
    weights: Array
    shift: float


class _Place(NamedTuple):
    """A column of the space: its config, its first number among those of a row, what stands for a gap in a frame."""

    config: dict[str, Any]
    first: int
    width: int
    gap_value: Any
    numbers_of: dict[Any, int]  # of the categories: the place of each among the numbers

    def numbers(self, category: Category) -> Array:
        """Return what the row's 1 stands for at each place. What is REFUSED is like the rest, since no row has it."""
        rest, unknown = _finite(category.rest), _finite(category.unknown, category.rest)
        own = np.full(self.width, rest)
        own[0] = unknown
        if not self.numbers_of.keys() <= category.known.keys():
            own[[place for key, place in self.numbers_of.items() if key not in category.known]] = unknown
        for key, value in category.values.items():
            if key in self.numbers_of:
                own[self.numbers_of[key]] = _finite(value, category.rest)
        if self.config["gap"]:
            own[-1] = _finite(category.gap, category.rest)
        return own


class EncodedFrame:
    """A FeatureSpace, the steps behind it, and frames for rows that it has encoded."""

    def __init__(self, step: FromFrame) -> None:
        self._names = step.names
        uses: dict[str, list[Number | Category]] = {}
        for column in _all_columns(step.front):
            uses.setdefault(column.name, []).append(_of_numbers(column))
        self._places: dict[str, _Place] = {}
        self._width = 0
        for name, own in uses.items():
            self._add(name, own, step.source)
        if not uses:
            raise UnsupportedModelError(f"{step.source} makes no columns of the frame")
        with refusing(f"{step.source}: a FeatureSpace cannot hold its columns", ValueError,
                      raises=UnsupportedModelError):  # fmt: skip
            self.space = FeatureSpace._of_columns([place.config for place in self._places.values()])
        self.steps = self._steps(step.front)

    def _add(self, name: str, uses: list[Number | Category], source: str) -> None:
        """Make the column of the space from all uses of a column of the frame."""
        gap_value = next((each.gap_value for each in uses if not _is_nan(each.gap_value)), np.nan)
        config: dict[str, Any] = {"name": name}
        numbers_of: dict[Any, int] = {}
        if any(isinstance(each, Category) for each in uses):
            categories = [_as_category(each, source) for each in uses]
            config |= _config_of_categories(name, categories, source)
            width = 1 + len(config["values"]) + config["gap"]
            numbers_of = {key: place for place, key in enumerate(config["values"], 1)}
        else:
            config |= _config_of_numbers([each for each in uses if isinstance(each, Number)])
            width = 1 + config["indicator"]
        self._places[name] = _Place(config, self._width, width, gap_value, numbers_of)
        self._width += width

    def _steps(self, front: Front) -> list[Step]:
        if front.branches:
            branches = [self._steps(branch) for branch in front.branches]
            return [*side_by_side(front.source, branches, self._width), *front.steps]
        branches = []
        terms = [self._term(column) for column in front.columns]
        for is_one, group in groupby(terms, lambda term: len(term.places) == 1):
            own = list(group)
            shift = np.array([term.shift for term in own])
            if is_one:
                index, scale = (np.concatenate([term[i] for term in own]) for i in (0, 1))
                branches.append([Columns(front.source, index, self._width), Scale(front.source, scale, shift)])
                continue
            index = np.unique(np.concatenate([[0], *(term.places for term in own)]))  # at least one, for constants
            kernel = np.zeros((len(index), len(own)))
            for unit, term in enumerate(own):
                kernel[np.searchsorted(index, term.places), unit] = term.weights
            product = Product(front.source, kernel, shift, is_preparation=True)
            branches.append([Columns(front.source, index, self._width), product])
        return [*side_by_side(front.source, branches, self._width), *front.steps]

    def _term(self, column: Column) -> _Term:
        """Return what makes a column of the numbers of a row."""
        use, place = _of_numbers(column), self._places[column.name]
        if "values" in place.config:
            category = _as_category(use, "")
            own, shift, rest = place.numbers(category), 0.0, _finite(category.rest)
            # One of these numbers is 1 in each row: what all but one become may be added to all rows instead.
            if np.count_nonzero(own != rest) == 1:
                own, shift = own - rest, rest
        else:
            assert isinstance(use, Number)
            own, shift = np.array([use.scale, 0.0][: place.width]), use.shift
            if place.config["indicator"]:
                own[1] = use.at_gap() - (place.config["fill"] * use.scale + use.shift)
        index = np.flatnonzero(own)
        return _Term(place.first + index, own[index], shift)

    # -- rows to verify with

    def valid(self, rows: Array) -> Array:
        """Return rows that the space may have made, of any numbers."""
        made = np.zeros_like(rows)
        every = np.arange(len(rows))
        for config, first, width, *_ in self._places.values():
            own = rows[:, first : first + width]
            if "values" in config:
                lowest = 0 if config.get("unknown", True) else 1
                made[every, first + lowest + own[:, lowest:].argmax(axis=1)] = 1
                continue
            made[:, first] = own[:, 0] > 0 if config["type"] == "boolean" else own[:, 0]
            if config["indicator"]:
                gaps = own[:, 1] > 1
                made[:, first + 1] = gaps
                made[gaps, first] = config["fill"]
        return made

    def frame(self, rows: Array) -> Any:
        """Return a pandas frame that the space encodes to these rows. Raises NotVerifiedError without pandas."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise NotVerifiedError("pandas, whose frames the estimator takes, is not installed") from None
        columns: dict[str, Any] = {}
        for name in self._names:
            place = self._places.get(name)
            values = [0.0] * len(rows) if place is None else _values(place, rows)
            # Of gaps alone pandas would make a column of numbers.
            is_object = any(value is None or isinstance(value, str) for value in values + _known(place))
            columns[name] = pandas.Series(values, dtype=object if is_object else None)
        return pandas.DataFrame(columns)


def _known(place: _Place | None) -> list[Any]:
    return [] if place is None else place.config.get("values", [])


def _values(place: _Place, rows: Array) -> list[Any]:
    """Return the values of a frame's column that a FeatureSpace encodes to these rows."""
    config, first, width, gap, _ = place
    own = rows[:, first : first + width]
    if "values" not in config:
        values = own[:, 0].astype(bool).tolist() if config["type"] == "boolean" else own[:, 0].tolist()
        gaps = own[:, 1].tolist() if config["indicator"] else [0] * len(own)
        return [gap if is_missing else value for value, is_missing in zip(values, gaps, strict=True)]
    values = config["values"]
    unknown = max(values) + 1 if isinstance(values[0], int) else "".join([max(values), "_"])
    known = [unknown, *values, gap]
    return [known[i] for i in own.argmax(axis=1).tolist()]


def _all_columns(front: Front) -> list[Column]:
    return [*front.columns, *(column for branch in front.branches for column in _all_columns(branch))]


def _of_numbers(column: Column) -> Number | Category:
    """Return a column of numbers. Booleans that were encoded are numbers 0 and 1."""
    if isinstance(column, Raw):
        return column.as_number()
    if not isinstance(column, Category) or not column.known or not all(type(key) is bool for key in column.known):
        return column
    at = [column.at(key) for key in (False, True)]
    if REFUSED in at:
        raise UnsupportedModelError(
            f"column {column.name!r:.60} was always {next(iter(column.known))} in training, and its encoder refuses "
            "the other boolean, which a FeatureSpace cannot; leave the column out"
        )
    gap = np.nan if column.gap is REFUSED else float(column.gap)
    return Number(column.name, float(at[1]) - float(at[0]), float(at[0]), 0.0, gap, True, column.gap_value)


def _as_category(use: Number | Category, source: str) -> Category:
    if isinstance(use, Category):
        return use
    if use.scale == 0:  # it tells gaps
        return gaps_of(use)
    raise UnsupportedModelError(
        f"{source} takes column {use.name!r:.60} as a number and as a category, where a FeatureSpace has one type for "
        "a column; give the frame a copy of it under another name"
    )


def _config_of_numbers(uses: Sequence[Number]) -> dict[str, Any]:
    kind = "boolean" if any(each.is_boolean for each in uses) else "float"
    if any(_is_nan(each.at_gap()) for each in uses):
        return {"type": kind, "fill": None, "indicator": False}
    fill = next((each.fill for each in uses if each.scale != 0 and not _is_nan(each.fill)), 0.0)
    is_told = any(each.at_gap() != fill * each.scale + each.shift for each in uses)
    return {"type": kind, "fill": float(fill), "indicator": is_told}


def _config_of_categories(name: str, uses: Sequence[Category], source: str) -> dict[str, Any]:
    every = {id(each.known): each for each in uses}.values()  # columns of one encoder share what is known
    keys = dict.fromkeys(key for each in every for key in each.known)
    refused = {key for each in uses for key, value in each.values.items() if value is REFUSED}
    for each in uses:
        if each.rest is REFUSED:
            refused.update(each.known.keys() - each.values.keys())
    for each in every:
        if each.unknown is REFUSED:
            refused.update(keys.keys() - each.known.keys())
    values = [int(key) if isinstance(key, float) and key.is_integer() else key for key in keys if key not in refused]
    kind = next(
        (kind for kind, types in (("string_categorical", str), ("integer_categorical", int))
         if values and all(isinstance(value, types) and not isinstance(value, bool) for value in values)),
        None,
    )  # fmt: skip
    if kind is None:
        shown = next((key for key in values if not isinstance(key, (str, int))), ", ".join(map(repr, values[:3])))
        raise UnsupportedModelError(
            f"{source} has the categories {shown!s:.60} of column {name!r:.60}; expected strings, whole numbers or "
            "booleans, and only one of them, as a FeatureSpace has them"
        )
    if kind == "string_categorical" and not all(map(is_text, map(str, values))):
        raise UnsupportedModelError(f"{source} has a category with NUL in column {name!r:.60}, which no file can hold")
    refuses = any(each.unknown is REFUSED or _is_nan(each.unknown) for each in uses)
    refuses_gaps = any(each.gap is REFUSED for each in uses)
    if any(_is_nan(each.gap) for each in uses) or (refuses_gaps and not refuses):
        raise UnsupportedModelError(
            f"{source} has no number for the gaps of column {name!r:.60}, where a FeatureSpace has one; fill them by "
            "SimpleImputer, or give OrdinalEncoder an encoded_missing_value"
        )
    gap = not refuses_gaps and any(refuses or each.gap != each.unknown for each in uses)
    config = {"type": kind, "values": values, "gap": gap}
    return config | {"unknown": False} if refuses else config


def _is_nan(value: Any) -> bool:
    return value is not REFUSED and is_gap(value) and value is not None


def _finite(value: Any, refused: Any = 0.0) -> float:
    """Return a number; another one for what the space refuses, which no row has."""
    if value is REFUSED or _is_nan(value):
        return 0.0 if refused is REFUSED or _is_nan(refused) else float(refused)
    return float(value)

"""Columns that scikit-learn computes of one column of a frame each: numbers, or what each category becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError


class _Refused:
    """What a value becomes that an encoder refuses."""


REFUSED = _Refused()


@dataclass(frozen=True)
class Raw:
    """A column as the frame has it, but for `fill`, which stands for a gap; None if gaps stay."""

    name: str
    fill: Any = None
    gap_value: Any = np.nan  # what stands for a gap in the frame: NaN, None or pandas.NA

    def as_number(self) -> Number:
        """Return the column as numbers. Raises UnsupportedModelError if text fills its gaps."""
        if self.fill is None:
            return Number(self.name)
        if not is_number(self.fill):
            raise UnsupportedModelError(
                f"column {self.name!r:.60} is text, filled with {self.fill!r:.60}, and no encoder makes numbers of it"
            )
        return Number(self.name, fill=float(self.fill), gap_value=self.gap_value)


@dataclass(frozen=True)
class Number:
    """``x * scale + shift`` of a column of numbers x. With a scale of 0 it tells gaps of any column.

    fill: x in the place of a gap, NaN if gaps stay. gap: None, or what a gap becomes whatever `fill` is.
    """

    name: str
    scale: float = 1.0
    shift: float = 0.0
    fill: float = np.nan
    gap: float | None = None
    is_boolean: bool = False
    gap_value: Any = np.nan

    def at_gap(self) -> float:
        """Return what a gap becomes."""
        return self.fill * self.scale + self.shift if self.gap is None else self.gap


@dataclass(frozen=True)
class Category:
    """What each category of a column becomes: a number, a value that another encoder takes, NaN, or REFUSED.

    values: by category. rest: for all other `known` ones. unknown: for those that are not known. gap: for a gap.
    The columns of a one-hot encoder have one value each and share what is known: there may be thousands.
    """

    name: str
    values: Mapping[Any, Any]
    rest: Any
    known: Mapping[Any, int]
    unknown: Any
    gap: Any
    gap_value: Any = np.nan

    def at(self, category: Any) -> Any:
        """Return what a category becomes."""
        return self.values.get(category, self.rest if category in self.known else self.unknown)

    def mapped(self, function: Callable[[Any], Any]) -> Category:
        """Return the column of the function's results. What is REFUSED stays so."""

        def result(value: Any) -> Any:
            return value if value is REFUSED else function(value)

        values = {key: result(value) for key, value in self.values.items()}
        rest, unknown, gap = map(result, (self.rest, self.unknown, self.gap))
        return replace(self, values=values, rest=rest, unknown=unknown, gap=gap)


Column = Raw | Number | Category


def is_number(value: Any) -> bool:
    """Return whether a value is a number or a boolean.

    >>> is_number(np.float32(1)), is_number("1")
    (True, False)
    """
    return isinstance(value, (int, float, np.number, np.bool_))


def is_gap(value: Any) -> bool:
    """Return whether a value is None, NaN or pandas.NA.

    >>> is_gap(None), is_gap(np.nan), is_gap(""), is_gap(0)
    (True, True, False, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def refuse_gap_that_stays(column: Raw, gap: Any, source: str) -> None:
    """Raise UnsupportedModelError if the imputer that fills a column leaves a gap of this kind.

    One of NaN leaves None, and one of None leaves NaN; one of pandas.NA fills all.

    >>> refuse_gap_that_stays(Raw("city", fill="none", gap_value=np.nan), np.nan, "the encoder")
    """
    if type(column.gap_value).__name__ != "NAType" and (gap is None) != (column.gap_value is None):
        raise UnsupportedModelError(
            f"{source} takes {gap} for a value of column {column.name!r:.60}, where SimpleImputer fills "
            f"{column.gap_value} alone, and a FeatureSpace has one gap; replace {gap} by {column.gap_value} first"
        )


def indicator(column: Column) -> Column:
    """Return the column that is 1 for a gap of another, else 0."""
    if isinstance(column, Category):
        return column.mapped(lambda value: float(is_gap(value)))
    is_filled = not is_gap(column.fill) if isinstance(column, Raw) else not is_gap(column.at_gap())
    return Number(column.name, scale=0.0, gap=0.0 if is_filled else 1.0, gap_value=column.gap_value)


def imputed(column: Column, fill: Any, gap_value: Any, source: str) -> Column:
    """Return a column with its gaps filled. Raises UnsupportedModelError if an imputer filled other gaps before."""
    if isinstance(column, Raw):
        if column.fill is None:
            return replace(column, fill=fill, gap_value=gap_value)
        refuse_gap_that_stays(column, gap_value, source)
        return column
    if isinstance(column, Category):
        return column.mapped(lambda value: fill if is_gap(value) else value)
    if not is_gap(column.at_gap()):
        return column
    if column.scale == 1 and column.shift == 0:
        return replace(column, fill=float(fill), gap_value=gap_value)
    return replace(column, gap=float(fill), gap_value=gap_value)


def scaled(column: Column, scale: float, shift: float) -> Column:
    """Return ``column * scale + shift``."""
    if isinstance(column, Category):
        return column.mapped(lambda value: float(value) * scale + shift)
    number = column.as_number() if isinstance(column, Raw) else column
    gap = None if number.gap is None else number.gap * scale + shift
    return replace(number, scale=number.scale * scale, shift=number.shift * scale + shift, gap=gap)


def encoded(column: Column, codes: Category) -> Category:
    """Return the column in which each category has its code. codes: those of an encoder, of a column as frames have it.

    Raises UnsupportedModelError for a column of numbers that were scaled before.
    """

    def code(value: Any) -> Any:
        return codes.gap if is_gap(value) else codes.at(value)

    if isinstance(column, Number):
        if column.scale != 0:
            raise UnsupportedModelError(
                f"column {column.name!r:.60} is scaled before it is encoded, where a FeatureSpace takes categories as "
                "the frame has them; encode the column without scaling it"
            )
        column = gaps_of(column)
    if isinstance(column, Category):
        return column.mapped(code)
    return codes if column.fill is None else replace(codes, gap=code(column.fill), gap_value=column.gap_value)


def gaps_of(number: Number) -> Category:
    """Return a column that tells the gaps of another, of numbers so far, as one of categories."""
    return Category(number.name, {}, number.shift, {}, number.shift, number.gap, number.gap_value)

"""Columns: those that a selector keeps, and those that each branch of a ColumnTransformer takes."""

from collections import UserList
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import attribute
from fastnn.importers.steps import Columns

SELECTORS = (
    "GenericUnivariateSelect", "RFE", "RFECV", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest",
    "SelectPercentile", "SequentialFeatureSelector", "VarianceThreshold",
)  # fmt: skip


def selection(thing: Any, source: str) -> Columns:
    """Return the step of a fitted selector: the columns of its get_support()."""
    width = attribute(thing, source, "n_features_in_")
    with refusing(f"{source}: expected get_support() to tell its columns", Exception):
        support = np.asarray(thing.get_support())
    if support.dtype != bool or support.shape != (width,) or not support.any():
        raise ModelFormatError(
            f"{source}: expected get_support() to be {width} booleans, one of them True; received "
            f"{np.count_nonzero(support)} of {support.size}"
        )
    return Columns(source, np.flatnonzero(support), width)


def places(columns: Any, names: Any, width: int, source: str) -> Array:
    """Return the numbers of the columns that a branch takes.

    columns: a number or name, a list of them, a list of booleans, or a slice, as in `transformers_`.
    names: of all columns, None if they have none.

    >>> places(slice("b", None), ["a", "b", "c"], 3, "the branch"), places([True, False, True], None, 3, "the branch")
    (array([1, 2]), array([0, 2]))
    """
    numbers = {name: i for i, name in enumerate(() if names is None else names)}
    with refusing(f"{source}: expected columns by number or name; received {columns!r:.100}", LookupError, TypeError,
                  ValueError):  # fmt: skip
        if isinstance(columns, slice):
            start, stop = (numbers[end] if isinstance(end, str) else end for end in (columns.start, columns.stop))
            stop = stop + 1 if isinstance(columns.stop, str) else stop  # names are taken to the last one
            return np.asarray(np.arange(width)[start : stop : columns.step])
        if isinstance(columns, UserList):  # of scikit-learn 1.5 and 1.6, which warn where its numbers are read off it
            columns = columns.data
        listed = [columns] if isinstance(columns, (str, int, np.integer)) else list(columns)
        if listed and all(isinstance(each, (bool, np.bool_)) for each in listed):
            return np.asarray(np.arange(width)[np.array(listed)])
        index = [numbers[each] if isinstance(each, str) else int(each) for each in listed]
        return np.asarray(np.arange(width)[index])

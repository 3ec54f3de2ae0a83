"""Counts of rows between thresholds, from which those above each threshold follow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn.arguments import number
from fastnn.arithmetic import Numbers
from fastnn.losses.base import row_weights


class Counts(NamedTuple):
    """True and false positives and negatives, for each threshold."""

    tp: Numbers
    fp: Numbers
    tn: Numbers
    fn: Numbers


def add_to_buckets(buckets: Numbers, thresholds: Numbers, p: Numbers, places: Any, weights: Numbers | None) -> None:
    """Add rows to the buckets between rising thresholds; one bucket more than there are thresholds.

    places: whether each row counts. Weights are added one after the other, so that no cut into updates shows.

    >>> buckets = np.zeros(2)
    >>> add_to_buckets(buckets, np.array([0.5]), np.array([0.5, 0.6]), np.array([True, True]), None)
    >>> buckets
    array([1., 1.])
    """
    bucket = np.searchsorted(thresholds, p, side="left")  # how many thresholds the prediction is above
    bucket[np.isnan(p)] = 0
    if weights is None:
        buckets += np.bincount(bucket[places], minlength=len(buckets))
    else:
        np.add.at(buckets, bucket[places], weights[places])


def counts(positives: Numbers, negatives: Numbers) -> Counts:
    """Return the counts for each of the rising thresholds, of buckets of rows of either label.

    >>> counts(np.array([1.0, 2.0]), np.array([4.0, 3.0])).tp
    array([2.])
    """

    def above(buckets: Numbers) -> Numbers:
        return np.cumsum(buckets[::-1], axis=0)[::-1][1:]

    def below(buckets: Numbers) -> Numbers:
        return np.cumsum(buckets, axis=0)[:-1]

    return Counts(above(positives), above(negatives), below(negatives), below(positives))


def checked_thresholds(thresholds: Any, default: float) -> list[float]:
    """Return thresholds, one or many, as a list; the default for None. Raises ValueError unless all are from 0 to 1.

    >>> checked_thresholds(None, 0.5), checked_thresholds([0.1, 0.9], 0.5)
    ([0.5], [0.1, 0.9])
    """
    if thresholds is None:
        return [default]
    given = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    numbers = [number("thresholds", each) for each in given]
    if not numbers or any(not 0 <= each <= 1 for each in numbers):
        raise ValueError(f"expected thresholds from 0 to 1; received thresholds={thresholds!r}")
    return numbers


def weights_of_all(sample_weight: Any, shape: tuple[int, ...], label_weights: Numbers | None = None) -> Numbers | None:
    """Return the weight of each prediction (rows, units), or None if none is given.

    >>> weights_of_all([1.0, 2.0], (2, 2))
    array([[1., 1.],
           [2., 2.]])
    """
    if sample_weight is None and label_weights is None:
        return None
    weights = np.ones(shape)
    if sample_weight is not None:
        weights = weights * row_weights(sample_weight, shape[0])[:, None]
    return weights if label_weights is None else weights * label_weights

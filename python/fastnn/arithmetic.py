"""Operations in float64 that every computer rounds alike, for losses, metrics, penalties and statistics.

NumPy's exp, log and sums round differently from build to build, so these use the core's and add in order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core

Numbers = npt.NDArray[np.float64]

EPSILON = 1e-7  # keras.config.epsilon()


def ordered_sum(start: Any, terms: Any) -> Any:
    """Return start plus the terms, added one after the other along the first axis; np.sum adds in pairs.

    >>> float(ordered_sum(1.0, np.array([2.0, 3.0])))
    6.0
    """
    first = np.asarray(start, np.float64)[None]
    return np.cumsum(np.concatenate((first, np.asarray(terms, np.float64))), axis=0)[-1]


def row_sum(terms: Numbers) -> Numbers:
    """Return the sum of each row, from left to right.

    >>> row_sum(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    if not terms.shape[1]:
        return np.zeros(len(terms))
    total: Numbers = terms[:, 0].copy()
    for column in range(1, terms.shape[1]):
        total += terms[:, column]
    return total


def row_mean(terms: Numbers) -> Numbers:
    """Return the mean of each row.

    >>> row_mean(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1.5, 3.5])
    """
    mean: Numbers = row_sum(terms) / terms.shape[1]
    return mean


def cosines(y: Numbers, p: Numbers) -> Numbers:
    """Return the cosine of the angle between y and p in each row; a norm below EPSILON counts as EPSILON.

    >>> cosines(np.array([[0.0, 2.0]]), np.array([[0.0, 3.0]]))
    array([1.])
    """
    lengths = [np.maximum(np.sqrt(row_sum(x * x)), EPSILON) for x in (y, p)]
    cosine: Numbers = row_sum(y * p) / lengths[0] / lengths[1]
    return cosine


def exp(x: Numbers) -> Numbers:
    """Return the exponential of each number.

    >>> exp(np.zeros(1))
    array([1.])
    """
    return _core.exp(np.ascontiguousarray(x))


def log(x: Numbers) -> Numbers:
    """Return the natural logarithm of each number.

    >>> log(np.ones(1))
    array([0.])
    """
    return _core.log(np.ascontiguousarray(x))


def log1p(x: Numbers) -> Numbers:
    """Return log(1 + x), exact to some ulps for small x too.

    >>> log1p(np.array([1e-20]))
    array([1.e-20])
    """
    # log(u) is that of the rounded u = 1 + x; u - 1 is exact, and the quotient corrects for the rounding.
    u = 1 + x
    rest = np.where(u == 1, 1.0, u - 1)
    return np.where(u == 1, x, log(u) * (x / rest))


def softplus(x: Numbers) -> Numbers:
    """Return log(1 + exp(x)) without overflow.

    >>> softplus(np.array([1000.0]))
    array([1000.])
    """
    return np.maximum(x, 0) + log1p(exp(-np.abs(x)))


def sigmoid(x: Numbers) -> Numbers:
    """Return 1 / (1 + exp(-x)) without overflow.

    >>> sigmoid(np.zeros(1))
    array([0.5])
    """
    small = exp(-np.abs(x))
    return np.where(x < 0, small, 1.0) / (1 + small)


def log_softmax(x: Numbers) -> Numbers:
    """Return the logarithm of each row's softmax.

    >>> log_softmax(np.array([[3.0]]))
    array([[0.]])
    """
    shifted = x - x.max(axis=1, keepdims=True)
    result: Numbers = shifted - log(row_sum(exp(shifted)))[:, None]
    return result


def power(base: Numbers, exponent: float) -> Numbers:
    """Return base ** exponent for bases of at least 0; exact products for small whole exponents.

    >>> power(np.array([0.0, 3.0]), 2.0)
    array([0., 9.])
    """
    if exponent == int(exponent) and 0 <= exponent <= 64:
        result = np.ones_like(base)
        for _ in range(int(exponent)):
            result = result * base
        return result
    return np.where(base == 0, 0.0, exp(exponent * log(np.where(base == 0, 1.0, base))))

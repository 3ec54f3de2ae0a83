"""L-BFGS: minimizes a function of a vector by its gradients, with the curvature of its last steps.

Nocedal, Wright, "Numerical optimization", 2006: algorithms 7.4 (direction), 3.5 and 3.6 (step). All is float64, and
sums run in order, so that the same numbers come out everywhere.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]  # the value and the gradient at a point

_DECREASE, _CURVATURE = 1e-4, 0.9  # Wolfe's conditions, with the constants usual for quasi-Newton steps
_MOST_TRIALS = 25  # evaluations of one line search; they halve the interval, at least


class Point(NamedTuple):
    """A point on a line: how far along it, and there the value, the slope along the line, and the gradient."""

    step: float
    value: float
    slope: float
    gradient: Vector


class Minimizer:
    """A run of L-BFGS: iterate it for the loss after each step, until the gradient is small or no step helps.

    function: value and gradient at a vector. start: the first vector; `x` is the best so far.
    tolerance: the run ends when no number of the gradient is larger. history: how many steps the curvature is of.

    >>> run = Minimizer(lambda x: (float(x @ x), 2 * x), np.array([3.0, 4.0]), tolerance=1e-8)
    >>> list(run)[-1] < 1e-12, bool(np.abs(run.x).max() < 1e-6)
    (True, True)
    """

    def __init__(
        self, function: Function, start: Vector, *, tolerance: float, history: int = 10, evaluations: int = 15000
    ) -> None:
        self.x, self.evaluations = start, 0
        self._function, self._tolerance, self._most = function, tolerance, evaluations
        self._pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=history)
        self.value, self._gradient = self._evaluate(start)

    def _evaluate(self, x: Vector) -> tuple[float, Vector]:
        self.evaluations += 1
        return self._function(x)

    def __iter__(self) -> Iterator[float]:
        """Take steps; each yields the value after it."""
        while (
            math.isfinite(self.value)
            and np.abs(self._gradient).max(initial=0.0) > self._tolerance
            and self.evaluations < self._most
        ):
            direction = self._direction()
            slope = dot(self._gradient, direction)
            if slope >= 0:  # rounding spoilt the curvature: begin anew, downhill
                self._pairs.clear()
                direction, slope = -self._gradient, -dot(self._gradient, self._gradient)
            found = self._searched(direction, slope)
            if found is None:
                if not self._pairs:
                    return
                self._pairs.clear()
                continue
            step, change = found.step * direction, found.gradient - self._gradient
            product = dot(step, change)
            if product > 1e-10 * dot(change, change):  # else the curvature is not positive, and no use
                self._pairs.append((step, change, 1 / product))
            self.x, self.value, self._gradient = self.x + step, found.value, found.gradient
            yield self.value

    def _direction(self) -> Vector:
        """Return minus the inverse curvature times the gradient, by the two loops of algorithm 7.4."""
        direction = -self._gradient
        factors = []
        for step, change, inverse in reversed(self._pairs):
            factor = inverse * dot(step, direction)
            direction = direction - factor * change
            factors.append(factor)
        if self._pairs:
            _, change, inverse = self._pairs[-1]
            direction = direction / (inverse * dot(change, change))
        for (step, change, inverse), factor in zip(self._pairs, reversed(factors), strict=True):
            direction = direction + (factor - inverse * dot(change, direction)) * step
        return direction

    def _searched(self, direction: Vector, slope: float) -> Point | None:
        """Return a point along the direction that satisfies Wolfe's conditions; None if rounding hides it."""

        def at(step: float) -> Point:
            value, gradient = self._evaluate(self.x + step * direction)
            return Point(step, value, dot(gradient, direction), gradient)

        first = Point(0.0, self.value, slope, self._gradient)
        # Without curvature, a first step of length 1 at most.
        step = 1.0 if self._pairs else min(1.0, 1 / math.sqrt(dot(direction, direction)))
        before = first
        for trial in range(_MOST_TRIALS):
            point = at(step)
            is_higher = not point.value <= first.value + _DECREASE * step * slope  # NaN is higher too
            if is_higher or (trial > 0 and point.value >= before.value):
                return _zoomed(at, first, before, point)
            if abs(point.slope) <= -_CURVATURE * slope:
                return point
            if point.slope >= 0:
                return _zoomed(at, first, point, before)
            before, step = point, 2 * step
        return before if before.step > 0 else None


def _zoomed(at: Callable[[float], Point], first: Point, low: Point, high: Point) -> Point | None:
    """Return a point between two that satisfies Wolfe's conditions, or the best one found that is lower than first."""
    for _ in range(_MOST_TRIALS):
        step = _between(low, high)
        point = at(step)
        if not point.value <= first.value + _DECREASE * step * first.slope or point.value >= low.value:
            high = point
        else:
            if abs(point.slope) <= -_CURVATURE * first.slope:
                return point
            if point.slope * (high.step - low.step) >= 0:
                high = low
            low = point
        if abs(high.step - low.step) <= 1e-12 * max(abs(low.step), 1e-300):
            break
    return low if low.step > 0 and low.value < first.value else None


def _between(low: Point, high: Point) -> float:
    """Return the minimum of the cubic through both points, kept off the ends; the middle if there is none."""
    width = high.step - low.step
    middle = low.step + width / 2
    if not (math.isfinite(high.value) and math.isfinite(high.slope)):
        return middle
    third = low.slope + high.slope - 3 * (high.value - low.value) / width
    square = third * third - low.slope * high.slope
    if not square >= 0:
        return middle
    root = math.copysign(math.sqrt(square), width)
    bottom = high.slope - low.slope + 2 * root
    if bottom == 0:
        return middle
    step = high.step - width * (high.slope + root - third) / bottom
    nearest, farthest = sorted((low.step + 0.1 * width, high.step - 0.1 * width))
    return step if nearest <= step <= farthest else middle


def dot(a: Vector, b: Vector) -> float:
    """Return the sum of products, added in order.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(np.cumsum(a * b)[-1]) if len(a) else 0.0

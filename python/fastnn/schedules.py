"""Schedules of learning rates, with Keras' names, arguments and defaults; and CosLog4, that of RealMLP.

A schedule is a function of the step, counted from 0. It is computed in float64 from operations that every computer
rounds alike, so a rate has the same bits everywhere.

>>> from fastnn.schedules import ExponentialDecay
>>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5, staircase=True)(250)
0.025
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arguments import finite
from fastnn.by_name import Configured, Names
from fastnn.names import missing
from fastnn.strict import suggesting

__all__ = [
    "CosLog4",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

Rates = npt.NDArray[np.float64]
_INVERSE_LN_2 = 1 / 0.6931471805599453  # turns logarithms into those of base 2


class LearningRateSchedule(Configured):
    """Base class of all schedules. A subclass of your own defines ``__call__(step)``, which returns a float.

    >>> class Halved(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 if step < 100 else 0.05
    >>> Halved().rates(99, 2)
    array([0.1 , 0.05])
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, a float; of an array of steps an array.

        >>> InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0)(np.arange(2))
        array([1. , 0.5])
        """
        steps = np.asarray(step, np.float64)
        rates = self._at(steps.reshape(-1))
        return float(rates[0]) if steps.ndim == 0 else rates.reshape(steps.shape)

    def rates(self, first: int, steps: int) -> npt.NDArray[np.float64]:
        """Return the learning rates of ``steps`` steps from ``first`` on.

        >>> InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0).rates(0, 4)
        array([1.        , 0.5       , 0.33333333, 0.25      ])
        """
        if type(self).__call__ is LearningRateSchedule.__call__:
            return self._at(np.arange(first, first + steps, dtype=np.float64))
        return np.array([self._rate(step) for step in range(first, first + steps)], np.float64)

    def _rate(self, step: int) -> float:
        rate: Any = self(step)
        try:
            if not isinstance(rate, str):
                return float(rate)
        except (TypeError, ValueError):
            pass
        raise ValueError(
            f"expected {type(self).__name__}.__call__(step) to return a number; received {rate!r:.100} at step {step}"
        )

    def _at(self, step: Rates) -> Rates:
        raise NotImplementedError(f"expected {type(self).__name__} to define __call__(step)")


def _power(base: Any, exponent: Any) -> Rates:
    """Return base ** exponent for bases of at least 0: np.power() differs between computers."""
    whole = (exponent == np.floor(exponent)) & (np.abs(exponent) < 2**31)
    numbers = zip(*(each.tolist() for each in np.broadcast_arrays(base, exponent, whole)), strict=True)
    return np.array([_whole_power(b, int(e)) if is_whole else _real_power(b, e) for b, e, is_whole in numbers])


def _real_power(base: float, exponent: float) -> float:
    if base == 0:
        return 0.0 if exponent > 0 else math.inf
    return float(_core.exp(exponent * _core.log(base)))


def _whole_power(base: float, exponent: int) -> float:
    """Multiply only, so that powers of whole numbers, and of a half, are exact."""
    result, square, rest = 1.0, base, abs(exponent)
    while rest:
        if rest & 1:
            result *= square
        square *= square
        rest >>= 1
    return result if exponent >= 0 else 1 / result if result else math.inf


def _number(name: str, value: float, *, least: float = -math.inf, above: float = -math.inf) -> float:
    finite(name, value, least=least, above=above)
    return value  # as it was given: a config keeps integers


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    staircase: whether the exponent is rounded down, so that the rate changes every decay_steps. decay_steps: more than
        0. decay_rate: at least 0. Raises ValueError for others.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5).rates(0, 21)[::10]
    array([0.1  , 0.05 , 0.025])
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _number("decay_steps", decay_steps, above=0)
        self.decay_rate = _number("decay_rate", decay_rate, least=0)
        self.staircase, self.name = bool(staircase), name

    def _at(self, step: Rates) -> Rates:
        exponent = step / self.decay_steps
        power = _power(self.decay_rate, np.floor(exponent) if self.staircase else exponent)
        return self.initial_learning_rate * power


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and at step ``boundaries[i]``, then the next; the last value after all boundaries.

    Raises ValueError unless there is one value more than boundaries, and boundaries increase.

    >>> PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]).rates(0, 6)
    array([1. , 1. , 1. , 0.5, 0.5, 0.1])
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        self.boundaries = [_number("boundaries", each) for each in boundaries]
        self.values, self.name = [_number("values", each) for each in values], name
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"expected one value more than boundaries; received boundaries={self.boundaries}, values={self.values}"
            )
        if any(b <= a for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"expected boundaries that increase; received boundaries={self.boundaries}")

    def _at(self, step: Rates) -> Rates:
        return np.array(self.values, np.float64)[np.searchsorted(np.array(self.boundaries, np.float64), step)]


class PolynomialDecay(LearningRateSchedule):
    """``(initial - end) * (1 - step / decay_steps) ** power + end``; ``end_learning_rate`` after decay_steps.

    cycle: whether the decay begins again, each time with more steps: decay_steps, twice as many, thrice as many, ….
    decay_steps: more than 0. power: more than 0. Raises ValueError for others.

    >>> PolynomialDecay(0.1, decay_steps=2, end_learning_rate=0.0).rates(0, 4)
    array([0.1 , 0.05, 0.  , 0.  ])
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _number("decay_steps", decay_steps, above=0)
        self.end_learning_rate = _number("end_learning_rate", end_learning_rate)
        self.power, self.cycle, self.name = _number("power", power, above=0), bool(cycle), name

    def _at(self, step: Rates) -> Rates:
        if self.cycle:
            steps: Any = self.decay_steps * np.where(step == 0, 1.0, np.ceil(step / self.decay_steps))
        else:
            steps, step = self.decay_steps, np.minimum(step, self.decay_steps)
        rest = _power(1 - step / steps, self.power)
        return (self.initial_learning_rate - self.end_learning_rate) * rest + self.end_learning_rate


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    staircase: whether step / decay_steps is rounded down. decay_steps: more than 0. decay_rate: at least 0. Raises
        ValueError for others.

    >>> InverseTimeDecay(0.1, decay_steps=1, decay_rate=1.0)(1)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _number("decay_steps", decay_steps, above=0)
        self.decay_rate = _number("decay_rate", decay_rate, least=0)
        self.staircase, self.name = bool(staircase), name

    def _at(self, step: Rates) -> Rates:
        time = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (np.floor(time) if self.staircase else time))


def _half_wave(fraction: Rates) -> Rates:
    """Return numbers that fall from 1 to 0, as half a cosine wave, while the fraction grows from 0 to 1."""
    return 0.5 * (1 + _core.cos(math.pi * fraction))


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from ``initial_learning_rate`` down to ``alpha`` times it, in decay_steps.

    warmup_target, warmup_steps: before that, the rate grows linearly from the initial one to warmup_target, default
        None, no warmup. The wave then begins at warmup_target.
    decay_steps: more than 0. Raises ValueError for others.
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.

    >>> CosineDecay(0.0, decay_steps=2, warmup_target=0.1, warmup_steps=2).rates(0, 6).round(6)
    array([0.  , 0.05, 0.1 , 0.05, 0.  , 0.  ])
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _number("decay_steps", decay_steps, above=0)
        self.alpha, self.name = _number("alpha", alpha), name
        self.warmup_target = None if warmup_target is None else _number("warmup_target", warmup_target)
        self.warmup_steps = _number("warmup_steps", warmup_steps, least=0)

    def _at(self, step: Rates) -> Rates:
        warmup = 0.0 if self.warmup_target is None else float(self.warmup_steps)
        top = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
        fraction = np.clip(step - warmup, 0, self.decay_steps) / self.decay_steps
        wave = top * ((1 - self.alpha) * _half_wave(fraction) + self.alpha)
        if not warmup:
            return wave
        rise = (top - self.initial_learning_rate) * (step / warmup) + self.initial_learning_rate
        return np.where(step < warmup, rise, wave)


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay that begins again, each time with ``t_mul`` times the steps and ``m_mul`` times the first rate.

    first_decay_steps: more than 0. t_mul: at least 1. m_mul: at least 0. Raises ValueError for others.
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.

    >>> CosineDecayRestarts(0.1, first_decay_steps=2).rates(0, 7).round(3)
    array([0.1  , 0.05 , 0.1  , 0.085, 0.05 , 0.015, 0.1  ])
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = _number("first_decay_steps", first_decay_steps, above=0)
        self.t_mul, self.m_mul = _number("t_mul", t_mul, least=1), _number("m_mul", m_mul, least=0)
        self.alpha, self.name = _number("alpha", alpha), name

    def _at(self, step: Rates) -> Rates:
        time = step / self.first_decay_steps
        if self.t_mul == 1:
            restart = np.floor(time)
            fraction = time - restart
        else:
            # Keras takes a logarithm here, which is one restart too low where it rounds down: log(3**5) / log(3).
            begins, length = [0.0], 1.0
            while begins[-1] + length <= time.max(initial=0):
                begins.append(begins[-1] + length)
                length *= self.t_mul
            restart = np.searchsorted(np.array(begins), time, side="right") - 1.0
            fraction = (time - np.array(begins)[restart.astype(int)]) / _power(self.t_mul, restart)
        wave = _power(self.m_mul, restart) * _half_wave(fraction)
        return self.initial_learning_rate * ((1 - self.alpha) * wave + self.alpha)


class CosLog4(LearningRateSchedule):
    """``rate * (0.5 - 0.5 * cos(2 pi * log2(1 + 15 * step / decay_steps)))``: four waves, each longer than the last.

    The rate begins at 0, reaches initial_learning_rate four times, and is 0 at decay_steps and later. It is that of
    RealMLP, and not in Keras. decay_steps: more than 0; the number of steps of the whole training.
    D. Holzmüller and others, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", 2024.

    >>> CosLog4(0.04, decay_steps=15).rates(0, 4).round(3)
    array([0.   , 0.   , 0.037, 0.   ])
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, name: str = "CosLog4") -> None:
        self.initial_learning_rate = _number("initial_learning_rate", initial_learning_rate)
        self.decay_steps, self.name = _number("decay_steps", decay_steps, above=0), name

    def _at(self, step: Rates) -> Rates:
        time = np.minimum(step, self.decay_steps) / self.decay_steps
        waves = _core.log(1 + 15 * time) * _INVERSE_LN_2
        return self.initial_learning_rate * (0.5 - 0.5 * _core.cos(2 * math.pi * waves))


_CLASSES: Iterable[type[LearningRateSchedule]] = (
    *(ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay),
    *(CosineDecay, CosineDecayRestarts, CosLog4),
)
_NAMES: Names[LearningRateSchedule] = Names("a schedule", "fastnn.schedules", _CLASSES)


@suggesting
def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return a dict of JSON's types from which deserialize() makes an equal schedule. ValueError for other objects.

    >>> serialize(CosLog4(0.04, decay_steps=100))["class_name"]
    'CosLog4'
    """
    return _NAMES.serialize(learning_rate_schedule)


@suggesting
def deserialize(config: dict[str, Any]) -> LearningRateSchedule:
    """Return the schedule that serialize() described. Raises ValueError for another config.

    >>> deserialize({"class_name": "CosLog4", "config": {"initial_learning_rate": 1.0, "decay_steps": 3}}).decay_steps
    3
    """
    return _NAMES.deserialize(config)


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__

"""Schedules of learning rates: Keras' numbers, the same for a step alone and for many, and what they refuse."""

import math
import os
import re
from pathlib import Path

import numpy as np
import pytest

from fastnn import _core, schedules
from fastnn.optimizers import schedules as second_name
from fastnn.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    CosLog4,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

MADE = {
    "exponential": lambda own: own.ExponentialDecay(0.1, 7, 0.9),
    "exponential-staircase": lambda own: own.ExponentialDecay(0.1, 7, 0.9, staircase=True),
    "piecewise": lambda own: own.PiecewiseConstantDecay([3, 10, 11], [0.5, 0.1, 0.2, 0.05]),
    "polynomial": lambda own: own.PolynomialDecay(0.1, 20),
    "polynomial-power": lambda own: own.PolynomialDecay(0.1, 20, 0.01, power=0.5),
    "polynomial-square": lambda own: own.PolynomialDecay(0.1, 20, 0.01, power=2),
    "polynomial-cycle": lambda own: own.PolynomialDecay(0.1, 7, cycle=True, power=1.5),
    "inverse-time": lambda own: own.InverseTimeDecay(0.1, 7, 0.3),
    "inverse-time-staircase": lambda own: own.InverseTimeDecay(0.1, 7, 0.3, staircase=True),
    "cosine": lambda own: own.CosineDecay(0.1, 20, alpha=0.2),
    "cosine-warmup": lambda own: own.CosineDecay(0.01, 20, 0.1, warmup_target=0.2, warmup_steps=7),
    "cosine-warmup-of-0": lambda own: own.CosineDecay(0.01, 20, warmup_target=0.2),
    "restarts": lambda own: own.CosineDecayRestarts(0.1, 7),
    "restarts-equal": lambda own: own.CosineDecayRestarts(0.1, 7, t_mul=1.0, m_mul=0.5, alpha=0.1),
    "restarts-slow": lambda own: own.CosineDecayRestarts(0.1, 5, t_mul=1.3, m_mul=0.9),
}
STEPS = 50


@pytest.fixture
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed: pip install keras")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield keras
    keras.config.set_floatx(before)


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_rates_are_those_of_keras(make, keras):
    theirs = make(keras.optimizers.schedules)
    expected = [float(theirs(np.int64(step))) for step in range(STEPS)]
    np.testing.assert_allclose(make(schedules).rates(0, STEPS), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_configs_are_those_of_keras(make, keras):
    ours, theirs = make(schedules), make(keras.optimizers.schedules)
    assert ours.get_config() == theirs.get_config()
    assert list(ours.get_config()) == list(theirs.get_config())
    config = keras.optimizers.schedules.serialize(theirs)
    assert schedules.deserialize(config).get_config() == ours.get_config()


@pytest.mark.parametrize("make", [*MADE.values(), lambda own: own.CosLog4(0.1, 30)], ids=[*MADE, "coslog4"])
def test_a_step_has_the_same_rate_alone_and_among_others(make):
    schedule = make(schedules)
    rates = schedule.rates(0, STEPS)
    assert rates.dtype == np.float64
    assert [schedule(step) for step in range(STEPS)] == rates.tolist()
    assert schedule.rates(17, 20).tolist() == rates[17:37].tolist()
    assert schedule.rates(3, 0).shape == (0,)


@pytest.mark.parametrize("make", [*MADE.values(), lambda own: own.CosLog4(0.1, 30)], ids=[*MADE, "coslog4"])
def test_a_schedule_comes_back_from_its_data(make):
    schedule = make(schedules)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.rates(0, STEPS).tolist() == schedule.rates(0, STEPS).tolist()


def test_restarts_begin_at_their_step_where_a_logarithm_would_round_down():
    assert math.floor(math.log(3**5) / math.log(3)) == 4  # what Keras computes
    schedule = CosineDecayRestarts(1.0, 2, t_mul=3.0, m_mul=0.5)
    begins = [2 * (3**i - 1) // 2 for i in range(8)]
    assert [schedule(step) for step in begins] == [0.5**i for i in range(8)]


def test_coslog4_has_four_waves_that_end_at_0():
    steps = 15 * 64
    rates = CosLog4(0.04, steps).rates(0, steps + 2)
    expected = [0.02 - 0.02 * math.cos(2 * math.pi * math.log2(1 + 15 * min(t / steps, 1))) for t in range(steps + 2)]
    np.testing.assert_allclose(rates, expected, atol=1e-15)
    zeros = [0, 64, 3 * 64, 7 * 64, steps, steps + 1]
    assert np.abs(rates[zeros]).max() < 1e-15
    assert (np.abs(rates - 0.04) < 1e-5).sum() >= 4


def test_no_function_of_the_c_library_decides_a_rate():
    """Their last bit differs between systems: the rates would too."""
    code = Path(schedules.__file__).read_text()
    called = set(re.findall(r"\b(?:math|np)\.(\w+)\(", re.sub(r"#.*|\"\"\".*\"\"\"", "", code)))
    exact = {"arange", "array", "broadcast_arrays", "ceil", "clip", "flatnonzero", "floor", "minimum", "searchsorted"}
    assert called <= exact | {"abs", "where"}


@pytest.mark.parametrize("made", [ExponentialDecay(1, 1, 0.5), PolynomialDecay(1, 3), InverseTimeDecay(1, 1, 1)])
def test_integers_are_learning_rates(made):
    assert type(made(1)) is float


def test_the_second_name_is_the_same_module_for_users():
    assert second_name.__all__ == schedules.__all__
    assert all(getattr(second_name, name) is getattr(schedules, name) for name in schedules.__all__)


def test_a_users_schedule_is_called_for_each_step():
    class Mine(LearningRateSchedule):
        def __init__(self, base):
            self.base = base

        def __call__(self, step):
            return self.base / (step + 1)

    assert Mine(1.0).rates(1, 3).tolist() == [0.5, 1 / 3, 0.25]
    with pytest.raises(ValueError, match="^expected a schedule from fastnn.schedules, no subclass of one; received"):
        schedules.serialize(Mine(1.0))
    with pytest.raises(NotImplementedError, match="expected LearningRateSchedule to define __call__"):
        LearningRateSchedule()(3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ExponentialDecay(0.1, 0, 0.9), "expected decay_steps to be more than 0. Received: decay_steps=0"),
        (lambda: ExponentialDecay("0.1", 1, 0.9), "expected initial_learning_rate to be a number"),
        (lambda: ExponentialDecay(0.1, 1, -0.9), "expected decay_rate to be at least 0"),
        (lambda: PolynomialDecay(0.1, -3), "expected decay_steps to be more than 0"),
        (lambda: PolynomialDecay(0.1, 3, power=0), "expected power to be more than 0"),
        (lambda: InverseTimeDecay(0.1, math.nan, 1), "expected decay_steps to be a finite number"),
        (lambda: PiecewiseConstantDecay([1, 2], [1.0, 2.0]), "expected one value more than boundaries"),
        (lambda: PiecewiseConstantDecay([2, 2], [1.0, 2.0, 3.0]), "expected boundaries that increase"),
        (lambda: CosineDecay(0.1, 10, warmup_steps=-1), "expected warmup_steps to be at least 0"),
        (lambda: CosineDecayRestarts(0.1, 10, t_mul=0.5), "expected t_mul to be at least 1"),
        (lambda: CosLog4(0.1, 0), "expected decay_steps to be more than 0"),
        (lambda: schedules.deserialize({"class_name": "CosinDecay", "config": {}}), ".*; did you mean 'CosineDecay'"),
        (lambda: schedules.deserialize({"class_name": "CosLog4", "config": {"x": 1}}), "CosLog4.. got an unexpected"),
        (lambda: schedules.deserialize(None), "expected a schedule"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


@pytest.fixture(autouse=True)
def _elementary(monkeypatch):
    for name in ("exp", "log", "cos"):
        if not hasattr(_core, name):
            monkeypatch.setattr(_core, name, getattr(math, name), raising=False)

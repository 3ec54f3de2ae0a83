"""Schedules of learning rates: Keras' numbers, the same for a step alone and for many, and what they refuse."""

import math
import os
import re
from pathlib import Path

import numpy as np
import pytest

from fastnn import schedules
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
EVERY = MADE | {"coslog4": lambda own: own.CosLog4(0.1, 30)}
STEPS = 50
# The rates of steps 1, 19 and 33.
BITS = {
    "exponential": "0x1.937b276315ae0p-4 0x1.33b9490466688p-4 0x1.f28333ba53fb4p-5",
    "exponential-staircase": "0x1.999999999999ap-4 0x1.4bc6a7ef9db24p-4 0x1.0cbd1244a6225p-4",
    "piecewise": "0x1.0000000000000p-1 0x1.999999999999ap-5 0x1.999999999999ap-5",
    "polynomial": "0x1.8523f67f4dbe0p-4 0x1.4de7ea5f84cb3p-8 0x1.a36e2eb1c432dp-14",
    "polynomial-power": "0x1.90440d386b078p-4 0x1.ed8fc79e65958p-6 0x1.47ae147ae147bp-7",
    "polynomial-square": "0x1.75a858793dd98p-4 0x1.4f0d844d013aap-7 0x1.47ae147ae147bp-7",
    "polynomial-cycle": "0x1.452073ebd6204p-4 0x1.8df5099bac925p-9 0x1.7ff048f486ec4p-10",
    "inverse-time": "0x1.88c46231188c4p-4 0x1.c3870e1c3870fp-5 0x1.535048b5c6701p-5",
    "inverse-time-staircase": "0x1.999999999999ap-4 0x1.0000000000000p-4 0x1.745d1745d1746p-5",
    "cosine": "0x1.97953629eaf7ap-4 0x1.4fbfa2399bcfdp-6 0x1.47ae147ae147cp-6",
    "cosine-warmup": "0x1.30463796ac9e0p-5 0x1.50a4db8eec07fp-4 0x1.47ae147ae147cp-6",
    "cosine-warmup-of-0": "0x1.97141d4dff4f2p-3 0x1.42be25cd25434p-10 0x0.0p+0",
    "restarts": "0x1.8551843eaf1c7p-4 0x1.448155aea7d34p-8 0x1.f4be9c700744dp-5",
    "restarts-equal": "0x1.8758b994935c2p-4 0x1.d27a0a49102d8p-7 0x1.6a6111ee6d013p-7",
    "restarts-slow": "0x1.727c9716ffb77p-4 0x1.47ade6b2566eap-9 0x1.fe3875ccf7c75p-5",
    "coslog4": "0x1.7d1ac22eb33a7p-4 0x1.6c7c32a82a5c8p-4 0x0.0p+0",
}


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


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_a_step_has_the_same_rate_alone_and_among_others(make):
    schedule = make(schedules)
    rates = schedule.rates(0, STEPS)
    assert rates.dtype == np.float64
    assert [schedule(step) for step in range(STEPS)] == rates.tolist()
    assert schedule.rates(17, 20).tolist() == rates[17:37].tolist()
    assert schedule.rates(3, 0).shape == (0,)
    steps = np.arange(6).reshape(2, 3)
    assert schedule(steps).tolist() == rates[:6].reshape(2, 3).tolist()


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
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


@pytest.mark.parametrize("name", EVERY)
def test_rates_have_these_bits_on_every_machine(name):
    """They decide the bits of trained weights."""
    rates = EVERY[name](schedules).rates(0, STEPS)[[1, 19, 33]]
    assert " ".join(rate.hex() for rate in rates.tolist()) == BITS[name]


def test_no_function_of_the_c_library_decides_a_rate():
    """Their last bit differs between systems: the rates would too."""
    code = Path(schedules.__file__).read_text()
    called = set(re.findall(r"\b(?:math|np)\.(\w+)\(", re.sub(r"#.*|\"\"\".*\"\"\"", "", code)))
    exact = {
        "arange",
        "array",
        "asarray",
        "broadcast_arrays",
        "ceil",
        "clip",
        "flatnonzero",
        "floor",
        "minimum",
        "searchsorted",
    }
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
        (lambda: ExponentialDecay(0.1, 0, 0.9), "expected decay_steps to be more than 0; received decay_steps=0"),
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

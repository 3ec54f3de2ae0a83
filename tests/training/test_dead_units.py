"""Moments, averages and statistics that fall become zero, never subnormal numbers, which are slow."""

import numpy as np
import pytest

import training_cases as cases
from arrays import same_bits
from fastnn import _core
from fastnn.layers import BatchNormalization, Dense
from fastnn.models import Sequential
from fastnn.optimizers import SGD

TRAINERS = {"float32": _core.Trainer32, "float64": _core.Trainer64}
SMALLEST = {"float32": 2.0**-100, "float64": 2.0**-900}
STEPS = 3000
# Factors by which moments of float64 would be subnormal after 2,000 steps, and stay so: 0.7 of the smallest number
# rounds to that number.
FAST = [
    ("sgd", {"momentum": 0.7}),
    ("adam", {"beta_1": 0.7, "beta_2": 0.7}),
    ("rmsprop", {"rho": 0.7, "momentum": 0.7, "centered": 1}),
    ("adadelta", {"rho": 0.7}),
    ("adamax", {"beta_1": 0.7, "beta_2": 0.7}),
    ("nadam", {"beta_1": 0.7, "beta_2": 0.7}),
    ("lion", {"beta_1": 0.7, "beta_2": 0.7}),
]


def trainer_of(optimizer, dtype):
    layers = [(cases.dense(4, 20, "relu"), {}), (cases.dense(20, 2, seed=1), {})]
    arrays = [((*d[:4], {name: w.astype(dtype) for name, w in d[4].items()}), options) for d, options in layers]
    return TRAINERS[dtype](4, arrays, ("mean_squared_error", {}), optimizer, 0)


def train(trainer, dtype, steps):
    x, y, _ = cases.data(8, 4, 2)
    order = np.tile(np.arange(8), steps)
    losses, layer = trainer.train(x.astype(dtype), y.astype(dtype), None, order, 8, np.full(steps, 0.001), None)
    assert layer is None
    return losses


def weights_of(trainer):
    return [w for layer in range(2) for w in trainer.weights(layer).values()]


def slots_of_dying_units(trainer):
    return {name: array for name, array in trainer.state()["slots"].items() if "/0/" in name}


@pytest.mark.parametrize("optimizer", [*cases.OPTIMIZERS, *FAST], ids=cases.case_id)
def test_moments_of_dead_units_become_zero_and_never_subnormal(optimizer, dtype):
    trainer = trainer_of(optimizer, dtype)
    train(trainer, dtype, 10)
    assert all(np.any(array) for array in slots_of_dying_units(trainer).values())
    trainer.set_weights(0, {"bias": np.full(20, -100, dtype)})  # no row reaches a unit's positive side again
    for _ in range(10):
        train(trainer, dtype, STEPS // 10)
        for name, array in slots_of_dying_units(trainer).items():
            assert np.all((array == 0) | (np.abs(array) >= SMALLEST[dtype])), name
        for array in [*weights_of(trainer), *trainer.state()["slots"].values()]:
            assert np.all((array == 0) | (np.abs(array) >= np.finfo(dtype).smallest_normal))
    if optimizer in FAST:
        assert not any(np.any(array) for array in slots_of_dying_units(trainer).values())

    other = trainer_of(optimizer, dtype)
    for layer in range(2):
        other.set_weights(layer, trainer.weights(layer))
    other.set_state(trainer.state())
    assert same_bits(train(trainer, dtype, 20), train(other, dtype, 20))
    pairs = zip(weights_of(trainer), weights_of(other), strict=True)
    assert all(same_bits(*pair) for pair in pairs)
    slots = other.state()["slots"]
    assert all(same_bits(array, slots[name]) for name, array in trainer.state()["slots"].items())


@pytest.mark.parametrize(
    "optimizer", [*cases.OPTIMIZERS, ("adagrad", {"initial_accumulator_value": 0})], ids=cases.case_id
)
def test_slots_of_tiny_gradients_become_zero_and_never_subnormal(optimizer, dtype):
    trainer = trainer_of(optimizer, dtype)
    x, y, _ = cases.data(8, 4, 2)
    tiny = np.full(8, 2.0**-68 if dtype == "float32" else 2.0**-518, dtype)  # the square of a gradient is subnormal
    trainer.train(x.astype(dtype), y.astype(dtype), tiny, None, 8, np.full(1, 0.001), None)
    for name, array in trainer.state()["slots"].items():
        assert np.all((array == 0) | (np.abs(array) >= SMALLEST[dtype])), name


def one_step(optimizer, dtype, iterations):
    trainer = trainer_of(optimizer, dtype)
    trainer.set_state({**trainer.state(), "iterations": iterations})
    before = weights_of(trainer)
    train(trainer, dtype, 1)
    return before, weights_of(trainer)


@pytest.mark.parametrize("optimizer", FAST[1:2] + FAST[4:6], ids=cases.case_id)
def test_bias_corrections_are_nothing_once_their_powers_are(optimizer, dtype):
    """0.7^1200 and 0.96^1200 are nothing beside 1; 0.7^2080 and 0.96^18000 are subnormal in float64."""
    _, first = one_step(optimizer, dtype, 1_200)
    for iterations in [2_080, 18_000, 1_000_000]:
        _, later = one_step(optimizer, dtype, iterations)
        assert all(same_bits(*pair) for pair in zip(first, later, strict=True))


def test_bias_corrections_count_while_their_powers_do():
    """A step of adam is longer by sqrt(1 - beta_2^n) / (1 - beta_1^n), which is 1 + 0.7^n / 2 here."""
    (before, early), (_, late) = (one_step(FAST[1], "float64", iterations) for iterations in (60, 1_200))
    moved = [[np.abs(after - w).sum() for w, after in zip(before, each, strict=True)] for each in (early, late)]
    assert sum(moved[0]) / sum(moved[1]) - 1 == pytest.approx(0.7**61 / 2, rel=0.01)


def test_averages_of_weights_that_are_0_become_zero_and_never_subnormal(dtype):
    layer = Dense(3, kernel_constraint="non_neg", use_bias=False, input_shape=(4,))
    model = Sequential([layer], dtype=dtype)
    model.compile(SGD(0, use_ema=True, ema_momentum=0.7), "mse")
    x, y, _ = cases.data(8, 4, 3)
    model.fit(x, y, verbose=0)
    layer.set_weights([np.full((4, 3), -1)])
    model.fit(x, y, epochs=STEPS, verbose=0)
    (average,) = (array for name, array in model._trainer.state()["slots"].items() if name.startswith("average"))
    assert not average.any()


def test_statistics_of_dead_units_become_zero_and_never_subnormal(dtype):
    layers = [Dense(4, "relu", input_shape=(4,)), BatchNormalization(momentum=0.7), Dense(2)]
    model = Sequential(layers, dtype=dtype)
    model.compile("sgd", "mse")
    x, y, _ = cases.data(8, 4, 2)
    model.fit(x, y, verbose=0)
    layers[0].set_weights([layers[0].kernel, np.full(4, -100)])
    model.fit(x, y, epochs=STEPS, verbose=0)
    assert not any(moving.any() for moving in layers[1].get_weights()[2:])

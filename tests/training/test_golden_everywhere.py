"""Golden trainings keep their bits with any number of threads and layout of rows, and through fit()."""

import numpy as np
import pytest

import golden_training as golden
from fastnn.layers import BatchNormalization, Dense, Dropout, PReLU
from fastnn.models import Sequential
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import LearningRateSchedule

LAYOUTS = {
    "fortran": np.asfortranarray,
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every third column": lambda x: np.repeat(x, 3, axis=1)[:, ::3],
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["sgd", "BatchNormalization", "sparse_categorical_crossentropy after=softplus"])
def test_layouts_of_rows_do_not_change_golden_bits(name, layout, dtype, isa):
    trained = golden.trained_bytes(name, dtype, LAYOUTS[layout])
    assert golden.short_hash(trained) == golden.GOLDEN[name, dtype]


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("name", ["shared", "BatchNormalization", "dropout"])
def test_threads_do_not_change_golden_bits(name, count, dtype, isa, threads):
    threads(count)
    assert golden.training_hash(name, dtype) == golden.GOLDEN[name, dtype]


class Listed(LearningRateSchedule):
    """The rates of a list."""

    def __init__(self, rates):
        self.listed = rates

    def __call__(self, step):
        return self.listed[step]


LAYERS = {
    "Dense": lambda units, activation, options: Dense(units, activation),
    "PReLU": lambda units, activation, options: PReLU(),
    "BatchNormalization": lambda units, activation, options: BatchNormalization(momentum=options["momentum"]),
    "Activation": lambda units, activation, options: Dropout(options["noise"][1], seed=options["noise"][2]),
}
FITS = {  # golden training -> arguments of compile() that are its own
    "adam": (Adam, "mean_squared_error"),
    "dropout": (SGD, "mean_squared_error"),
    "BatchNormalization": (SGD, "mean_squared_error"),
    "PReLU": (SGD, "mean_squared_error"),
    "categorical_crossentropy after=softmax": (Adam, "categorical_crossentropy"),
}


@pytest.mark.parametrize("name", FITS)
def test_fit_gives_golden_bits(name, dtype):
    layers, _, _, kind, batch_size = golden.CASES[name]
    x, y, weights, rates = golden.data(kind, batch_size)
    made = [LAYERS[kind](units, activation, options) for (kind, units, activation, *_), options in layers]
    model = Sequential(made, dtype=dtype)
    model.build((None, golden.INPUTS))
    model.set_weights([w for (*_, arrays), _ in layers for w in arrays.values()])
    optimizer, loss = FITS[name]
    model.compile(optimizer(Listed(rates)), loss)
    model.fit(x, y, batch_size=batch_size, sample_weight=weights, shuffle=False, seed=golden.SEED, verbose=0)
    named = [zip(layer.weight_shapes(1), layer.get_weights(), strict=True) for layer in model.layers]
    trained = [w for pairs in named for _, w in sorted(pairs)]
    expected = golden.trained_bytes(name, dtype)
    assert b"".join(w.tobytes() for w in trained) == expected[8 * len(rates) :]
    assert golden.short_hash(expected) == golden.GOLDEN[name, dtype]

"""What the tests of every engine predict: a model of numbers, one of text and gaps, and a table with more columns."""

import os
import signal
from pathlib import Path

import numpy as np

from arrays import uniform
from fastnn import FeatureSpace
from fastnn.layers import Dense
from fastnn.models import Sequential

ROWS = 5000  # more than two of DuckDB's vectors, and more than a batch of each test
X = uniform(1, (ROWS, 3))
NAMES = ("age", "größe", "weight of all")
NUMBERS = {"id": np.arange(ROWS), "weight of all": X[:, 2], "age": X[:, 0], "note": ["x"] * ROWS, "größe": X[:, 1]}

AGES = [None if i % 7 == 0 else i % 80 for i in range(ROWS)]
CITIES = [("Rome", "Oslo", None, "Ulm", "")[i % 5] for i in range(ROWS)]
PAID = [i % 3 == 0 for i in range(ROWS)]
MIXED = {"id": list(range(ROWS)), "city": CITIES, "paid": PAID, "age": AGES}


def of_numbers(units=3, activation="softmax", classes=None, kind=Sequential, dtype="float32"):
    """A model with feature_names."""
    model = kind([Dense(8, "tanh", input_shape=(3,)), Dense(units, activation)], dtype=dtype)
    model.set_weights([uniform(i, w.shape) * 2 for i, w in enumerate(model.get_weights())])
    model.feature_names = NAMES
    model.classes = classes
    return model


def of_text():
    """A model with a FeatureSpace."""
    types = {"age": "float_normalized", "city": "string_categorical", "paid": "boolean"}
    model = Sequential([FeatureSpace(types).adapt(MIXED), Dense(8, "tanh"), Dense(1, "sigmoid")])
    model.set_weights([uniform(i, w.shape) for i, w in enumerate(model.get_weights())])
    return model


def dying_model(marker):
    """of_numbers(), but the first process that predicts with it creates the file `marker` and is killed."""

    class Dying(Sequential):
        def predict(self, x):
            if not Path(marker).exists():
                Path(marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().predict(x)

    return of_numbers(kind=Dying)

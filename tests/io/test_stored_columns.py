"""A model file with columns of every type that stays as it is: every later release encodes tables to the same bits.

tests/data/fastnn/columns_version1.safetensors was written by written(), by the first release that had columns. It is
never written again. `python tests/io/test_stored_columns.py FILE` writes another file, for new types of columns.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

from fastnn import FeatureSpace, load_model
from fastnn.layers import Dense
from fastnn.models import Sequential

FILE = Path(__file__).parents[1] / "data/fastnn/columns_version1.safetensors"
TYPES = {
    "float": "float",
    "normalized": "float_normalized",
    "rescaled": FeatureSpace.float_rescaled(0.5, -1),
    "robust": "float_robust",
    "paid": "boolean",
    "city": "string_categorical",
    "zip": "integer_categorical",
}
TRAINING = {name: [1.5, -2, None, 8, 64] for name in list(TYPES)[:4]} | {
    "paid": [True, False, True, None, True],
    "city": ["Größe", "Rome", None, "Rome", "Oslo"],
    "zip": [1010, -7, 1010, 3, None],
}
TABLE = {name: [8, None, 1e6] for name in list(TYPES)[:4]} | {
    "paid": [None, True, False],
    "city": ["Größe", "Paris", ""],
    "zip": [None, 3, 4],
}
ROWS, ANSWERS = "2f7b7a2930e9c32f", "2f4d05a3a1dbc9f8"


def written(path):
    model = Sequential([FeatureSpace(TYPES).adapt(TRAINING), Dense(2, "tanh", name="hidden")], name="stored")
    shapes = [array.shape for array in model.get_weights()]
    model.set_weights([np.cos(np.arange(np.prod(shape))).reshape(shape) / 8 for shape in shapes])
    model.save(path)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def test_the_stored_model_encodes_and_predicts_to_the_bits_it_was_stored_with():
    model = load_model(FILE)
    assert digest(model.feature_space(TABLE)) == ROWS
    assert digest(model.predict(TABLE)) == ANSWERS


def test_the_stored_columns_are_those_that_adapt_learns_today():
    assert load_model(FILE).feature_space.get_config() == FeatureSpace(TYPES).adapt(TRAINING).get_config()


if __name__ == "__main__":
    written(sys.argv[1])
    stored = load_model(sys.argv[1])
    print(digest(stored.feature_space(TABLE)), digest(stored.predict(TABLE)))

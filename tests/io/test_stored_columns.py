"""A model file with columns of every type that stays as it is: every later release encodes tables to the same bits.

tests/data/fastnn/columns_version1.safetensors was written by written(), by the first release that had columns. It is
never written again; nor is columns_of_encoders_version1.safetensors, of columns as from_sklearn() makes them, which
refuse values or keep gaps. `python tests/io/test_stored_columns.py FILE` writes another file, for new types of columns.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn import FeatureSpace, load_model
from fastnn.layers import Dense
from fastnn.models import Sequential

DATA = Path(__file__).parents[1] / "data/fastnn"
FILE, OF_ENCODERS = DATA / "columns_version1.safetensors", DATA / "columns_of_encoders_version1.safetensors"
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
COLUMNS_OF_ENCODERS = [
    {"name": "age", "type": "float", "fill": None, "indicator": False},
    {"name": "city", "type": "string_categorical", "values": ["Rome", "NA", ""], "gap": False, "unknown": False},
    {"name": "zip", "type": "integer_categorical", "values": [3, -7], "gap": True, "unknown": False},
]


def written(path, space=None):
    space = FeatureSpace(TYPES).adapt(TRAINING) if space is None else space
    model = Sequential([space, Dense(2, "tanh", name="hidden")], name="stored")
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


def test_the_stored_columns_of_encoders_refuse_values_and_keep_gaps():
    model = load_model(OF_ENCODERS)
    assert model.feature_space.get_config()["columns"] == COLUMNS_OF_ENCODERS
    table = {"age": [8, None, 2.5], "city": ["Rome", "NA", ""], "zip": [None, -7, 3]}
    rows = [[8, 0, 1, 0, 0, 0, 0, 0, 1], [np.nan, 0, 0, 1, 0, 0, 0, 1, 0], [2.5, 0, 0, 0, 1, 0, 1, 0, 0]]
    assert np.array_equal(model.feature_space(table), rows, equal_nan=True)
    assert digest(model.predict(table)[[0, 2]]) == "8d7f70c74b8d4b6a"
    assert np.isnan(model.predict(table)[1]).all()
    for other in ({"city": ["Oslo"]}, {"city": [None]}, {"zip": [4]}):
        with pytest.raises(ValueError, match="which the encoder that this column came from refuses"):
            model.predict({"age": [8], "city": ["Rome"], "zip": [3]} | other)


if __name__ == "__main__":
    written(sys.argv[1])
    stored = load_model(sys.argv[1])
    print(digest(stored.feature_space(TABLE)), digest(stored.predict(TABLE)))

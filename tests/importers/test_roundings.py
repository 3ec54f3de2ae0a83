"""How far roundings move answers: as far at least as those that a source may make at any place of a layer."""

import numpy as np

from arrays import uniform
from fastnn import Sequential
from fastnn.importers.roundings import FLOAT32, FLOAT64, MOST_WEIGHTS, changes_of, precision_for
from fastnn.layers import Dense, LayerNormalization

UNIT = 2.0**-8  # of bfloat16


def changes(model, rows):
    return changes_of(model, "float64", rows, model.predict(rows).astype("f8"), UNIT, 0.0)


def test_the_rounding_of_a_sum_before_its_activation_is_seen():
    """A source in bfloat16 rounds x @ kernel, such as 30; exp() of that is off by 30 times a rounding."""
    model = Sequential([Dense(1, "exponential", input_shape=(1,))], dtype="float64")
    model.set_weights([np.full((1, 1), 1.3), np.zeros(1)])
    rows = np.abs(uniform(2, (400, 1))) * 10 + 10
    answers = model.predict(rows)
    assert (changes(model, rows) >= 0.5 * UNIT * np.log(answers) * answers).all()


def test_the_rounding_of_a_mean_alone_is_seen():
    model = Sequential([LayerNormalization(1e-5, input_shape=(1,))], dtype="float64")
    rows = np.abs(uniform(2, (50, 1))) + 1
    assert (changes(model, rows) >= 0.5 * UNIT * rows / np.sqrt(1e-5)).all()


def test_references_of_large_models_compute_in_float32():
    assert precision_for([np.zeros(MOST_WEIGHTS - 1), np.zeros(1)]) == FLOAT64
    assert precision_for([np.zeros(MOST_WEIGHTS), np.zeros(1)]) == FLOAT32

"""Bounds for each unit as import steps: what NumPy's minimum and maximum give, within few ulps."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import ModelFormatError
from fastnn.importers.fold import to_model
from fastnn.importers.steps import Bounds, Product

LOWS = {
    "below 0": [-1, -0.5, -3, -0.25, -2, -1e6],
    "above 0": [0.125, 1, 0.5, 3, 1e-3, 1e6],
    "of 0": [0] * 6,
    "of both signs": [-1, 0, 1, -0.5, 2, -1e-9],
    "some without": [-1, -np.inf, 0.5, -np.inf, 0, -1e6],
    "far": [-1e29, -1, 0, -3, -1e38, 0.5],
}


def bounded_rows(dtype):
    """Return rows of every size, of both signs."""
    x = uniform(4, (400, 6)) * 10.0 ** np.arange(-12, 8).repeat(20)[:, None]
    return np.vstack([x, np.zeros((1, 6)), np.full((1, 6), np.inf), np.full((1, 6), -np.inf)]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sides", ["low", "high", "both", "equal", "symmetric"])
@pytest.mark.parametrize("case", LOWS)
def test_bounds_for_each_unit_are_within_3_ulps_of_the_answer_or_of_a_millionth(case, sides, dtype):
    low = np.array(LOWS[case])
    none = np.full(6, np.inf)
    if sides == "symmetric":
        low = -np.abs(low)
    above = {"low": none, "high": -low, "both": np.abs(low) * 3 + 1, "equal": low, "symmetric": -low}[sides]
    below = -none if sides == "high" else low
    step = Bounds("bounds", *(each.astype(dtype).astype(np.float64) for each in (below, above)))
    x = bounded_rows(dtype)
    y = np.minimum(np.maximum(x, step.low), step.high).astype(dtype)
    for fold in (False, True):
        model, report = to_model([step], inputs=6, fold=fold, dtype=dtype)
        answers = model.predict(x)
        is_near = np.abs(y) < 2.0**100  # of larger ones, also infinity, all are as that
        off = np.abs(np.where(is_near, answers, 0).astype(np.float64) - np.where(is_near, y, 0))
        sizes = np.maximum(np.where(is_near, np.abs(y), 0), y.dtype.type(2.0**-20))
        assert (off <= 3 * np.spacing(sizes)).all()
        assert (np.abs(answers[~is_near]) >= 2.0**99).all()
        assert np.isnan(model.predict(np.full((1, 6), np.nan, dtype))).all()
        assert (
            "bounds",
            "bounds for each unit, by scales and shifts around one bound for all: within 3 ulps",
        ) in report


def test_bounds_of_opposite_numbers_are_one_clip():
    steps = [
        Product("product", uniform(1, (6, 5), "float32")),
        Bounds("bounds", -np.arange(1, 6) / 8, np.arange(1, 6) / 8),
    ]
    model, _ = to_model(steps)
    assert [(type(layer).__name__, layer.activation) for layer in model.layers] == [
        ("Dense", "hard_tanh"),
        ("Affine", "linear"),
    ]


@pytest.mark.parametrize("low", [[0, np.nan], [0, 2]])
def test_bounds_that_are_nan_or_the_wrong_way_round_are_refused(low):
    with pytest.raises(ModelFormatError, match="bounds: expected bounds that are numbers, none below above"):
        to_model([Bounds("bounds", np.float64(low), np.ones(2))])

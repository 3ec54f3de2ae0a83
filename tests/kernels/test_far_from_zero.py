"""Scalers of columns far from 0: nothing cancels that did not in the source."""

import numpy as np
import pytest

from arrays import uniform
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Product, Scale


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize(("mean", "deviation"), [(300, 2), (2000, 5), (1.7e9, 1e5), (-1e6, 1)])
def test_columns_far_from_0_lose_no_accuracy(mean, deviation, fold):
    mean, deviation = np.float64(np.float32(mean)), np.float64(deviation)
    kernel, bias = uniform(1, (4, 20), "float32"), uniform(2, 20, "float32")
    scale = Scale("scaler", np.full(4, 1 / deviation), np.full(4, -mean / deviation))
    model = convert("", [scale, Product("dense", kernel, bias), Function("dense", "tanh")], fold=fold)
    x = (uniform(3, (100, 4)) * deviation + mean).astype("float32")
    exact = np.tanh((x.astype("f8") - mean) / deviation @ kernel.astype("f8") + bias)
    # x - mean is exact; five sums, and the factors 1 / deviation, each rounded once: of numbers below 5.
    assert np.abs(model.predict(x) - exact).max() <= 5 * 8 * np.finfo("float32").eps


def test_a_mean_that_is_taken_off_first_is_told():
    scale = Scale("scaler", np.ones(2), np.array([0.0, 100.0]))
    model = convert("", [scale, Product("dense", np.ones((2, 3), "f4"))])
    assert [type(layer).__name__ for layer in model.layers] == ["Affine", "Dense"]
    assert [what for _, what in model.conversion.steps] == ["layer 0: Affine", "layer 1: Dense"]


@pytest.mark.parametrize("shift", [np.nan, np.inf, 0.0, 3.0])
def test_shifts_that_are_near_0_or_no_numbers_fold(shift):
    scale = Scale("scaler", np.ones(2), np.full(2, shift))
    model = convert("", [scale, Product("dense", np.ones((2, 3), "f4"))])
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]

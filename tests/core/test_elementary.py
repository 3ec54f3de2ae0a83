"""exp, log, sin and cos from IEEE operations: errors in ulp, special values, and bits that never change."""

import hashlib

import numpy as np
import pytest

from fastnn import _core

# Where, and the largest error allowed there. Measured over 4e5 numbers each: 0.77, 0.82, 0.77 and 0.77.
RANGES = {
    "exp": [(-708, 709.7, 0.8), (-1, 1, 0.8), (-745, -708, 0.8)],
    "log": [(0.5, 2, 0.85), (0.999, 1.001, 0.85), (0, 1e308, 0.85), (0, 1e-308, 0.85)],
    "sin": [(-4, 4, 0.8), (-(2**20), 2**20, 0.8)],
    "cos": [(-4, 4, 0.8), (-(2**20), 2**20, 0.8)],
}


def numbers(low, high):
    return low + (high - low) * _core.uniform(100_000, 1, 1)


def errors(name, x):
    exact = getattr(np, name)(x.astype(np.longdouble))
    return np.abs((getattr(_core, name)(x) - exact) / np.spacing(np.abs(exact.astype(np.float64)))).max()


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="NumPy's longdouble is no longer than float64 here")
@pytest.mark.parametrize(
    ("name", "low", "high", "most"), [(name, *each) for name, ranges in RANGES.items() for each in ranges]
)
def test_errors_are_below_an_ulp(name, low, high, most):
    assert errors(name, numbers(low, high)) < most


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="NumPy's longdouble is no longer than float64 here")
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sin_and_cos_are_exact_where_they_are_almost_0(name):
    assert errors(name, np.arange(1, 660_000, dtype=np.float64) * (np.pi / 2)) < 1.1


def test_special_values():
    inf, nan = np.inf, np.nan
    np.testing.assert_array_equal(
        _core.exp(np.array([0, -0.0, inf, -inf, nan, 710, -746])), [1, 1, inf, 0, nan, inf, 0]
    )
    np.testing.assert_array_equal(_core.log(np.array([1, 0, -0.0, inf, -1, nan])), [0, -inf, -inf, inf, nan, nan])
    np.testing.assert_array_equal(_core.cos(np.array([0, -0.0, inf, nan, 2.0**21])), [1, 1, nan, nan, nan])
    assert np.signbit(_core.sin(np.array([0, -0.0]))).tolist() == [False, True]


def test_numbers_give_numbers_and_arrays_arrays_of_their_shape():
    assert type(_core.exp(1)) is float
    assert _core.exp(1.0) == np.e
    assert _core.cos(np.zeros((2, 3), np.float32)).shape == (2, 3)


def test_the_bits_never_change():
    for name, expected in HASHES.items():
        x = numbers(*RANGES[name][0][:2])
        assert hashlib.sha256(getattr(_core, name)(x).tobytes()).hexdigest()[:16] == expected


HASHES = {"exp": "175fcb34bf80f45b", "log": "e6a32479fe222300", "sin": "ac6d45fdd97b6419", "cos": "cf92a9c273fb5da4"}

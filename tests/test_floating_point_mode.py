"""A call works in the default floating-point mode and leaves the caller's as it found it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import floating_point as fp
from conftest import activation_model, network, same_bits, uniform

pytestmark = fp.needs_mxcsr

MODES = {
    "flush to zero": fp.DEFAULT | fp.FLUSH_TO_ZERO | fp.DENORMALS_ARE_ZERO,
    "round down": fp.DEFAULT | fp.ROUND_DOWN,
    "round up": fp.DEFAULT | fp.ROUND_UP,
    "round to zero": fp.DEFAULT | fp.ROUND_TO_ZERO,
    "overflow and invalid unmasked": fp.DEFAULT & ~0x0480,
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_the_callers_mode_changes_no_bit_and_comes_back(mode, dtype, isa):
    model = network([5, 40, 3], ["tanh", "sigmoid"], dtype)
    x = uniform(1, (100, 5), dtype)
    x[::7] *= np.finfo(dtype).smallest_subnormal * 1000
    expected = model.predict(x)
    out = np.empty_like(expected)
    fp.set_mxcsr(mode)
    try:
        model.predict(x, out=out)
        after = fp.mxcsr()
    finally:
        fp.set_mxcsr(fp.DEFAULT)
    assert after == mode
    assert same_bits(out, expected)


def test_importing_fastnn_leaves_the_mode_alone():
    code = "import numpy, floating_point as fp; before = fp.mxcsr(); import fastnn; assert fp.mxcsr() == before, before"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


# Numbers between two of the model's, both signs; beyond its range; below its normal range. Each is rounded once.
CONVERTED = {
    ("float64", "float32"): [1 / 3, -1 / 3, 1 + 2**-24, 1e300, -1e300, 1e-40, -1e-40, 1e-300, 5e-324],
    ("int64", "float32"): [2**24 + 1, -(2**24) - 3, 2**63 - 1, -(2**63) + 1, 0, 7],
    ("float32", "float64"): [1e-40, -1e-45, 1 / 3, -3e38, np.inf, 0],
    ("int64", "float64"): [2**53 + 1, -(2**53) - 3, 2**63 - 1, -(2**63) + 1, 0, 7],
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize(("given", "dtype"), CONVERTED, ids=" to ".join)
@pytest.mark.parametrize("method", ["predict", "representations"])
def test_conversion_of_x_keeps_its_bits_in_the_callers_mode(mode, given, dtype, method):
    x = np.array([CONVERTED[given, dtype]], given)
    model = activation_model("linear", x.shape[1], dtype)
    with np.errstate(all="ignore"):
        expected = x.astype(dtype)
    call = {"predict": model.predict, "representations": lambda x: model.representations(x)[0]}[method]
    call(x)  # builds the network
    fp.set_mxcsr(mode)
    try:
        answer = call(x)
        after = fp.mxcsr()
    finally:
        fp.set_mxcsr(fp.DEFAULT)
    assert after == mode
    assert same_bits(answer, expected)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_weights_are_converted_to_nearest_in_any_mode(mode):
    model = network([5, 40, 3], ["tanh", "linear"], "float32")
    weights = [uniform(i, w.shape) * 1e-38 / 3 for i, w in enumerate(model.get_weights())]  # also to subnormals
    model.set_weights(weights)
    expected = model.get_weights()
    fp.set_mxcsr(mode)
    try:
        model.set_weights(weights)
        after = fp.mxcsr()
    finally:
        fp.set_mxcsr(fp.DEFAULT)
    assert after == mode
    assert all(map(same_bits, model.get_weights(), expected))

"""A call works in the default floating-point mode and leaves the caller's as it found it."""

import numpy as np
import pytest

import fastnn
import floating_point as fp
from arrays import same_bits, uniform
from compiled import ROOT
from processes import run_python
from sequentials import activation_model, every_layer, network

pytestmark = fp.needs_mxcsr

MODES = {
    "flush to zero": fp.DEFAULT | fp.FLUSH_TO_ZERO | fp.DENORMALS_ARE_ZERO,
    "round down": fp.DEFAULT | fp.ROUND_DOWN,
    "round up": fp.DEFAULT | fp.ROUND_UP,
    "round to zero": fp.DEFAULT | fp.ROUND_TO_ZERO,
    "overflow and invalid unmasked": fp.DEFAULT & ~0x0480,
    "all exceptions unmasked": fp.DEFAULT & ~0x1F80,
}


def in_mode(mode, call):
    """What call() returns in a mode, which it must leave as it was."""
    fp.set_mxcsr(mode)
    try:
        result = call()
        after = fp.mxcsr()
    finally:
        fp.set_mxcsr(fp.DEFAULT)
    assert after == mode
    return result


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_the_callers_mode_changes_no_bit_and_comes_back(mode, dtype, isa):
    model = network([5, 40, 3], ["tanh", "sigmoid"], dtype)
    x = uniform(1, (100, 5), dtype)
    x[::7] *= np.finfo(dtype).smallest_subnormal * 1000
    expected = model.predict(x)
    out = np.full_like(expected, np.nan)
    in_mode(mode, lambda: model.predict(x, out=out))
    assert same_bits(out, expected)


def test_importing_fastnn_leaves_the_mode_alone():
    code = "import numpy, floating_point as fp; before = fp.mxcsr(); import fastnn; assert fp.mxcsr() == before, before"
    run_python(code)


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
    assert same_bits(in_mode(mode, lambda: call(x)), expected)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_weights_are_converted_to_nearest_in_any_mode(mode):
    model = network([5, 40, 3], ["tanh", "linear"], "float32")
    weights = [uniform(i, w.shape) * 1e-38 / 3 for i, w in enumerate(model.get_weights())]  # also to subnormals
    model.set_weights(weights)
    expected = model.get_weights()
    in_mode(mode, lambda: model.set_weights(weights))
    assert all(map(same_bits, model.get_weights(), expected))


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_no_layer_knows_the_callers_mode(mode, dtype, isa):
    model, x = every_layer(dtype), uniform(1, (100, 5), dtype)
    expected = [answer.tobytes() for answer in model.representations(x)]
    assert in_mode(mode, lambda: [answer.tobytes() for answer in model.representations(x)]) == expected


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_threads_made_in_the_callers_mode_do_not_compute_in_it(mode):
    model, x = network([64, 100, 10], ["tanh", "softmax"], "float32"), uniform(1, (9000, 64), "float32")
    expected, before = model.predict(x), fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(20 + list(MODES.values()).index(mode))  # one thread more than ever
        answers = in_mode(mode, lambda: [model.predict(x) for _ in range(5)])
    finally:
        fastnn.set_num_threads(before)
    assert all(same_bits(answer, expected) for answer in answers)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_files_are_written_and_read_the_same_in_any_mode(mode, dtype, path):
    model = every_layer(dtype)
    model.save(path)
    content = path.read_bytes()
    in_mode(mode, lambda: model.save(path))
    assert path.read_bytes() == content
    loaded = in_mode(mode, lambda: fastnn.load_model(path))
    assert [layer.parameters for layer in loaded.layers] == [layer.parameters for layer in model.layers]
    assert loaded.fingerprint() == in_mode(mode, model.fingerprint) == model.fingerprint()


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("torch_digits.state_dict.pt", "numpy"),  # with a BatchNormalization that is folded
        ("keras_activations.h5", "h5py"),
        ("torch_activations.legacy.onnx", "onnx"),
    ],
)
def test_other_tools_files_become_the_same_model_in_any_mode(mode, file, package):
    pytest.importorskip(package)
    options = {"layers": ["relu", "linear", "tanh", "linear"]} if "state_dict" in file else {}

    def load():
        return fastnn.load_model(ROOT / "tests/data" / file, **options).fingerprint()

    assert in_mode(mode, load) == load()

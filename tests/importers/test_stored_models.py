"""Models that Keras, PyTorch, skl2onnx and tf2onnx wrote themselves, with their own answers: fastnn's are as near.

`x` and `y` (of classifiers `proba` and `predict`) of a model are in <model>.expected.npz.
"""

import io
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn.importers import report
from fastnn.layers import Affine
from fastnn.models import load_model
from state_dicts import state_dict_bytes
from stored_models import FILES, MODELS, stored

# The ulps that the tool's own float32 answers are away from exact ones, where these are more than 8: one row of digits,
# whose answer moves by 9.6 with the roundings of the sums before it.
TOOLS_OWN = {"keras_digits": 9.7}


def exact_answers(model, x):
    """A Dense network's answers in float64."""
    for layer in model.layers:
        weights = [array.astype(np.float64) for array in layer.get_weights()]
        x = (x * weights[0] if isinstance(layer, Affine) else x @ weights[0]) + weights[1]
        if layer.activation == "relu":
            x = np.maximum(x, 0)
        elif layer.activation == "softmax":
            x = np.exp(x - x.max(axis=1, keepdims=True))
            x /= x.sum(axis=1, keepdims=True)
    return x


def ulps(a, b, y):
    """As docs/numerics.md defines them: of the larger of the row's largest answer and the output's mean size."""
    size = np.maximum(np.abs(y).max(axis=1, keepdims=True), np.abs(y.astype(np.float64)).mean(axis=0))
    return (np.abs(a.astype(np.float64) - b) / np.spacing(size.astype(y.dtype))).max()


@pytest.mark.parametrize("fold", [True, False], ids=["folded", "unfolded"])
@pytest.mark.parametrize("file", FILES)
def test_answers_are_within_8_ulps_of_the_tools_own(file, fold):
    x, y, labels, options = stored(file)
    model = load_model(MODELS / file, fold=fold, check=(x, y), **options)
    assert model.conversion.difference.rows == len(x)
    assert model.conversion.difference.ulps == ulps(model.predict(x), y, y)
    own = TOOLS_OWN.get(file.split(".")[0], 0)
    assert ulps(model.predict(x), y, y) <= max(8, own + 2)
    if own:  # not nearer to the tool than it is to exact answers; nearer to these
        unfolded = load_model(MODELS / file, fold=False)
        exact = exact_answers(unfolded, x)
        assert 8 < ulps(y, exact, y) <= own
        assert ulps(model.predict(x), exact, y) <= 8
    if labels is not None:
        assert (model.predict_classes(x) == labels).all()


@pytest.mark.parametrize("file", FILES)
def test_a_conversion_tells_what_became_of_each_layer(file):
    model = load_model(MODELS / file, **stored(file)[3])
    assert model.conversion.difference is None
    assert len(model.conversion.steps) >= len(model.layers)
    for i in range(len(model.layers)):
        assert any(f"layer {i}" in what for _, what in model.conversion.steps)
    assert model.conversion.verification.rows == 37
    assert len(str(model.conversion).splitlines()) == 2 + len(model.conversion.steps)


@pytest.mark.parametrize("file", FILES)
def test_what_was_converted_is_saved_and_exported_as_it_is(file, tmp_path):
    model = load_model(MODELS / file, **stored(file)[3])
    model.save(tmp_path / "model.safetensors")
    model.export(tmp_path / "model.onnx")
    assert load_model(tmp_path / "model.safetensors") == model
    assert load_model(tmp_path / "model.onnx", fold=False).classes == model.classes
    x = stored(file)[0]
    again = load_model(tmp_path / "model.onnx", fold=False)
    assert ulps(again.predict(x), model.predict(x).astype(np.float64), model.predict(x)) <= 8


def test_the_content_decides_not_the_name(tmp_path):
    x, y, _, _ = stored("keras_digits.keras")
    for file in ("keras_digits.keras", "keras_digits.h5", "keras_digits.tf2onnx.onnx"):
        copy = tmp_path / "model.safetensors"
        copy.write_bytes((MODELS / file).read_bytes())
        assert ulps(load_model(copy).predict(x), y, y) <= 12


@pytest.mark.parametrize("file", ["torch_digits.state_dict.pt", "torch_digits.state_dict.safetensors"])
def test_a_state_dict_without_its_activations_asks_for_them(file):
    with pytest.raises(ValueError, match="layers=") as error:
        load_model(MODELS / file)
    assert file in str(error.value)


@pytest.mark.parametrize("file", ["keras_digits.keras", "keras_digits.tf2onnx.onnx"])
def test_layers_are_for_state_dicts_alone(file):
    with pytest.raises(ValueError, match="expected layers only with .* received an? "):
        load_model(MODELS / file, layers=["relu"])


@pytest.mark.parametrize(
    "check", [([[1.0]],), "x", (np.zeros((2, 64)), np.zeros((3, 10))), (np.zeros((2, 64)), np.zeros(3))], ids=repr
)
def test_a_check_without_answers_that_fit_is_refused(check):
    with pytest.raises(ValueError, match=r"^expected "):
        load_model(MODELS / "keras_digits.keras", check=check)


def test_answers_that_are_not_finite_alike_are_no_difference():
    model = fastnn.Sequential([fastnn.layers.Activation("relu")])
    x = np.array([[np.nan, 1.0], [np.inf, 2.0], [3.0, 4.0]], "float32")
    with np.errstate(invalid="raise"):
        difference = report.of_own_file(model, "", (x, model.predict(x))).difference
    assert (difference.ulps, difference.absolute) == (0, 0)


@pytest.mark.parametrize("dtype", ["complex128", "S12", "U3", "V8", "M8[s]", "m8[s]", "object", [("a", "f8")]], ids=str)
def test_answers_that_are_no_real_numbers_are_refused_as_such_rows_are(dtype):
    model = fastnn.Sequential([fastnn.layers.Activation("relu")])
    numbers = np.zeros((4, 2))
    others = numbers.astype(dtype) if dtype not in ("M8[s]", "m8[s]") else np.zeros((4, 2), dtype)
    for check in [(others, numbers), (numbers, others)]:
        with pytest.raises(
            TypeError, match=r"^expected .*an array of real numbers; received ndarray of dtype "
        ) as error:
            report.of_own_file(model, "", check)
        assert str(others.dtype) in str(error.value)


def test_answers_in_bfloat16_are_numbers():
    y = np.full((4, 2), 1.5, pytest.importorskip("ml_dtypes").bfloat16)
    model = fastnn.Sequential([fastnn.layers.Activation("relu")])
    assert report.of_own_file(model, "", (y.astype("float32"), y)).difference.absolute == 0


@pytest.mark.parametrize(
    ("dtype", "answer", "ulps", "absolute"),
    [
        ("float32", 1e300, 1e300 / 2.0**104, 1e300),
        ("float32", -3.4e38, 3.4e38 / 2.0**104, 3.4e38),
        ("float32", np.finfo("float32").max, 2.0**24 - 1, np.finfo("float32").max),
        ("float64", np.finfo("float64").max, 2.0**53 - 1, np.finfo("float64").max),
        ("float32", np.inf, np.inf, np.inf),
        ("float64", np.longdouble("1e4000"), np.inf, np.inf),
    ],
    ids=str,
)
def test_answers_beyond_the_models_numbers_are_told_without_a_warning(dtype, answer, ulps, absolute):
    model = fastnn.Sequential([fastnn.layers.Activation("relu")], dtype=dtype)
    y = np.array([[answer, 0]])
    difference = report.of_own_file(model, "", (np.zeros((1, 2)), y)).difference
    assert (difference.ulps, difference.absolute) == (ulps, absolute)


def difference(y, off=0.0, dtype="float32"):
    """The difference that is reported for a model that answers as y says, and `off` more."""
    model = fastnn.Sequential([fastnn.layers.Activation("linear")], dtype=dtype)
    return report.of_own_file(model, "", ((np.asarray(y, np.float64) + off).astype(dtype), np.asarray(y))).difference


def test_an_answer_near_zero_is_measured_by_the_size_of_its_output():
    """It is the difference of larger numbers, and has their rounding."""
    assert difference([[1.0], [-1.0], [2.0**-20]], 2.0**-24).ulps == 1
    assert difference([[1.0, 2.0**-10], [1.0, -(2.0**-10)]], 2.0**-23).ulps == 1  # of the row's largest


def test_a_huge_answer_does_not_hide_errors_of_others():
    assert difference([[1e6], *[[1.0]] * 999], [[0.0]] + [[0.1]] * 999).ulps > 800


def test_gaps_and_infinities_do_not_change_the_measure():
    assert difference([[1.0, np.nan], [np.inf, 1.0]], [[2.0**-23, 0.0], [0.0, 0.0]]).ulps == 1


@pytest.mark.parametrize(
    ("model", "answers", "ulps"),
    [
        ("float32", "float32", "float32"),
        ("float32", "float64", "float32"),
        ("float64", "float16", "float32"),
        ("float64", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("float64", "int64", "float64"),
    ],
)
def test_ulps_are_those_of_float32_unless_both_sides_are_float64(model, answers, ulps):
    found = difference(np.ones((2, 1), answers), np.finfo(ulps).eps, model)
    assert (found.ulps, found.dtype) == (1, ulps)
    assert str(found).startswith(f"largest difference over 2 rows: 1 ulp of {ulps}, ")


def test_difference_of_numbers_far_apart_is_infinite_without_a_warning():
    model = fastnn.Sequential([fastnn.layers.Activation("linear")], dtype="float64")
    difference = report.of_own_file(model, "", ([[1e308]], [[-1e308]])).difference
    assert (difference.ulps, difference.absolute) == (np.inf, np.inf)


@pytest.mark.parametrize("length", [1, 60, 200])
def test_a_state_dict_is_known_by_its_content_whatever_the_name_of_its_members(tmp_path, length):
    tensors = {"0.weight": np.ones((2, 3), "<f4")}
    data = state_dict_bytes(tensors)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(tmp_path / "sd.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name.replace("sd/", "s" * length + "/"), old.read(name))
    assert load_model(tmp_path / "sd.pt", layers=["relu"]).layers[0].units == 2


def test_activations_of_a_state_dict_have_pytorchs_defaults():
    model = fastnn.from_torch_state_dict({"weight": -np.ones((1, 1), "<f4")}, ["leaky_relu"])
    assert model.predict([[1.0]]) == np.float32(-0.01)

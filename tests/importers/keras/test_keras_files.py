"""Keras' files, .keras and .h5, become models without Keras: those that it wrote, and the forms of its releases."""

import json
import sys
import zipfile

import numpy as np
import pytest

from arrays import same_bits, uniform
from compiled import ROOT
from keras_files import (
    BIAS,
    KERNEL,
    ROWS,
    dense,
    functional,
    given,
    h5py,
    keras_3,
    layer,
    legacy,
    one_dense,
    saved,
    sequential,
)  # fmt: skip
from opened import load_keras as load
from processes import run_python

MODELS = ROOT / "tests/data"
SUMS = ROWS.astype(np.float64) @ KERNEL + BIAS
WEIGHTS_3 = {"dense/vars/0": KERNEL, "dense/vars/1": BIAS}
WEIGHTS_2 = {"d/d/kernel:0": KERNEL, "d/d/bias:0": BIAS}


def assert_near(answers, wanted):
    """Within 8 ulps of the row's largest number: sums of four products, once or twice, and an activation of 2 ulps."""
    wanted = np.asarray(wanted, np.float64)
    limit = 8 * np.spacing(np.abs(wanted).max(axis=-1, keepdims=True).astype("f4"))
    assert (np.abs(answers - wanted) <= limit).all()


def stored(name):
    with np.load(MODELS / f"{name}.expected.npz") as content:
        return content["x"], content["y"]


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize(
    ("name", "fold"),
    [("activations", True), ("activations", False), ("diabetes", True), ("diabetes", False), ("digits", False)],
)
def test_a_stored_model_answers_as_keras_did(name, fold, kind):
    x, y = stored(f"keras_{name}")
    model = load(MODELS / f"keras_{name}.{kind}", fold=fold, check=(x, y))
    assert model.conversion.difference.ulps <= 8
    assert model.conversion.difference.rows == len(x)


def exact_digits(x):
    """What keras_digits.h5 computes, in float64: Rescaling, Dense, BatchNormalization, Dense, Dense."""
    with h5py.File(MODELS / "keras_digits.h5") as file:

        def numbers(name):
            group = file[f"model_weights/{name}/sequential/{name}"]
            return {key: group[key][()].astype(np.float64) for key in group}

        norm, *layers = (numbers(each) for each in ("batch_normalization", "dense", "dense_1", "dense_2"))
    hidden = np.maximum(x / 16.0 @ layers[0]["kernel"] + layers[0]["bias"], 0)
    hidden = (hidden - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3) * norm["gamma"] + norm["beta"]
    sums = np.maximum(hidden @ layers[1]["kernel"] + layers[1]["bias"], 0) @ layers[2]["kernel"] + layers[2]["bias"]
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("fold", [True, False])
def test_the_digits_are_as_near_to_exact_as_keras_answers(fold):
    """Keras' own are 9.5 ulps off: a softmax makes absolute errors of sums up to 17 relative ones."""
    x, y = stored("keras_digits")
    exact = exact_digits(x)
    own = np.abs(load(MODELS / "keras_digits.keras", fold=fold).predict(x) - exact).max()
    assert own <= np.abs(y - exact).max()


@pytest.mark.parametrize("name", ["activations", "diabetes", "digits"])
def test_both_kinds_of_a_stored_model_are_the_same_model(name):
    x, _ = stored(f"keras_{name}")
    answers = [load(MODELS / f"keras_{name}.{kind}").predict(x) for kind in ("keras", "h5")]
    assert same_bits(*answers)


def test_the_name_and_the_report_are_the_files():
    model = load(MODELS / "keras_digits.keras")
    assert model.name == "sequential"
    assert (
        "layer 'dropout' (Dropout)",
        "nothing, since it changes no prediction in float32",
    ) in model.conversion.steps
    assert model.classes is None


def test_keras_is_not_imported():
    code = f"import sys, fastnn; fastnn.load_model({str(MODELS / 'keras_digits.keras')!r}); "
    code += "assert not {'keras', 'tensorflow', 'torch', 'jax'} & sys.modules.keys()"
    run_python(code)


def test_a_missing_h5py_is_told_with_the_command(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.keras", one_dense())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install h5py"):
        load(path)


@pytest.mark.parametrize(
    "form", ["keras", "compressed", "2.13", "h5 of Keras 3", "h5 of Keras 2", "Keras 2.1", "newest HDF5"]
)
def test_each_form_of_a_file_is_read(tmp_path, form):
    model = sequential(given(), dense(activation="tanh"))
    old = sequential(dense(activation="tanh", batch_input_shape=[None, 4]))
    content = {
        "keras": lambda: keras_3(model, WEIGHTS_3),
        "compressed": lambda: keras_3(model, WEIGHTS_3, kind=zipfile.ZIP_DEFLATED),
        "2.13": lambda: keras_3(model, WEIGHTS_3, "2.13.1", root="_layer_checkpoint_dependencies"),
        "newest HDF5": lambda: legacy(model, WEIGHTS_2, libver="latest"),
        "h5 of Keras 3": lambda: legacy(model, {"d/made/d/kernel": KERNEL, "d/made/d/bias": BIAS}, "3.0.0"),
        "h5 of Keras 2": lambda: legacy(old, WEIGHTS_2, attributes={("", "keras_version"): np.bytes_("2.4.0")}),
        "Keras 2.1": lambda: legacy(
            {"class_name": "Sequential", "config": old["config"]["layers"]}, WEIGHTS_2, "2.1.0"
        ),
    }[form]
    assert_near(load(saved(tmp_path / "m", content())).predict(ROWS), np.tanh(SUMS))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_each_dtype_of_weights_is_read(tmp_path, dtype, kind):
    if dtype == "bfloat16":
        raw = [(each.view(np.uint32) >> 16).astype("<u2").view("V2") for each in (KERNEL, BIAS)]
        kernel, bias = ((each.view(np.uint32) >> 16 << 16).view(np.float32) for each in (KERNEL, BIAS))
    else:
        kernel, bias = raw = [each.astype(dtype) for each in (KERNEL, BIAS)]
    config = sequential(given(), dense(dtype="float32" if dtype == ">f4" else dtype))
    if kind == "keras":
        marks = {(f"layers/dense/vars/{i}", "dtype"): "bfloat16" for i in (0, 1)} if dtype == "bfloat16" else {}
        content = keras_3(config, {"dense/vars/0": raw[0], "dense/vars/1": raw[1]}, attributes=marks)
    else:
        content = legacy(config, {"d/d/kernel:0": raw[0], "d/d/bias:0": raw[1]})
    model = load(saved(tmp_path / "m", content))
    assert model.dtype == ("float64" if dtype == "float64" else "float32")
    assert all((own == each).all() for own, each in zip(model.layers[0].get_weights(), (kernel, bias), strict=True))


def keras_2_node(name):
    return [[name, 0, 0, {}]]


@pytest.mark.parametrize("node", [None, keras_2_node, lambda name: [name, 0, 0, {}]], ids=["3", "2", "2, one"])
@pytest.mark.parametrize("ends", [None, ([["x", 0, 0]], [["d", 0, 0]]), ({"a": ["x", 0, 0]}, {"b": ["d", 0, 0]})])
def test_a_functional_model_in_a_row_is_read(tmp_path, node, ends):
    config = functional(given(), dense(), node=node, ends=ends, class_name="Model" if node else "Functional")
    assert_near(load(saved(tmp_path / "m", keras_3(config, WEIGHTS_3))).predict(ROWS), SUMS)


def test_the_order_of_computing_is_that_of_the_graph_and_numbers_that_of_the_file(tmp_path):
    config = functional(given(), dense("a"), dense("b", units=2))
    config["config"]["layers"] = config["config"]["layers"][::-1]  # b is the first Dense of the file
    weights = {
        "dense/vars/0": KERNEL.T[:, :2],
        "dense/vars/1": BIAS[:2],
        "dense_1/vars/0": KERNEL,
        "dense_1/vars/1": BIAS,
    }
    answers = load(saved(tmp_path / "m", keras_3(config, weights))).predict(ROWS)
    assert_near(answers, SUMS @ KERNEL.T[:, :2] + BIAS[:2])


def test_models_within_models_are_read(tmp_path):
    inner = sequential(given(name="y"), dense("e"), name="inner")
    outer = functional(given(), inner, dense("e", units=4), name="outer")
    again = uniform(5, (3, 4), "float32")
    wanted = SUMS @ again + uniform(6, 4)
    three = {"sequential/layers/dense/vars/0": KERNEL, "sequential/layers/dense/vars/1": BIAS,
             "dense/vars/0": again, "dense/vars/1": uniform(6, 4, "float32")}  # fmt: skip
    two = {
        "inner/e/kernel:0": KERNEL,
        "inner/e/bias:0": BIAS,
        "e/e/kernel:0": again,
        "e/e/bias:0": three["dense/vars/1"],
    }
    for content in (keras_3(outer, three), legacy(outer, two)):
        assert_near(load(saved(tmp_path / "m", content)).predict(ROWS), wanted)


def test_layers_of_one_name_in_two_models_within_are_told_apart(tmp_path):
    first, second = (sequential(dense("e", units=n), name=name) for n, name in ((3, "a"), (4, "b")))
    config = sequential(given(), sequential(first, second, name="c"))
    again = {"kernel": uniform(5, (3, 4), "float32"), "bias": uniform(6, 4, "float32")}
    weights = {f"c/c/b/e/{key}": numbers for key, numbers in again.items()}
    weights |= {"c/c/a/e/kernel": KERNEL, "c/c/a/e/bias": BIAS}
    answers = load(saved(tmp_path / "m", legacy(config, weights, "3.0.0"))).predict(ROWS)
    assert_near(answers, SUMS @ again["kernel"] + again["bias"])


def test_a_config_larger_than_an_attribute_may_be_is_read(tmp_path):
    many = [layer("Dropout", f"dropout_{i}", rate=0.5, seed=None, note=None) for i in range(1000)]
    config = sequential(given(), *many, dense())
    assert len(json.dumps(config)) > 64512
    assert_near(load(saved(tmp_path / "m", legacy(config, WEIGHTS_2))).predict(ROWS), SUMS)


def test_a_file_is_closed_and_its_weights_are_the_models_own(tmp_path):
    path = saved(tmp_path / "m", one_dense())  # an open file would be a ResourceWarning, which is an error here
    model = load(path)
    path.write_bytes(b"")
    assert_near(model.predict(ROWS), SUMS)


@pytest.mark.parametrize("activation", [None, "linear", {"module": "keras.activations", "class_name": "function",
                                                         "config": "linear"}])  # fmt: skip
def test_an_activation_may_be_missing_a_name_or_one_of_keras_functions(tmp_path, activation):
    config = sequential(given(), dense(activation=activation))
    (read,) = load(saved(tmp_path / "m", keras_3(config, WEIGHTS_3))).layers
    assert read.activation == "linear"


@pytest.mark.parametrize("class_name", ["BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"])
def test_a_batch_normalization_is_read_under_each_name_that_tensorflow_gave_it(tmp_path, class_name):
    norm = {name: uniform(4 + i, 3, "float32") + 2 for i, name in enumerate(("gamma", "beta", "mean", "variance"))}
    config = sequential(given(), dense(), layer(class_name, "n", axis=[1], epsilon=1e-3, momentum=0.99, scale=True))
    weights = WEIGHTS_2 | {f"n/n/{name}:0": norm[name] for name in ("gamma", "beta")}
    weights |= {f"n/n/moving_{name}:0": norm[name] for name in ("mean", "variance")}
    model = load(saved(tmp_path / "m.h5", legacy(config, weights, version="2.2.4-tf")))
    assert_near(
        model.predict(ROWS), (SUMS - norm["mean"]) / np.sqrt(norm["variance"] + 1e-3) * norm["gamma"] + norm["beta"]
    )


@pytest.mark.parametrize(
    ("kind", "numbers", "function"),
    [
        ("ReLU", {"max_value": 0.5, "negative_slope": 0.0, "threshold": 0.0}, lambda x: np.clip(x, 0, 0.5)),
        ("LeakyReLU", {"alpha": 0.25}, lambda x: np.where(x < 0, 0.25 * x, x)),
        ("ELU", {"alpha": 0.5}, lambda x: np.where(x < 0, 0.5 * np.expm1(x), x)),
    ],
)
def test_numbers_that_tensorflow_wrote_as_objects_are_numbers(tmp_path, kind, numbers, function):
    objects = {key: {"type": "ndarray", "value": number} for key, number in numbers.items()}
    config = sequential(given(), dense(), layer(kind, "r", **objects))
    assert_near(load(saved(tmp_path / "m.h5", legacy(config, WEIGHTS_2))).predict(ROWS), function(SUMS))


@pytest.mark.parametrize("steps", [5, None])
def test_layers_on_arrays_work_along_the_last_axis(tmp_path, steps):
    shape = {"batch_shape": [None, steps, 4]}
    config = sequential(given(**shape), dense(), layer("Softmax", "s", axis=2), layer("Dropout", "o", rate=0.5))
    model = load(saved(tmp_path / "m.keras", keras_3(config, WEIGHTS_3)))
    assert model.input_shape == (None, 4)
    powers = np.exp(SUMS)
    assert_near(model.predict(ROWS[None]), (powers / powers.sum(axis=1, keepdims=True))[None])

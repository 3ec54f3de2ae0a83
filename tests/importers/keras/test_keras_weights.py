"""Weights alone of Keras, as save_weights() writes, become a model with `layers`, or with the config beside them."""

import json

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn.layers import Activation, Dense, LayerNormalization
from keras_files import BIAS, KERNEL, ROWS, dense, given, hdf5, keras_3, layer, legacy, saved, sequential

K2, B2 = uniform(5, (3, 2), "float32"), uniform(6, 2, "float32")
NORM = {name: uniform(7 + i, 3, "float32") + 2 for i, name in enumerate(("gamma", "beta", "mean", "variance"))}
SUMS = ROWS.astype("f8") @ KERNEL + BIAS
NORMED = (SUMS - NORM["mean"]) / np.sqrt(NORM["variance"] + 1e-3) * NORM["gamma"] + NORM["beta"]


def numbered(*layers, root="layers"):
    """A file of Keras 3, or of Keras 2.12 and later; layers: (name, weights)."""
    return hdf5({f"{root}/{name}/vars/{i}": each for name, arrays in layers for i, each in enumerate(arrays)})


def named(*layers, order=True, suffix=":0"):
    """A file of Keras 2; layers: (name, weights by name)."""
    weights = {f"{name}/{name}/{key}{suffix}": each for name, arrays in layers for key, each in arrays.items()}
    names = np.array([name.encode() for name, _ in layers])
    return hdf5(weights, {("", "layer_names"): names if order else [name for name, _ in layers], ("", "backend"): b"x"})


FIRST, LAST = {"kernel": KERNEL, "bias": BIAS}, {"kernel": K2, "bias": B2}
BATCH = {"gamma": NORM["gamma"], "beta": NORM["beta"], "moving_mean": NORM["mean"], "moving_variance": NORM["variance"]}
TWO = {
    "Keras 3": numbered(("dense", [KERNEL, BIAS]), ("dense_1", [K2, B2])),
    "Keras 2.12": numbered(("dense", [KERNEL, BIAS]), ("dense_1", [K2, B2]), root="_layer_checkpoint_dependencies"),
    "Keras 2": named(("zero", FIRST), ("drop", {}), ("a", LAST)),
    "Keras 2, without :0": named(("zero", FIRST), ("a", LAST), suffix=""),
}
CONFIG = sequential(given(), dense("zero", activation="tanh"), dense("a", units=2))


def near(path, wanted, layers, **options):
    np.testing.assert_allclose(fastnn.load_model(path, layers=layers, **options).predict(ROWS), wanted, atol=2e-6)


@pytest.mark.parametrize("content", TWO.values(), ids=TWO)
def test_names_say_what_follows_each_layer(tmp_path, content):
    path = saved(tmp_path / "m.weights.h5", content)
    near(path, np.tanh(SUMS) @ K2 + B2, ["tanh", "linear"])
    near(path, np.tanh(SUMS) @ K2 + B2, [Dense(3, "tanh"), Dense(None)])


@pytest.mark.parametrize("content", TWO.values(), ids=TWO)
@pytest.mark.parametrize("extra", [{"keras_version": "2.15.0"}, {"module": "keras"}, {}])
def test_the_config_beside_them_says_what_the_layers_are(tmp_path, content, extra):
    path = saved(tmp_path / "m.weights.h5", content)
    (tmp_path / "model.json").write_text(json.dumps(CONFIG | extra))
    near(path, np.tanh(SUMS) @ K2 + B2, tmp_path / "model.json")
    near(path, np.tanh(SUMS) @ K2 + B2, str(tmp_path / "model.json"))


@pytest.mark.parametrize(("keras", "slope"), [({"keras_version": "2.15.0"}, 0.2), ({"module": "keras"}, 1 / 6)])
def test_the_config_says_which_keras_computes(tmp_path, keras, slope):
    path = saved(tmp_path / "m.weights.h5", numbered(("dense", [KERNEL, BIAS])))
    config = sequential(given(), dense(activation="hard_sigmoid"))
    (tmp_path / "model.json").write_text(json.dumps(config | keras))
    near(path, np.clip(slope * SUMS + 0.5, 0, 1), tmp_path / "model.json")


SLOPES = np.array([0.5, 0.25, 2.0], "f4")


@pytest.mark.parametrize(
    "content",
    [
        numbered(("dense", [KERNEL, BIAS]), ("batch_normalization", [*BATCH.values()]), ("p_re_lu", [SLOPES])),
        named(("dense", FIRST), ("batch_normalization", BATCH), ("p_re_lu", {"alpha": SLOPES}), order=False),
    ],
    ids=["Keras 3", "Keras 2, with an order that is not read"],
)
def test_layers_of_several_classes_need_names_where_nothing_says_their_order(tmp_path, content):
    path = saved(tmp_path / "m.weights.h5", content)
    with pytest.raises(ValueError, match="expected layers as a dict, since nothing says the order of the modules"):
        fastnn.load_model(path, layers=["linear", "tanh", "prelu"])
    layers = {"dense": "linear", "batch_normalization": "tanh", "p_re_lu": "prelu"}
    near(path, np.where(NORMED < 0, SLOPES, 1) * np.tanh(NORMED), layers)


def test_layers_of_several_classes_are_in_the_only_order_that_their_widths_allow(tmp_path):
    content = numbered(("dense", [KERNEL, BIAS]), ("batch_normalization", [*BATCH.values()]), ("dense_1", [K2, B2]))
    near(saved(tmp_path / "m.weights.h5", content), np.maximum(NORMED, 0) @ K2 + B2, ["linear", "relu", "linear"])


def test_the_order_of_keras_2_is_that_of_its_layers(tmp_path):
    path = saved(tmp_path / "m.h5", named(("x", FIRST), ("n", BATCH), ("b", LAST)))
    near(path, np.maximum(NORMED, 0) @ K2 + B2, ["linear", "relu", "linear"])


def test_epsilon_and_slopes_are_those_of_keras(tmp_path):
    path = saved(tmp_path / "m.h5", named(("d", FIRST), ("n", {"gamma": NORM["gamma"], "beta": NORM["beta"]})))
    spread = np.sqrt(SUMS.var(axis=1, keepdims=True) + 1e-3)
    wanted = (SUMS - SUMS.mean(axis=1, keepdims=True)) / spread * NORM["gamma"] + NORM["beta"]
    near(path, wanted, ["linear", "layer_norm"])
    near(path, wanted, [Dense(3), LayerNormalization()])
    path = saved(tmp_path / "m.h5", named(("d", FIRST)))
    near(path, np.where(SUMS < 0, 0.2 * SUMS, SUMS), ["leaky_relu"])


def test_a_batch_normalization_may_lack_gamma_and_beta_and_a_dense_its_bias(tmp_path):
    norm = [NORM["mean"], NORM["variance"]]
    path = saved(tmp_path / "m.weights.h5", numbered(("dense", [KERNEL]), ("batch_normalization", norm)))
    wanted = (ROWS.astype("f8") @ KERNEL - NORM["mean"]) / np.sqrt(NORM["variance"] + 1e-3)
    near(path, wanted, {"dense": "linear", "batch_normalization": "linear"})


def test_the_eleventh_layer_of_a_class_comes_after_the_second(tmp_path):
    layers = [(f"dense_{i}" if i else "dense", [np.ones((i + 1, i + 2), "f4")]) for i in range(12)]
    path = saved(tmp_path / "m.weights.h5", numbered(*layers))
    assert fastnn.load_model(path, layers=12 * ["linear"]).output_shape == (None, 13)


def test_prelu_and_models_within_models_are_found(tmp_path):
    content = numbered(("sequential/layers/dense", [KERNEL, BIAS]), ("p_re_lu", [NORM["gamma"]]))
    path = saved(tmp_path / "m.weights.h5", content)
    layers = {"sequential/dense": "linear", "p_re_lu": "prelu", "last": Activation("tanh")}
    near(path, np.tanh(np.where(SUMS < 0, NORM["gamma"] * SUMS, SUMS)), layers)


def refused(path, content, error=fastnn.UnsupportedModelError, **options):
    with pytest.raises(error) as raised:
        fastnn.load_model(saved(path, content), **options)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("content", [TWO["Keras 3"], TWO["Keras 2"]], ids=["Keras 3", "Keras 2"])
def test_weights_alone_without_layers_are_told_both_ways(path, content):
    said = refused(path, content)
    assert "say what follows its layers 'dense', 'dense_1'" in said or "its layers 'zero', 'a'" in said
    assert "layers=['relu', 'linear']" in said
    assert "layers='model.json'" in said


STRANGE = {
    "three weights of a batch_normalization": numbered(("batch_normalization", 3 * [BIAS])),
    "a class of others": numbered(("lstm", [KERNEL, KERNEL, BIAS])),
    "weights with gaps": hdf5({"layers/dense/vars/0": KERNEL, "layers/dense/vars/2": BIAS}),
    "a recurrent kernel": named(("lstm", {"kernel": KERNEL, "recurrent_kernel": KERNEL, "bias": BIAS})),
}


@pytest.mark.parametrize("content", STRANGE.values(), ids=STRANGE)
def test_weights_that_do_not_say_what_they_are_need_the_config(path, content):
    assert "give what model.to_json() wrote" in refused(path, content, layers=["relu"])


def test_measurements_in_hdf5_are_no_model(path):
    said = refused(path, hdf5({"energy": KERNEL}), fastnn.ModelFormatError)
    assert "holds 'energy', which are no layers" in said
    assert "save_weights" not in said


def test_a_whole_model_knows_its_layers(path, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(CONFIG))
    whole = (
        legacy(sequential(given(), dense()), {"d/d/kernel:0": KERNEL, "d/d/bias:0": BIAS}),
        keras_3(sequential(given(), dense()), {"dense/vars/0": KERNEL, "dense/vars/1": BIAS}),
    )
    for content in whole:
        for layers in (["relu"], tmp_path / "model.json"):
            assert "received a Keras model" in refused(path, content, ValueError, layers=layers)


CONFIGS = {
    "no JSON": ("{", "model.json is not JSON"),
    "a list": ("[]", "expected an object with class_name and config"),
    "too long": (" " * (1 << 20) + "{}", "fastnn reads at most"),
    "code": (json.dumps(sequential(given(), dense(kernel_initializer={"module": "os", "class_name": "x"}))), "os.x"),
    "a layer without weights in the file": (json.dumps(sequential(given(), dense("other"))), "has the weights ''"),
    "an unknown layer": (json.dumps(sequential(given(), layer("LSTM", "l"))), "no counterpart"),
}


@pytest.mark.parametrize(("text", "said"), CONFIGS.values(), ids=CONFIGS)
def test_a_broken_config_is_refused(path, tmp_path, text, said):
    (tmp_path / "model.json").write_text(text)
    assert said in refused(path, named(("d", FIRST)), fastnn.ModelFormatError, layers=tmp_path / "model.json")


def test_a_missing_config_is_named(path, tmp_path):
    saved(path, TWO["Keras 2"])
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        fastnn.load_model(path, layers=tmp_path / "missing.json")

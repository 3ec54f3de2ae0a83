"""Keras' files that are broken, hostile, or beyond fastnn: refused in a sentence, with nothing of them run."""

import contextlib
import os

import numpy as np
import pytest

from fastnn import LimitError, ModelFormatError, UnsupportedModelError
from keras_files import (
    BIAS,
    KERNEL,
    dense,
    functional,
    given,
    keras_3,
    layer,
    legacy,
    one_dense,
    saved,
    sequential,
    tensor_node,
)  # fmt: skip
from opened import load_keras as load
from opened import refusal_of_keras as refusal

WEIGHTS = {"dense/vars/0": KERNEL, "dense/vars/1": BIAS}
GOOD = sequential(given(), dense())


CODE = {
    "a layer of a module": {"module": "os", "class_name": "system", "config": {"name": "echo", "command": "true"}},
    "Lambda": layer("Lambda", "l", function={"class_name": "__lambda__", "config": {"code": "4wEA"}}),
    "enable_unsafe_deserialization": {
        "module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"},
    "an initializer of a module": dense(kernel_initializer={"module": "os", "class_name": "system", "config": {}}),
    "an activation of a module": dense(activation={"module": "os", "class_name": "function", "config": "system"}),
    "a pickled activation": dense(activation={"class_name": "__lambda__", "config": {"value": "gASV"}}),
    "bytes as an activation": dense(activation={"value": ["4wEAAAAA", None, None]}),
    "a registered function": dense(activation={"module": "builtins", "class_name": "function", "config": "mine"}),
    "a function that Keras' activations have not": dense(
        activation={"module": "keras.activations", "class_name": "function", "config": "mine"}),
    "a constraint that is a function": dense(kernel_constraint={"module": "builtins", "class_name": "function",
                                                                "config": "exec"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("code", CODE)
def test_code_in_a_config_is_refused_and_not_imported(tmp_path, code, kind, monkeypatch):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("it was run"))
    config = sequential(given(), CODE[code])
    content = keras_3(config, WEIGHTS) if kind == "keras" else legacy(config, {"d/kernel": KERNEL, "d/bias": BIAS})
    refusal(tmp_path / "m", content, UnsupportedModelError)


LAYERS = {
    "Conv2D": (layer("Conv2D", "c", filters=3), "layer 'c' (Conv2D) has no counterpart"),
    "a custom layer": (layer("Mine>Dense", "c", units=3), r"layer 'c' \(Mine>Dense\)"),
    "TFSMLayer": (layer("TFSMLayer", "c", filepath="elsewhere"), "TFSMLayer"),
    "TorchModuleWrapper": (layer("TorchModuleWrapper", "c", module="gASV"), "TorchModuleWrapper"),
    "BatchNormalization, renorm": (layer("BatchNormalization", "b", renorm=True), "renorm"),
    "BatchNormalization, axis": (layer("BatchNormalization", "b", axis=0), "along the axis 0"),
    "LayerNormalization, rms": (layer("LayerNormalization", "n", axis=[-1], rms_scaling=True), "rms_scaling"),
    "ReLU, threshold": (layer("ReLU", "r", threshold=1.0), "threshold 1"),
    "Dense, LoRA": (dense(lora_rank=4), "lora_rank=4"),
    "Dense, quantized": (dense(quantization_config={"mode": "int8"}), "quantization_config"),
    "Dense, int8": (dense(dtype={"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}}),
                    "QuantizedDTypePolicy"),
    "a key of the future": (dense(rotation=0.5), "rotation=0.5"),
    "an activation of the future": (dense(activation="wave"), "'wave'"),
    "glu": (dense(activation="glu"), "'glu'"),
    "a layer with weights as activation": (dense(activation=layer("PReLU", "p")), "'PReLU'"),
    "channels_first": (layer("Flatten", "f", data_format="channels_first"), "channels_first"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_cannot_be_done_is_named(tmp_path, name):
    record, said = LAYERS[name]
    start = given(batch_shape=[None, 2, 2]) if name == "channels_first" else given()
    with pytest.raises(UnsupportedModelError, match=said if "\\" in said else None) as raised:
        load(saved(tmp_path / "m", keras_3(sequential(start, record), WEIGHTS)))
    assert "\\" in said or said in str(raised.value)
    assert "number 2 of 2 layers" in str(raised.value)


def shared():
    config = functional(given(), dense(), dense("e"))
    config["config"]["layers"][1]["inbound_nodes"] *= 2
    return config


def branched():
    config = functional(given(), dense(), dense("e"), dense("f"))
    config["config"]["layers"][3]["inbound_nodes"] = [tensor_node("d")]
    return config


TWO_ENDS = [["x", 0, 0], ["d", 0, 0]]
GRAPHS = {
    "shared": (shared, "'d' (Dense): is used in 2 places"),
    "branch": (branched, "branches to 'e'"),
    "several inputs": (lambda: functional(given(), dense(), ends=(TWO_ENDS, ["d", 0, 0])), "several inputs"),
    "several outputs": (lambda: functional(given(), dense(), ends=(["x", 0, 0], TWO_ENDS)), "several outputs"),
    "a sum": (lambda: functional(given(), layer("Add", "a"), node=lambda _: tensor_node("x", "x")), "several inputs"),
    "a Dropout that stays": (lambda: functional(given(), layer("Dropout", "o"), node=lambda name: tensor_node(
        name, training=True)), "training=True"),
    "Keras 2, training": (lambda: functional(given(), dense(), node=lambda name: [[name, 0, 0, {"training": True}]]),
                          "training=True"),
    "a subclass": (lambda: {"class_name": "MyModel", "config": {}}, "'MyModel'"),
    "rows of rows": (lambda: sequential(given(batch_shape=[None, 2, 4]), dense(), layer("Flatten", "f")), "(2, 4)"),
    "rows of any number of rows": (
        lambda: sequential(given(batch_shape=[None, None, 4]), dense(), layer("Flatten", "f")), "(None, 4)"),
    "an unknown number of rows in one": (
        lambda: sequential(given(batch_shape=[None, None, 4]), layer("Flatten", "f"), layer("Softmax", "s")),
        "all sizes to be known"),
    "answers that are arrays": (
        lambda: sequential(given(), dense(), layer("Reshape", "r", target_shape=[1, 3])), "Flatten at its end"),
    "sparse": (lambda: sequential(given(sparse=True), dense()), "sparse"),
    "strings": (lambda: sequential(given(dtype="string"), dense()), "numbers"),
}  # fmt: skip


PARTS = "convert each part that is one, keras.Model(layer_a.input, layer_b.output)"
ADVICE = dict.fromkeys(
    ("shared", "branch", "several inputs", "several outputs", "a sum", "a Dropout that stays"), PARTS
)
ADVICE |= {"a subclass": "save keras.Sequential([keras.Input((inputs,)), *model.layers])"}


@pytest.mark.parametrize(("name", "advice"), ADVICE.items())
def test_a_graph_that_is_no_row_is_told_what_to_convert(tmp_path, name, advice):
    assert advice in refusal(tmp_path / "m", keras_3(GRAPHS[name][0](), WEIGHTS), UnsupportedModelError)


@pytest.mark.parametrize("name", GRAPHS)
def test_layers_that_stand_in_no_row_are_named(tmp_path, name):
    make, said = GRAPHS[name]
    assert said in refusal(tmp_path / "m", keras_3(make(), WEIGHTS), UnsupportedModelError)


def test_other_ways_of_keeping_weights_are_named(tmp_path):
    content = keras_3(GOOD, {}, **{"model.weights.h5": None, "model.weights.npz": b"PK"})
    assert "model.weights.npz" in refusal(tmp_path / "m", content, UnsupportedModelError)


def test_keras_1_is_named(tmp_path):
    assert "Keras 1.2.2" in refusal(tmp_path / "m", legacy(GOOD, {}, "1.2.2"), UnsupportedModelError)


def test_hard_sigmoid_of_an_unknown_release_is_refused(tmp_path):
    config = sequential(given(), dense(activation="hard_sigmoid"))
    weights = {"d/kernel": KERNEL, "d/bias": BIAS}
    assert "hard_sigmoid" in refusal(tmp_path / "m", legacy(config, weights, None), UnsupportedModelError)


def cycle():
    config = functional(given(), dense(), dense("e"))
    config["config"]["layers"][1]["inbound_nodes"] = [tensor_node("e")]
    return config


CONFIGS = {
    "no object": [],
    "no layers": sequential(),
    "layers that are none": sequential(5),
    "a class that is a list": {"class_name": [], "config": {}},
    "names twice": sequential(given(), dense(), dense()),
    "a name that is a number": sequential(given(), dense(name=5)),
    "units that are others": sequential(given(), dense(units=5)),
    "inputs that are others": sequential(given(5), dense()),
    "a kernel without a bias": sequential(given(), dense(use_bias=False)),
    "use_bias that is text": sequential(given(), dense(use_bias="yes")),
    "an alpha that is text": sequential(given(), layer("ELU", "e", alpha="1")),
    "ragged numbers": sequential(given(), layer("Normalization", "n", mean=[[1], [1, 2]], variance=[1, 2])),
    "a mean without a variance": sequential(given(), layer("Normalization", "n", mean=[1.0])),
    "a shape that holds other numbers": sequential(given(), layer("Reshape", "r", target_shape=[5])),
    "layers that lead nowhere": functional(given(), dense(), dense("e"), ends=(["x", 0, 0], ["z", 0, 0])),
    "a cycle": cycle(),
    "inputs that are none": functional(given(), dense(), ends=(5, None)),
    "nodes of another form": functional(given(), dense(), node=lambda _: 5),
    "a layer of no name": functional(given(), dense(), node=lambda _: tensor_node("z")),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_broken_config_is_refused(tmp_path, name):
    refusal(tmp_path / "m", keras_3(CONFIGS[name], WEIGHTS))


def test_json_that_is_none_is_refused(tmp_path):
    for text in ("", "{", "\xff", "[" * 100_000, '{"a": ' * 100_000, "1" * 5000):
        refusal(tmp_path / "m", keras_3(GOOD, WEIGHTS, **{"config.json": text}))


def test_models_nested_without_end_are_refused(tmp_path):
    config = dense()
    for i in range(100):
        config = sequential(config, name=f"m{i}")
    refusal(tmp_path / "m", keras_3(config, WEIGHTS), LimitError)


def test_every_cut_of_a_file_is_refused(tmp_path):
    legacies = legacy(GOOD, {"d/kernel": KERNEL, "d/bias": BIAS})
    for content in (one_dense(), legacies):
        for end in range(0, len(content), 97):
            with pytest.raises(ModelFormatError):
                load(saved(tmp_path / "m", content[:end]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_changed_bytes_are_refused_or_read(tmp_path, seed):
    """Any class of errors but fastnn's own would be a bug; .keras files have checksums, .h5 files none."""
    rng = np.random.default_rng(seed)
    for content in (one_dense(), legacy(GOOD, {"d/kernel": KERNEL, "d/bias": BIAS})):
        for _ in range(100):
            broken = bytearray(content)
            for at in rng.integers(0, len(broken), 3):
                broken[at] = rng.integers(0, 256)
            with contextlib.suppress(ModelFormatError):
                load(saved(tmp_path / "m", bytes(broken)))


def test_no_regular_file_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, "/dev/zero"):
        with pytest.raises((ModelFormatError, OSError)):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")

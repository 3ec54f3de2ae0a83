"""What layers keep for training: in configs, copies and files; what the trainer gets; what is refused."""

import copy
import json
import pickle

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import load_model
from fastnn.layers import (
    Activation,
    ActivityRegularization,
    Affine,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    GaussianNoise,
    Layer,
    LayerNormalization,
    Normalization,
    PReLU,
    ReLU,
    Rescaling,
)
from fastnn.models import Sequential
from fastnn.regularizers import L1L2, L2
from model_bytes import load, model_bytes

MADE = {
    "Dense": lambda: Dense(
        3, "relu", kernel_regularizer=L2(0.5), bias_regularizer="l1", activity_regularizer=L1L2(0.25, 0.5),
        kernel_constraint="max_norm", bias_constraint="non_neg", learning_rate_multipliers={"bias": 0.5},
    ),
    "Dense-frozen": lambda: Dense(3, trainable=False),
    "BatchNormalization": lambda: BatchNormalization(
        momentum=0.5, beta_regularizer="l2", gamma_regularizer="l1", beta_constraint="non_neg",
        gamma_constraint="unit_norm", trainable=False,
    ),
    "LayerNormalization": lambda: LayerNormalization(
        beta_initializer="ones", gamma_initializer="zeros", beta_regularizer="l2", gamma_regularizer="l1",
        beta_constraint="non_neg", gamma_constraint="unit_norm",
    ),
    "PReLU": lambda: PReLU(alpha_initializer="he_normal", alpha_regularizer="l2", alpha_constraint="non_neg"),
    "Affine": lambda: Affine(learning_rate_multipliers={"scale": 6}),
    "Activation": lambda: Activation("tanh", activity_regularizer="l1"),
    "ReLU": lambda: ReLU(activity_regularizer="l2"),
    "Dropout": lambda: Dropout(0.5, seed=3),
    "AlphaDropout": lambda: AlphaDropout(0.5, seed=3),
    "GaussianNoise": lambda: GaussianNoise(2.0),
    "ActivityRegularization": lambda: ActivityRegularization(0.5, 0.25),
    "Rescaling": lambda: Rescaling(2, [1, 2, 3]),
    "Normalization": lambda: Normalization(mean=[1, 2, 3], variance=[4, 5, 6]),
}  # fmt: skip
X = uniform(3, (7, 3)) * 4


def config_of(path):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["config"])


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_settings_come_back_from_configs_copies_and_files(make, path, dtype):
    model = Sequential([make()], dtype=dtype)
    model.build((None, 3))
    model.save(path)
    config = json.loads(json.dumps(model.get_config()))
    for again in (
        load_model(path),
        Sequential.from_config(config),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ):
        assert type(again.layers[0]) is type(model.layers[0])
        assert again.get_config() == model.get_config()
        assert again.layers[0]._training_options() == model.layers[0]._training_options()
    loaded = load_model(path)
    assert loaded == model
    assert same_bits(loaded.predict(X), model.predict(X))
    loaded.save(path.with_name("again.safetensors"))
    assert path.with_name("again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_files_say_what_is_computed_without_any_setting_of_training(make, path):
    """Readers that predict, and those of earlier releases in C++, need nothing else."""
    model = Sequential([make()])
    model.build((None, 3))
    model.save(path)
    stored = config_of(path)["layers"][0]
    known = {"name", "units", "activation", "use_bias", "kernel_initializer", "bias_initializer"}
    assert stored["config"].keys() <= known | {"epsilon", "center", "scale"}
    assert stored["keras"]["class_name"] == type(model.layers[0]).__name__


@pytest.mark.parametrize("make", [lambda: Dense(3), PReLU, LayerNormalization, Affine, lambda: Activation("relu")])
def test_files_of_layers_without_settings_are_as_they_were(make, path):
    model = Sequential([make()])
    model.build((None, 3))
    model.save(path)
    assert "keras" not in config_of(path)["layers"][0]


def test_a_file_whose_numbers_contradict_its_arguments_is_refused(path):
    stored = {
        "class_name": "Affine",
        "config": {"name": "layer"},
        "keras": {"class_name": "Rescaling", "config": {"scale": 2.0, "offset": 0.0}},
    }
    config = {"name": "m", "dtype": "float32", "build_input_shape": [None, 1], "layers": [stored]}
    tensors = {"layers.0.scale": np.float32([2]), "layers.0.shift": np.float32([0])}
    assert load(path, model_bytes(config=config, tensors=tensors)).predict([3]) == 6
    tensors["layers.0.scale"] += 1
    with pytest.raises(ValueError, match="expected the weights that the arguments of <Rescaling .* give") as error:
        load(path, model_bytes(config=config, tensors=tensors))
    assert type(error.value).__name__ == "ModelFormatError"


def test_the_trainer_gets_the_settings_of_weights_by_their_names():
    assert MADE["Dense"]()._training_options() == {
        "trainable": True,
        "multipliers": {"bias": 0.5},
        "regularizers": {"kernel": (0, 0.5), "bias": (0.01, 0)},
        "activity": (0.25, 0.5),
        "constraints": {"kernel": ("max_norm", {"max_value": 2.0}), "bias": ("non_neg", {})},
    }
    without_bias = Dense(1, use_bias=False, bias_regularizer="l1", bias_constraint="non_neg")
    nothing = {"trainable": True, "multipliers": {}, "regularizers": {}, "constraints": {}}
    assert without_bias._training_options() == nothing
    assert MADE["BatchNormalization"]()._training_options() == {
        "trainable": False,
        "multipliers": {},
        "regularizers": {"gamma": (0.01, 0), "beta": (0, 0.01)},
        "constraints": {"gamma": ("unit_norm", {}), "beta": ("non_neg", {})},
        "momentum": 0.5,
    }
    for layer in (MADE["Rescaling"](), MADE["Normalization"](), Normalization(trainable=True)):
        assert layer._training_options() == nothing | {"trainable": False}
    assert ActivityRegularization(0.5)._training_options() == nothing | {"activity": (0.5, 0)}


@pytest.mark.parametrize(
    ("layer", "noise"),
    [
        (Dropout(0.5, seed=3), ("dropout", 0.5, 3)),
        (Dropout(0.5), ("dropout", 0.5, None)),
        (AlphaDropout(0.25), ("alpha_dropout", 0.25, None)),
        (GaussianNoise(2), ("gaussian_noise", 2.0, None)),
        (Dropout(0), None),
        (GaussianNoise(0), None),
    ],
    ids=repr,
)
def test_the_trainer_gets_the_noise_of_a_layer(layer, noise):
    assert layer._training_options().get("noise") == noise


def test_a_layer_can_be_frozen_and_thawed():
    model = Sequential([Dense(3, input_dim=2), BatchNormalization(), Dense(1, trainable=False)])
    assert [layer.trainable for layer in model.layers] == [True, True, False]
    assert [a.size for a in model.trainable_weights] == [6, 3, 3, 3]
    assert [a.size for a in model.non_trainable_weights] == [3, 3, 3, 1]
    network = model._network
    model.trainable = False
    assert not model.trainable
    assert not model.layers[0].trainable
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == len(model.weights)
    model.layers[0].trainable = True
    assert model.trainable
    assert model.layers[0]._training_options()["trainable"]
    assert "trainable" not in model.layers[0].get_config()
    assert model._network is network  # no answer changes
    assert Sequential().trainable


def test_summaries_count_frozen_weights():
    lines = []
    Sequential([Dense(3, input_dim=2), Dense(1, trainable=False)]).summary(print_fn=lines.append)
    assert lines[0].splitlines()[-3:] == [
        " Total params: 13 (52.00 B)",
        " Trainable params: 9 (36.00 B)",
        " Non-trainable params: 4 (16.00 B)",
    ]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dense(1, trainable=1), "expected trainable to be True or False; received trainable=1"),
        (lambda: setattr(Dense(1), "trainable", None), "expected trainable to be True or False"),
        (lambda: setattr(Sequential(), "trainable", "no"), "expected trainable to be True or False"),
        (lambda: Dense(1, kernel_regularizer="l3"), "expected a regularizer from fastnn.regularizers"),
        (lambda: Dense(1, bias_constraint=abs), "expected a constraint from fastnn.constraints"),
        (lambda: PReLU(activity_regularizer=0.1), "expected a regularizer from fastnn.regularizers"),
        (lambda: Dense(1, learning_rate_multipliers=2), "expected learning_rate_multipliers to be a dict"),
        (lambda: Dense(1, learning_rate_multipliers={"bais": 2}), ".*; did you mean 'bias'"),
        (lambda: ReLU(learning_rate_multipliers={"bias": 2}), "expected learning_rate_multipliers for no weight"),
        (lambda: Dense(1, learning_rate_multipliers={"bias": -2}), "expected .* to be at least 0"),
        (lambda: Dense(1, learning_rate_multipliers={"bias": np.nan}), "expected .* to be a finite number"),
        (lambda: ActivityRegularization(activity_regularizer="l1"), "expected l1 and l2, and no activity_regularizer"),
        (lambda: ActivityRegularization(l1=-1), "expected l1 to be at least 0"),
        (lambda: AlphaDropout(1), "expected rate to be at least 0 and below 1"),
        (lambda: AlphaDropout(0.5, noise_shape=(1,)), "expected noise_shape to be None"),
        (lambda: GaussianNoise(-1), "expected stddev to be at least 0"),
        (lambda: GaussianNoise(1, seed=-1), "expected seed to be an integer"),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


def test_the_base_class_of_layers_is_no_layer():
    with pytest.raises(
        TypeError, match=r"^expected a kind of layer; received the base class of all; use the layers of"
    ):
        Layer()

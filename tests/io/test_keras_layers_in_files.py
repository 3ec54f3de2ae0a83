"""Layers of Keras in model files: what they compute, which C++ reads, and their name and arguments in Keras.

ENTRIES is what version 1 of the format has of each. It never changes: every release reads the files of earlier ones.
"""

import json

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import load_model
from fastnn.layers import ELU, Activation, BatchNormalization, Dense, Dropout, Flatten, LeakyReLU, ReLU, Softmax
from fastnn.models import Sequential
from model_bytes import load, model_bytes, weights


def entry(class_name, config, keras_name, **arguments):
    return {
        "class_name": class_name,
        "config": {"name": "layer", **config},
        "keras": {"class_name": keras_name, "config": arguments},
    }


def activation(identifier, keras_name, **arguments):
    return entry("Activation", {"activation": identifier}, keras_name, **arguments)


def slope(number):
    return {"name": "leaky_relu", "negative_slope": number}


INITIALIZERS = {
    "beta_initializer": {"class_name": "Zeros", "config": {}},
    "gamma_initializer": {"class_name": "Ones", "config": {}},
    "moving_mean_initializer": {"class_name": "Zeros", "config": {}},
    "moving_variance_initializer": {"class_name": "HeNormal", "config": {"seed": 3}},
}
NO_RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
ENTRIES = [
    (lambda: ReLU(name="layer"), activation("relu", "ReLU", **NO_RELU)),
    (lambda: ReLU(6, name="layer"), activation("relu6", "ReLU", **NO_RELU | {"max_value": 6.0})),
    (
        lambda: ReLU(max_value=0.1, name="layer"),
        activation({"name": "clip", "minimum": 0.0, "maximum": 0.1}, "ReLU", **NO_RELU | {"max_value": 0.1}),
    ),
    (
        lambda: ReLU(negative_slope=0.1, name="layer"),
        activation(slope(0.1), "ReLU", **NO_RELU | {"negative_slope": 0.1}),
    ),
    (lambda: LeakyReLU(name="layer"), activation(slope(0.3), "LeakyReLU", negative_slope=0.3)),
    (lambda: ELU(2, name="layer"), activation({"name": "elu", "alpha": 2.0}, "ELU", alpha=2.0)),
    (lambda: Softmax(name="layer"), activation("softmax", "Softmax", axis=-1)),
    (lambda: Flatten(name="layer"), activation("linear", "Flatten", data_format=None)),
    (
        lambda: Dropout(0.25, seed=7, name="layer"),
        activation("linear", "Dropout", rate=0.25, noise_shape=None, seed=7),
    ),
    (
        lambda: BatchNormalization(
            momentum=0.5, scale=False, moving_variance_initializer={"class_name": "HeNormal", "config": {"seed": 3}},
            name="layer",
        ),
        entry(
            "BatchNormalization", {"epsilon": 0.001, "center": True, "scale": False}, "BatchNormalization",
            axis=-1, momentum=0.5, epsilon=0.001, center=True, scale=False, **INITIALIZERS,
        ),
    ),
]  # fmt: skip
IDS = [f"{i}-{stored['keras']['class_name']}" for i, (_, stored) in enumerate(ENTRIES)]


def config_of(path):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["config"])


@pytest.mark.parametrize(("make", "stored"), ENTRIES, ids=IDS)
def test_a_file_holds_what_a_layer_computes_and_what_keras_calls_it(make, stored, path):
    model = Sequential([make()])
    model.build((None, 3))
    model.save(path)
    assert config_of(path)["layers"] == [stored]
    assert model.get_config()["layers"] == [
        {"class_name": stored["keras"]["class_name"], "config": {"name": "layer", **stored["keras"]["config"]}}
    ]


@pytest.mark.parametrize(("make", "stored"), ENTRIES, ids=IDS)
def test_a_stored_file_gives_the_layer(make, stored, path):
    config = {"name": "m", "dtype": "float32", "build_input_shape": [None, 3], "layers": [stored]}
    shapes = {f"layers.0.{name}": shape for name, shape in make().weight_shapes(3).items()}
    loaded = load(path, model_bytes(config=config, tensors=weights(shapes)))
    assert type(loaded.layers[0]) is type(make())
    assert loaded.layers[0].get_config() == make().get_config()
    assert loaded.summary(print_fn=str) is None


def test_a_model_of_all_of_them_comes_back_with_its_layers_and_its_answers(path, dtype):
    layers = [Dense(5, "swish", input_dim=3, kernel_initializer="he_normal"), *(make() for make, _ in ENTRIES)]
    for i, layer in enumerate(layers[1:]):
        layers[i + 1] = type(layer).from_config(layer.get_config() | {"name": f"layer_{i}"})
    model = Sequential([*layers, Dense(2)], dtype=dtype)
    model.set_weights([np.abs(uniform(i, array.shape)) for i, array in enumerate(model.get_weights())])
    model.save(path)
    loaded = load_model(path, compile=False)
    assert loaded == model
    assert loaded.get_config() == model.get_config()
    assert same_bits(loaded.predict(uniform(9, (5, 3))), model.predict(uniform(9, (5, 3))))
    loaded.save(path.with_name("again.safetensors"))
    assert path.with_name("again.safetensors").read_bytes() == path.read_bytes()


def test_a_file_without_names_names_its_layers(path):
    _, stored = ENTRIES[0]
    config = {
        "dtype": "float32",
        "build_input_shape": [None, 3],
        "layers": [{**stored, "config": {"activation": "relu"}}],
    }
    assert load(path, model_bytes(config=config, tensors={})).layers[0].name.startswith("re_lu")


def test_a_subclass_of_a_layer_is_not_saved_as_the_layer(path):
    class Mine(ReLU):
        pass

    for layer in (Mine(), type("Other", (Dense,), {})(3)):
        model = Sequential([layer])
        model.build((None, 2))
        with pytest.raises(ValueError, match="expected layers among Dense, .* to save; received <(Mine|Other) "):
            model.save(path)
    assert not path.exists()


def test_a_plain_activation_has_no_name_in_keras(path):
    model = Sequential([Activation("relu")])
    model.build((None, 3))
    model.save(path)
    assert "keras" not in config_of(path)["layers"][0]

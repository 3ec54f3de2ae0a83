"""What a network was built from cannot be changed behind its back: attributes and weights."""

import copy
import pickle

import numpy as np
import pytest

from arrays import same_bits
from fastnn import load_model
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential

X = np.float32([[1, -2], [0.5, 3]])


@pytest.fixture(params=["made", "deepcopy", "pickle", "load_model", "from_config"])
def model(request, tmp_path):
    """A built model, got in every way that there is."""
    made = Sequential([Dense(3, "tanh", input_shape=(2,), name="a"), Activation("relu", name="b")], name="m")

    def loaded():
        made.save(tmp_path / "model.safetensors")
        return load_model(tmp_path / "model.safetensors")

    ways = {
        "made": lambda: made,
        "deepcopy": lambda: copy.deepcopy(made),
        "pickle": lambda: pickle.loads(pickle.dumps(made)),
        "load_model": loaded,
        "from_config": lambda: Sequential.from_config(made.get_config()),
    }
    return ways[request.param]()


def assert_fixed(thing, **attributes):
    for name, value in attributes.items():
        before = getattr(thing, name)
        with pytest.raises(AttributeError, match=name):
            setattr(thing, name, value)
        assert getattr(thing, name) is before


def test_attributes_of_a_dense_layer_cannot_be_assigned(model):
    answer = model(X)
    assert_fixed(model.layers[0], name="other", units=2, activation="relu", use_bias=False, inputs=5, dtype="float64")
    assert same_bits(model(X), answer)


def test_attributes_of_an_activation_layer_cannot_be_assigned(model):
    assert_fixed(model.layers[1], name="other", activation="tanh", inputs=5, dtype="float64")


def test_name_and_dtype_of_a_model_cannot_be_assigned(model):
    assert_fixed(model, name="other", dtype="float64")
    assert model(X).dtype == np.float32


def test_an_unbuilt_layer_is_fixed_too():
    assert_fixed(Dense(3, name="a"), name="b", units=2, activation="relu", use_bias=False, inputs=5, dtype="float64")


def test_views_of_weights_cannot_be_made_writeable(model):
    answer, layer = model(X), model.layers[0]
    for view in (layer.kernel, layer.bias, *layer.weights, layer.kernel[:1], layer.kernel.T):
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 7
    assert same_bits(model(X), answer)

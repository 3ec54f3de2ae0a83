"""A model is built whole or not at all: what refuses the first data leaves every layer as it was."""

import numpy as np
import pytest

from fastnn.layers import Dense
from fastnn.models import Sequential

X = np.ones((2, 4), "float32")
FIRST = {
    "predict": lambda model: model.predict(X),
    "call": lambda model: model(X),
    "representations": lambda model: model.representations(X),
    "build": lambda model: model.build((None, 4)),
}


@pytest.fixture(params=FIRST.values(), ids=FIRST)
def first(request):
    """What builds a model, for 4 inputs."""
    return request.param


def assert_unbuilt(model, layers):
    assert not model.built
    assert [layer.built for layer in layers] == [False] * len(layers)
    assert [layer.inputs for layer in layers] == [None] * len(layers)
    assert [layer.get_weights() for layer in layers] == [[]] * len(layers)


def test_a_later_layers_declared_inputs_are_checked_and_the_model_can_be_mended(first):
    hidden = Dense(3)
    model = Sequential([hidden, Dense(2, input_shape=(7,))])
    for _ in range(2):  # the second time as the first
        with pytest.raises(ValueError, match="declares 7 inputs, but it follows 3 outputs"):
            first(model)
        assert_unbuilt(model, model.layers)
    model.pop()
    model.add(Dense(2, input_shape=(3,)))
    first(model)
    assert model.predict(X).shape == (2, 2)
    assert [layer.inputs for layer in model.layers] == [4, 3]


def test_a_shared_layer_that_refuses_leaves_those_before_it_unbuilt(first):
    shared = Dense(2)
    other = Sequential([shared])
    other.build((None, 7))
    weights = shared.get_weights()
    before = [Dense(3), Dense(5)]
    model = Sequential([*before, shared])
    with pytest.raises(ValueError, match="was built for 7 inputs of float32"):
        first(model)
    assert_unbuilt(model, before)
    assert [w.tobytes() for w in shared.get_weights()] == [w.tobytes() for w in weights]
    assert other.predict(np.ones((1, 7))).shape == (1, 2)
    model.pop()
    model.add(Dense(2))
    model.predict(np.ones((1, 9)))  # other inputs than those that were refused
    assert [layer.inputs for layer in model.layers] == [9, 3, 5]


def test_a_layer_that_fails_leaves_the_model_unbuilt(first):
    class FullError(Exception):
        pass

    class Failing(Dense):
        def _state_for(self, *arguments):
            raise FullError

    layers = [Dense(3), Failing(2)]
    model = Sequential(layers)
    with pytest.raises(FullError):
        first(model)
    assert_unbuilt(model, layers)

"""Models whose weights never change."""

import numpy as np

from activations import with_parameters
from arrays import uniform
from fastnn import _core
from fastnn.layers import Activation, Affine, Dense, LayerNormalization, PReLU
from fastnn.models import Sequential


def every_layer(dtype):
    """A model of each layer and activation, with parameters that a file's decimals do not hold exactly."""
    layers = [Dense(40, "tanh", input_shape=(5,)), PReLU(), Affine(), LayerNormalization(epsilon=0.1)]
    layers += [Activation({"name": "leaky_relu", "negative_slope": 0.9 + i / 1000}) for i in range(50)]
    for name in sorted(_core.activations, key="step".__eq__):  # which leaves too little to those behind it
        layers += [Dense(33), Activation(with_parameters(name))]
    model = Sequential([*layers, Dense(3, "sigmoid")], dtype=dtype)
    model.set_weights([uniform(i, w.shape) / 4 for i, w in enumerate(model.get_weights())])
    return model


def network(sizes, activations, dtype, seed=1, use_bias=True):
    """A model of the given sizes (inputs first) and activations, its weights scaled to keep the sums around 1."""
    model = Sequential(dtype=dtype)
    for i, (inputs, units, activation) in enumerate(zip(sizes, sizes[1:], activations, strict=False)):
        layer = Dense(units, with_parameters(activation), use_bias=use_bias, input_shape=(inputs,))
        model.add(layer)
        weights = [uniform(seed + 2 * i, (inputs, units)) * 2 / np.sqrt(inputs), uniform(seed + 2 * i + 1, units)]
        layer.set_weights(weights[: 1 + use_bias])
    return model


def small(dtype="float32", activation="tanh"):
    """2 → 3 → 1."""
    return network([2, 3, 1], [activation, "linear"], dtype)


def activation_model(activation, units, dtype):
    """A model that is one activation alone."""
    model = Sequential([Activation(with_parameters(activation))], dtype=dtype)
    model.build((None, units))
    return model

"""The fingerprint is the hash that docs/model-format.md spells out: every packed weight is found again, none twice."""

import hashlib

import numpy as np
import pytest

import fastnn
from activations import ACTIVATIONS, with_parameters
from arrays import uniform
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, LayerNormalization, PReLU
from fastnn.models import Sequential
from sequentials import network

# Below, at and above each number of units from which the packing is another, or a panel is full.
UNITS = (1, 3, 4, 8, 9, 16, 17, 64, 65)


def spelled_out(model):
    inputs, dtype = model.input_shape[1], np.dtype(model.dtype)
    text = [f"fastnn {fastnn.numerics_version} {model.dtype} {inputs}\n".encode()]
    for layer in model.layers:
        names = {PReLU: "prelu", Affine: "affine", LayerNormalization: "layer_normalization"}
        names[BatchNormalization] = "batch_normalization"
        name = names.get(type(layer), layer.activation)
        kind = "dense" if isinstance(layer, Dense) else "plain"
        inputs = layer.output_units(inputs)
        zeros = np.zeros(inputs, dtype)
        arrays = list(layer.weights)
        if (kind == "dense" and not layer.use_bias) or isinstance(layer, PReLU):
            arrays.append(zeros)
        parameters = np.array([*layer.parameters.values(), 0, 0][:2], dtype)
        text.append(f"{kind} {inputs} {name}\n".encode())
        text += [array.tobytes() for array in (parameters, *arrays)]
    return hashlib.sha256(b"".join(text)).hexdigest()


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("inputs", [1, 5, 16, 33])
def test_fingerprint_of_dense_layers_is_the_documented_one(inputs, use_bias, dtype):
    for units in UNITS:
        model = network([inputs, units, 7], ["tanh", "softmax"], dtype, use_bias=use_bias)
        assert model.fingerprint() == spelled_out(model)


def test_fingerprint_of_every_other_layer_is_the_documented_one(dtype):
    layers = [Activation(with_parameters(name)) for name, row in ACTIVATIONS.items() if row.parameters]
    model = Sequential([*layers, PReLU(), Affine(), LayerNormalization(), BatchNormalization(), Dense(3)], dtype=dtype)
    model.build((None, 21))
    model.set_weights([uniform(i, w.shape) for i, w in enumerate(model.get_weights())])
    assert model.fingerprint() == spelled_out(model)


def test_a_weight_left_out_counts_as_its_initial_numbers(dtype):
    whole, bare = (Sequential([BatchNormalization(center=b, scale=b)], dtype=dtype) for b in (True, False))
    for model in (whole, bare):
        model.build((None, 5))
    assert whole == bare

"""Layers that Keras programs name: arguments, answers, what they refuse; beside Keras itself where it is installed."""

import inspect
import os

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import layers as own
from fastnn.layers import ELU, Activation, BatchNormalization, Dense, Dropout, Flatten, LeakyReLU, ReLU, Softmax
from fastnn.models import Sequential

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch 2.13

MADE = {
    "ReLU": (lambda layers: layers.ReLU(), "relu"),
    "ReLU-max": (lambda layers: layers.ReLU(max_value=0.5), {"name": "clip", "minimum": 0, "maximum": 0.5}),
    "ReLU-6": (lambda layers: layers.ReLU(6.0), "relu6"),
    "ReLU-slope": (lambda layers: layers.ReLU(negative_slope=0.25), {"name": "leaky_relu", "negative_slope": 0.25}),
    "LeakyReLU": (lambda layers: layers.LeakyReLU(), {"name": "leaky_relu", "negative_slope": 0.3}),
    "LeakyReLU-slope": (lambda layers: layers.LeakyReLU(0.5), {"name": "leaky_relu", "negative_slope": 0.5}),
    "ELU": (lambda layers: layers.ELU(), {"name": "elu", "alpha": 1}),
    "ELU-alpha": (lambda layers: layers.ELU(alpha=0.5), {"name": "elu", "alpha": 0.5}),
    "Softmax": (lambda layers: layers.Softmax(), "softmax"),
    "Dropout": (lambda layers: layers.Dropout(0.5), "linear"),
    "Flatten": (lambda layers: layers.Flatten(), "linear"),
    "AlphaDropout": (lambda layers: layers.AlphaDropout(0.5), "linear"),
    "GaussianNoise": (lambda layers: layers.GaussianNoise(0.5), "linear"),
    "ActivityRegularization": (lambda layers: layers.ActivityRegularization(0.5, 0.5), "linear"),
}
NEEDED = {  # arguments without a default
    "Activation": ["relu"],
    "Dense": [1],
    **{name: [0.5] for name in ("AlphaDropout", "Dropout", "GaussianNoise", "Rescaling")},
}
X = uniform(3, (7, 5)) * 4


@pytest.mark.parametrize(("make", "activation"), MADE.values(), ids=MADE)
def test_they_have_the_bits_of_the_activation(make, activation, dtype):
    named, plain = (Sequential([layer], dtype=dtype) for layer in (make(own), Activation(activation)))
    assert same_bits(named.predict(X), plain.predict(X))
    assert named == plain


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    return pytest.importorskip("keras", reason="Keras is not installed: pip install keras")


@pytest.mark.parametrize("make", [made for made, _ in MADE.values()], ids=MADE)
def test_they_answer_as_in_keras(make, keras):
    theirs = keras.Sequential([keras.Input((5,)), make(keras.layers)]).predict(X, verbose=0)
    assert np.allclose(Sequential([make(own)]).predict(X), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False, "epsilon": 0.1}], ids=str)
def test_batch_normalization_answers_as_in_keras(options, keras):
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization(**options)])
    model = Sequential([BatchNormalization(**options)])
    model.build((None, 5))
    assert [a.shape for a in model.get_weights()] == [tuple(a.shape) for a in theirs.get_weights()]
    for of_new_layer in (True, False):
        if not of_new_layer:
            given = [np.abs(uniform(i, 5)) for i in range(len(model.weights))]
            theirs.set_weights(given)
            model.set_weights(given)
        assert np.allclose(model.predict(X), theirs.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in own.__all__ if name not in ("Affine", "Layer", "Input")])
def test_arguments_have_the_names_order_and_defaults_of_keras(name, keras):
    def arguments(layers):
        given = inspect.signature(getattr(layers, name)).parameters.values()
        return [(each.name, each.default) for each in given if each.kind is each.POSITIONAL_OR_KEYWORD]

    theirs = arguments(keras.layers)
    if name == "LayerNormalization":  # fastnn has the last axis alone, and always both weights
        theirs = [each for each in theirs if each[0] not in ("axis", "center", "scale")]
    assert arguments(own) == theirs[: len(arguments(own))]


@pytest.mark.parametrize("name", [name for name in own.__all__ if name not in ("Affine", "Layer", "Input")])
def test_automatic_names_are_those_of_keras(name, keras):
    needed = NEEDED.get(name, [])
    theirs, ours = (getattr(layers, name)(*needed).name.rstrip("_0123456789") for layers in (keras.layers, own))
    assert ours == theirs


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ReLU(threshold=1), "expected threshold to be 0"),
        (lambda: ReLU(6, 0.1), "expected max_value or negative_slope; received .*; for both use two layers"),
        (lambda: ReLU(-1), "minimum: expected at most the maximum"),
        (lambda: ReLU(np.inf), "expected max_value to be a finite number"),
        (lambda: ReLU(10**400), "expected max_value to be a number up to"),
        (lambda: BatchNormalization(momentum=np.nan), "expected momentum to be from 0 to 1"),
        (lambda: BatchNormalization(momentum=99), "expected momentum to be from 0 to 1; received momentum=99"),
        (lambda: ReLU("6"), "expected max_value to be a number"),
        (lambda: LeakyReLU(None), "expected negative_slope to be a number"),
        (lambda: LeakyReLU(np.inf), "negative_slope: expected a finite number"),
        (lambda: ELU(np.nan), "alpha: expected a finite number"),
        (lambda: Softmax(axis=0), "expected axis to be -1 or 1, that of the units"),
        (lambda: BatchNormalization(axis=True), "expected axis to be -1 or 1, that of the units"),
        (lambda: BatchNormalization(center=1), "expected center to be True or False"),
        (lambda: BatchNormalization(momentum="0"), "expected momentum to be a number"),
        (lambda: Dropout(1.5), "expected rate to be from 0 to 1; received rate=1.5"),
        (lambda: Dropout(np.nan), "expected rate to be "),
        (lambda: Dropout(0.5, noise_shape=(1,)), "expected noise_shape to be None"),
        (lambda: Dropout(0.5, seed=-1), "expected seed to be an integer"),
        (lambda: Flatten("channels"), "expected data_format to be None"),
        (lambda: Flatten(input_shape=(28, 28)), r"expected input_shape .*; rows are flat: declare \(784,\)"),
        (lambda: Dense(1, input_dim=0), "Received an invalid value for `input_dim`"),
        (lambda: Dense(1, input_dim=3, input_shape=(4,)), "expected input_shape or input_dim; received "),
    ],
)  # fmt: skip
def test_what_they_do_not_compute_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


@pytest.mark.parametrize("name", [name for name in own.__all__ if name not in ("Input", "Layer")])
def test_every_layer_may_be_the_first_and_declare_its_inputs(name):
    needed = NEEDED.get(name, [])
    for declared in ({"input_dim": 3}, {"input_shape": (3,)}, {"input_dim": 3, "input_shape": (3,)}):
        assert Sequential([getattr(own, name)(*needed, **declared)]).input_shape == (None, 3)


def test_second_names_of_activations_are_accepted_and_kept_as_the_first():
    assert Dense(1, "swish").get_config()["activation"] == "silu"
    assert Activation("hard_silu").activation == Activation("hard_swish").activation == "hard_swish"


def test_a_layer_may_be_an_activation():
    assert Dense(1, LeakyReLU()).get_config()["activation"] == {"name": "leaky_relu", "negative_slope": 0.3}


def test_moving_statistics_are_not_counted_as_trainable():
    lines = []
    Sequential([Dense(3, input_dim=2), BatchNormalization(scale=False)]).summary(print_fn=lines.append)
    assert lines[0].splitlines()[-3:] == [
        " Total params: 18 (72.00 B)",
        " Trainable params: 12 (48.00 B)",
        " Non-trainable params: 6 (24.00 B)",
    ]

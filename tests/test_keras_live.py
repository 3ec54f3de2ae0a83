"""Live Keras models: 300 random chains give Keras' answers, as objects and as files; others' classes are refused."""

import os

import numpy as np
import pytest

import fastnn

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch", reason="PyTorch, Keras' backend here, is not installed: pip install 'fastnn[frameworks]'")
keras = pytest.importorskip("keras", reason="Keras is not installed: pip install 'fastnn[frameworks]'")

# Keras' own, about NumPy 2 and tensors of PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ACTIVATIONS = [
    *("linear", "relu", "tanh", "sigmoid", "softmax", "elu", "selu", "celu", "gelu", "silu", "softplus", "softsign"),
    *("hard_sigmoid", "hard_silu", "hard_tanh", "relu6", "leaky_relu", "mish", "log_softmax"),
]


TOLERANCE = 1e-5


def random_layers(random, inputs):
    layers = keras.layers
    if random.random() < 0.3:
        yield layers.Normalization(
            mean=random.normal(size=inputs).tolist(), variance=(random.random(inputs) + 0.5).tolist()
        )
    for _ in range(int(random.integers(1, 5))):
        yield layers.Dense(int(random.integers(2, 20)), str(random.choice(ACTIVATIONS)), use_bias=random.random() < 0.8)
        yield from {
            0: lambda: [layers.BatchNormalization()],
            1: lambda: [layers.LayerNormalization()],
            2: lambda: [layers.Dropout(0.5), layers.LeakyReLU(negative_slope=0.1)],
            3: lambda: [layers.PReLU()],
            4: lambda: [layers.Rescaling(0.5, offset=-0.25), layers.Flatten()],
            5: lambda: [layers.ReLU(max_value=2.0)],
            6: lambda: [layers.ELU(alpha=0.5)],
            7: lambda: [layers.Activation("gelu")],
        }.get(int(random.integers(0, 12)), list)()


def random_model(number):
    random = np.random.default_rng(number)
    inputs = int(random.integers(1, 12))
    chain = list(random_layers(random, inputs))
    if number % 3:
        model = keras.Sequential([keras.Input((inputs,)), *chain])
    else:
        x = first = keras.Input((inputs,))
        for layer in chain:
            x = layer(x)
        model = keras.Model(first, x)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            continue
        weights = [random.normal(size=w.shape) * 0.5 for w in layer.get_weights()]
        if isinstance(layer, keras.layers.BatchNormalization):
            weights[3] = np.abs(weights[3]) + 0.5
        layer.set_weights([w.astype("float64") for w in weights])
    return model, random.normal(size=(20, inputs)).astype("float32").astype("float64")  # Keras takes float32 in


@pytest.fixture
def in_float64():
    """Models made meanwhile compute in float64, where what a network makes of roundings stays far below its answers."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_300_random_chains_give_keras_answers(first, tmp_path, in_float64):
    for number in range(first, first + 50):
        keras_model, x = random_model(number)
        expected = keras_model.predict(x, verbose=0)
        model = fastnn.from_keras(keras_model, check=x)
        assert model.dtype == "float64"
        # Keras itself casts to float32 in places (6e-8 of a number); LayerNormalization may multiply that by 32.
        size = np.abs(expected).max(axis=1, keepdims=True) + 0.1  # numbers inside are around 1
        assert (np.abs(model.predict(x) - expected) / size).max() <= TOLERANCE
        if number % 5 == 0:
            suffix = ".keras" if number % 10 else ".h5"
            keras_model.save(tmp_path / f"model{suffix}")
            assert fastnn.load_model(tmp_path / f"model{suffix}") == model


def test_nested_models_and_functional_chains_convert():
    inner = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(4, "tanh")])
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(2, "softmax")])
    x = np.random.default_rng(0).normal(size=(9, 3)).astype("float32")
    assert fastnn.from_keras(model, check=x).conversion.difference.ulps <= 8


def test_a_model_without_its_inputs_is_refused():
    with pytest.raises(ValueError, match="built"):
        fastnn.from_keras(keras.Sequential([keras.layers.Dense(3)]))


def test_layers_of_ones_own_are_refused(tmp_path):
    @keras.saving.register_keras_serializable("my")
    class Dense(keras.layers.Dense):
        def call(self, x):
            return super().call(x) * 2

    model = keras.Sequential([keras.Input((4,)), Dense(3)])
    with pytest.raises(fastnn.UnsupportedModelError, match="Dense"):
        fastnn.from_keras(model)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        with pytest.raises(fastnn.UnsupportedModelError, match="Dense"):
            fastnn.load_model(tmp_path / f"model{suffix}")


@pytest.mark.parametrize("make", [
    lambda: keras.layers.Lambda(lambda x: x + 1),
    lambda: keras.layers.Reshape((2, 2)),
    lambda: keras.layers.UnitNormalization(),
], ids=["lambda", "reshape", "unit normalization"])  # fmt: skip
def test_layers_that_fastnn_does_not_compute_are_named(make):
    model = keras.Sequential([keras.Input((4,)), make()])
    with pytest.raises(fastnn.UnsupportedModelError):
        fastnn.from_keras(model)


def test_branches_are_refused():
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Add()([keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)]))
    with pytest.raises(fastnn.UnsupportedModelError):
        fastnn.from_keras(model)

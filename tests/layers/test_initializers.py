"""Initializers: Keras' names, arguments and defaults; the distributions they promise; what is refused."""

import hashlib
import inspect
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from fastnn import _core, initializers, utils
from fastnn.layers import BatchNormalization, Dense
from fastnn.models import Sequential

CLASSES = [getattr(initializers, name) for name in initializers.__all__ if name[0].isupper() and name != "Initializer"]
SHAPE = (200, 300)


def variance_of(scale, fan):
    return lambda shape: scale / {"in": shape[0], "out": shape[1], "avg": (shape[0] + shape[1]) / 2}[fan]


# Name -> the variance of its numbers, and the bound that none exceeds, in standard deviations of the unbounded numbers.
UNIFORM, TRUNCATED = math.sqrt(3), 2 / 0.87962566103423978
DRAWN = {
    "glorot_uniform": (variance_of(1, "avg"), UNIFORM),
    "glorot_normal": (variance_of(1, "avg"), TRUNCATED),
    "he_uniform": (variance_of(2, "in"), UNIFORM),
    "he_normal": (variance_of(2, "in"), TRUNCATED),
    "lecun_uniform": (variance_of(1, "in"), UNIFORM),
    "lecun_normal": (variance_of(1, "in"), TRUNCATED),
    "variance_scaling": (variance_of(1, "in"), TRUNCATED),
    "random_normal": (lambda shape: 0.05**2, 6),
    "random_uniform": (lambda shape: 0.05**2 / 3, UNIFORM),
    "truncated_normal": (lambda shape: (0.05 * 0.87962566103423978) ** 2, TRUNCATED),
}


@pytest.mark.parametrize(("name", "promised"), DRAWN.items())
def test_numbers_are_drawn_from_the_promised_distribution(name, promised):
    variance, bound = promised[0](SHAPE), promised[1]
    utils.set_random_seed(1)
    numbers = initializers.get(name)(SHAPE)
    assert numbers.shape == SHAPE
    assert abs(numbers.mean()) < 5 * math.sqrt(variance / numbers.size)
    assert abs(numbers.var() / variance - 1) < 0.03
    assert np.abs(numbers).max() <= bound * math.sqrt(variance) * (1 + 1e-12)
    assert np.abs(numbers).max() > 0.95 * min(bound, 3) * math.sqrt(variance)


@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", "in"), ("fan_out", "out"), ("fan_avg", "avg")])
def test_variance_scaling_has_the_variance_of_its_mode(mode, fan, distribution):
    numbers = initializers.VarianceScaling(3, mode, distribution, seed=1)(SHAPE)
    assert abs(numbers.var() / variance_of(3, fan)(SHAPE) - 1) < 0.03


def test_glorot_uniform_has_the_bits_of_its_formula():
    expected = math.sqrt(6 / (4 + 3)) * (2 * _core.uniform(12, 7, 0) - 1)
    assert (initializers.GlorotUniform(7)((4, 3)) == expected.reshape(4, 3)).all()


# Of the numbers with seed 7 in the shape (37, 19).
HASHES = {
    "glorot_uniform": "9ff327cb26a84d95",
    "glorot_normal": "ac8b1ca5573f11ca",
    "he_uniform": "0c8cc311d6cb3e54",
    "he_normal": "6bcc4ef2c6ce958c",
    "lecun_uniform": "b8a37c00741d89f6",
    "lecun_normal": "a775e82057c95306",
    "variance_scaling": "a775e82057c95306",
    "random_normal": "2487f67f9c923ff2",
    "random_uniform": "c787dab2810ae77d",
    "truncated_normal": "87ce1c9798c8f105",
    "orthogonal": "6e3c74d3b0e510d0",
}


@pytest.mark.parametrize(("name", "expected"), HASHES.items())
def test_the_bits_of_a_seed_never_change(name, expected):
    numbers = type(initializers.get(name))(seed=7)((37, 19))
    assert hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest()[:16] == expected


def test_unseeded_programs_draw_different_numbers():
    code = "import fastnn; print(fastnn.initializers.HeNormal()((1, 1))[0, 0])"
    first, second = (subprocess.run([sys.executable, "-c", code], capture_output=True).stdout for _ in range(2))
    assert first != second


def test_the_shared_seed_is_checked():
    with pytest.raises(ValueError, match="^expected seed to be an integer"):
        initializers.seed_weights(-1)


def test_orthogonal_kernels_are_orthogonal():
    for shape in ((5, 3), (3, 5), (4, 4)):
        kernel = initializers.Orthogonal(gain=2, seed=1)(shape) / 2
        small = kernel.T @ kernel if shape[0] >= shape[1] else kernel @ kernel.T
        assert np.allclose(small, np.eye(min(shape)))


def test_constants():
    assert (initializers.get("ones")((2, 3)) == 1).all()
    assert (initializers.get("zeros")((2, 3)) == 0).all()
    assert (initializers.Constant(2.5)((2, 3)) == 2.5).all()
    assert (initializers.Identity(2)((2, 3)) == [[2, 0, 0], [0, 2, 0]]).all()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_seed_repeats_the_numbers_and_a_config_makes_an_equal_one(cls):
    seeded = cls(seed=5) if "seed" in inspect.signature(cls).parameters else cls()
    again = initializers.get(initializers.serialize(seeded))
    assert type(again) is cls
    assert again.get_config() == seeded.get_config()
    assert (again(SHAPE) == seeded(SHAPE)).all()
    assert (seeded(SHAPE) == seeded(SHAPE)).all()


def test_the_shared_generator_goes_on():
    utils.set_random_seed(1)
    he = initializers.HeNormal()
    assert not (he((2, 3)) == he((2, 3))).any()


def test_the_names_arguments_and_defaults_are_those_of_keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed: pip install keras")

    def arguments(cls):
        return [(each.name, each.default) for each in inspect.signature(cls).parameters.values()]

    names = ["normal", "uniform", "one", "zero", *DRAWN, *("zeros", "ones", "orthogonal", "identity")]
    for name in names:
        assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__
    for ours in CLASSES:
        theirs = getattr(keras.initializers, ours.__name__)
        assert type(initializers.get(ours.__name__)) is ours
        assert arguments(ours) == arguments(theirs)[: len(arguments(ours))]


def test_every_weight_of_a_layer_has_its_initializer():
    dense = Dense(3, kernel_initializer="identity", bias_initializer="ones", input_dim=3)
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    given = {f"{name}_initializer": initializers.Constant(i) for i, name in enumerate(names)}
    model = Sequential([dense, BatchNormalization(**given)])
    assert (model.layers[0].kernel == np.eye(3)).all()
    assert (model.layers[0].bias == 1).all()
    assert [array[0] for array in model.layers[1].weights] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: initializers.get("he_norml"), ".* 'he_norml'; did you mean 'he_normal'\\? Expected one from "),
        (lambda: initializers.get("banana"), "expected an initializer; received 'banana'. Expected one from "),
        (lambda: initializers.get({"class_name": "Zero", "config": {}}), r".*; did you mean 'Zeros'\? Expected "),
        (lambda: initializers.get({"class_name": "Constant", "config": {"valu": 1}}), r".*; did you mean 'value'\?"),
        (lambda: initializers.get(np.zeros), "expected an initializer; received <"),
        (lambda: initializers.VarianceScaling(0), "expected scale to be more than 0"),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), r".*; did you mean 'fan_in'\?$"),
        (lambda: initializers.VarianceScaling(distribution="normal"), "expected distribution to be one of "),
        (lambda: initializers.RandomNormal(stddev=-1), "expected stddev to be at least 0"),
        (lambda: initializers.RandomUniform(1, 0), "expected minval to be at most maxval"),
        (lambda: initializers.Constant(np.inf), "expected value to be a finite number"),
        (lambda: initializers.Constant("1"), "expected value to be a number"),
        (lambda: initializers.HeNormal(seed=2**32), "expected seed to be an integer"),
        (lambda: Sequential([Dense(1, bias_initializer="identity", input_dim=1)]), "expected the shape of a kernel"),
        (lambda: Sequential([Dense(1, bias_initializer="orthogonal", input_dim=1)]), "expected the shape of a kernel"),
    ],
)  # fmt: skip
def test_what_is_no_initializer_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


def test_a_subclass_draws_but_has_no_config_that_others_could_read():
    class Mine(initializers.Zeros):
        pass

    layer = Dense(2, kernel_initializer=Mine(), input_dim=2)
    Sequential([layer])
    with pytest.raises(ValueError, match="expected an initializer from fastnn.initializers, no subclass"):
        layer.get_config()

"""Regularizers and constraints alone: Keras' numbers, names and configs; and how layers hand them to the trainer."""

import json
import os

import numpy as np
import pytest

from arrays import uniform
from fastnn import constraints, regularizers
from fastnn.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.regularizers import L1, L1L2, L2

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch 2.13

REGULARIZERS = {
    "l1": lambda own: own.L1(0.3),
    "l2": lambda own: own.L2(0.3),
    "l1-default": lambda own: own.L1(),
    "l2-default": lambda own: own.L2(),
    "both": lambda own: own.L1L2(0.1, 0.2),
    "both-default": lambda own: own.L1L2(),
}
CONSTRAINTS = {
    "max": lambda own: own.MaxNorm(1.5),
    "max-default": lambda own: own.MaxNorm(),
    "non-negative": lambda own: own.NonNeg(),
    "unit": lambda own: own.UnitNorm(),
    "min-max": lambda own: own.MinMaxNorm(0.5, 1.5, rate=0.7),
    "min-max-default": lambda own: own.MinMaxNorm(),
}
W = (uniform(3, (7, 5)) - 0.5) * np.array([0, 0.5, 2, 4, 8])  # a column of zeros too


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    return pytest.importorskip("keras", reason="Keras is not installed: pip install keras")


@pytest.mark.parametrize("make", REGULARIZERS.values(), ids=REGULARIZERS)
def test_penalties_and_configs_are_those_of_keras(make, keras):
    ours, theirs = make(regularizers), make(keras.regularizers)
    expected = float(theirs(keras.ops.convert_to_tensor(W, "float64")))
    assert ours(W) == pytest.approx(expected, rel=1e-7)  # Keras' L1 has its factor in float32
    assert {name: pytest.approx(value) for name, value in theirs.get_config().items()} == ours.get_config()
    assert type(regularizers.get(keras.regularizers.serialize(theirs))) is type(ours)


@pytest.mark.parametrize("make", CONSTRAINTS.values(), ids=CONSTRAINTS)
def test_constrained_weights_and_configs_are_those_of_keras(make, keras):
    ours, theirs = make(constraints), make(keras.constraints)
    for weights in (W, W[:, 3]):  # a kernel and a bias
        expected = theirs(keras.ops.convert_to_tensor(weights, "float64")).numpy()
        np.testing.assert_allclose(ours(weights), expected, rtol=1e-14, atol=1e-300)
    assert ours.get_config() == theirs.get_config()
    assert type(constraints.get(keras.constraints.serialize(theirs))) is type(ours)


def test_a_constraint_keeps_the_dtype_of_weights():
    for make in CONSTRAINTS.values():
        assert make(constraints)(W.astype("float32")).dtype == np.float32


@pytest.mark.parametrize(
    ("module", "make"),
    [
        *((regularizers, make) for make in REGULARIZERS.values()),
        *((constraints, make) for make in CONSTRAINTS.values()),
    ],
)
def test_they_come_back_from_their_data(module, make):
    made = make(module)
    for again in (
        module.get(json.loads(json.dumps(module.serialize(made)))),
        type(made).from_config(made.get_config()),
    ):
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
    assert module.get(made) is made


def test_names_stand_for_default_arguments():
    assert regularizers.get(None) is constraints.get(None) is None
    for name, kind in {"l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": L1L2, "l1l2": L1L2, "L1L2": L1L2}.items():
        made = regularizers.get(name)
        assert type(made) is kind
        assert set(made.get_config().values()) == {0.01}
    for name, kind in {"max_norm": MaxNorm, "MinMaxNorm": MinMaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm}.items():
        made = constraints.get(name)
        assert type(made) is kind
        assert made.get_config() == kind().get_config()


def test_the_core_gets_numbers():
    assert [make(regularizers)._factors() for make in REGULARIZERS.values()][::2] == [(0.3, 0), (0.01, 0), (0.1, 0.2)]
    assert MaxNorm(3)._core_settings() == ("max_norm", {"max_value": 3.0})
    assert NonNeg()._core_settings() == ("non_neg", {})
    assert UnitNorm()._core_settings() == ("unit_norm", {})
    given = {"min_value": 0.0, "max_value": 1.0, "rate": 0.5}
    assert MinMaxNorm(rate=0.5)._core_settings() == ("min_max_norm", given)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: L1(-1), "expected l1 to be at least 0; received l1=-1"),
        (lambda: L2(np.nan), "expected l2 to be a finite number"),
        (lambda: L1L2(l2="1"), "expected l2 to be a number"),
        (lambda: MaxNorm(-1), "expected max_value to be at least 0"),
        (lambda: MaxNorm(axis=1), "expected axis to be 0, that of the inputs of a kernel; received axis=1"),
        (lambda: MinMaxNorm(2, 1), "expected min_value to be at most max_value"),
        (lambda: MinMaxNorm(rate=2), "expected rate to be from 0 to 1"),
        (lambda: regularizers.get("l3"), "expected a regularizer .*, or one of 'l1', 'l2', 'l1l2'"),
        (lambda: constraints.get("maxnrm"), ".*; did you mean 'MaxNorm'"),
        (lambda: regularizers.get(abs), "expected a regularizer from fastnn.regularizers"),
        (lambda: constraints.get(NonNeg), r"expected a constraint; received the class NonNeg; call it: NonNeg\(\)"),
        (lambda: regularizers.get({"class_name": "Orthogonal", "config": {}}), "expected a regularizer"),
        (lambda: regularizers.get({"class_name": "L2", "config": {"l3": 1}}), "L2.. got an unexpected"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


def test_a_subclass_is_refused_since_the_trainer_would_compute_its_base():
    class Mine(L2):
        def __call__(self, x):
            return 0.0

    with pytest.raises(ValueError, match="expected a regularizer from fastnn.regularizers"):
        regularizers.get(Mine())


@pytest.mark.parametrize("other", [None, L2(0.5)], ids=["alone", "beside another"])
def test_frozen_weights_have_no_penalty(other):
    frozen = Dense(2, kernel_initializer="ones", kernel_regularizer=L2(1.0), trainable=False, input_shape=(2,))
    model = Sequential([frozen, Dense(1, kernel_initializer="ones", kernel_regularizer=other)])
    model.compile("sgd", "mse")
    x, y = np.zeros((4, 2)), np.zeros(4)
    assert model.evaluate(x, y, verbose=0) == (0 if other is None else 1)  # 0.5 · (1² + 1²)

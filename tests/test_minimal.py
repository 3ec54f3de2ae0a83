"""The main promises, one small test each: if only one test file is run, this is the one."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastnn
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential, load_model


def two_inputs(kernel, activation, output_kernel=((2,), (-1,))):
    """The lecture's network: two inputs, two hidden units, one output, no bias."""
    model = Sequential(
        [Dense(2, activation=activation, use_bias=False, input_shape=(2,)), Dense(1, use_bias=False)], dtype="float64"
    )
    model.set_weights([kernel, output_kernel])
    return model


def perceptron(weights, bias):
    model = Sequential([Dense(1, activation="step", input_shape=(2,))])
    model.set_weights([np.reshape(weights, (2, 1)), [bias]])
    return model


def test_the_lectures_keras_program_runs(tmp_path):
    path = tmp_path / "predictors_data.csv"
    path.write_text("5.1,8,1,0,21\n4.95,9,1,1,42\n6.67,12,0,0,1e1\n")

    predictors = np.loadtxt(path, delimiter=",")
    n_cols = predictors.shape[1]
    model = Sequential()
    model.add(Dense(100, activation="relu", input_shape=(n_cols,)))
    model.add(Dense(100, activation="relu"))
    model.add(Dense(1))
    outputs = model.predict(predictors)

    assert outputs.shape == (3, 1)
    assert outputs.dtype == np.float32
    assert model.count_params() == (5 * 100 + 100) + (100 * 100 + 100) + (100 + 1)
    assert np.isfinite(outputs).all()


def test_forward_propagation_by_hand_gives_5_1_then_9():
    model = two_inputs([[1, -1], [1, 1]], "linear")
    hidden, output = model.representations([2, 3])
    assert_array_equal(hidden, [5.0, 1.0], strict=True)
    assert_array_equal(output, [9.0], strict=True)
    assert_array_equal(model.predict([2, 3]), output, strict=True)


def test_the_same_with_tanh_is_exact_to_the_last_digit():
    assert two_inputs([[1, -1], [1, 1]], "tanh").predict([2, 3]).tolist() == [1.2382242525694254]


def test_tanh_of_3_and_9_are_correctly_rounded_and_so_is_their_sum():
    model = two_inputs([[3, 1], [3, 5]], "tanh")
    hidden, output = model.representations([-1, 2])
    # tanh(3) = 0.99505475368673045133…, tanh(9) = 0.99999996954004097447…
    assert hidden.tolist() == [0.99505475368673045133, 0.99999996954004097447]
    assert output.tolist() == [math.fsum([2 * hidden[0], -hidden[1]])]
    # 0.99010953783341992819…: each rounding, of 2 tanh(3), of tanh(9) and of the sum, is at most half an ulp of a
    # number in [0.5, 2).
    assert abs(output[0] - 0.99010953783341992819) <= 2**-53 + 2**-54 + 2**-54


def test_relu_and_softmax_by_hand():
    model = Sequential([Input((2,)), Activation("relu"), Dense(2, activation="softmax", use_bias=False)])
    model.set_weights([np.eye(2)])
    hidden, output = model.representations([[-3, 0], [2, 2], [0, 200]])
    assert_array_equal(hidden, np.float32([[0, 0], [2, 2], [0, 200]]), strict=True)
    assert_array_equal(output, np.float32([[0.5, 0.5], [0.5, 0.5], [0, 1]]), strict=True)


@pytest.mark.parametrize(
    ("weights", "bias", "answers"),
    [
        pytest.param([1, 1], -1.5, [0, 0, 0, 1], id="and"),
        pytest.param([1, 1], -0.5, [0, 1, 1, 1], id="or"),
        pytest.param([-1, -1], 1.5, [1, 1, 1, 0], id="nand"),
        pytest.param([1, 1], -2.0, [0, 0, 0, 1], id="and-on-the-line"),
    ],
)
def test_a_perceptron_separates(weights, bias, answers):
    model = perceptron(weights, bias)
    assert model.predict([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel().tolist() == answers


def test_the_bias_shifts_where_the_perceptron_switches():
    x = np.float32([[0, -1], [0, 0], [0, 0.5], [0, 1], [0, 1.5]])
    assert perceptron([0, 1], 0).predict(x).ravel().tolist() == [0, 1, 1, 1, 1]
    assert perceptron([0, 1], -1).predict(x).ravel().tolist() == [0, 0, 0, 1, 1]


def test_a_saved_model_loads_with_the_same_answers(path, dtype):
    model = Sequential(
        [Dense(5, activation="tanh", input_shape=(3,)), Activation("relu"), Dense(2, activation="softmax")], dtype=dtype
    )
    fastnn.save_model(model, path)
    loaded = load_model(path)

    x = np.random.default_rng(0).normal(size=(7, 3))
    assert_array_equal(loaded.predict(x), model.predict(x), strict=True)
    assert loaded == model
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert_array_equal(after, before, strict=True)


def test_every_instruction_set_gives_the_bits_of_the_portable_one(isa, dtype):
    fastnn.utils.set_random_seed(1)
    activations = ["relu", "tanh", "sigmoid", "step", "linear", "softmax"]
    model = Sequential([Input((11,)), *(Dense(u, a) for u, a in zip([65, 33, 17, 9, 7, 3], activations, strict=True))])
    model = Sequential.from_config(model.get_config() | {"dtype": dtype})
    rows = np.random.default_rng(2).normal(size=(37, 11))

    answer = model.predict(rows)
    one_by_one = [model.predict(row) for row in rows]
    fastnn.set_isa(fastnn.isas()[-1])
    assert_array_equal(answer, model.predict(rows), strict=True)
    assert_array_equal(one_by_one, answer, strict=True)
    assert fastnn.numerics_version == 1

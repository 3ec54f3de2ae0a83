"""Arguments of layers and models: what Keras takes is taken, everything else is refused in Keras' words."""

import json

import numpy as np
import pytest

from arrays import same_bits
from fastnn import _core
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential
from sequentials import small

X = np.float32([[1, 2], [-3, 0.5], [0, 0]])


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: Dense(3, activaton="relu"), id="Dense"),
        pytest.param(lambda: Activation("relu", alpha=1), id="Activation"),
        pytest.param(lambda: Input((3,), sparse=True), id="Input"),
        pytest.param(lambda: Sequential(layer=[]), id="Sequential"),
        pytest.param(lambda: small().predict(X, batchsize=3), id="predict"),
    ],
)
def test_an_unknown_keyword_is_a_type_error(call):
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        call()


@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2])
@pytest.mark.parametrize("batch_size", [None, 1, 32, np.int64(7)])
def test_batch_size_and_verbose_are_accepted_and_print_and_change_nothing(batch_size, verbose, capsys):
    model = small()
    assert same_bits(model.predict(X, batch_size=batch_size, verbose=verbose), model(X))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**63, 2**64, 2.5, 3.0, True, "4", None, [3]], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda value: Sequential([Dense(value)]), id="units"),
        pytest.param(lambda value: Dense(1, input_shape=(value,)), id="input_shape"),
        pytest.param(lambda value: Input((value,)), id="shape"),
        pytest.param(lambda value: small().build((None, value)), id="build"),
    ],
)
def test_sizes_that_are_no_positive_integers_are_refused_in_keras_words(call, value):
    with pytest.raises(ValueError, match=r"invalid value for .*expected a positive integer.*; received ") as error:
        call(value)
    assert str(error.value).endswith(f"={value!r}")


@pytest.mark.parametrize("value", [np.int64(4), np.uint8(4)], ids=["int64", "uint8"])
def test_numpy_integers_are_sizes(value):
    model = Sequential([Dense(value, input_shape=(value,))])
    assert model.output_shape == (None, 4)
    json.dumps(model.get_config())


@pytest.mark.parametrize("shape", [3, (), (None, 3), (3, 3), "3", {3}], ids=repr)
def test_input_shapes_that_are_not_one_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected input_shape to be a tuple \(inputs,\); received "):
        Dense(1, input_shape=shape)


@pytest.mark.parametrize("activation", ["Relu", "TANH", "swoosh", "", np.tanh, 3], ids=repr)
@pytest.mark.parametrize("make", [lambda a: Dense(1, a), Activation], ids=["Dense", "Activation"])
def test_an_unknown_activation_lists_the_names(make, activation):
    with pytest.raises(ValueError, match="Could not interpret activation function identifier") as error:
        make(activation)
    for name in _core.activations:
        assert repr(name) in str(error.value)


@pytest.mark.parametrize("use_bias", ["False", "", 0, 1, None, np.array([True])], ids=repr)
def test_use_bias_is_true_or_false_and_nothing_like_it(use_bias):
    with pytest.raises(ValueError, match="expected use_bias to be True or False; received use_bias="):
        Dense(1, use_bias=use_bias)
    assert [Dense(1, use_bias=np.bool_(b)).use_bias for b in (True, False)] == [True, False]


@pytest.mark.parametrize("name", ["", "a\udc80", "\ud83d", "a\0b", 3, b"a", ["a"]], ids=ascii)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda name: Dense(1, name=name), id="Dense"),
        pytest.param(lambda name: Activation("relu", name=name), id="Activation"),
        pytest.param(lambda name: Input((1,), name=name), id="Input"),
        pytest.param(lambda name: Sequential(name=name), id="Sequential"),
    ],
)
def test_a_name_that_no_file_could_hold_is_refused(make, name):
    with pytest.raises(ValueError, match="expected name to be a string of at least 1 Unicode character") as error:
        make(name)
    str(error.value).encode()  # can be printed


def test_no_activation_is_linear():
    assert Dense(1).activation == Dense(1, None).activation == Dense(1, "linear").activation == "linear"


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64"), "f8", ">f8", float], ids=repr)
def test_dtypes_are_named_as_numpy_names_them(dtype):
    model = Sequential([Dense(1, input_shape=(2,))], dtype=dtype)
    assert model.dtype == "float64"
    assert model(X).dtype == np.float64 == model.layers[0].kernel.dtype


@pytest.mark.parametrize("dtype", ["float16", "int32", "banana", None, int, complex, 3, {}], ids=repr)
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=r"expected dtype to be 'float32' or 'float64'; received dtype="):
        Sequential(dtype=dtype)

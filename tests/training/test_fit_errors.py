"""What goes wrong with fit() gets one clear sentence."""

import re
import warnings

import numpy as np
import pandas
import pytest

from fastnn.callbacks import TerminateOnNaN
from fastnn.layers import Activation, BatchNormalization, Dense
from fastnn.models import Sequential
from fastnn.models.checks import labels_of, unscaled_columns
from fastnn.models.trainer import NonFiniteLossError
from training import Calls, model_of, rows

X, Y = rows(40)
BAD = X.copy()
BAD[33, 2] = np.nan
BAD_Y = Y.copy()
BAD_Y[7] = np.inf
LARGE = X * 1e300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:5]), "expected as many rows of y as of x; received 40 rows of x and 5 of y"),
        ((X, None), "expected y, the targets of the rows x; received y=None"),
        ((None, Y), "expected x, an array of rows or an iterable of batches; received x=None"),
        ((X[:0], Y[:0]), "expected x of at least 1 row; received shape (0, 3)"),
        ((X[:, :2], Y), "expected x with 3 columns, the model's inputs; received shape (40, 2)"),
        ((X[None], Y), "expected x of shape (rows, inputs); received shape (1, 40, 3)"),
        ((X, Y[:, :, None]), "expected y of shape (rows,) or (rows, columns); received shape (40, 1, 1)"),
        (
            (BAD, Y),
            "expected finite numbers in x; received nan in row 33, column 2: fill in or leave out such rows, or let",
        ),
        (
            (pandas.DataFrame(BAD, columns=["a", "b", "income"]), Y),
            "expected finite numbers in x; received nan in row 33, column 2 ('income'): fill in or leave out",
        ),
        ((X, BAD_Y), "expected finite numbers in y; received inf in row 7, column 0"),
        (
            (np.where([False, True, False], -np.inf, X), Y),
            "expected finite numbers in x; received -inf in row 0, column 1",
        ),
        (([], []), "expected x of"),
        ((iter([]),), "expected at least 1 batch; received an iterable without any"),
        ((iter([X]),), "expected data as x and y, or as an iterable of batches (x, y) or (x, y, sample_weight)"),
    ],
)
def test_data(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        model_of(X).fit(*arguments, verbose=0)


def test_numbers_beyond_the_dtype():
    with pytest.raises(ValueError, match=r"within the range of float32; received .*e\+298 in row 0, column 0: scale x"):
        model_of(X, dtype="float32").fit(LARGE, Y, verbose=0)


@pytest.mark.parametrize("shuffle", [True, False])
def test_row_of_nan_is_that_of_the_whole_array(shuffle, monkeypatch):
    monkeypatch.setattr("fastnn.models.rows.CONVERTED_BYTES", 0)
    monkeypatch.setattr("fastnn.models.rows.CHUNK_BYTES", 100)
    with pytest.raises(ValueError, match=r"received nan in row 33, column 2"):
        model_of(X, dtype="float32").fit(BAD, Y, batch_size=4, shuffle=shuffle, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"epochs": -1}, "expected epochs to be an integer of at least 0; received epochs=-1"),
        ({"epochs": 2.5}, "expected epochs to be an integer"),
        ({"shuffle": "rows"}, "expected shuffle to be True, False or 'batch'"),
        ({"validation_split": 0.999}, "that leaves rows on both sides of 40; received validation_split=0.999"),
        ({"validation_split": 1.5}, "expected a validation_split between 0 and 1"),
        ({"validation_freq": 0, "validation_data": (X, Y)}, "expected validation_freq to be a positive integer"),
        ({"sample_weight": np.ones(3)}, "expected sample_weight to be 40 real numbers, one for each row of x"),
        ({"sample_weight": np.ones(40), "class_weight": {0: 2.0}}, "expected sample_weight or class_weight"),
        ({"sample_weight": np.full(40, np.nan)}, "expected finite numbers in sample_weight; received nan in row 0"),
        ({"seed": -1}, "expected seed to be an integer"),
        ({"verbose": 5}, "expected verbose to be 'auto', 0, 1 or 2"),
        ({"callbacks": [len]}, "expected callbacks to be objects of fastnn.callbacks"),
        ({"validation_data": (X[:, :1], Y)}, "expected x with 3 columns"),
    ],
)
def test_arguments(options, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        model_of(X).fit(X, Y, **({"verbose": 0} | options))


@pytest.mark.parametrize("options", [{"batch_size": 5}, {"sample_weight": [1.0]}, {"validation_split": 0.5}])
def test_iterables_decide_some_arguments_themselves(options):
    with pytest.raises(ValueError, match=f"expected no {next(iter(options))} with an iterable of batches"):
        model_of(X).fit(iter([(X, Y)]), verbose=0, **options)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(method):
    model = Sequential([Dense(1)])
    with pytest.raises(
        ValueError,
        match=rf"You must call `compile\(\)` before calling `{method}\(\)`",
    ):
        getattr(model, method)(X, Y)


def test_without_a_loss():
    model = Sequential([Dense(1)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="expected a loss to train and evaluate with: give compile"):
        model.fit(X, Y, verbose=0)


def test_compile_refuses_what_has_no_derivative():
    model = Sequential([Dense(2, "step", name="hard"), Dense(1)])
    with pytest.raises(ValueError, match="activations with a derivative; received 'step' in layer 'hard'"):
        model.compile("sgd", "mse")
    first = Sequential([Activation("step", input_shape=(3,)), Dense(1)])
    first.compile("sgd", "mse")  # nothing is trained through it
    first.fit(X, Y, verbose=0)
    frozen = Sequential([Dense(2, "step", trainable=False, input_shape=(3,)), Dense(1)])
    frozen.compile("sgd", "mse")
    frozen.fit(X, Y, verbose=0)
    frozen.layers[0].trainable = True
    with pytest.raises(ValueError, match="activations with a derivative; received 'step'"):
        frozen.fit(X, Y, verbose=0)


@pytest.mark.parametrize("options", [{"loss_weights": [0.5]}, {"metrics": "mae"}, {"steps_per_execution": 0}])
def test_compile_refuses_what_it_does_not_offer(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Sequential([Dense(1)]).compile("sgd", "mse", **options)


def diverging():
    model = model_of(X)
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e30
    return model


def test_loss_that_is_not_finite_stops_before_its_step():
    model = diverging()
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match=r"the loss of epoch \d+, step \d+ is (nan|inf)") as caught,
    ):
        model.fit(X, Y, epochs=20, batch_size=10, verbose=0)
    assert caught.value.epoch is not None
    assert caught.value.step is not None
    assert all(np.isfinite(array).all() for array in model.get_weights())
    assert model.history.epoch == list(range(caught.value.epoch))


def test_terminate_on_nan_stops_quietly():
    model, calls = diverging(), Calls()
    with np.errstate(all="ignore"):
        history = model.fit(X, Y, epochs=20, batch_size=10, verbose=0, callbacks=[TerminateOnNaN(), calls])
    assert len(history.epoch) < 20
    assert calls.names()[-1] == "train_end"
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_columns_without_a_scale_are_named_once():
    x = X.copy()
    x[:, 1] *= 1e6
    model = model_of(x)
    model.feature_names = ["age", "income", "height"]
    with pytest.warns(
        UserWarning, match="the numbers in column 'income' of x are too large for the first layer;"
    ) as caught:
        model.fit(x, Y / 1e9, verbose=0, steps_per_epoch=1)
    assert caught[0].filename == __file__
    model.fit(x, Y / 1e9, verbose=0, steps_per_epoch=1)


def test_scaled_columns_and_kernels_that_make_up_for_them_are_fine():
    kernel = np.full((3, 8), 0.5)
    assert unscaled_columns(X, kernel, "relu") == []
    assert unscaled_columns(X * 150, kernel, "relu") == []
    assert unscaled_columns(X * 150, kernel, "tanh") == [0, 1, 2]
    assert unscaled_columns(X * [1, 1, 1e5], kernel, "relu") == [2]
    assert unscaled_columns(X * [1, 1, 1e5], kernel / np.array([[1], [1], [1e5]]), "tanh") == []


def test_first_layers_that_scale_are_not_warned_of():
    x = X * 1e6
    model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, Y, verbose=0)


def test_labels_are_numbers_of_classes():
    assert labels_of(np.array([[0.0], [2.0]])).tolist() == [0, 2]
    assert labels_of(np.eye(3)[[2, 0]]).tolist() == [2, 0]


NO_CLASSES = {
    "chances": np.linspace(0.1, 0.9, 40)[:, None],
    "shades": np.eye(4)[np.repeat([0, 3], [30, 10])] * 0.5,
    "several labels in a row": np.repeat([[0, 1, 0, 1], [1, 0, 1, 1]], [30, 10], axis=0),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("y", NO_CLASSES.values(), ids=NO_CLASSES)
def test_validation_split_of_targets_that_are_no_classes_does_not_warn(y):
    """For example the rows of an autoencoder."""
    model = Sequential([Dense(y.shape[1], "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(X, y, validation_split=0.25, verbose=0)


def test_validation_split_that_lacks_a_class_is_told():
    x, labels = X, np.repeat([0, 1], [30, 10])
    model = Sequential([Dense(1, "sigmoid", input_shape=(3,))])
    model.compile("sgd", "binary_crossentropy")
    with pytest.warns(UserWarning, match="the validation rows have none of class 0") as caught:
        model.fit(x, labels, validation_split=0.2, verbose=0)
    assert caught[0].filename == __file__

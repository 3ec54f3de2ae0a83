"""Changes of data, settings or networks whose effect on training is known without knowing the result.

Equal bits are asserted where every sum keeps its order and every factor is a power of two; else equality to rounding.
"""

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn import _core
from fastnn.layers import Activation, BatchNormalization, Dense, Dropout
from fastnn.models import Sequential
from fastnn.optimizers import SGD, Adam
from fastnn.regularizers import L2
from training import model_of, rows, same

ROUNDING = 1e-12  # of some dozens of steps in float64


def trained(x, y, *, optimizer=None, epochs=10, weights=None, batch_size=None, **options):
    """A model of float64 after full batches, or batches in order."""
    model = model_of(x, optimizer=SGD(0.1) if optimizer is None else optimizer, **options)
    model.fit(x, y, sample_weight=weights, batch_size=batch_size or len(x), epochs=epochs, shuffle=False, verbose=0)
    return model


def check_close(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING)


def test_weight_of_2_is_the_row_twice():
    """The loss is divided by the number of rows, so the learning rate makes up for their number."""
    x, y = rows(40)
    weights = np.ones(40)
    weights[5:15] = 2
    weighted = trained(x, y, optimizer=SGD(0.1), weights=weights)
    repeated = trained(
        np.concatenate([x, x[5:15]]), np.concatenate([y, y[5:15]]), optimizer=SGD(0.1 * 50 / 40), weights=None
    )
    check_close(weighted, repeated)


@pytest.mark.parametrize("batch_size", [40, 7])
def test_what_rows_of_weight_0_hold_does_not_matter(batch_size):
    x, y = rows(40)
    weights = np.arange(40) % 3 % 2
    other_x, other_y = np.where(weights[:, None], x, 7.0), np.where(weights[:, None], y, -3.0)
    for optimizer in (SGD, Adam):
        one = trained(x, y, optimizer=optimizer(0.1), weights=weights, batch_size=batch_size)
        assert same(one, trained(other_x, other_y, optimizer=optimizer(0.1), weights=weights, batch_size=batch_size))


def test_rows_of_weight_0_are_as_if_left_out():
    x, y = rows(64)
    weights = np.repeat([1, 0], 32)
    assert same(trained(x, y, optimizer=SGD(0.25), weights=weights), trained(x[:32], y[:32], optimizer=SGD(0.125)))


def test_loss_times_a_factor_is_the_learning_rate_times_it():
    x, y = rows(40)
    one = trained(x, y, optimizer=SGD(0.2, momentum=0.9))
    assert same(one, trained(x, y, optimizer=SGD(0.05, momentum=0.9), weights=np.full(40, 4.0)))
    check_close(one, trained(x, y, optimizer=SGD(0.2 / 3, momentum=0.9), weights=np.full(40, 3.0)))


def test_adam_does_not_see_the_scale_of_the_loss():
    x, y = rows(40)
    one = trained(x, y, optimizer=Adam(0.01, epsilon=2.0**-20))
    assert same(one, trained(x, y, optimizer=Adam(0.01, epsilon=2.0**-18), weights=np.full(40, 4.0)))


def test_copies_of_a_row_are_one_row():
    x, y = rows(1)
    one = trained(x, y)
    check_close(one, trained(np.repeat(x, 32, axis=0), np.repeat(y, 32, axis=0)))
    check_close(one, trained(np.repeat(x, 600, axis=0), np.repeat(y, 600, axis=0)))


def test_order_of_rows_in_a_full_batch_is_a_matter_of_rounding():
    x, y = rows(600)
    check_close(trained(x, y), trained(x[::-1], y[::-1]))


def test_accumulated_gradients_are_those_of_one_batch():
    x, y = rows(64)
    accumulating = SGD(0.1, momentum=0.9, gradient_accumulation_steps=4)
    check_close(trained(x, y, optimizer=SGD(0.1, momentum=0.9)), trained(x, y, optimizer=accumulating, batch_size=16))


def test_weight_decay_of_gradient_descent_is_a_penalty():
    x, y = rows(40)
    models = []
    for optimizer, penalty in ((SGD(0.1, weight_decay=0.06), None), (SGD(0.1), L2(0.03))):
        layer = Dense(2, kernel_regularizer=penalty, bias_regularizer=penalty, input_shape=(3,))
        model = Sequential([layer], dtype="float64")
        model.set_weights([uniform(1, (3, 2)), uniform(2, (2,))])
        model.compile(optimizer, "mse")
        model.fit(x, np.hstack([y, -y]), epochs=10, verbose=0, seed=1)
        models.append(model)
    check_close(*models)


def permuted(model, order):
    """The weights of a model whose hidden units stand in another order."""
    kernel, bias, last, last_bias = model.get_weights()
    return [kernel[:, order], bias[order], last[order], last_bias]


def test_hidden_units_in_another_order_learn_the_same():
    x, y = rows(40)
    order = np.random.RandomState(0).permutation(8)
    one, other = model_of(x, optimizer="adam"), model_of(x, optimizer="adam")
    other.set_weights(permuted(one, order))
    for model in (one, other):
        model.fit(x, y, epochs=10, seed=1, verbose=0)
    for a, b in zip(permuted(one, order), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING)


def test_outputs_in_another_order_learn_the_same_bits():
    x, y = rows(40)
    y, order = y * np.arange(1, 6), [3, 0, 4, 1, 2]
    weights = [uniform(1, (3, 5)), uniform(2, (5,))]
    one, other = (Sequential([Dense(5, input_shape=(3,))], dtype="float64") for _ in range(2))
    one.set_weights(weights)
    other.set_weights([each[..., order] for each in weights])
    for model, targets in ((one, y), (other, y[:, order])):
        model.compile("adam", "mse")
        model.fit(x, targets, epochs=5, seed=1, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a[..., order], b)


def test_unit_without_weights_changes_no_bit():
    x, y = rows(40)
    one = trained(x, y, hidden=8)
    wide = model_of(x, hidden=9, optimizer=SGD(0.1))
    kernel, bias, last, last_bias = model_of(x, hidden=8).get_weights()
    wider = [np.pad(kernel, ((0, 0), (0, 1))), np.pad(bias, (0, 1)), np.pad(last, ((0, 1), (0, 0)))]
    wide.set_weights([*wider, last_bias])
    wide.fit(x, y, batch_size=40, epochs=10, shuffle=False, verbose=0)
    kernel, bias, last, last_bias = wide.get_weights()
    for a, b in zip([kernel[:, :8], bias[:8], last[:8], last_bias], one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not kernel[:, 8].any()


def test_linear_activation_and_no_dropout_change_no_bit():
    x, y = rows(40)
    one = trained(x, y, epochs=3)
    first, last = model_of(x).layers
    model = Sequential([first, Dropout(0.0), Activation("linear"), last], dtype="float64")
    model.compile(SGD(0.1), "mse")
    model.fit(x, y, batch_size=40, epochs=3, shuffle=False, verbose=0)
    assert same(model, one)


def test_frozen_layer_is_the_network_before():
    x, y = rows(40)
    whole = model_of(x)
    whole.layers[0].trainable = False
    whole.compile("adam", "mse")
    last = Sequential([Dense(1, input_shape=(8,))], dtype="float64")
    last.set_weights(whole.get_weights()[2:])
    last.compile("adam", "mse")
    first = whole.get_weights()[:2]
    before = np.array(Sequential([whole.layers[0]], dtype="float64").predict(x))
    whole.fit(x, y, epochs=5, seed=1, verbose=0)
    last.fit(before, y, epochs=5, seed=1, verbose=0)
    for a, b in zip(whole.get_weights(), [*first, *last.get_weights()], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_epochs_are_fits_of_one_epoch(optimizer):
    x, y = rows(40)
    one, many = model_of(x, optimizer=optimizer), model_of(x, optimizer=optimizer)
    logs = one.fit(x, y, batch_size=7, epochs=5, shuffle=False, verbose=0).history["loss"]
    parts = [many.fit(x, y, batch_size=7, shuffle=False, verbose=0).history["loss"][-1] for _ in range(5)]
    assert same(one, many)
    assert logs == parts


def test_shuffled_epoch_is_an_epoch_of_shuffled_rows():
    x, y = rows(40)
    one, other = model_of(x), model_of(x)
    one.fit(x, y, batch_size=7, seed=3, verbose=0)
    order = _core.permutation(40, 3, 0)
    other.fit(x[order], y[order], batch_size=7, shuffle=False, verbose=0)
    assert same(one, other)


def test_batches_of_validation_change_no_bit_of_its_logs():
    x, y = rows(700)
    histories = [
        model_of(x, metrics=["mae", "r2_score"]).fit(
            x, y, validation_split=0.5, validation_batch_size=size, epochs=2, seed=1, verbose=0
        )
        for size in (1, 7, 32, 350, 1000)
    ]
    assert all(each.history == histories[0].history for each in histories)
    assert "val_mae" in histories[0].history


@pytest.mark.usefixtures("threads")
def test_threads_change_no_bit(dtype):
    x = uniform(1, (2000, 64))
    y = (x[:, :1] > 0).astype(float)
    results = []
    for count in (1, 2, 3, 8):
        fastnn.set_num_threads(count)
        fastnn.utils.set_random_seed(1)
        layers = [Dense(256, "relu"), BatchNormalization(), Dropout(0.3), Dense(128, "tanh"), Dense(1, "sigmoid")]
        model = Sequential(layers, dtype=dtype)
        model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
        history = model.fit(x, y, batch_size=600, epochs=2, validation_split=0.25, seed=1, verbose=0)
        results.append((model, history.history))
    for model, logs in results[1:]:
        assert same(model, results[0][0])
        assert logs == results[0][1]

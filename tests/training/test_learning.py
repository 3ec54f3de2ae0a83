"""What training arrives at is right: closed forms, other programs' estimates, and tasks that a network must manage."""

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn.layers import BatchNormalization, Dense, Dropout
from fastnn.losses import Quantile
from fastnn.models import Sequential
from fastnn.optimizers import LBFGS, SGD, Adam
from fastnn.regularizers import L2
from fastnn.schedules import CosineDecay


def trained(layers, x, y, optimizer, loss, epochs, batch_size=None, dtype="float64"):
    """A model of the layers after fit(), the same in each call."""
    fastnn.utils.set_random_seed(5)
    model = Sequential(layers, dtype=dtype)
    model.build((None, x.shape[1]))
    model.compile(optimizer, loss)
    model.fit(x, y, batch_size=batch_size or len(x), epochs=epochs, seed=1, verbose=0)
    return model


def to_the_end():
    """An optimizer that stops at no error that float64 could avoid."""
    return LBFGS(max_iter=1000, tolerance=1e-9)


def noisy_line(rows=200, inputs=5, units=2):
    x = uniform(1, (rows, inputs))
    return x, x @ uniform(2, (inputs, units)) + 0.7 + uniform(3, (rows, units)) / 4


def closed_form(x, y):
    """Kernel and bias of least squares."""
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    return solution[:-1], solution[-1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_xor(activation, dtype):
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    layers = [Dense(16, activation), Dense(1, "sigmoid")]
    model = trained(layers, x, y, Adam(0.05), "binary_crossentropy", epochs=200, dtype=dtype)
    assert np.abs(model.predict(x)[:, 0] - y).max() < 0.05


OPTIMIZERS = {
    "gradient descent": (SGD(1.0), 500, None),
    "momentum": (SGD(0.2, momentum=0.9), 500, None),
    "nesterov": (SGD(0.2, momentum=0.9, nesterov=True), 500, None),
    "adam": (Adam(CosineDecay(0.05, 3000)), 3000, None),
    "batches": (SGD(CosineDecay(0.5, 10 * 1000, alpha=1e-4)), 1000, 20),
    "lbfgs": (to_the_end(), 1, None),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_linear_model_is_least_squares(name):
    x, y = noisy_line()
    optimizer, epochs, batch_size = OPTIMIZERS[name]
    model = trained([Dense(2)], x, y, optimizer, "mse", epochs, batch_size)
    # Batches end near the solution only: their noise, of the size of the learning rate, decays with it.
    tolerance = 1e-6 if batch_size is None else 1e-4
    for ours, theirs in zip(model.get_weights(), closed_form(x, y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def test_deep_linear_model_is_least_squares():
    x, y = noisy_line()
    model = trained([Dense(8), Dense(8), Dense(2)], x, y, to_the_end(), "mse", epochs=3)
    kernel, bias = closed_form(x, y)
    np.testing.assert_allclose(model.predict(x), x @ kernel + bias, rtol=0, atol=1e-6)


def test_weighted_linear_model_is_weighted_least_squares():
    x, y = noisy_line()
    weights = np.arange(len(x)) % 4
    model = Sequential([Dense(2, input_shape=(5,))], dtype="float64")
    model.compile(to_the_end(), "mse")
    model.fit(x, y, sample_weight=weights, verbose=0)
    root = np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]) * root, y * root, rcond=None)[0]
    np.testing.assert_allclose(np.vstack(model.get_weights()), solution, rtol=0, atol=1e-6)


def test_ridge_is_the_closed_form():
    x, y = noisy_line(units=1)
    model = trained([Dense(1, use_bias=False, kernel_regularizer=L2(0.1))], x, y, to_the_end(), "mse", epochs=1)
    solution = np.linalg.solve(x.T @ x + 0.1 * len(x) * np.eye(x.shape[1]), x.T @ y)
    np.testing.assert_allclose(model.get_weights()[0], solution, rtol=0, atol=1e-6)


Y = np.array([0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0])
CONSTANTS = {
    "mse": ("mse", "linear", Y.mean()),
    "mae": ("mae", "linear", np.median(Y)),
    "poisson": ("poisson", "exponential", Y.mean()),
    "quantile": (Quantile(0.8), "linear", 13.0),
    "msle": ("msle", "exponential", np.expm1(np.log1p(Y).mean())),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_best_constant_of_a_loss(name):
    """Without inputs a network predicts one number for all rows: the mean, the median, the quantile."""
    loss, activation, expected = CONSTANTS[name]
    optimizer = Adam(CosineDecay(0.5, 3000))
    model = trained([Dense(1, activation)], np.zeros((len(Y), 1)), Y, optimizer, loss, epochs=3000)
    np.testing.assert_allclose(model.predict([[0.0]])[0, 0], expected, rtol=1e-3)


def test_sigmoid_and_softmax_learn_the_shares_of_classes():
    labels = np.repeat([0, 1, 2], [10, 20, 70])
    x = np.zeros((100, 1))
    model = trained([Dense(3, "softmax")], x, labels, to_the_end(), "sparse_categorical_crossentropy", epochs=1)
    np.testing.assert_allclose(model.predict([[0.0]])[0], [0.1, 0.2, 0.7], atol=1e-5)
    model = trained([Dense(1, "sigmoid")], x, labels == 2, to_the_end(), "binary_crossentropy", epochs=1)
    np.testing.assert_allclose(model.predict([[0.0]])[0], [0.7], atol=1e-5)


@pytest.fixture
def linear_model():
    return pytest.importorskip("sklearn.linear_model")


def test_poisson_is_the_generalized_linear_model(linear_model):
    x = uniform(1, (300, 4))
    y = np.random.RandomState(0).poisson(np.exp(x @ [1.0, -0.5, 0.3, 0.0] + 1))
    glm = linear_model.PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-10).fit(x, y)
    model = trained([Dense(1, "exponential")], x, y, to_the_end(), "poisson", epochs=1)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], glm.coef_, atol=1e-5)
    np.testing.assert_allclose(bias, glm.intercept_, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_one_layer_is_logistic_regression(linear_model, classes):
    x = uniform(1, (200, 4))
    labels = np.digitize(x @ [1.0, -1.0, 0.5, 0.0] + uniform(2, (200,)), [-0.3, 0.4][: classes - 1])
    estimator = linear_model.LogisticRegression(C=0.5, tol=1e-10, max_iter=10000).fit(x, labels)
    penalty = L2(1 / (2 * 0.5 * len(x)))  # scikit-learn adds |w|² / 2 to C times the sum of the rows' losses
    units, activation, loss = (
        (1, "sigmoid", "bce") if classes == 2 else (3, "softmax", "sparse_categorical_crossentropy")
    )
    layers = [Dense(units, activation, kernel_regularizer=penalty)]
    outputs = trained(layers, x, labels, to_the_end(), loss, epochs=2).predict(x)
    expected = estimator.predict_proba(x)
    np.testing.assert_allclose(outputs, expected if classes > 2 else expected[:, 1:], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fifty_rows_are_learned_by_heart(dtype):
    x, y = uniform(1, (50, 4)), uniform(2, (50, 2))
    layers = [Dense(64, "tanh"), Dense(64, "tanh"), Dense(2)]
    model = trained(layers, x, y, Adam(CosineDecay(0.01, 2000)), "mse", epochs=2000, dtype=dtype)
    assert model.evaluate(x, y, verbose=0) < 1e-6


@pytest.mark.parametrize("loss", ["binary_crossentropy", "hinge", "squared_hinge"])
def test_separable_rows_are_separated(loss):
    x = uniform(1, (200, 3))
    x = x[np.abs(x.sum(axis=1)) > 0.2]
    labels = (x.sum(axis=1) > 0).astype(int)
    activation = "sigmoid" if loss == "binary_crossentropy" else "linear"
    model = trained([Dense(1, activation)], x, labels, Adam(0.1), loss, epochs=30, batch_size=16)
    outputs = model.predict(x)[:, 0]
    assert ((outputs > (0.5 if activation == "sigmoid" else 0)) == labels).all()


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        ("sgd", 0.1),
        ("adam", 0.01),
        ("adamw", 0.01),
        ("rmsprop", 0.003),
        ("adagrad", 0.1),
        ("adadelta", 5.0),
        ("adamax", 0.01),
        ("nadam", 0.01),
        ("lion", 0.003),
    ],
)
def test_each_optimizer_learns_a_curve(optimizer, rate):
    x = np.linspace(-1, 1, 128)[:, None]
    y = np.sin(3 * x)
    kind = fastnn.optimizers.get(optimizer)
    kind.learning_rate = rate
    model = trained([Dense(32, "tanh"), Dense(1)], x, y, kind, "mse", epochs=300, batch_size=16, dtype="float32")
    assert model.evaluate(x, y, verbose=0) < 0.01  # the variance of y is 0.5


@pytest.mark.parametrize("extra", [[], [BatchNormalization()], [Dropout(0.2)]], ids=["plain", "normalized", "dropout"])
def test_digits_in_few_epochs(extra):
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = datasets.load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(x))
    train, test = order[:1300], order[1300:]
    layers = [Dense(64, "relu"), *extra, Dense(10, "softmax")]
    model = trained(layers, x[train] / 16, y[train], Adam(0.003), "sparse_categorical_crossentropy", 12, 32, "float32")
    assert (model.predict(x[test] / 16).argmax(axis=1) == y[test]).mean() >= 0.95

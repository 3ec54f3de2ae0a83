"""The truth of training is itself checked: its gradients by differences and autograd, its steps by Keras."""

import numpy as np
import pytest

import training_cases as cases
import training_reference as reference
from keras_in_float64 import keras_in_float64
from training_losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2
MSE = ("mean_squared_error", {})


def differences(loss, array):
    """Return the gradient of loss() by the numbers of array: central differences of order 4, off by 1e-12 or so."""
    gradient, h = np.zeros_like(array), 1e-3
    for i in np.ndindex(array.shape):
        before, values = array[i], []
        for steps in (-2, -1, 1, 2):
            array[i] = before + steps * h
            values.append(loss())
        array[i] = before
        gradient[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return gradient


def assert_gradients_are_differences(layers, loss, x, y, weights=None, tolerance=1e-8):
    trainer = reference.Trainer(x.shape[1], layers, loss, ("sgd", {}), 0)
    trainer.gradients(x, y, weights)
    gradients = [dict(layer.gradients) for layer in trainer.layers]
    for layer, ours in zip(trainer.layers, gradients, strict=True):
        for name in layer.trained:
            expected = differences(lambda: trainer.gradients(x, y, weights), layer.weights[name])
            np.testing.assert_allclose(ours[name], expected, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", cases.ACTIVATION_NAMES)
def test_gradients_through_activations_are_differences(name):
    layers = [(cases.dense(4, 5, name), {}), (cases.dense(5, 3, seed=1), {})]
    assert_gradients_are_differences(layers, MSE, *cases.data(3, 4, 3))


@pytest.mark.parametrize("case", cases.LOSSES, ids=cases.loss_id)
def test_gradients_of_losses_are_differences(case):
    name, parameters, last, targets = case
    layers = [(cases.dense(4, 5, "tanh"), {}), (cases.dense(5, 3, last, seed=1), {})]
    assert_gradients_are_differences(layers, (name, parameters), *cases.data(4, 4, 3, targets))


@pytest.mark.parametrize("kind", cases.LAYERS[1:])
@pytest.mark.parametrize("trainable", [True, False])
def test_gradients_through_layers_are_differences(kind, trainable):
    layers = [
        (cases.dense(4, 5), {}),
        (cases.of_units(kind, 5), {"trainable": trainable, "activity": (0.01, 0.1)}),
        (cases.dense(5, 3, "tanh", seed=1), {"regularizers": {"kernel": (0.1, 0.2), "bias": (0, 0.3)}}),
    ]
    assert_gradients_are_differences(layers, MSE, *cases.data(6, 4, 3), tolerance=1e-7)


@pytest.mark.parametrize("kind", ["dropout", "alpha_dropout", "gaussian_noise"])
def test_gradients_through_noise_are_differences(kind):
    noisy = (cases.activation(5, "linear"), {"noise": (kind, 0.3, None)})
    layers = [(cases.dense(4, 5, "tanh"), {}), noisy, (cases.dense(5, 3, seed=1), {})]
    assert_gradients_are_differences(layers, MSE, *cases.data(6, 4, 3))


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")


# Not hard_sigmoid, whose slope in PyTorch is 1/6 in float32.
TORCH = {
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "relu6": "relu6",
    "hard_tanh": "hardtanh",
    "softsign": "softsign",
    "selu": "selu",
    "silu": "silu",
    "hard_swish": "hardswish",
    "softplus": "softplus",
    "mish": "mish",
    "gelu": "gelu",
}
TORCH_LOSSES = {
    "mean_squared_error": "mse_loss",
    "mean_absolute_error": "l1_loss",
    "huber": "huber_loss",
    "binary_crossentropy": "binary_cross_entropy",
}


@pytest.mark.parametrize("loss", TORCH_LOSSES)
@pytest.mark.parametrize("name", TORCH)
def test_gradients_are_those_of_autograd(torch, name, loss):
    last, targets = ("sigmoid", cases.bits) if loss == "binary_crossentropy" else ("linear", cases.normal)
    layers = [(cases.dense(4, 5, name), {}), (cases.dense(5, 3, last, seed=1), {})]
    x, y, _ = cases.data(6, 4, 3, targets)
    trainer = reference.Trainer(4, layers, (loss, {}), ("sgd", {}), 0)
    value = trainer.gradients(x, y)

    functional = torch.nn.functional
    weights = [[torch.tensor(w, requires_grad=True) for w in d[4].values()] for d, _ in layers]
    (kernel, bias), (last_kernel, last_bias) = weights
    hidden = getattr(functional, TORCH[name])(torch.tensor(x) @ kernel + bias)
    outputs = hidden @ last_kernel + last_bias
    outputs = torch.sigmoid(outputs) if last == "sigmoid" else outputs
    expected = getattr(functional, TORCH_LOSSES[loss])(outputs, torch.tensor(y))
    expected.backward()

    assert abs(value - expected.item()) <= 1e-12 * abs(value)
    for layer, theirs in zip(trainer.layers, weights, strict=True):
        for ours, tensor in zip(layer.gradients.values(), theirs, strict=True):
            np.testing.assert_allclose(ours, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.fixture
def keras(torch):
    with keras_in_float64() as keras:
        yield keras


KERAS_OPTIMIZERS = {
    **{"sgd": "SGD", "adam": "Adam", "rmsprop": "RMSprop", "adagrad": "Adagrad", "adadelta": "Adadelta"},
    **{"adamax": "Adamax", "nadam": "Nadam", "lion": "Lion"},
}
BOOLEANS = ("nesterov", "amsgrad", "centered", "from_logits")


def keras_optimizer(keras, name, settings, rate):
    settings = {key: bool(value) if key in BOOLEANS else value for key, value in settings.items()}
    if "ema_momentum" in settings:
        settings["use_ema"] = True
    if "accumulation_steps" in settings:
        settings["gradient_accumulation_steps"] = settings.pop("accumulation_steps")
    return getattr(keras.optimizers, KERAS_OPTIMIZERS[name])(learning_rate=rate, **settings)


def keras_model(keras, layers):
    """A Keras model of (description, options), with the same weights."""
    model = keras.Sequential([keras.Input((layers[0][0][4]["kernel"].shape[0],))])
    for (kind, units, activation, parameters, _), options in layers:
        arguments = {"trainable": options.get("trainable", True)}
        for name, (l1, l2) in options.get("regularizers", {}).items():
            arguments[f"{name}_regularizer"] = keras.regularizers.L1L2(l1, l2)
        for name, (constraint, values) in options.get("constraints", {}).items():
            class_name = "".join(word.title() for word in constraint.split("_"))
            arguments[f"{name}_constraint"] = getattr(keras.constraints, class_name)(**values)
        if "activity" in options:
            arguments["activity_regularizer"] = keras.regularizers.L1L2(*options["activity"])
        if kind == "Dense":
            model.add(keras.layers.Dense(units, activation, **arguments))
        elif kind == "BatchNormalization":
            model.add(keras.layers.BatchNormalization(momentum=options["momentum"], **parameters, **arguments))
        else:
            model.add(getattr(keras.layers, kind)(**parameters, **arguments))
    model.set_weights([w for (*_, weights), _ in layers for w in weights.values()])
    return model


def assert_steps_are_those_of_keras(keras, layers, loss, optimizer, case=None, steps=20):
    x, y, weights = case or cases.data(17, 4, 3)
    rate = 0.01
    model = keras_model(keras, layers)
    their_loss = "".join(word.title() for word in loss[0].split("_"))
    values = {key: bool(value) if key in BOOLEANS else value for key, value in loss[1].items()}
    model.compile(keras_optimizer(keras, *optimizer, rate), getattr(keras.losses, their_loss)(**values))
    trainer = reference.Trainer(4, layers, loss, optimizer, 0)
    for _ in range(steps // 5):
        for first in range(0, 17, 4):
            rows = slice(first, first + 4)
            theirs = model.train_on_batch(x[rows], y[rows], weights[rows])
            (ours,) = trainer.train(x[rows], y[rows], weights[rows], None, 4, [rate])
            model.reset_metrics()
            assert abs(ours - float(theirs)) <= 1e-10 * abs(ours) + 1e-12
    all_ours = [w for layer in trainer.layers for w in layer.weights.values()]
    for ours, theirs in zip(all_ours, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def two_layers(last="linear", **options):
    return [(cases.dense(4, 5, "tanh"), options), (cases.dense(5, 3, last, seed=1), {})]


@pytest.mark.parametrize("optimizer", cases.OPTIMIZERS, ids=cases.case_id)
def test_twenty_steps_of_each_optimizer_are_those_of_keras(keras, optimizer):
    assert_steps_are_those_of_keras(keras, two_layers(), MSE, optimizer)


@pytest.mark.parametrize("settings", cases.COMMON, ids=cases.case_id)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_settings_of_all_optimizers_are_those_of_keras(keras, optimizer, settings):
    assert_steps_are_those_of_keras(keras, two_layers(), MSE, (optimizer, settings))


@pytest.mark.parametrize("kind", cases.LAYERS[1:])
@pytest.mark.parametrize("trainable", [True, False])
def test_layers_train_as_in_keras(keras, kind, trainable):
    if kind == "Affine":
        pytest.skip("Keras has no Affine")
    options = {"trainable": trainable, "activity": (0.01, 0.1), "momentum": 0.9}
    layers = [(cases.dense(4, 5), {}), (cases.of_units(kind, 5), options), (cases.dense(5, 3, seed=1), {})]
    assert_steps_are_those_of_keras(keras, layers, MSE, ("adam", {}))


@pytest.mark.parametrize("constraint", cases.CONSTRAINTS, ids=cases.case_id)
def test_constraints_are_those_of_keras(keras, constraint):
    layers = two_layers(constraints={"kernel": constraint}, regularizers={"kernel": (0.1, 0.2), "bias": (0, 0.3)})
    assert_steps_are_those_of_keras(keras, layers, MSE, ("adam", {"ema_momentum": 0.9}))


@pytest.mark.parametrize("case", cases.LOSSES, ids=cases.loss_id)
def test_losses_are_those_of_keras(keras, case):
    name, parameters, last, targets = case
    if name == "quantile":
        pytest.skip("Keras has no quantile loss")
    x, y, _ = cases.data(20, 4, 5, targets)
    if last in ("sigmoid", "hard_sigmoid"):
        p = 1 / (1 + np.exp(-x @ np.ones((4, 5)) + np.arange(5)))
    elif last == "softmax":
        p = cases.shares(np.random.default_rng(2), y.shape if y.shape[1] == 5 else (20, 5))
    else:
        p = np.random.default_rng(2).uniform(0.1, 2, (20, 5))
    class_name = {"kl_divergence": "KLDivergence"}.get(name, "".join(word.title() for word in name.split("_")))
    values = {key: bool(value) if key in BOOLEANS else value for key, value in parameters.items()}
    if name == "binary_focal_crossentropy" and "alpha" in parameters:
        values["apply_class_balancing"] = True
    theirs = getattr(keras.losses, class_name)(reduction=None, **values)(y, p).detach().numpy()
    ours, _ = LOSSES[name](y, p, **parameters)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)

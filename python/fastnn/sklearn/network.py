"""The network of an estimator: its layers, scikit-learn's first weights, loss and optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn import regularizers
from fastnn.arguments import fraction
from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.input import Input
from fastnn.layers.layer import Layer
from fastnn.layers.named import Dropout
from fastnn.layers.normalization import BatchNormalization
from fastnn.losses import lookup as losses
from fastnn.models.sequential import Sequential
from fastnn.optimizers.base import Optimizer
from fastnn.optimizers.full_batch import LBFGS
from fastnn.optimizers.gradient import SGD, Adam
from fastnn.regularizers import L2
from fastnn.sklearn.parameters import by_layer, hidden_units

OUTPUTS = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}  # scikit-learn's names: fastnn's
_LOSSES = {"squared_error": "mean_squared_error", "absolute_error": "mean_absolute_error"}


class Objective(NamedTuple):
    """What is minimized: a loss of fastnn, times `factor`, so that gradients are scikit-learn's."""

    loss: Any
    factor: float = 1.0


def of_classes(loss: Any, units: int, activation: str) -> Objective:
    """Return the objective of a classifier; "log_loss" is the cross-entropy of its outputs, summed over labels.

    >>> of_classes("log_loss", 3, "softmax").loss.name
    'sparse_categorical_crossentropy'
    """
    if isinstance(loss, str) and loss == "log_loss":
        if activation == "softmax":
            return Objective(losses.get("sparse_categorical_crossentropy"))
        return Objective(losses.get("binary_crossentropy"), float(units))
    return _other(loss)


def of_numbers(loss: Any, units: int) -> Objective:
    """Return the objective of a regressor. scikit-learn's own are sums over outputs, and half the square.

    >>> of_numbers("squared_error", 3).factor, of_numbers("poisson", 3).factor, of_numbers("huber", 3).factor
    (1.5, 3.0, 1.0)
    """
    found = _other(loss)
    of_sklearn = {"squared_error": units / 2, "poisson": float(units)}
    return found._replace(factor=of_sklearn.get(loss, 1.0)) if isinstance(loss, str) else found


def _other(loss: Any) -> Objective:
    if isinstance(loss, (int, tuple, list)):
        raise ValueError(
            "expected loss to be a loss, the first argument as in scikit-learn since 1.7; "
            f"received loss={loss!r}; name the layers: hidden_layer_sizes={loss!r}"
        )
    found = losses.get(_LOSSES.get(loss, loss) if isinstance(loss, str) else loss)
    if found is None:
        raise ValueError("expected a loss, by its name or as an object of fastnn.losses; received loss=None")
    return Objective(found)


def is_l2(model: Sequential, l2: float) -> bool:
    """Return whether a model of built() has this penalty.

    >>> is_l2(Sequential([Dense(1, kernel_regularizer=L2(0.5))]), 0.5)
    True
    """
    regularizer = model.layers[-1].kernel_regularizer  # type: ignore[attr-defined]  # of Dense
    return l2 == (0.0 if regularizer is None else regularizer.l2)


def built(estimator: Any, inputs: int, units: int, activation: str, l2: float, dtype: Any) -> Sequential:
    """Return the network of an estimator's parameters, with weights of 0."""
    hidden = hidden_units(estimator.hidden_layer_sizes)
    regularizer = L2(l2) if l2 > 0 else None
    layers: list[Layer | Input] = [Input((inputs,))]
    rates = by_layer("dropout", estimator.dropout, len(hidden))
    for i, (size, name, rate) in enumerate(zip(hidden, _activations(estimator), rates, strict=True), 1):
        first = None if estimator.batch_normalization else name
        layers.append(_dense(size, first, regularizer, f"hidden_{i}"))
        if estimator.batch_normalization:
            layers.append(BatchNormalization(name=f"normalization_{i}"))
            layers.append(Activation(name, name=f"activation_{i}"))
        if fraction("dropout", rate, below_1=True) > 0:
            layers.append(Dropout(rate, name=f"dropout_{i}"))
    layers.append(_dense(units, activation, regularizer, "output"))
    return Sequential(layers, name=type(estimator).__name__, dtype=np.dtype(dtype).name)


def _dense(units: int, activation: Any, regularizer: Any, name: str) -> Dense:
    # Zeros: drawing weights would change NumPy's global generator, and others replace them at once.
    return Dense(units, activation, kernel_initializer="zeros", kernel_regularizer=regularizer, name=name)


def _activations(estimator: Any) -> list[Any]:
    given = by_layer("activation", estimator.activation, len(hidden_units(estimator.hidden_layer_sizes)))
    return [OUTPUTS.get(each, each) if isinstance(each, str) else each for each in given]


def with_l2(model: Sequential, l2: float) -> Sequential:
    """Return a model of the same layers with this penalty, and other weights."""
    config = model.get_config()
    for layer in config["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["kernel_regularizer"] = regularizers.serialize(L2(l2)) if l2 > 0 else None
    return Sequential.from_config(config)


def check_units(model: Sequential, hidden_layer_sizes: Any) -> None:
    """Raise ValueError unless the network that goes on has these hidden layers.

    >>> check_units(Sequential([Dense(3), Dense(1)]), (3,))
    """
    units = [layer.units for layer in dense_layers(model)[:-1]]
    if units != hidden_units(hidden_layer_sizes):
        raise ValueError(
            f"expected hidden_layer_sizes={tuple(filter(None, units))}, those of the network that goes on; received "
            f"hidden_layer_sizes={hidden_layer_sizes!r}; set warm_start=False and call fit() to begin anew"
        )


def draw_weights(model: Sequential, activation: Any, random: np.random.RandomState) -> None:
    """Give the Dense layers the weights that scikit-learn would draw, in its order, from the same generator."""
    names = list(activation) if isinstance(activation, (list, tuple)) else [activation]
    for i, layer in enumerate(dense_layers(model)):
        name = names[min(i, len(names) - 1)] if names else None  # the last layer has the bound of the one before
        inputs, units = layer.kernel.shape
        bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / (inputs + units))
        layer.set_weights([random.uniform(-bound, bound, (inputs, units)), random.uniform(-bound, bound, units)])


def dense_layers(model: Sequential) -> list[Dense]:
    """Return the layers with kernels.

    >>> len(dense_layers(Sequential([Dense(3), Activation("relu"), Dense(1)])))
    2
    """
    return [layer for layer in model.layers if isinstance(layer, Dense)]


def optimizer_of(estimator: Any) -> Optimizer:
    """Return the optimizer of an estimator's parameters.

    >>> from fastnn.sklearn import MLPRegressor
    >>> optimizer_of(MLPRegressor(learning_rate_init=0.01)).learning_rate
    0.01
    """
    rate = estimator.learning_rate_init
    match estimator.solver:
        case "adam":
            return Adam(rate, estimator.beta_1, estimator.beta_2, estimator.epsilon)
        case "sgd":
            momentum = float(estimator.momentum)
            return SGD(rate, momentum, nesterov=bool(estimator.nesterovs_momentum) and momentum > 0)
        case _:
            return LBFGS(estimator.max_iter, estimator.tol, max_function_evaluations=estimator.max_fun)

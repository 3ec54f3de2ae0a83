"""MLPClassifier and MLPRegressor of fastnn.sklearn: the layers of their model_, behind the steps of a pipeline."""

from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.importers.live_objects import own_name
from fastnn.importers.sklearn_estimators.attributes import attribute
from fastnn.importers.sklearn_estimators.found import Found, classes_of
from fastnn.importers.steps import Function, Nothing, Product, Step, batch_normalization
from fastnn.layers.activation import Activation
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import BatchNormalization


def network(mlp: Any, is_classifier: bool, source: str) -> Found:
    """Return the steps of a fitted estimator of fastnn.sklearn. Raises UnsupportedModelError for other layers."""
    model = attribute(mlp, source, "model_")
    steps = [step for layer in model.layers for step in _steps(layer, source)]
    if not is_classifier:
        return Found(steps, "predict")
    if not hasattr(mlp, "predict_proba"):
        raise UnsupportedModelError(f"{source} has outputs that are no probabilities; use its model_, a Sequential")
    if model.output_shape[1] == 1:  # softmax([0, z]) = [1 - sigmoid(z), sigmoid(z)]
        *before, last, function = steps
        if not (isinstance(last, Product) and isinstance(function, Function) and function.activation == "sigmoid"):
            raise UnsupportedModelError(f"{source} has one output that is no sigmoid; use its model_, a Sequential")
        bias = None if last.bias is None else np.insert(last.bias, 0, 0)
        pair = Product(last.source, np.insert(last.kernel, 0, 0, axis=1), bias)
        steps = [*before, pair, Function(function.source, "softmax")]
    return Found(steps, "predict_proba", classes_of(mlp, source))


def _function(layer: Dense | Activation, what: str) -> Function:
    return Function(f"{what}: its activation", layer.activation, dict(layer.parameters))


def _steps(layer: Layer, source: str) -> list[Step]:
    what = f"{source}: layer {layer.name!r}"
    match own_name(layer, "fastnn"):
        case "Dense":
            assert isinstance(layer, Dense)
            kernel, *bias = layer.get_weights()
            return [Product(what, kernel, bias[0] if bias else None), _function(layer, what)]
        case "Activation":
            assert isinstance(layer, Activation)
            return [_function(layer, what)]
        case "BatchNormalization":
            assert isinstance(layer, BatchNormalization)
            *factors, mean, variance = layer.get_weights()
            gamma = factors[0] if layer.scale else None
            beta = factors[-1] if layer.center else None
            return [batch_normalization(what, gamma, beta, mean, variance, layer.epsilon)]
        case "Dropout":
            return [Nothing(what)]
    raise UnsupportedModelError(f"{what} ({type(layer).__name__}) has no step; use its model_, a Sequential")

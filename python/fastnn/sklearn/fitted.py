"""Fitted estimators of models that were trained elsewhere."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from fastnn.models.sequential import Sequential
from fastnn.sklearn import network

E = TypeVar("E", bound=Any)
_NAMES = {theirs: ours for ours, theirs in network.OUTPUTS.items()}


def adopt(estimator: E, model: Any) -> E:
    """Return the estimator with a model, and the attributes that the model decides."""
    if not isinstance(model, Sequential) or not model.built:
        raise ValueError(f"expected a Sequential that is built; received {model!r:.60}")
    kernels = network.dense_layers(model)
    if not kernels:
        raise ValueError(f"expected a Sequential with a Dense layer; received {model!r:.60}")
    last = model.layers[-1].activation
    estimator.hidden_layer_sizes = tuple(layer.units for layer in kernels[:-1])
    estimator.model_, estimator._is_own, estimator._compiled_of = model, False, None
    estimator.n_features_in_, estimator.n_outputs_ = model.input_shape[1], model.output_shape[1]
    estimator.out_activation_ = _NAMES.get(last, last)
    if model.feature_names is not None:
        estimator.feature_names_in_ = np.array(model.feature_names, object)
    return estimator

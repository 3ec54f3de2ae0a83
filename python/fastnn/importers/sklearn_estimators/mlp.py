"""MLPClassifier and MLPRegressor: kernels, biases and activations."""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.sklearn_estimators.attributes import array, attribute
from fastnn.importers.sklearn_estimators.found import Found, classes_of
from fastnn.importers.steps import Function, Product, Step

_HIDDEN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_CLASSIFIERS = {"logistic": "sigmoid", "softmax": "softmax"}  # by out_activation_
_REGRESSORS = {"identity": "linear", "exp": "exponential"}


def network(mlp: Any, is_classifier: bool, source: str) -> Found:
    """Return the steps of an MLPClassifier or an MLPRegressor."""
    kernels, biases = _layers(mlp, source)
    hidden = _activation(mlp, source, "activation", _HIDDEN)
    output = _activation(mlp, source, "out_activation_", _CLASSIFIERS if is_classifier else _REGRESSORS)
    classes = classes_of(mlp, source) if is_classifier else None
    if classes is not None:
        units = kernels[-1].shape[1]
        if len(classes) != max(units, 2) or (output == "softmax" and units == 1):
            raise ModelFormatError(
                f"{source}: expected {max(units, 2)} classes_ for {units} outputs of {output}; received {len(classes)}"
            )
        if units == 1:  # softmax([0, z]) = [1 - sigmoid(z), sigmoid(z)]
            kernels[-1], biases[-1] = (np.insert(array, 0, 0, axis=-1) for array in (kernels[-1], biases[-1]))
            output = "softmax"
    steps: list[Step] = []
    for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        steps += [
            Product(f"{source}: coefs_[{i}]", kernel, bias),
            Function(f"{source}: its activation", output if i == len(kernels) - 1 else hidden),
        ]
    return Found(steps, "predict_proba" if is_classifier else "predict", classes)


def _layers(mlp: Any, source: str) -> tuple[list[Array], list[Array]]:
    """Return the kernels and the biases, all of one dtype: float32 or float64."""
    found: list[list[Array]] = []
    for name, dimensions in (("coefs_", 2), ("intercepts_", 1)):
        arrays = attribute(mlp, source, name)
        if not isinstance(arrays, (list, tuple)) or not arrays:
            raise ModelFormatError(f"{source}: expected {name} to be a list of arrays")
        found.append([array(each, f"{source}: {name}[{i}]", dimensions) for i, each in enumerate(arrays)])
    kernels, biases = found
    if len(kernels) != len(biases):
        raise ModelFormatError(f"{source}: expected as many coefs_ as intercepts_; received {len(kernels)} and "
                               f"{len(biases)}")  # fmt: skip
    dtype = np.float32 if {kernel.dtype for kernel in kernels} == {np.dtype("f4")} else np.float64
    return [kernel.astype(dtype) for kernel in kernels], biases


def _activation(mlp: Any, source: str, name: str, known: dict[str, str]) -> str:
    value = attribute(mlp, source, name)
    if not isinstance(value, str) or value not in known:
        raise UnsupportedModelError(f"{source}: expected {name} among {', '.join(known)}; received {value!r:.60}")
    return known[value]

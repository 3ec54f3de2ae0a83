"""How far roundings move a model's answers: the numbers that they round are moved by as much, some up, some down."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.layers.description import Description
from fastnn.models.sequential import Sequential

FLOAT32, FLOAT64 = (float(np.finfo(dtype).eps) for dtype in ("f4", "f8"))
MOST_WEIGHTS = 2**20  # of which copies in float64 fit into the memory that SECURITY.md allows for a small file

_NETWORKS: dict[str, Any] = {"float32": _core.Network32, "float64": _core.Network64}
_PAIRS = 4  # of changed models, which show what roundings can do


def is_small(weights: int) -> bool:
    """Return whether a model has so few weights that copies of them in float64 fit into memory.

    >>> is_small(2**20), is_small(2**20 + 1)
    (True, False)
    """
    return weights <= MOST_WEIGHTS


def precision_for(arrays: Iterable[Array]) -> float:
    """Return the precision that a reference with these weights computes in: float64's, float32's for large models.

    >>> precision_for([np.zeros((3, 2), "f4")]) == FLOAT64
    True
    """
    return FLOAT64 if is_small(sum(array.size for array in arrays)) else FLOAT32


def distance(own: Array, wanted: Array) -> Array:
    """Return how far apart numbers are, element by element; 0 for equal infinities and for two NaNs.

    >>> distance(np.array([1.5, np.nan]), np.array([1.0, np.nan]))
    array([0.5, 0. ])
    """
    same = (own == wanted) | (np.isnan(own) & np.isnan(wanted))
    return np.abs(np.subtract(own, wanted, out=np.zeros_like(own), where=~same))


def changes_of(model: Sequential, dtype: str, rows: Array, own: Array, unit: float, floor: float) -> Array:
    """Return how far answers move if the rows, the weights and the outputs of layers move by a relative `unit`.

    floor: by how much outputs move at least, however small they are.

    >>> model = Sequential([Dense(1, "exponential", kernel_initializer="ones", input_shape=(1,))])
    >>> moved = changes_of(model, "float64", np.array([[9.0]]), model.predict([[9.0]]), 1e-3, 0.0)
    >>> bool(9e-3 < moved[0, 0] / np.exp(9.0) < 9e-2)
    True
    """
    most = np.zeros_like(own)
    for seed in range(_PAIRS):
        for way in (1, -1):  # an edge within reach is passed one way or the other
            answers = _moved(model, dtype, rows, way * unit, way * floor, seed)
            most = np.maximum(most, np.nan_to_num(distance(answers, own), nan=np.inf))
    return most


def _moved(model: Sequential, dtype: str, rows: Array, unit: float, floor: float, seed: int) -> Array:
    """Return the answers if each number of the rows, weights and outputs moves, up or down as the seed says.

    One layer at a time, for memory; the weights of a large model stay.
    """
    generator, described = np.random.default_rng(seed), model._describe()
    are_moved = is_small(model.count_params())

    def moved(array: Array) -> Array:
        return np.asarray(array * (1 + generator.choice([-unit, unit], array.shape)), dtype)

    answers = moved(rows)
    for layer in (part for whole in described.layers for part in _parts(whole)):
        weights = {name: moved(array) for name, array in layer.weights.items()} if are_moved else layer.weights
        network = _NETWORKS[dtype](answers.shape[1], [layer._replace(weights=weights)], np.asarray)
        centre = _moved_centre(layer, answers) * generator.choice([-unit, unit], (len(answers), 1))
        answers = moved(network.predict(answers, None) + centre)
        answers += generator.choice([-floor, floor], answers.shape).astype(dtype)
    return answers.astype(np.float64)


def _parts(layer: Description) -> list[Description]:
    """Return a layer as two if it has an activation, whose input is rounded too: exp() of 100 moves by much then."""
    if layer.class_name == "Activation" or layer.activation == "linear":
        return [layer]
    activation = Description("Activation", layer.units, layer.activation, layer.parameters, {})
    return [layer._replace(activation="linear", parameters={}), activation]


def _moved_centre(layer: Description, x: Array) -> Array:
    """Return how far a layer's outputs move if the mean that it subtracts moves by itself.

    Moving the inputs of a LayerNormalization of one unit moves its mean as far, and no output.
    """
    if layer.class_name != "LayerNormalization":
        return np.zeros(())
    variance = np.var(x, axis=1, keepdims=True)
    means = np.abs(x.mean(axis=1, keepdims=True))
    return np.asarray(means / np.sqrt(variance + layer.parameters["epsilon"]) * layer.weights["gamma"])

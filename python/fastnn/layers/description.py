"""Built layers and models as data: what the core, files and exporters take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn import _core
from fastnn.arrays import Array

Weights = dict[str, Array]


class Description(NamedTuple):
    """A built layer as data, for the core, files and exporters."""

    class_name: str  # in _core.layers
    units: int
    activation: str
    parameters: dict[str, float]
    weights: Weights

    def all_weights(self) -> Weights:
        """Return the weights of its kind by name; the initial numbers for one that the layer does without.

        >>> [(name, array.shape) for name, array in Description("Affine", 2, "linear", {}, {}).all_weights().items()]
        [('scale', (2,)), ('shift', (2,))]
        """
        _, _, weights = _core.layers[self.class_name]
        return {name: self.weights.get(name, np.full(self.units, row[1])) for name, row in weights.items()}


class ModelDescription(NamedTuple):
    """A built model as data, a consistent snapshot for saving and exporters."""

    dtype: str
    inputs: int
    units: int
    classes: tuple[Any, ...] | None
    feature_names: tuple[str, ...] | None
    names: list[str]
    layers: list[Description]

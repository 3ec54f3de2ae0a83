"""Layers in a row and their weights: the part of a Sequential that does not compute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn.arguments import flag
from fastnn.arrays import Array
from fastnn.layers.arguments import as_weights, inputs_of_shape, unique_name
from fastnn.layers.description import Weights
from fastnn.layers.input import Input
from fastnn.layers.layer import Layer, State
from fastnn.locks import changes
from fastnn.models.classes import as_array, check_count, checked
from fastnn.models.conversion import Conversion
from fastnn.models.layer_list import LayerList
from fastnn.models.named_inputs import NamedInputs
from fastnn.tables.feature_space import FeatureSpace
from fastnn.text import did_you_mean

DTYPES = ("float32", "float64")


def _dtype_name(dtype: Any) -> str:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = None
    if dtype is None or name not in DTYPES:
        raise ValueError(f"expected dtype to be 'float32' or 'float64'; received dtype={dtype!r}")
    return str(name)


class Stack(NamedInputs):
    """Layers in a row: each takes the outputs of the one before. The base class of Sequential."""

    conversion: Conversion | None = None  # the report of the importer that made the model

    def __init__(
        self,
        layers: Iterable[Layer | Input | FeatureSpace] | Layer | FeatureSpace | None = None,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        if isinstance(name, (Layer, Input, FeatureSpace)):
            raise ValueError("expected the layers in one list, Sequential([…]); received a layer as second argument")
        self.name = unique_name("sequential", name)
        self.dtype = _dtype_name(dtype)
        super().__init__()
        self._layers: list[Layer] = []
        self._classes: Array | None = None
        self._drop_network()
        for layer in [layers] if isinstance(layers, (Layer, Input, FeatureSpace)) else layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input, as a list that cannot be changed: use add() and pop().

        >>> Sequential([Input((2,)), Dense(3, name="hidden")]).layers
        [<Dense name=hidden, built=True>]
        """
        return LayerList(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer with this name, or with this index from 0. Raises ValueError if there is none.

        >>> model = Sequential([Dense(3, name="hidden"), Dense(1)])
        >>> model.get_layer("hidden").units, model.get_layer(index=-1).units
        (3, 1)
        """
        if (name is None) == (index is None) or not isinstance(name, (str, type(None))):
            raise ValueError(
                f"expected get_layer(name), a string, or get_layer(index=i); received name={name!r}, index={index!r}"
            )
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(self._layers)} layers."
                )
            return self._layers[index]
        names = [layer.name for layer in self._layers]
        if name not in names:
            raise ValueError(
                f"No such layer: {name!r}{did_you_mean(name, names) or '.'} Existing layers are: {names!s:.400}"
            )
        return self._layers[names.index(name)]

    @property
    def built(self) -> bool:
        """Whether the number of inputs is known and every layer has weights.

        >>> Sequential([Dense(3)]).built, Sequential([Dense(3, input_shape=(2,))]).built
        (False, True)
        """
        return self._inputs is not None and bool(self._layers)

    @property
    def input_shape(self) -> tuple[None, int]:
        """(None, inputs). Raises ValueError before the number of inputs is known.

        >>> Sequential([Dense(3, input_shape=(2,))]).input_shape
        (None, 2)
        """
        return (None, self._known_inputs())

    @property
    def output_shape(self) -> tuple[None, int]:
        """(None, units of the last layer). Raises ValueError before the number of inputs is known.

        >>> Sequential([Dense(3, input_shape=(2,))]).output_shape
        (None, 3)
        """
        return (None, self._units_after(len(self._layers)))

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The names of the classes, a tuple, or None (default): one for each unit, two for a single unit.

        Set it to strings, finite numbers or booleans. ValueError for other objects, and for a wrong number of them.
        Files keep the classes. Only predict_classes() uses them; they do not change predict() and fingerprint().

        >>> model = Sequential([Dense(2, "softmax", input_shape=(2,))])
        >>> model.classes = ["cat", "dog"]
        >>> model.classes
        ('cat', 'dog')
        """
        classes = self._classes
        return None if classes is None else tuple(classes.tolist())

    @classes.setter
    def classes(self, classes: Iterable[Any] | None) -> None:
        """Set the names of the classes."""
        given = None if classes is None else checked(classes)
        if given is not None and self.built:
            check_count(len(given), self.output_shape[1])
        self._classes = None if given is None else as_array(given)

    def add(self, layer: Layer | Input | FeatureSpace) -> None:
        """Append a layer; an Input or a FeatureSpace only in front of all layers.

        If the number of inputs is known, the layer is built at once.
        Raises TypeError for other objects; ValueError for an Input after others, a name that the model already has, or
        a layer that was built for another number of inputs or another dtype.

        >>> model = Sequential()
        >>> model.add(Input((2,)))
        >>> model.add(Dense(3))
        >>> model.output_shape
        (None, 3)
        """
        if not isinstance(layer, (Layer, Input, FeatureSpace)):
            is_model = isinstance(layer, Stack)
            advice = "; share their layers, as in Sequential([*encoder.layers, *decoder.layers])" if is_model else ""
            if isinstance(layer, type) and issubclass(layer, (Layer, Input, FeatureSpace)):
                advice = f"; call it: {layer.__name__}(…)"
            raise TypeError(
                f"Only layers of fastnn.layers can be added to a Sequential model; "
                f"received {layer!r} (of type {type(layer)}){advice}"
            )
        with changes:
            if isinstance(layer, (Input, FeatureSpace)):
                self._add_input(layer)
            else:
                self._add_layer(layer)

    def _add_input(self, layer: Input | FeatureSpace) -> None:
        if self._layers or self._has_input:
            raise ValueError(
                f"Sequential model '{self.name}' has layers or an Input already; an Input or a FeatureSpace can only "
                f"be the first; received {layer!r}"
            )
        if isinstance(layer, FeatureSpace):
            self._inputs = self._take_space(layer)
        else:
            self._inputs = layer.inputs
        self._has_input = True

    def _add_layer(self, layer: Layer) -> None:
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the "
                f"name of a layer in this model. Update the `name` argument to pass a unique name."
            )
        layer.output_units(1)  # ValueError for Dense(None)
        inputs = self._inputs
        if inputs is None and not self._layers:
            inputs = layer.declared_inputs or layer.inputs
        if inputs is not None:
            before = self._units_after(len(self._layers)) if self._layers else inputs
            layer._set_state(layer._state_for(before, self.dtype))
        self._inputs = inputs
        self._layers.append(layer)
        layer._used_by(self)
        self._drop_network()

    def pop(self) -> Layer:
        """Remove the last layer and return it. Raises ValueError if there is none.

        >>> model = Sequential([Dense(3, input_shape=(2,)), Dense(1)])
        >>> model.pop().units, model.output_shape
        (1, (None, 3))
        """
        with changes:
            if not self._layers:
                raise ValueError(f"expected a model with at least 1 layer to pop from; '{self.name}' has none")
            self._drop_network()
            layer = self._layers.pop()
            if not self._layers and not self._has_input:
                self._inputs = None
            return layer

    def build(self, input_shape: tuple[int | None, int] | None = None) -> None:
        """Create the weights of all layers that have none.

        input_shape: (None, inputs); default the declared number of inputs.
        Raises ValueError for a model without layers, and if the number of inputs is unknown or already another.

        >>> model = Sequential([Dense(3), Dense(1)])
        >>> model.build((None, 2))
        >>> [array.shape for array in model.get_weights()]
        [(2, 3), (3,), (3, 1), (1,)]
        """
        inputs = self._inputs
        if input_shape is not None:
            inputs = inputs_of_shape("input_shape", input_shape, batch=True)
            if self._inputs not in (None, inputs):
                raise ValueError(
                    f"Sequential model '{self.name}' has {self._inputs} inputs; received input_shape={input_shape!r}"
                )
        with changes:
            self._adopt(self._states(self._known_inputs() if inputs is None else inputs))

    def _states(self, inputs: int, weights: list[Weights] | None = None) -> list[State]:
        """Return the state of each layer for this number of inputs, with these weights; no layer changes."""
        if not self._layers:
            raise ValueError(f"expected a model with at least 1 layer; '{self.name}' has none: use model.add(...)")
        states = []
        for i, layer in enumerate(self._layers):
            states.append(layer._state_for(inputs, self.dtype, None if weights is None else weights[i]))
            inputs = layer.output_units(inputs)
        return states

    def _adopt(self, states: list[State]) -> None:
        for layer, state in zip(self._layers, states, strict=True):
            layer._set_state(state)
        self._inputs = states[0].inputs

    def _known_inputs(self) -> int:
        if self._inputs is None:
            raise ValueError(
                f"expected a model that knows its number of inputs; '{self.name}' does not yet: give the first layer "
                "input_shape=(inputs,), call model.build((None, inputs)), or call the model on data"
            )
        return self._inputs

    def _units_after(self, layers: int) -> int:
        width = self._known_inputs()
        for layer in self._layers[:layers]:
            width = layer.output_units(width)
        return width

    @property
    def weights(self) -> list[Array]:
        """All weights in the order of get_weights(), as read-only arrays; [] before the model is built.

        >>> [array.shape for array in Sequential([Dense(3, input_shape=(2,))]).weights]
        [(2, 3), (3,)]
        """
        with changes:
            return [array for layer in self._layers for array in layer.weights]

    @property
    def trainable_weights(self) -> list[Array]:
        """The weights that fit() changes, as read-only arrays; [] before the model is built.

        >>> [array.shape for array in Sequential([Dense(3, input_shape=(2,))]).trainable_weights]
        [(2, 3), (3,)]
        """
        with changes:
            return [array for layer in self._layers for array in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Array]:
        """The other weights: moving statistics, and those of frozen layers, as read-only arrays.

        >>> Sequential([Dense(3, input_shape=(2,))]).non_trainable_weights
        []
        """
        with changes:
            return [array for layer in self._layers for array in layer.non_trainable_weights]

    variables, trainable_variables, non_trainable_variables = weights, trainable_weights, non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether any layer is trainable. Set it to freeze or thaw all layers; ValueError unless True or False.

        >>> model = Sequential([Dense(3), Dense(1)])
        >>> model.trainable = False
        >>> model.layers[0].trainable
        False
        """
        return any(layer.trainable for layer in self._layers) or not self._layers

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        """Freeze or thaw all layers."""
        flag("trainable", trainable)
        for layer in self._layers:
            layer.trainable = trainable

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, in the order of the layers: for Dense, kernel (inputs, units), bias (units,).

        [] before the model is built.

        >>> [array.shape for array in Sequential([Dense(3, input_shape=(2,)), PReLU()]).get_weights()]
        [(2, 3), (3,), (3,)]
        """
        return [array.copy() for array in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Replace all weights; all are validated before any is replaced.

        weights: arrays of real numbers, in the order and shapes of get_weights(). The model copies them in its dtype.
        Raises ValueError for a wrong number, wrong shapes or masked values, TypeError for anything but real numbers.

        >>> model = Sequential([Dense(1, input_shape=(2,))])
        >>> model.set_weights([[[2], [3]], [10]])
        >>> model.predict([1, 1])
        array([15.], dtype=float32)
        """
        weights = as_weights(weights)
        with changes:
            expected = sum(len(layer.weights) for layer in self._layers)
            if len(weights) != expected:
                raise ValueError(
                    f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                    f"{len(weights)}, but the layer was expecting {expected} weights."
                )
            rest = iter(weights)
            states = [layer._state_with([next(rest) for _ in layer.weights]) for layer in self._layers]
            for layer, state in zip(self._layers, states, strict=True):
                if state is not None:
                    layer._set_state(state)

    def count_params(self) -> int:
        """Return the number of weights. Raises ValueError if a layer is not built.

        >>> Sequential([Dense(3, input_shape=(2,))]).count_params()
        9
        """
        return sum(layer.count_params() for layer in self._layers)

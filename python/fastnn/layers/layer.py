"""What every layer has: a name, weights by name, models that hear of their changes.

The kinds of layers, their parameters and their weights are rows of the core's table (_core.layers).
"""

import weakref
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.layers.arguments import Fixed, as_weights, unique_name
from fastnn.locks import changes

Array = npt.NDArray[Any]
Weights = dict[str, Array]


class Description(NamedTuple):
    """A built layer as data: what the core, files and exporters read."""

    class_name: str  # in _core.layers
    units: int
    activation: str
    parameters: dict[str, float]
    weights: Weights


class ModelDescription(NamedTuple):
    """A built model as data, all of one moment: what saving and the exporters read."""

    dtype: str
    inputs: int
    units: int
    classes: tuple[Any, ...] | None
    names: list[str]
    layers: list[Description]


class State(NamedTuple):
    """What building gives a layer."""

    inputs: int
    dtype: str
    weights: Weights  # C-contiguous and read-only


class Layer(Fixed):
    """Base of all layers: a name, weights, and the number of inputs once the layer is built.

    A layer is built when it knows its number of inputs and dtype: by a declared input, by the layer before it, or by
    the first data that the model sees.

    >>> from fastnn.layers import PReLU
    >>> layer = PReLU()
    >>> layer.built, layer.weights
    (False, [])
    """

    activation: str = "linear"
    parameters: dict[str, float] = {}  # noqa: RUF012  # the activation's or the layer's own; replaced, never changed
    declared_inputs: int | None = None
    _class_name: str  # in _core.layers
    _prefix: str
    _fixed = frozenset(
        (
            *("name", "units", "activation", "parameters", "use_bias"),
            *("kernel_initializer", "bias_initializer", "declared_inputs"),
        )
    )

    def __init__(self, name: str | None) -> None:
        self.name = unique_name(self._prefix, name)
        self._state: State | None = None
        self._models: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    @property
    def inputs(self) -> int | None:
        """The number of inputs; None before the layer is built."""
        return None if self._state is None else self._state.inputs

    @property
    def dtype(self) -> str:
        """The dtype of the weights, once the layer is built."""
        return "float32" if self._state is None else self._state.dtype

    @property
    def built(self) -> bool:
        """Whether the layer knows its number of inputs."""
        return self._state is not None

    def output_units(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs."""
        return inputs

    def weight_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights by name, in get_weights()'s order."""
        sizes = {"inputs": inputs, "units": self.output_units(inputs)}
        _, _, weights = _core.layers[self._class_name]
        return {name: tuple(sizes[axis] for axis in axes) for name, (axes, _) in weights.items()}

    def _initial_weights(self, inputs: int) -> Weights:
        _, _, weights = _core.layers[self._class_name]
        return {name: np.full(shape, weights[name][1]) for name, shape in self.weight_shapes(inputs).items()}

    def state_for(self, inputs: int, dtype: str, weights: Weights | None = None) -> State:
        """Return the state that builds the layer with these weights, or its first ones; a built layer keeps its own.

        The layer does not change. Raises ValueError where it cannot be built so.
        """
        if self.declared_inputs not in (None, inputs):
            raise ValueError(
                f"Layer '{self.name}' declares {self.declared_inputs} inputs, but it follows {inputs} outputs."
            )
        if self._state is not None:
            if self._state[:2] != (inputs, dtype):
                raise ValueError(
                    f"Layer '{self.name}' was built for {self.inputs} inputs of {self.dtype}. "
                    f"Received: inputs={inputs}, dtype={dtype}"
                )
            return self._state
        shapes = self.weight_shapes(inputs)
        given = self._initial_weights(inputs) if weights is None else weights
        return State(inputs, dtype, self._checked([given[name] for name in shapes if name in given], shapes, dtype))

    def set_state(self, state: State) -> None:
        """Take over what state_for() returned, and drop the networks of models that use this layer."""
        if state is self._state:
            return
        with changes:
            self._state = state
            for model in list(self._models.values()):
                model.drop_network()

    def used_by(self, model: Any) -> None:
        """Call model.drop_network() from now on when the weights change."""
        self._models[id(model)] = model

    def _checked(self, given: list[Array], shapes: dict[str, tuple[int, ...]], dtype: str) -> Weights:
        """Return copies of the weights, C-contiguous and read-only."""
        if len(given) != len(shapes):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                f"{len(given)}, but the layer was expecting {len(shapes)} weights."
            )
        weights = {}
        for (name, shape), array in zip(shapes.items(), given, strict=True):
            if array.shape != shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {shape} is not compatible with provided weight shape "
                    f"{array.shape}."
                )
            weights[name] = np.ascontiguousarray(_core.converted(array, np.dtype(dtype)))
            weights[name].flags.writeable = False
        return weights

    def weight(self, name: str) -> Array | None:
        """Return a weight by its name, read-only; None before the layer is built, and for one that it does not have."""
        array = None if self._state is None else self._state.weights.get(name)
        return None if array is None else array.view()

    @property
    def weights(self) -> list[Array]:
        """The weights, in get_weights()'s order, read-only."""
        # A view of a read-only array is read-only.
        return [] if self._state is None else [array.view() for array in self._state.weights.values()]

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in the order of weight_shapes(): a Dense layer's kernel, then its bias."""
        return [array.copy() for array in self.weights]

    def state_with(self, weights: list[Array]) -> State | None:
        """Return the state of this built layer with other weights; None for a layer that is not built.

        Raises ValueError for another number of weights, or other shapes.
        """
        shapes = {} if self._state is None else self.weight_shapes(self._state.inputs)
        checked = self._checked(weights, shapes, self.dtype)
        return None if self._state is None else self._state._replace(weights=checked)

    def set_weights(self, weights: Any) -> None:
        """Replace the weights, given as get_weights() returns them; all are checked before any is replaced."""
        state = self.state_with(as_weights(weights))
        if state is not None:
            self.set_state(state)

    def count_params(self) -> int:
        """Return the number of weights."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. "
                "Declare its inputs, or call the model on data first."
            )
        return sum(array.size for array in self.weights)

    def description(self, state: State) -> Description:
        """Return the layer as data."""
        units = self.output_units(state.inputs)
        return Description(self._class_name, units, self.activation, self.parameters, state.weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {"name": self.name, **self.parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the layer that get_config() described, with weights of its own."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        with changes:
            return self.__dict__ | {"_models": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _models=weakref.WeakValueDictionary())
        for array in [] if self._state is None else self._state.weights.values():
            array.flags.writeable = False  # NumPy's copies and pickles are writeable

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

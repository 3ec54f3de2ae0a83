"""The base class of all layers: a name, weights by name, and the models to notify of changes.

The kinds of layers, their parameters and their weights are rows of the core's table (_core.layers).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self, TypedDict

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.initializers.fixed import Constant
from fastnn.layers.arguments import as_weights, declared_inputs, unique_name
from fastnn.layers.description import Description, Weights
from fastnn.layers.training import Trainable, is_of_training, serialized
from fastnn.locks import changes


class State(NamedTuple):
    """What a layer gets when it is built."""

    inputs: int
    dtype: str
    weights: Weights  # C-contiguous and read-only


class DenseOptions(TypedDict, total=False):
    """The arguments that all layers take, besides those that Dense names itself."""

    name: str | None
    input_shape: tuple[int] | None
    input_dim: int | None
    trainable: bool
    learning_rate_multipliers: Mapping[str, float] | None


class Options(DenseOptions, total=False):
    """The arguments that all layers take."""

    activity_regularizer: object


class Layer(Trainable):
    """Base class of all layers: a name, weights by name, and, once the layer is built, inputs and dtype.

    All layers take ``name``; a model's first one also ``input_shape``, (inputs,), or ``input_dim``, the inputs.
    For training all layers take ``trainable``, default True; ``activity_regularizer``, a penalty of the outputs as in
    regularizers.get(), divided by the rows of a batch; and ``learning_rate_multipliers``, a dict of factors of the
    learning rate by the names of weights, such as {"bias": 0.1}.

    A layer is built when its model knows the number of inputs: by an Input or input_shape, by build(), or by the first
    rows that it predicts.
    ``name``, ``activation`` and ``parameters`` cannot be changed later. ``parameters`` are the activation's or the
    layer's, by name. ``activation`` is "linear" for PReLU, Affine and LayerNormalization.

    >>> from fastnn.layers import PReLU
    >>> layer = PReLU()
    >>> layer.built, layer.weights
    (False, [])
    """

    _instead_of_a_subclass = _instead_of_a_method = "use the layers of fastnn.layers"
    _never_called = ("call", "__call__", "compute_output_shape")
    activation: str = "linear"
    parameters: dict[str, float] = {}  # noqa: RUF012  # the activation's or the layer's own; replaced, never changed
    declared_inputs: int | None = None
    _prefix: str
    _fixed = frozenset(("activation", "parameters", "declared_inputs"))
    _later: dict[str, Any] = {}  # noqa: RUF012  # arguments that configs leave out at these values
    _source: Any = None  # a weak reference to the trainer whose weights are newer than the state

    if TYPE_CHECKING:  # for `model.layers[0].kernel`; only Dense has them

        @property
        def kernel(self) -> Array | Any: ...  # noqa: D102
        @property
        def bias(self) -> Array | Any: ...  # noqa: D102

    def __init__(
        self,
        *,
        name: str | None = None,
        input_shape: tuple[int] | None = None,
        input_dim: int | None = None,
        trainable: bool = True,
        activity_regularizer: object = None,
        learning_rate_multipliers: Mapping[str, float] | None = None,
    ) -> None:
        if type(self) is Layer:
            raise TypeError(f"expected a kind of layer; received the base class of all; {self._instead_of_a_subclass}")
        super().__init__(trainable, activity_regularizer, learning_rate_multipliers)
        self.name = unique_name(self._prefix, name)
        self.declared_inputs = declared_inputs(input_shape, input_dim)
        self._state = None
        self._models: list[weakref.ref[Any]] = []  # a WeakSet has callbacks: Python drops an interrupt in one

    @property
    def _state(self) -> State | None:
        """What the layer got when it was built; its weights are those of now: a trainer hands them over if asked."""
        source = self._source
        if source is not None and (trainer := source()) is not None:
            trainer.pull()
        state: State | None = self.__dict__["_state"]
        return state

    @_state.setter
    def _state(self, state: State | None) -> None:
        self.__dict__["_state"] = state

    @property
    def inputs(self) -> int | None:
        """The number of inputs; None before the layer is built.

        >>> Dense(3).inputs is None, Sequential([Dense(3, input_shape=(2,))]).layers[0].inputs
        (True, 2)
        """
        return None if self._state is None else self._state.inputs

    @property
    def dtype(self) -> str:
        """The dtype of the weights, "float32" or "float64"; "float32" before the layer is built.

        >>> Sequential([Dense(3, input_shape=(2,))], dtype="float64").layers[0].dtype
        'float64'
        """
        return "float32" if self._state is None else self._state.dtype

    @property
    def built(self) -> bool:
        """Whether the layer knows its number of inputs and has weights.

        >>> Dense(3).built, Sequential([Dense(3, input_shape=(2,))]).layers[0].built
        (False, True)
        """
        return self._state is not None

    def output_units(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs: the same, except for Dense.

        >>> PReLU().output_units(2)
        2
        """
        return inputs

    def weight_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights by name, in the order of get_weights().

        >>> PReLU().weight_shapes(2)
        {'alpha': (2,)}
        """
        sizes = {"inputs": inputs, "units": self.output_units(inputs)}
        _, _, weights = _core.layers[self._class_name]
        return {
            name: tuple(sizes[axis] for axis in axes)
            for name, (axes, _, option) in weights.items()
            if option is None or getattr(self, option)
        }

    def _initial_weights(self, inputs: int) -> Weights:
        _, _, weights = _core.layers[self._class_name]
        drawn = {name: getattr(self, f"{name}_initializer", Constant(weights[name][1])) for name in weights}
        return {name: drawn[name](shape) for name, shape in self.weight_shapes(inputs).items()}

    def _state_for(self, inputs: int, dtype: str, weights: Weights | None = None) -> State:
        """Return the state of the layer once it is built with these weights; the layer does not change.

        weights: arrays by name; default initial ones. A built layer returns the state it has.
        Raises ValueError for weights of wrong shapes, and if the layer was declared or built for other inputs.
        """
        if self.declared_inputs not in (None, inputs):
            raise ValueError(
                f"Layer '{self.name}' declares {self.declared_inputs} inputs, but it follows {inputs} outputs."
            )
        if self._state is not None:
            if self._state[:2] != (inputs, dtype):
                raise ValueError(
                    f"Layer '{self.name}' was built for {self.inputs} inputs of {self.dtype}; "
                    f"received inputs={inputs}, dtype={dtype}"
                )
            return self._state
        shapes = self.weight_shapes(inputs)
        given = self._initial_weights(inputs) if weights is None else weights
        return State(inputs, dtype, self._checked([given[name] for name in shapes if name in given], shapes, dtype))

    def _set_state(self, state: State) -> None:
        """Adopt a state of _state_for() or _state_with(); models with this layer drop their networks."""
        if state is self._state:
            return
        with changes:
            self._state = state
            self._drop_networks()

    def _ask(self, source: Any) -> None:
        """Ask a trainer, of which source is a weak reference, for the weights when somebody reads them."""
        self._source = source
        self._drop_networks()

    def _drop_networks(self) -> None:
        for reference in self._models:
            if (model := reference()) is not None:
                model._drop_network()

    def _used_by(self, model: Any) -> None:
        """Call model._drop_network() from now on when the weights change. Sequential.add() does this."""
        others = [each for each in self._models if (user := each()) is not None and user is not model]
        self._models = [*others, weakref.ref(model)]

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
        """Return a weight by its name, as a read-only array; None if the layer is not built or has no such weight.

        >>> Sequential([Dense(3, input_shape=(2,))]).layers[0].weight("bias")
        array([0., 0., 0.], dtype=float32)
        """
        array = None if self._state is None else self._state.weights.get(name)
        return None if array is None else array.view()

    @property
    def weights(self) -> list[Array]:
        """The weights in the order of get_weights(), as read-only arrays; [] before the layer is built.

        >>> [array.shape for array in Sequential([Dense(3, input_shape=(2,))]).layers[0].weights]
        [(2, 3), (3,)]
        """
        # A view of a read-only array is read-only.
        return [] if self._state is None else [array.view() for array in self._state.weights.values()]

    @property
    def trainable_weights(self) -> list[Array]:
        """The weights that fit() changes, as read-only arrays; [] for a frozen layer.

        >>> len(Sequential([BatchNormalization(input_dim=2)]).layers[0].trainable_weights)
        2
        """
        return self._weights_for_training(trained=True)

    @property
    def non_trainable_weights(self) -> list[Array]:
        """The other weights, as read-only arrays: statistics of data, and all of a frozen layer.

        >>> len(Sequential([BatchNormalization(input_dim=2)]).layers[0].non_trainable_weights)
        2
        """
        return self._weights_for_training(trained=False)

    variables, trainable_variables, non_trainable_variables = weights, trainable_weights, non_trainable_weights

    def __call__(self, *inputs: object, **options: object) -> NoReturn:
        """Raise TypeError: layers compute in a model."""
        raise TypeError(
            "expected layers in a list, as in Sequential([Dense(8), Dense(1)]), since fastnn has no functional models; "
            f"Sequential([layer]).predict(x) returns what a layer computes; received a call of {self!r}"
        )

    def _weights_for_training(self, *, trained: bool) -> list[Array]:
        weights = {} if self._state is None else self._state.weights
        return [
            array.view()
            for name, array in weights.items()
            if (self.trainable and name not in self._not_trained) == trained
        ]

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in the order of weight_shapes(): for Dense, the kernel, then the bias.

        >>> kernel, bias = Sequential([Dense(3, input_shape=(2,))]).layers[0].get_weights()
        >>> kernel.shape, bias.shape
        ((2, 3), (3,))
        """
        return [array.copy() for array in self.weights]

    def _state_with(self, weights: list[Array]) -> State | None:
        """Return the state of this layer with other weights; the layer does not change. None if it is not built.

        Raises ValueError for a wrong number of weights, or wrong shapes.
        """
        shapes = {} if self._state is None else self.weight_shapes(self._state.inputs)
        checked = self._checked(weights, shapes, self.dtype)
        return None if self._state is None else self._state._replace(weights=checked)

    def set_weights(self, weights: Any) -> None:
        """Replace the weights; all are validated before any is replaced.

        weights: arrays of real numbers, in the order and shapes of get_weights(). The layer copies them in its dtype.
        Raises ValueError for a wrong number, wrong shapes or masked values, TypeError for anything but real numbers.

        >>> layer = Sequential([Dense(1, input_shape=(2,))]).layers[0]
        >>> layer.set_weights([[[2], [3]], [10]])
        >>> layer.bias
        array([10.], dtype=float32)
        """
        state = self._state_with(as_weights(weights))
        if state is not None:
            self._set_state(state)

    def count_params(self) -> int:
        """Return the number of weights. Raises ValueError if the layer is not built.

        >>> Sequential([Dense(3, input_shape=(2,))]).layers[0].count_params()
        9
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. "
                "Declare its inputs, or call the model on data first."
            )
        return sum(array.size for array in self.weights)

    def _description(self, state: State) -> Description:
        """Return the layer with a state as data."""
        units = self.output_units(state.inputs)
        return Description(self._class_name, units, self.activation, self.parameters, state.weights)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal layer, in JSON's types; not its weights.

        Arguments of training are left out at their defaults.

        >>> LayerNormalization(name="norm").get_config()
        {'name': 'norm', 'epsilon': 0.001}
        """
        config: dict[str, Any] = {"name": self.name}
        for name in self._arguments:
            value = serialized(getattr(self, name))
            if not (is_of_training(name) and value is None) and value != self._later.get(name, ...):
                config[name] = value
        return config | self._training_config()

    def _computed_config(self) -> dict[str, Any]:
        """Return what a model file says of the computation."""
        config = self.get_config()
        return {name: config[name] for name in config if not is_of_training(name) and name not in self._later}

    def _stored(self) -> dict[str, Any]:
        """Return the layer as an entry of a model file: what it computes, and its name in Keras if that is another."""
        config, computed = self.get_config(), self._computed_config()
        if config == computed:
            return {"class_name": type(self).__name__, "config": config}
        keras = {"class_name": type(self).__name__, "config": {key: config[key] for key in config if key != "name"}}
        return {"class_name": self._class_name, "config": computed, "keras": keras}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new layer with the arguments that get_config() returned.

        >>> Dense.from_config({"units": 3, "activation": "relu"}).activation
        'relu'
        """
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        with changes:
            return self.__dict__ | {"_state": self._state, "_source": None, "_models": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _models=[])
        for array in [] if self._state is None else self._state.weights.values():
            array.flags.writeable = False  # NumPy's copies and pickles are writeable

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

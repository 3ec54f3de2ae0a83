"""Layers: Dense and Activation, with Keras' names, arguments and defaults."""

import itertools
import threading
import weakref
from collections import defaultdict
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from fastnn import initializers

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "softmax", "step")

# Larger sizes are mistakes: one row of a layer with as many inputs would not fit a computer.
_LARGEST_SIZE = 2**31 - 1

Weights = list[npt.NDArray[Any]]

# Held while layers, weights or networks change; predictions do not need it. One for all, since models share layers;
# reentrant, since what is converted to weights may call a model.
changes = threading.RLock()


class _Model(Protocol):
    def _weights_changed(self) -> None: ...


_counts: defaultdict[str, "itertools.count[int]"] = defaultdict(itertools.count)

def unique_name(prefix: str, name: object) -> str:
    """Return `name`, or Keras' automatic one: dense, dense_1, dense_2, … in this process."""
    if name is not None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"expected name to be a string of at least 1 character. Received: name={name!r}")
        return name
    with changes:
        number = next(_counts[prefix])
    return f"{prefix}_{number}" if number else prefix


def positive_integer(name: str, value: object) -> int:
    """Return value as an int, or raise ValueError in Keras' words."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= _LARGEST_SIZE:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a positive integer up to {_LARGEST_SIZE}. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def inputs_of_shape(name: str, shape: object, *, batch: bool = False) -> int:
    """Return the number of inputs that a shape like (4,), or with its batch axis (None, 4), declares."""
    form = "(None, inputs)" if batch else "(inputs,)"
    if not isinstance(shape, (tuple, list)) or len(shape) != (2 if batch else 1):
        raise ValueError(f"expected {name} to be a tuple {form}. Received: {name}={shape!r}")
    return positive_integer(f"{name}[{len(shape) - 1}]", shape[-1])


def _activation(identifier: object) -> str:
    if identifier is None:
        return "linear"
    if isinstance(identifier, str) and identifier in ACTIVATIONS:
        return identifier
    raise ValueError(
        f"Could not interpret activation function identifier: {identifier!r}. "
        f"Expected one of {', '.join(map(repr, ACTIVATIONS))}, or None for 'linear'."
    )


class Input:
    """The declaration of a model's inputs: ``Sequential([Input((4,)), Dense(3)])``.

    shape: (inputs,), without the batch axis.
    """

    def __init__(self, shape: tuple[int], name: str | None = None) -> None:
        self.inputs = inputs_of_shape("shape", shape)
        self.shape = (None, self.inputs)
        self.name = unique_name("input_layer", name)

    def __repr__(self) -> str:
        return f"Input(shape=({self.inputs},))"


class Layer:
    """What Dense and Activation have in common: a name, weights, and the number of inputs once they are built.

    A layer is built when it knows its number of inputs and dtype: by a declared input, by the layer before it, or by
    the first data the model sees.
    """

    activation: str
    _prefix: str

    def __init__(self, name: str | None) -> None:
        self.name = unique_name(self._prefix, name)
        self.inputs: int | None = None
        self.dtype = "float32"
        self._weights: Weights = []
        self._models: list[weakref.ref[_Model]] = []

    @property
    def built(self) -> bool:
        """Whether the layer knows its number of inputs."""
        return self.inputs is not None

    def output_units(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs."""
        return inputs

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of kernel and bias, those that there are."""
        return []

    def _initial_weights(self, inputs: int) -> Weights:
        return []

    def build(self, inputs: int, dtype: str, weights: Weights | None = None) -> None:
        """Fix the number of inputs and the dtype; take these weights, or make the first ones."""
        if self.built:
            if (self.inputs, self.dtype) != (inputs, dtype):
                raise ValueError(
                    f"Layer '{self.name}' was built for {self.inputs} inputs of {self.dtype}. "
                    f"Received: inputs={inputs}, dtype={dtype}"
                )
            return
        if weights is None:
            weights = self._initial_weights(inputs)
        self._weights = self._checked(weights, self.weight_shapes(inputs), dtype)
        self.dtype, self.inputs = dtype, inputs

    def _checked(self, weights: Any, shapes: list[tuple[int, ...]], dtype: str) -> Weights:
        """Return copies of the weights, C-contiguous and read-only."""
        if len(weights) != len(shapes):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                f"{len(weights)}, but the layer was expecting {len(shapes)} weights."
            )
        arrays = []
        for given, shape in zip(weights, shapes, strict=True):
            if np.ma.is_masked(given):
                raise ValueError(f"Layer {self.name}: expected weights without masked values")
            array = np.asarray(given)
            if array.shape != shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {shape} is not compatible with provided weight shape "
                    f"{array.shape}."
                )
            if array.dtype.kind not in "biuf":
                raise TypeError(f"Layer {self.name}: expected weights of real numbers; received dtype {array.dtype}")
            array = np.array(array, dtype=dtype, order="C")
            array.flags.writeable = False
            arrays.append(array)
        return arrays

    @property
    def weights(self) -> Weights:
        """The kernel and the bias, those that there are, read-only."""
        return list(self._weights)

    def get_weights(self) -> Weights:
        """Return copies of the kernel (inputs, units) and the bias (units,), those that there are."""
        return [array.copy() for array in self._weights]

    def check_weights(self, weights: Any) -> Weights:
        """Return `weights` as this built layer would hold them; ValueError or TypeError where it could not."""
        shapes = self.weight_shapes(self.inputs) if self.inputs is not None else []
        return self._checked(weights, shapes, self.dtype)

    def set_weights(self, weights: Any) -> None:
        """Replace kernel and bias, given as get_weights() returns them; all are checked before any is replaced."""
        arrays = self.check_weights(weights)
        with changes:
            self._weights = arrays
            for reference in self._models:
                model = reference()
                if model is not None:
                    model._weights_changed()

    def count_params(self) -> int:
        """Return the number of weights."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. "
                "Declare its inputs, or call the model on data first."
            )
        return sum(array.size for array in self._weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {"name": self.name, "activation": self.activation}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the layer that get_config() described, with weights of its own."""
        return cls(**config)

    def used_by(self, model: _Model) -> None:
        """Tell this model from now on when the weights change."""
        self._models = [r for r in self._models if r() is not None and r() is not model]
        self._models.append(weakref.ref(model))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_models": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for array in self._weights:  # NumPy's copies and pickles are writeable
            array.flags.writeable = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


class Dense(Layer):
    """``y = activation(x @ kernel + bias)``: x (..., inputs), kernel (inputs, units), bias (units,), y (..., units).

    activation: one of 'linear' (also None), 'relu', 'tanh', 'sigmoid', 'softmax', 'step'.
    input_shape: (inputs,), for the first layer of a model; others find out from the layer before.
    """

    _prefix = "dense"

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        input_shape: tuple[int] | None = None,
        name: str | None = None,
    ) -> None:
        self.units = positive_integer("units", units)
        self.activation = _activation(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.declared_inputs = None if input_shape is None else inputs_of_shape("input_shape", input_shape)
        super().__init__(name)

    @property
    def kernel(self) -> npt.NDArray[Any] | None:
        """The kernel (inputs, units), read-only; None before the layer is built."""
        return self._weights[0] if self.built else None

    @property
    def bias(self) -> npt.NDArray[Any] | None:
        """The bias (units,), read-only; None before the layer is built, or without one."""
        return self._weights[1] if self.built and self.use_bias else None

    def output_units(self, inputs: int) -> int:
        """Return the number of units."""
        return self.units

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the kernel and, where there is one, the bias."""
        return [(inputs, self.units), (self.units,)] if self.use_bias else [(inputs, self.units)]

    def _initial_weights(self, inputs: int) -> Weights:
        makers = (self.kernel_initializer, self.bias_initializer)
        return [make(shape) for make, shape in zip(makers, self.weight_shapes(inputs), strict=False)]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer, as JSON's types."""
        return {
            "name": self.name,
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


class Activation(Layer):
    """``y = activation(x)``, as a layer of its own."""

    _prefix = "activation"

    def __init__(self, activation: str | None, name: str | None = None) -> None:
        self.activation = _activation(activation)
        super().__init__(name)

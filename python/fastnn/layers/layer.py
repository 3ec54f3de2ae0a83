"""What every layer has: a name, weights, models that hear of their changes."""

import itertools
import os
import threading
import weakref
from collections import defaultdict
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.ma  # now: imported when first used, a fork meanwhile would leave the child without it for ever
import numpy.typing as npt

from fastnn import _core

# Larger sizes are mistakes: one row of a layer with as many inputs would not fit a computer.
_LARGEST_SIZE = 2**31 - 1

Weights = list[npt.NDArray[Any]]

# Held while layers, weights or networks change; predictions do not need it. One for all, since models share layers;
# reentrant, since a model's change is made of its layers'.
changes = threading.RLock()
# A child process must not inherit it held by a thread that it does not have.
os.register_at_fork(before=changes.acquire, after_in_parent=changes.release, after_in_child=changes.release)


def as_weights(weights: Any) -> Weights:
    """Return the arrays of numbers that a list is made of. What is not NumPy's may run its own code here."""
    try:
        given = list(weights)
    except TypeError:
        raise TypeError(f"expected a list of weights, as get_weights() returns. Received: {weights!r}") from None
    if any(map(np.ma.is_masked, given)):
        raise ValueError("expected weights without masked values")
    arrays = [np.asarray(array) for array in given]
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise TypeError(f"expected weights of real numbers; received dtype {array.dtype}")
    return arrays


class _Model(Protocol):
    def _weights_changed(self) -> None: ...


_counts: defaultdict[str, "itertools.count[int]"] = defaultdict(itertools.count)


def is_text(string: str) -> bool:
    """Whether a model's file can hold it: no NUL, no half of a surrogate pair."""
    return not any(c == "\0" or 0xD800 <= ord(c) < 0xE000 for c in string)


def unique_name(prefix: str, name: object) -> str:
    """Return `name`, or Keras' automatic one: dense, dense_1, dense_2, … in this process."""
    if name is not None:
        if not isinstance(name, str) or not name or not is_text(name):
            raise ValueError(
                f"expected name to be a string of at least 1 Unicode character, and no NUL. Received: name={name!r}"
            )
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


class Fixed:
    """Attributes that stay as they were made: a network may have been built from them."""

    _fixed: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._fixed and name in self.__dict__:
            raise AttributeError(f"{name} of {self!r} cannot be changed; make a new one with {name}={value!r}")
        super().__setattr__(name, value)


class Description(NamedTuple):
    """A layer as the core is told of it (network.hpp's Layer); None for the arrays that it does not have."""

    units: int
    activation: str
    parameters: list[float]
    kernel: npt.NDArray[Any] | None = None
    bias: npt.NDArray[Any] | None = None
    scale: npt.NDArray[Any] | None = None
    shift: npt.NDArray[Any] | None = None


class Layer(Fixed):
    """What all layers have in common: a name, weights, and the number of inputs once they are built.

    A layer is built when it knows its number of inputs and dtype: by a declared input, by the layer before it, or by
    the first data the model sees.
    """

    activation: str
    parameters: dict[str, float] = {}  # noqa: RUF012  # of the activation; replaced, never changed
    declared_inputs: int | None = None
    _prefix: str
    _fixed = frozenset(
        (
            *("name", "units", "activation", "parameters", "use_bias"),
            *("kernel_initializer", "bias_initializer", "declared_inputs"),
        )
    )

    def __init__(self, name: str | None) -> None:
        self.name = unique_name(self._prefix, name)
        self._inputs: int | None = None
        self._dtype = "float32"
        self._weights: Weights = []
        self._models: list[weakref.ref[_Model]] = []

    @property
    def inputs(self) -> int | None:
        """The number of inputs; None before the layer is built."""
        return self._inputs

    @property
    def dtype(self) -> str:
        """The dtype of the weights, once the layer is built."""
        return self._dtype

    @property
    def built(self) -> bool:
        """Whether the layer knows its number of inputs."""
        return self._inputs is not None

    def output_units(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs."""
        return inputs

    def weight_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the weights."""
        return []

    def description(self, inputs: int, weights: Weights) -> Description:
        """Return what the core wants to know."""
        return Description(inputs, self.activation, self._numbers(), None, None, *weights)

    def _numbers(self) -> list[float]:
        return [*self.parameters.values(), 0.0, 0.0][:2]

    def _initial_weights(self, inputs: int) -> Weights:
        return []

    def prepared(self, inputs: int, dtype: str, weights: Weights | None = None) -> Weights:
        """Return what adopt() takes to build the layer: these weights, or the first ones; ValueError if it cannot be.

        A layer that is built has its weights already.
        """
        if self.declared_inputs not in (None, inputs):
            raise ValueError(
                f"Layer '{self.name}' declares {self.declared_inputs} inputs, but it follows {inputs} outputs."
            )
        if self._inputs is not None:
            if (self._inputs, self._dtype) != (inputs, dtype):
                raise ValueError(
                    f"Layer '{self.name}' was built for {self._inputs} inputs of {self._dtype}. "
                    f"Received: inputs={inputs}, dtype={dtype}"
                )
            return self._weights
        if weights is None:
            weights = self._initial_weights(inputs)
        return self._checked(weights, self.weight_shapes(inputs), dtype)

    def adopt(self, inputs: int, dtype: str, weights: Weights) -> None:
        """Hold the weights that prepared() or checked_weights() returned, and tell the models."""
        if weights is self._weights and self.built:
            return
        with changes:
            self._weights, self._dtype, self._inputs = weights, dtype, inputs  # built last: then it has weights
            for reference in self._models:
                model = reference()
                if model is not None:
                    model._weights_changed()

    def _checked(self, weights: Weights, shapes: list[tuple[int, ...]], dtype: str) -> Weights:
        """Return copies of the weights, C-contiguous and read-only."""
        if len(weights) != len(shapes):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                f"{len(weights)}, but the layer was expecting {len(shapes)} weights."
            )
        arrays = []
        for given, shape in zip(weights, shapes, strict=True):
            if given.shape != shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {shape} is not compatible with provided weight shape "
                    f"{given.shape}."
                )
            array = np.ascontiguousarray(_core.converted(given, np.dtype(dtype)))
            array.flags.writeable = False
            arrays.append(array)
        return arrays

    @property
    def weights(self) -> Weights:
        """The weights, in get_weights()'s order, read-only."""
        return [array.view() for array in self._weights]  # a view of what is read-only stays so

    def get_weights(self) -> Weights:
        """Return copies of the kernel (inputs, units) and the bias (units,), those that there are."""
        return [array.copy() for array in self._weights]

    def checked_weights(self, weights: Weights) -> Weights:
        """Return what as_weights() gave as this built layer would hold it; ValueError where it could not."""
        shapes = self.weight_shapes(self._inputs) if self._inputs is not None else []
        return self._checked(weights, shapes, self._dtype)

    def set_weights(self, weights: Any) -> None:
        """Replace kernel and bias, given as get_weights() returns them; all are checked before any is replaced."""
        arrays = self.checked_weights(as_weights(weights))
        if self._inputs is not None:
            self.adopt(self._inputs, self._dtype, arrays)

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
        return {"name": self.name, **self.parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the layer that get_config() described, with weights of its own."""
        return cls(**config)

    def used_by(self, model: _Model) -> None:
        """Tell this model from now on when the weights change."""
        self._models = [r for r in self._models if r() is not None and r() is not model]
        self._models.append(weakref.ref(model))

    def __getstate__(self) -> dict[str, Any]:
        with changes:
            return self.__dict__ | {"_models": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for array in self._weights:  # NumPy's copies and pickles are writeable
            array.flags.writeable = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

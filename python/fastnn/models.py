"""Sequential, the model: layers in a row, with Keras' names and behaviour."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.layers import Activation, Dense, Input, Layer, inputs_of_shape, positive_integer, unique_name
from fastnn.summary import summary_lines

_LAYERS: dict[str, type[Dense] | type[Activation]] = {"Dense": Dense, "Activation": Activation}
_NETWORKS: dict[str, Any] = {"float32": _core.Network32, "float64": _core.Network64}


def _dtype_name(dtype: Any) -> str:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = None
    if dtype is None or name not in _NETWORKS:
        raise ValueError(f"expected dtype to be 'float32' or 'float64'. Received: dtype={dtype!r}")
    return str(name)


class Sequential:
    """Layers in a row, each taking the outputs of the one before.

    layers: any number of Dense and Activation, an Input in front if wanted; more can be added later.
    dtype: 'float32' or 'float64', of weights, arithmetic and outputs.

    The bits of a row's answer depend on the model and that row alone (docs/numerics.md). One model can be called from
    many threads at once; the GIL is released meanwhile.

    >>> model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2, activation="softmax")])
    >>> model.predict([[1, 2, 3, 4]]).shape
    (1, 2)
    """

    def __init__(
        self, layers: Iterable[Layer | Input] | None = None, name: str | None = None, dtype: Any = "float32"
    ) -> None:
        self.name = unique_name("sequential", name)
        self.dtype = _dtype_name(dtype)
        self._inputs: int | None = None
        self._has_input = False
        self._layers: list[Layer] = []
        self._network: Any = None
        for layer in layers or ():
            self.add(layer)

    # -- putting it together

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the number of inputs is known and every layer has its weights."""
        return self._inputs is not None and bool(self._layers)

    @property
    def input_shape(self) -> tuple[None, int]:
        """(None, inputs); ValueError before the number of inputs is known."""
        return (None, self._known_inputs())

    @property
    def output_shape(self) -> tuple[None, int]:
        """(None, units of the last layer); ValueError before the number of inputs is known."""
        return (None, self._units_after(len(self._layers)))

    def add(self, layer: Layer | Input) -> None:
        """Append a layer; an Input only as the first."""
        if isinstance(layer, Input):
            if self._layers or self._inputs is not None:
                raise ValueError(f"Sequential model '{self.name}' has already been configured to use input shape "
                                 f"{(None, self._inputs)}; an Input can only be the first. Received: {layer!r}")
            self._inputs, self._has_input = layer.inputs, True
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"Only layers of fastnn.layers can be added to a Sequential model. "
                            f"Received: {layer!r} (of type {type(layer)})")
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the "
                f"name of a layer in this model. Update the `name` argument to pass a unique name."
            )
        self._declare_inputs(layer)
        if self._inputs is not None:
            layer.build(self._units_after(len(self._layers)), self.dtype)
        self._layers.append(layer)
        layer.used_by(self)
        self._network = None

    def _declare_inputs(self, layer: Layer) -> None:
        declared = getattr(layer, "declared_inputs", None) or layer.inputs
        if declared is None:
            return
        if not self._layers and self._inputs is None:
            self._inputs = declared
        elif self._inputs is not None and declared != (before := self._units_after(len(self._layers))):
            raise ValueError(f"Layer '{layer.name}' declares {declared} inputs, but it follows {before} outputs.")

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self._layers:
            raise ValueError(f"expected a model with at least 1 layer to pop from; '{self.name}' has none")
        self._network = None
        layer = self._layers.pop()
        if not self._layers and not self._has_input:
            self._inputs = None
        return layer

    def build(self, input_shape: tuple[int | None, int] | None = None) -> None:
        """Make the weights, for an input of shape (None, inputs); without it, for the declared one."""
        if input_shape is not None:
            inputs = inputs_of_shape("input_shape", input_shape, batch=True)
            if self._inputs not in (None, inputs):
                raise ValueError(f"Sequential model '{self.name}' has {self._inputs} inputs. "
                                 f"Received: input_shape={input_shape!r}")
            self._build_layers(inputs)
        else:
            self._build_layers(self._known_inputs())

    def _build_layers(self, inputs: int, weights: list[list[npt.NDArray[Any]]] | None = None) -> None:
        width = inputs
        for i, layer in enumerate(self._layers):
            layer.build(width, self.dtype, None if weights is None else weights[i])
            width = layer.output_units(width)
        self._inputs = inputs

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

    # -- running it

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = 0,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Return the outputs (..., units) for the rows x (..., inputs); a 1-D x is one row.

        x: whatever np.asarray makes real numbers of; other dtypes than the model's are converted once. It is not
           modified. NaN in a row gives NaN in that row's answer only.
        out: an array for the result, of exactly its shape and dtype, C-contiguous; it is returned. It may overlap x.
        batch_size, verbose: accepted for programs written for Keras; answers and speed do not depend on them.
        Raises ValueError (shapes, values), TypeError (dtypes).
        """
        if batch_size is not None:
            positive_integer("batch_size", batch_size)
        network = self._network
        if network is None:
            network = self._built_network(x)
        result: npt.NDArray[Any] = network.predict(x, out)
        return result

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return predict(x)."""
        return self.predict(x)

    def representations(self, x: npt.ArrayLike) -> list[npt.NDArray[Any]]:
        """Return every layer's outputs for the rows x, the last one's being predict(x)."""
        network = self._network
        if network is None:
            network = self._built_network(x)
        result: list[npt.NDArray[Any]] = network.representations(x)
        return result

    def _weights_changed(self) -> None:
        self._network = None

    def _built_network(self, x: npt.ArrayLike | None = None) -> Any:
        """Build what is missing, for the columns of x where nothing is declared."""
        if not self._layers:
            raise ValueError(f"expected a model with at least 1 layer; '{self.name}' has none: use model.add(...)")
        if self._inputs is None and x is not None:
            shape = np.shape(x)
            if not shape or shape[-1] == 0:
                raise ValueError(f"expected x to be rows of at least 1 number; received shape {shape}")
            self._build_layers(shape[-1])
        self._network = network = _NETWORKS[self.dtype](self._known_inputs(), self._descriptions())
        return network

    def _descriptions(self) -> list[Any]:
        """What the core wants to know of each layer: kernel, bias, units, activation."""
        descriptions = []
        for i, layer in enumerate(self._layers):
            kernel, bias = ([*layer.weights, None, None])[:2]
            descriptions.append((kernel, bias, self._units_after(i + 1), layer.activation))
        return descriptions

    # -- weights

    def get_weights(self) -> list[npt.NDArray[Any]]:
        """Return copies of all kernels (inputs, units) and biases (units,), in the order of the layers."""
        return [array for layer in self._layers for array in layer.get_weights()]

    def set_weights(self, weights: Any) -> None:
        """Replace all weights, given as get_weights() returns them; all are checked before any is replaced."""
        expected = sum(len(layer.weights) for layer in self._layers)
        if len(weights) != expected:
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                f"{len(weights)}, but the layer was expecting {expected} weights."
            )
        rest = iter(weights)
        checked = [layer.check_weights([next(rest) for _ in layer.weights]) for layer in self._layers]
        for layer, arrays in zip(self._layers, checked, strict=True):
            layer.set_weights(arrays)

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(layer.count_params() for layer in self._layers)

    # -- looking at it

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print a table of the layers, their output shapes and numbers of weights, as Keras does."""
        rows, known = [], self._inputs is not None
        for i, layer in enumerate(self._layers):
            shape = f"(None, {self._units_after(i + 1)})" if known else "?"
            params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
            rows.append((f"{layer.name} ({type(layer).__name__})", shape, params))
        params_built = sum(layer.count_params() for layer in self._layers if layer.built)
        lines = summary_lines(self.name, rows, params_built, np.dtype(self.dtype).itemsize)
        print_fn("\n".join(lines))

    def __repr__(self) -> str:
        return f"<Sequential name={self.name}, built={self.built}>"

    def fingerprint(self) -> str:
        """Return SHA-256, in hex, of what decides the answers: numerics version, architecture, weights; not names."""
        self._build_layers(self._known_inputs())
        layers = [[*layer.weight_shapes(1), layer.activation] for layer in self._layers]
        architecture = [_core.numerics_version, self.dtype, self._inputs, layers]
        digest = hashlib.sha256(json.dumps(architecture).encode())
        for layer in self._layers:
            for array in layer.weights:
                digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether both are built and give the same bits for every input."""
        if not isinstance(other, Sequential):
            return NotImplemented
        return self is other or (self.built and other.built and self.fingerprint() == other.fingerprint())

    __hash__ = None  # type: ignore[assignment]  # weights can change

    # -- keeping it

    def get_config(self) -> dict[str, Any]:
        """Return the architecture, without weights, as JSON's types."""
        config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        if self._inputs is not None:
            config["build_input_shape"] = [None, self._inputs]
        config["layers"] = [
            {"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._layers
        ]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the model that get_config() described, with weights of its own."""
        model = cls._unbuilt(config)
        if "build_input_shape" in config:
            model.build(tuple(config["build_input_shape"]))
        return model

    @classmethod
    def _unbuilt(cls, config: dict[str, Any]) -> Self:
        layers = []
        for layer in config["layers"]:
            if layer["class_name"] not in _LAYERS:
                raise _core.UnsupportedModelError(
                    f"expected layers among {', '.join(_LAYERS)}. Received: class_name={layer['class_name']!r}"
                )
            layers.append(_LAYERS[layer["class_name"]].from_config(layer["config"]))
        return cls(layers, name=config.get("name"), dtype=config.get("dtype", "float32"))

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write architecture and weights to a .safetensors file (docs/model-format.md).

        The file appears whole or not at all; the same model gives the same bytes.
        Raises ValueError (another extension, a model not built), FileExistsError (overwrite=False), OSError.
        """
        path = Path(filepath)
        if path.suffix != ".safetensors":
            raise ValueError(f"expected filepath to end in .safetensors. Received: filepath={str(filepath)!r}")
        if not overwrite and path.exists():
            raise FileExistsError(f"{filepath} exists; use overwrite=True to replace it")
        self.build()
        config = json.dumps(self.get_config(), separators=(",", ":"), ensure_ascii=False)
        _core.save_model(_path_bytes(filepath), config, self.dtype, self._known_inputs(), self._descriptions())

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_network": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for layer in self._layers:
            layer.used_by(self)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + sum(array.nbytes for layer in self._layers for array in layer.weights)


def _path_bytes(filepath: str | os.PathLike[str]) -> bytes:
    path = os.fsencode(filepath)
    if b"\0" in path:
        raise ValueError(f"expected a path without null characters. Received: {filepath!r}")
    return path


def load_model(filepath: str | os.PathLike[str]) -> Sequential:
    """Return the model of a .safetensors file that Sequential.save() wrote.

    The whole file is checked first. Raises fastnn.ModelFormatError (a ValueError) for what the file says, OSError for
    what the system says. Nothing in a file is ever executed.
    """
    text, weights = _core.load_model(_path_bytes(filepath))
    config = json.loads(text)
    try:
        model = Sequential._unbuilt(config)
        model._build_layers(config["build_input_shape"][-1], weights)
    except (TypeError, ValueError) as error:  # what only Python looks at: names and initializers
        raise _core.ModelFormatError(f"{os.fsdecode(filepath)}: {error}") from error
    return model


def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model to a file: model.save(filepath, overwrite)."""
    model.save(filepath, overwrite)

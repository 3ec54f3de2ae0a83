"""Sequential, the model: layers in a row that predict, with Keras' names and behaviour."""

import copy
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.exporters import header, onnx
from fastnn.floating_point import default_mode
from fastnn.layers.activation import Activation
from fastnn.layers.arguments import positive_integer
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Description, Layer, ModelDescription, State
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU
from fastnn.locks import changes
from fastnn.models.classes import are_classes, check_count, chosen, refuse_nan
from fastnn.models.frames import as_numbers, checked_names
from fastnn.models.stack import Stack
from fastnn.models.summary import summary_lines
from fastnn.saving import native
from fastnn.text import printable

_LAYERS: dict[str, type[Layer]] = {
    each.__name__: each for each in (Dense, Activation, PReLU, Affine, LayerNormalization)
}
_NETWORKS: dict[str, Any] = {"float32": _core.Network32, "float64": _core.Network64}


class Sequential(Stack):
    """Layers in a row: each takes the outputs of the one before.

    layers: a list of layers of fastnn.layers, optionally after an Input; or one layer. add() appends more.
    name: default "sequential", then "sequential_1", ….
    dtype: "float32" (default) or "float64", the type of weights, arithmetic and outputs.
    Raises TypeError for other objects than layers; ValueError for an unknown dtype and for layers that do not fit.

    New models have random weights; fastnn does not train. The first rows that a model predicts decide its number of
    inputs if nothing declares it. ``model.conversion`` is the report of an importer, else None.

    The bits of a row's answer depend on the model and that row alone (docs/numerics.md). Thread-safe. Calls longer than
    about 10 µs release the GIL.

    >>> from fastnn.layers import Dense, Input
    >>> from fastnn.models import Sequential
    >>> model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2, activation="softmax")])
    >>> model.predict([[1, 2, 3, 4]]).shape
    (1, 2)
    """

    # The network of the current weights; None until it is needed. Python reads a slot faster than __dict__.
    __slots__ = ("_network",)
    _network: Any

    def _drop_network(self) -> None:
        """Forget the network after a change of layers or weights; the next call builds another."""
        self._network = None

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = 0,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Return the outputs (..., units) for the rows x (..., inputs), in the model's dtype; a 1-D x is one row.

        x: anything that np.asarray turns into real numbers, of any dtype and memory layout, or a frame whose columns
           are numbers; NA is NaN. A model with `feature_names` takes named columns by name. Another dtype than the
           model's is converted once. x is never modified. NaN in a row stays in that row's answer.
        out: an array for the result, of exactly its shape and dtype, C-contiguous; it is returned. It may overlap x.
        batch_size, verbose: accepted for programs written for Keras; answers and speed do not depend on them.
        Raises ValueError (shapes, values), TypeError (dtypes).

        >>> model = Sequential([Dense(1, input_shape=(2,))])
        >>> model.set_weights([[[2], [3]], [10]])
        >>> model.predict([[1, 1], [0, 0]])
        array([[15.],
               [10.]], dtype=float32)
        >>> model.predict([1, 1], out=np.empty(1, "float32"))
        array([15.], dtype=float32)
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
        network = self._network
        if network is None or type(self) is not Sequential:  # a subclass may have a predict of its own
            return self.predict(x)
        result: npt.NDArray[Any] = network.predict(x, None)
        return result

    def predict_classes(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the class of each row, (...,): its name if the model has `classes`, else its number from 0 (int64).

        The largest of several outputs decides. A single output, of sigmoid, hard_sigmoid or step, is the probability of
        the second class, which wins above 0.5.
        Several outputs of sigmoid are labels that a row may have together: the result is (..., units), 1 above 0.5,
        else 0.
        The dtype is object if the classes have several types or a class is longer than 256 letters.
        Raises ValueError for a single output of another activation, and for outputs with NaN; what predict() raises.

        >>> model = Sequential([Dense(2, "softmax", input_shape=(2,))])
        >>> model.set_weights([[[1, 0], [0, 1]], [0, 0]])
        >>> model.predict_classes([[2, 1], [1, 2]])
        array([0, 1])
        >>> model.classes = ["cat", "dog"]
        >>> model.predict_classes([[2, 1], [1, 2]]).tolist()
        ['cat', 'dog']
        """
        y = self.predict(x)
        refuse_nan(y)
        return self._labels(y)

    def _labels(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        units, last = y.shape[-1], self._layers[-1].activation
        if units > 1 and last == "sigmoid":
            return (y > 0.5).astype(np.int64)
        if not are_classes(units, last):
            raise ValueError(f"expected a model of classes: several outputs, or one of sigmoid; received one of {last}")
        index = chosen(y)
        classes = self._classes
        if classes is None:
            return index
        check_count(len(classes), units)  # layers may have been added since they were given
        named: npt.NDArray[Any] = classes[index]
        return named

    def representations(self, x: npt.ArrayLike) -> list[npt.NDArray[Any]]:
        """Return the outputs (..., units) of every layer for the rows x, as in predict(); the last is predict(x).

        >>> model = Sequential([Dense(3, "relu", input_shape=(2,)), Dense(1)])
        >>> [output.shape for output in model.representations(np.ones((5, 2)))]
        [(5, 3), (5, 1)]
        """
        network = self._network
        if network is None:
            network = self._built_network(x)
        result: list[npt.NDArray[Any]] = network.representations(x)
        return result

    def _built_network(self, x: npt.ArrayLike | None = None) -> Any:
        """Build the network and the unbuilt layers. x decides the number of inputs if nothing declares it."""
        columns = None
        if self._inputs is None and x is not None:
            shape = as_numbers(x, self._feature_names).shape
            if 0 in shape[-1:] or not shape:
                raise ValueError(f"expected rows of at least 1 number; received shape {shape}")
            columns = shape[-1]
        with changes:
            inputs = columns if self._inputs is None and columns is not None else self._known_inputs()
            states = self._states(inputs)
            if (names := self._feature_names) is not None:
                checked_names(names, inputs)  # layers may have been removed since they were given
            network = _NETWORKS[self.dtype](inputs, self._descriptions(states), partial(as_numbers, names=names))
            self._adopt(states)
            self._network = network
        return network

    def _descriptions(self, states: list[State]) -> list[Description]:
        return [layer._description(state) for layer, state in zip(self._layers, states, strict=True)]

    def _describe(self) -> ModelDescription:
        """Return the model as data, a consistent snapshot for saving and exporters. Builds the model if necessary."""
        with changes:
            self.build()
            layers = self._descriptions(self._states(self._known_inputs()))
            names, inputs, units = [layer.name for layer in self._layers], self._known_inputs(), layers[-1].units
            return ModelDescription(self.dtype, inputs, units, self.classes, self._feature_names, names, layers)

    def summary(self, *, print_fn: Callable[[str], object] = print) -> None:
        """Print a table of the layers, their output shapes and numbers of weights, as Keras does.

        print_fn: called once with the whole text; the default is print.

        >>> Sequential([Dense(3, input_shape=(2,), name="hidden")], name="small").summary()
        Model: "small"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
        ┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
        │ hidden (Dense)                  │ (None, 3)              │             9 │
        └─────────────────────────────────┴────────────────────────┴───────────────┘
         Total params: 9 (36.00 B)
         Trainable params: 9 (36.00 B)
         Non-trainable params: 0 (0.00 B)
        """
        with changes:
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
        """Return the SHA-256, in hex, of everything that decides the answers: numerics version, architecture, weights.

        Names and classes do not count (docs/model-format.md).
        Raises ValueError if the number of inputs is unknown.

        >>> len(Sequential([Dense(3, input_shape=(2,))]).fingerprint())
        64
        """
        network = self._network
        if network is None:
            network = self._built_network()
        digest: str = network.fingerprint()
        return digest

    def __eq__(self, other: object) -> bool:
        """Whether both are built and give the same bits for every input."""
        if not isinstance(other, Sequential):
            return NotImplemented
        return self is other or (self.built and other.built and self.fingerprint() == other.fingerprint())

    __hash__ = None  # type: ignore[assignment]  # weights can change

    def get_config(self) -> dict[str, Any]:
        """Return the architecture, without weights, in JSON's types.

        >>> config = Sequential([Dense(3, input_shape=(2,))], name="small").get_config()
        >>> config["name"], config["dtype"], config["build_input_shape"], len(config["layers"])
        ('small', 'float32', [None, 2], 1)
        """
        with changes:
            config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
            if self._inputs is not None:
                config["build_input_shape"] = [None, self._inputs]
            if self._classes is not None:
                config["classes"] = self._classes.tolist()
            if self._feature_names is not None:
                config["feature_names"] = list(self._feature_names)
            config["layers"] = [
                {"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._layers
            ]
            return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new model with the architecture that get_config() returned, and with initial weights.

        Raises UnsupportedModelError (a ValueError) for unknown layers, ValueError for another malformed config.

        >>> config = Sequential([Dense(3, input_shape=(2,))]).get_config()
        >>> Sequential.from_config(config).output_shape
        (None, 3)
        """
        model = cls._unbuilt(config)
        if "build_input_shape" in config:
            model.build(config["build_input_shape"])
        return model

    @classmethod
    def _unbuilt(cls, config: dict[str, Any]) -> Self:
        known = {"name", "dtype", "build_input_shape", "layers", "classes", "feature_names"}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list) or not config.keys() <= known:
            raise ValueError(
                "expected the config of a Sequential, a dict with layers and perhaps name, dtype, build_input_shape, "
                f"classes, feature_names. Received: config={config!r}"
            )
        layers = []
        for layer in config["layers"]:
            class_name = layer.get("class_name") if isinstance(layer, dict) else None
            if not isinstance(class_name, str) or class_name not in _LAYERS or layer.keys() != {"class_name", "config"}:
                raise _core.UnsupportedModelError(
                    f"expected layers with a config and a class_name among {', '.join(_LAYERS)}. "
                    f"Received: layer={layer!r}"
                )
            layers.append(_LAYERS[class_name].from_config(layer["config"]))
        model = cls(layers, name=config.get("name"), dtype=config.get("dtype", "float32"))
        model.classes = config.get("classes")
        model.feature_names = config.get("feature_names")
        return model

    @default_mode()
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write architecture, weights and names to a .safetensors file (docs/model-format.md).

        The file appears whole or not at all; the same model gives the same bytes. load_model() reads it.
        overwrite: whether to replace a file that exists; default True.
        Raises ValueError (another extension, unknown number of inputs), FileExistsError (overwrite=False), OSError.

        >>> model = Sequential([Dense(3, input_shape=(2,))])
        >>> model.save("model.safetensors")
        >>> load_model("model.safetensors") == model
        True
        """
        path = Path(os.fsdecode(filepath))
        if path.suffix != ".safetensors":
            raise ValueError(f"expected filepath to end in .safetensors. Received: filepath={str(filepath)!r}")
        if not overwrite and path.exists():
            raise FileExistsError(f"{printable(str(path))} exists; use overwrite=True to replace it")
        with changes:
            model, config = self._describe(), self.get_config()
        native.write(filepath, config, model)

    @default_mode()
    def export(self, filepath: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write the model for other programs: to an .onnx file, or to a C++17 header (.hpp or .h).

        .onnx: for ONNX Runtime and others; load_model() reads it too, except the names of layers. It needs
            `pip install onnx`.
        .hpp, .h: one file without any library that computes the same bits (docs/header.md).
        name: the header's namespace; default the name of the file.
        Raises ValueError (another extension, unknown number of inputs, an invalid namespace), LimitError (a model too
        large for the format), OSError, ImportError (onnx is missing).

        >>> model = Sequential([Dense(3, input_shape=(2,))])
        >>> model.export("model.hpp", name="small")
        >>> with open("model.hpp") as header:
        ...     "namespace small" in header.read()
        True
        """
        path = os.fsdecode(filepath)
        if Path(path).suffix.lower() in header.SUFFIXES:
            with changes:
                model, fingerprint = self._describe(), self.fingerprint()
            header.export(model, fingerprint, path, name)
        elif name is not None:
            raise ValueError(f"expected name with a filepath that ends in .hpp or .h. Received: filepath={path!r}")
        else:
            onnx.export(self._describe(), path)

    def __getstate__(self) -> dict[str, Any]:
        # Copies of the layers, all of one moment. A copied model shares no layer with its original.
        with changes:
            return self.__dict__ | {"_layers": [copy.copy(layer) for layer in self._layers]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = None
        for layer in self._layers:
            layer._used_by(self)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + sum(array.nbytes for layer in self._layers for array in layer.weights)

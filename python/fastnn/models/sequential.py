"""Sequential, the model: layers in a row, with Keras' names and behaviour."""

import copy
import os
from collections.abc import Callable
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
from fastnn.models.stack import Stack
from fastnn.models.summary import summary_lines
from fastnn.saving import native
from fastnn.text import printable

_LAYERS: dict[str, type[Layer]] = {
    each.__name__: each for each in (Dense, Activation, PReLU, Affine, LayerNormalization)
}
_NETWORKS: dict[str, Any] = {"float32": _core.Network32, "float64": _core.Network64}


class Sequential(Stack):
    """Layers in a row, each taking the outputs of the one before.

    layers: any number of them (fastnn.layers), an Input in front if wanted; more can be added later.
    dtype: 'float32' or 'float64', of weights, arithmetic and outputs.

    The bits of a row's answer depend on the model and that row alone (docs/numerics.md). One model can be called from
    many threads at once; the GIL is released meanwhile, but in calls of few rows that take 10 µs at most.

    >>> model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2, activation="softmax")])
    >>> model.predict([[1, 2, 3, 4]]).shape
    (1, 2)
    """

    # The network of the present weights; None until it is needed. In a slot, which Python reads faster than __dict__.
    __slots__ = ("_network",)
    _network: Any

    def drop_network(self) -> None:
        """Forget the network of layers or weights that have changed since; the next call builds another."""
        self._network = None

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
        network = self._network
        if network is None or type(self) is not Sequential:  # a subclass may have a predict of its own
            return self.predict(x)
        result: npt.NDArray[Any] = network.predict(x, None)
        return result

    def predict_classes(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the class of each row, (...,): a number from 0 or, where the model has `classes`, one of these.

        They are objects (dtype object) where the model's are of more than one type, or longer than 256 letters.
        Of several outputs the largest decides; one output is the second class's probability, which has it above 0.5.
        Several outputs of sigmoid are labels that a row may have together: 1 above 0.5, else 0, in (..., units).
        Raises ValueError for one output that is no probability, unless it is of sigmoid, hard_sigmoid or step, and for
        outputs with NaN.
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
        """Return every layer's outputs for the rows x, the last one's being predict(x)."""
        network = self._network
        if network is None:
            network = self._built_network(x)
        result: list[npt.NDArray[Any]] = network.representations(x)
        return result

    def _built_network(self, x: npt.ArrayLike | None = None) -> Any:
        """Build what is missing, for the columns of x where nothing is declared."""
        columns = _core.columns(x) if self._inputs is None and x is not None else None
        with changes:
            inputs = columns if self._inputs is None and columns is not None else self._known_inputs()
            states = self._states(inputs)
            network = _NETWORKS[self.dtype](inputs, self._descriptions(states))
            self._adopt(states)
            self._network = network
        return network

    def _descriptions(self, states: list[State]) -> list[Description]:
        return [layer.description(state) for layer, state in zip(self._layers, states, strict=True)]

    def describe(self) -> ModelDescription:
        """Return the built model as data, all of one moment: what saving and the exporters read."""
        with changes:
            self.build()
            layers = self._descriptions(self._states(self._known_inputs()))
            names, classes = [layer.name for layer in self._layers], self.classes
            return ModelDescription(self.dtype, self._known_inputs(), layers[-1].units, classes, names, layers)

    def summary(self, *, print_fn: Callable[[str], object] = print) -> None:
        """Print a table of the layers, their output shapes and numbers of weights, as Keras does."""
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
        """Return SHA-256, in hex, of what decides the answers: numerics version, architecture, weights; not names."""
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
        """Return the architecture, without weights, as JSON's types."""
        with changes:
            config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
            if self._inputs is not None:
                config["build_input_shape"] = [None, self._inputs]
            if self._classes is not None:
                config["classes"] = self._classes.tolist()
            config["layers"] = [
                {"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._layers
            ]
            return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the model that get_config() described, with weights of its own."""
        model = cls._unbuilt(config)
        if "build_input_shape" in config:
            model.build(config["build_input_shape"])
        return model

    @classmethod
    def _unbuilt(cls, config: dict[str, Any]) -> Self:
        known = {"name", "dtype", "build_input_shape", "layers", "classes"}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list) or not config.keys() <= known:
            raise ValueError(
                "expected the config of a Sequential, a dict with layers and perhaps name, dtype, build_input_shape, "
                f"classes. "
                f"Received: config={config!r}"
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
        return model

    @default_mode()
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write architecture and weights to a .safetensors file (docs/model-format.md).

        The file appears whole or not at all; the same model gives the same bytes.
        Raises ValueError (another extension, a model not built), FileExistsError (overwrite=False), OSError.
        """
        path = Path(os.fsdecode(filepath))
        if path.suffix != ".safetensors":
            raise ValueError(f"expected filepath to end in .safetensors. Received: filepath={str(filepath)!r}")
        if not overwrite and path.exists():
            raise FileExistsError(f"{printable(str(path))} exists; use overwrite=True to replace it")
        with changes:
            model, config = self.describe(), self.get_config()
        native.write(filepath, config, model)

    @default_mode()
    def export(self, filepath: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write the model to an .onnx file, or to an .hpp or .h, a C++ header that computes the same bits by itself.

        ONNX Runtime and others run .onnx (needs `pip install 'fastnn[onnx]'`), and load_model() reads it back, but for
        the names of layers. docs/header.md is about the header; `name` is its namespace's, else it has the file's.
        Raises ValueError (another extension, a model not built, no C++ name), LimitError, OSError, ImportError.
        """
        path = os.fsdecode(filepath)
        if Path(path).suffix.lower() in header.SUFFIXES:
            with changes:
                model, fingerprint = self.describe(), self.fingerprint()
            header.export(model, fingerprint, path, name)
        elif name is not None:
            raise ValueError(f"expected name with a filepath that ends in .hpp or .h. Received: filepath={path!r}")
        else:
            onnx.export(self.describe(), path)

    def __getstate__(self) -> dict[str, Any]:
        # Copies of the layers, with the weights that they have together; so models that share a layer share none after.
        with changes:
            return self.__dict__ | {"_layers": [copy.copy(layer) for layer in self._layers]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = None
        for layer in self._layers:
            layer.used_by(self)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + sum(array.nbytes for layer in self._layers for array in layer.weights)

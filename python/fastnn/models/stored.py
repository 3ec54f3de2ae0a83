"""A model as data: its config, its files. The part of a Sequential that saves and loads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Self

from fastnn import _core
from fastnn.arguments import flag
from fastnn.files import open_regular
from fastnn.floating_point import default_mode
from fastnn.layers.description import Description, ModelDescription
from fastnn.layers.layer import State
from fastnn.locks import changes
from fastnn.models.layer_configs import FROM_KERAS, LAYERS, layer_from_config, layer_of_file
from fastnn.models.stack import Stack
from fastnn.saving import native
from fastnn.tables.feature_space import FeatureSpace
from fastnn.text import did_you_mean, printable

_CONFIG_KEYS = ("name", "dtype", "build_input_shape", "classes", "feature_names", "columns", "layers")


def _config_fault(config: Any) -> str:
    """Return what is wrong with the config of a Sequential, empty if its keys are right."""
    if not isinstance(config, dict):
        return f"received {type(config).__name__}"
    if not isinstance(config.get("layers"), list):
        return (
            f"received layers of type {type(config['layers']).__name__}" if "layers" in config else "received no layers"
        )
    unknown = next((key for key in config if key not in _CONFIG_KEYS), None)
    if unknown is None:
        return ""
    is_of_keras = any(isinstance(layer, dict) and "module" in layer for layer in config["layers"])
    advice = FROM_KERAS if is_of_keras else did_you_mean(unknown, _CONFIG_KEYS)
    return f"received also {unknown!r:.60}{advice}"


# What load_weights() refuses, by the format of the file, and what reads it.
_OTHERS = {
    "keras": "a file of Keras; load_model(path) reads it, with layers=['relu', 'linear'] or layers='model.json' if it "
    "holds weights alone",
    "torch": "a file of PyTorch; load_model(path, layers=['relu', 'linear']) reads it",
    "onnx": "an ONNX file; load_model(path) reads it",
    "nnet": "a .nnet file; load_model(path) reads it",
}


def _space_of(config: dict[str, Any]) -> list[Any]:
    """Return the FeatureSpace in front of the layers in a list; [] if there is none."""
    return [FeatureSpace._of_columns(config["columns"])] if "columns" in config else []


def _refuse_weights_of_others(file: BinaryIO) -> None:
    kind = _core.format_of(file.read(_core.beginning_bytes))
    file.seek(0)
    if kind in _OTHERS:
        raise _core.UnsupportedModelError(
            f"{printable(os.fsdecode(file.name))}: expected a file that save_weights() or save() of fastnn wrote; "
            f"received {_OTHERS[kind]}"
        )


class Stored(Stack):
    """Layers in a row that are saved and loaded. The base class of Sequential."""

    def _descriptions(self, states: list[State]) -> list[Description]:
        return [layer._description(state) for layer, state in zip(self._layers, states, strict=True)]

    def _describe(self) -> ModelDescription:
        """Return the model as data, a consistent snapshot for saving and exporters. Builds the model if necessary."""
        with changes:
            self.build()
            layers = self._descriptions(self._states(self._known_inputs()))
            names, inputs, units = [layer.name for layer in self._layers], self._known_inputs(), layers[-1].units
            columns = self._feature_names if self._space is None else tuple(self._space.columns)
            return ModelDescription(self.dtype, inputs, units, self.classes, columns, names, layers)

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
            if self._space is not None:
                config["columns"] = self._space.get_config()["columns"]
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

    def to_json(self) -> str:
        """Return the architecture as JSON text, from which model_from_json() makes a model with initial weights.

        >>> from fastnn.models import model_from_json
        >>> model_from_json(Sequential([Dense(3, input_shape=(2,))]).to_json()).output_shape
        (None, 3)
        """
        return json.dumps({"class_name": "Sequential", "config": self.get_config()}, ensure_ascii=False)

    @classmethod
    def _unbuilt(cls, config: dict[str, Any]) -> Self:
        if fault := _config_fault(config):
            raise ValueError(
                "expected the config of a Sequential, a dict with layers, a list, and optionally "
                f"{', '.join(_CONFIG_KEYS[:-1])}; {fault}"
            )
        layers = [*_space_of(config), *map(layer_from_config, config["layers"])]
        model = cls(layers, name=config.get("name"), dtype=config.get("dtype", "float32"))
        model.classes = config.get("classes")
        model.feature_names = config.get("feature_names")
        return model

    @classmethod
    def _of_file(cls, config: dict[str, Any]) -> Self:
        """Return the model, without weights, of a model file's config, which C++ has checked.

        Raises ModelFormatError if a layer's name in Keras is unknown, or computes something else than the file says.
        """
        layers = []
        for i, entry in enumerate(config["layers"]):
            try:
                layers.append(layer_of_file(entry))
            except (TypeError, ValueError) as error:  # of a constructor too, of a layer or an initializer
                kind = type(error) if isinstance(error, _core.ModelFormatError) else _core.UnsupportedModelError
                raise kind(f"layer {i}: {error}") from None
        model = cls(layers, name=config.get("name"), dtype=config["dtype"])
        try:
            for space in _space_of(config):
                model._take_space(space)
        except ValueError as error:
            raise _core.ModelFormatError(str(error)) from None
        model.classes = config.get("classes")
        model.feature_names = config.get("feature_names")
        return model

    @default_mode()
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write architecture, weights and names to a .safetensors file (docs/model-format.md).

        The file appears whole or not at all; the same model gives the same bytes. load_model() reads it.
        overwrite: whether to replace a file that exists; default True.
        include_optimizer: whether a compiled model goes on to train exactly after load_model(): the file then has
            compile()'s settings, the optimizer's state and the History. Default True.
        Warns, and leaves these out, if a setting is no data, such as a schedule of a class of one's own.
        Raises ValueError (another extension, unknown number of inputs), FileExistsError (overwrite=False), OSError.

        >>> model = Sequential([Dense(3, input_shape=(2,))])
        >>> model.save("model.safetensors")
        >>> load_model("model.safetensors") == model
        True
        """
        path = Path(os.fsdecode(filepath))
        if path.suffix != ".safetensors":
            raise ValueError(
                "expected filepath to end in .safetensors, since fastnn writes no files of Keras; "
                f"received filepath={str(filepath)!r}"
            )
        if not overwrite and path.exists():
            raise FileExistsError(f"{printable(str(path))} exists; use overwrite=True to replace it")
        training = self._training_part() if flag("include_optimizer", include_optimizer) else None
        with changes:
            for layer in self._layers:
                if type(layer) is not LAYERS.get(type(layer).__name__):
                    raise _core.UnsupportedModelError(
                        f"expected layers among {', '.join(LAYERS)} to save; received {layer!r}, a {type(layer)}"
                    )
            model = self._describe()
            config = self.get_config() | {"layers": [layer._stored() for layer in self._layers]}
        try:
            native.write(filepath, config, model, training)
        except _core.LimitError as error:
            if training is None:
                raise
            raise _core.LimitError(f"{error}; include_optimizer=False leaves out what training goes on from") from None

    def _training_part(self) -> native.Training | None:
        """Return what training goes on from, or None."""
        return None

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights, for load_weights(). The file is a model file, so load_model() reads it too.

        filepath: ends in .weights.safetensors. overwrite, and errors: as for save().

        >>> model = Sequential([Dense(3, input_shape=(2,))])
        >>> model.save_weights("small.weights.safetensors")
        >>> other = Sequential([Dense(3, input_shape=(2,))])
        >>> other.load_weights("small.weights.safetensors")
        >>> other == model
        True
        """
        if not os.fsdecode(filepath).endswith(".weights.safetensors"):
            raise ValueError(f"expected filepath to end in .weights.safetensors; received filepath={str(filepath)!r}")
        self.save(filepath, overwrite, include_optimizer=False)

    @default_mode()
    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Replace all weights by those of a file that save_weights() or save() wrote; builds the model if necessary.

        The layers with weights must have the same weights and shapes as those of the file, in the same order; their
        names and activations do not count. Numbers of another dtype are converted.
        Raises ModelFormatError (a ValueError) for a malformed file, ValueError for one of other weights, OSError.

        >>> Sequential([Dense(3, input_shape=(2,))]).save_weights("small.weights.safetensors")
        >>> model = Sequential([Dense(3, "tanh")])
        >>> model.load_weights("small.weights.safetensors")
        >>> model.output_shape
        (None, 3)
        """
        with open_regular(os.fsdecode(filepath)) as file:
            _refuse_weights_of_others(file)
            config, layers = native.read(file)
        received = [{name: array.shape for name, array in weights.items()} for weights in layers if weights]
        with changes:
            width = inputs = config["build_input_shape"][-1]
            expected = []
            for layer in self._layers:
                expected += [shapes] if (shapes := layer.weight_shapes(width)) else []
                width = layer.output_units(width)
            if self._inputs not in (None, inputs) or received != expected:
                raise ValueError(
                    f"{printable(os.fsdecode(filepath))}: expected a model of {self._inputs or inputs} inputs with the "
                    f"weights {expected!r:.400}; received {inputs} inputs and {received!r:.400}"
                )
            self.build((None, inputs))
            self.set_weights([array for weights in layers for array in weights.values()])

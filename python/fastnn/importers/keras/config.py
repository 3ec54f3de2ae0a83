"""A Keras model's config: its layers in the order of computing, in Keras 3's form whichever release wrote it.

Nothing that a config names is ever imported or run.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.bfloat16 import widened
from fastnn.importers.keras.graph import in_a_row

Shape = tuple[int | None, ...]  # None: any size

MODELS = ("Sequential", "Functional")
_REBUILD = "if its layers are, save keras.Sequential([keras.Input((inputs,)), *model.layers])"
_DEEPEST = 32  # models within models
_FAMILIES = {"keras", "tf_keras", "tensorflow", "builtins"}  # the packages that a config may name
# Names that a class had in TensorFlow 1.13 to 2.0, or has for one that differs in training alone.
_ALIASES = {
    "Model": "Functional",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
}


@dataclass(frozen=True)
class KerasLayer:
    """A layer, in Keras 3's form.

    names: those of the models around it, then its own. numbered: their classes with numbers, as in "dense_1".
    keras: the major version that wrote the config; None if unknown. stored: finds the weights.
    shape: of a row of its inputs; None if unknown. is_flat: whether rows that are arrays become flat somewhere, and
    fastnn takes them so. Otherwise they keep their shape, and every layer works along the last axis.
    """

    kind: str
    names: tuple[str, ...]
    numbered: tuple[str, ...]
    config: dict[str, Any]
    keras: int | None
    stored: "Stored"
    shape: Shape | None = None
    is_flat: bool = True
    read: dict[str, Array] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Return the layer's name for errors and reports."""
        return f"layer {self.names[-1]!r:.60} ({self.kind:.60})"

    def weights(self, *names: str) -> dict[str, Array]:
        """Return the weights, which must have these names; "count" is not read."""
        stored = self.stored(self, names)
        if stored.keys() != set(names):
            raise ModelFormatError(f"has the weights {', '.join(stored)!r:.100}; expected {', '.join(names)!r}")
        self.read.update((name, floats(name, stored[name])) for name in names if name != "count")
        return self.read

    def needs_rows(self) -> None:
        """Refuse rows that are arrays, and of which a layer takes the last axis, if others flatten them."""
        if self.is_flat and self.shape is not None and len(self.shape) != 1:
            raise UnsupportedModelError(
                f"gets arrays of shape {self.shape} in a model that flattens or reshapes others; expected rows of "
                "numbers: put a Flatten before it, or leave out those of the model"
            )


# Returns a layer's weights by name, given the names that they should have; they are arrays, or datasets of h5py.
Stored = Callable[[KerasLayer, tuple[str, ...]], dict[str, Any]]


def layers_in_order(model: Any, keras: int | None, stored: Stored) -> list[KerasLayer]:
    """Return the layers of a model and of models within it, in the order of computing.

    model: its class_name and config, as a file or get_config() has them. keras: the major version that wrote it.
    """
    kind, config = keras_3_form(model)
    if kind not in MODELS:
        raise UnsupportedModelError(
            f"the model is a {kind!r:.60}; expected a Sequential, or a Functional of layers in a row: {_REBUILD}"
        )
    return list(_leaves(KerasLayer(kind, (), (), config, keras, stored)))


def _leaves(model: KerasLayer) -> Iterator[KerasLayer]:
    records = model.config.get("layers")
    if not isinstance(records, list | tuple) or not records:
        raise ModelFormatError(f"expected the {model.kind} {'/'.join(model.names)!r:.60} with a list of layers")
    if len(model.names) > _DEEPEST:
        raise LimitError(f"has models within models more than {_DEEPEST} deep")
    layers: dict[str, KerasLayer] = {}
    nodes: dict[str, tuple[str, Any]] = {}
    counts: Counter[str] = Counter()
    for record in records:
        kind, config = keras_3_form(record)
        name, snake = config.get("name"), _snake_case(kind)
        numbered = f"{snake}_{counts[snake]}" if counts[snake] else snake
        counts[snake] += 1
        if not isinstance(name, str) or name in layers:
            raise ModelFormatError(f"has a {kind:.60} with the name {name!r:.60}; expected a name of its own")
        places = (*model.names, name), (*model.numbered, numbered)
        layers[name] = KerasLayer(kind, *places, config, model.keras, model.stored)
        nodes[name] = layers[name].source, record.get("inbound_nodes")
    order = in_a_row(model.config, nodes) if model.kind == "Functional" else list(layers)
    # A Sequential may know the shape of its inputs when its first layer does not.
    shape = model.config.get("build_input_shape") or model.config.get("batch_shape")
    layers[order[0]].config.setdefault("batch_shape", shape)
    for name in order:
        yield from _leaves(layers[name]) if layers[name].kind in MODELS else [layers[name]]


def keras_3_form(record: Any) -> tuple[str, dict[str, Any]]:
    """Return the class and the config of a layer or model as Keras 3 writes them.

    A class of one's own gets the name that it is registered by, which no layer of Keras has.
    """
    match record:
        case {"class_name": "function"}:
            raise UnsupportedModelError(f"has the function {record.get('config')!r:.60}, which fastnn never runs")
        case {"class_name": "Sequential" as kind, "config": list(layers)}:  # of Keras 2.0 and 2.1
            config: dict[str, Any] = {"layers": layers}
        case {"class_name": str(kind), "config": dict(values)}:
            config = {key: _unwrapped(value) for key, value in values.items()}
        case _:
            raise ModelFormatError(f"expected an object with class_name and config; received {record!r:.60}")
    module, registered = record.get("module"), record.get("registered_name")
    if registered not in (None, kind):
        kind = str(registered)
    elif _is_foreign(module):
        kind = f"{module}.{kind}"
    if "name" in record:
        config.setdefault("name", record["name"])
    for old, new in (("batch_input_shape", "batch_shape"), ("alpha", "negative_slope")):
        if old in config and new not in config and (old != "alpha" or kind == "LeakyReLU"):
            config[new] = config.pop(old)
    return _ALIASES.get(kind, kind), config


def _unwrapped(value: Any) -> Any:
    """Return the value that an object of Keras 3 stands for: an array, the name of a dtype or of an activation."""
    match value:
        case {"class_name": "__numpy__", "config": {"value": numbers}}:
            return numbers
        case {"type": "ndarray", "value": numbers}:  # TensorFlow 1.10 to 1.12
            return numbers
        case {"class_name": "DTypePolicy" | "Policy" | "FloatDTypePolicy", "config": {"name": name}}:
            return name
        case {"class_name": "function", "config": str(name)} if _is_activation(value):
            return name
    return value


def _is_activation(function: dict[str, Any]) -> bool:
    return str(function.get("module")).startswith("keras.activations")


def _is_foreign(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] not in _FAMILIES


def _snake_case(class_name: str) -> str:
    """Return Keras' name for the weights of a class: PReLU -> p_re_lu."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def row_shape(batch_shape: Any) -> Shape | None:
    """Return a shape without its first dimension, the batch; None unless the last is known, and the others fit."""
    if not isinstance(batch_shape, list | tuple) or len(batch_shape) < 2:
        return None
    row = tuple(batch_shape[1:])
    known = [size for size in row if size is not None]
    return row if row[-1] is not None and all(type(size) is int and 0 < size < 2**31 for size in known) else None


def refuse_code(config: Any) -> None:
    """Refuse a file's config that names code anywhere, such as an initializer of another package."""
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
            module, named = each.get("module"), each.get("class_name")
            is_foreign = named is not None and _is_foreign(module)
            is_function = named == "function" and not _is_activation(each)
            if is_foreign or is_function or named in ("Lambda", "__lambda__"):
                what = f"{module}.{each.get('config') if is_function else named}"
                raise UnsupportedModelError(
                    f"the model's config names the code {what!r:.100}, which fastnn neither imports nor runs; expected "
                    "layers, initializers and activations of Keras alone"
                )


def floats(name: str, weight: Any) -> Array:
    """Return a weight, float16 and bfloat16 as float32; it is an array or a dataset of h5py."""
    dtype = weight.dtype
    # In a file, bfloat16 is two opaque bytes.
    is_bfloat16 = dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None and dtype.shape == ()
    if not is_bfloat16 and not (dtype.kind == "f" and dtype.itemsize in (2, 4, 8)):
        raise UnsupportedModelError(f"has a {name} of {dtype!s:.60}; expected floats of 16, 32 or 64 bits")
    numbers = np.asarray(weight[()])
    if is_bfloat16:
        return widened(numbers)
    return numbers.astype(np.float32 if dtype.itemsize == 2 else dtype.newbyteorder("="), copy=False)

"""A Keras model's config: which layers stand in a row, and what they compute together. Nothing of it is ever run."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError
from fastnn.importers.keras.config import KerasLayer
from fastnn.importers.keras.layers import layer_steps
from fastnn.importers.keras.nodes import in_a_row
from fastnn.importers.steps import Nothing, Step

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

MODELS = ("Sequential", "Functional", "Model")
_MOST_NESTED = 32
_FAMILIES = {"keras", "tf_keras", "tensorflow", "builtins"}  # what a config may name, though nothing is imported


@dataclass(frozen=True)
class Place:
    """Where a layer stands: the name and the class with a number of each model around it, and of itself last.

    Weights go by the one or by the other: "digits/dense_6", or "sequential/dense_1", the second Dense in there.
    """

    names: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()


Weights = Callable[[Place, tuple[str, ...]], dict[str, Array]]


@dataclass(frozen=True)
class KerasSteps:
    """What a model computes, in order, and of rows of which shape; None where it does not say."""

    name: str
    steps: list[Step]
    shape: Shape | None


@dataclass(frozen=True)
class _Leaf:
    class_name: str
    name: str
    config: dict[str, Any]
    place: Place
    shape: Shape | None


def model_steps(model: Any, keras: int | None, weights: Weights) -> KerasSteps:
    """Return the steps of a model as its get_config() or file describes it: class_name and config.

    keras: the major version that wrote it. weights: reads those that it is asked for by name, of the layer in a place.
    Raises UnsupportedModelError for what fastnn cannot do, ModelFormatError for what is no such config.
    """
    class_name, config = _described(model, "the model")
    if class_name not in MODELS:
        raise UnsupportedModelError(
            f"the model is a {class_name!r:.60}; expected a Sequential, or a Functional of layers in a row"
        )
    steps: list[Step] = []
    leaves = list(_leaves(class_name, config, Place()))
    first = shape = leaves[0].shape
    for number, leaf in enumerate(leaves, 1):
        if leaf.class_name == "InputLayer":
            steps.append(Nothing(f"layer {leaf.name!r:.60} (InputLayer)"))
            continue

        def read(names: tuple[str, ...], leaf: _Leaf = leaf) -> dict[str, Array]:
            return weights(leaf.place, names)

        layer = KerasLayer(leaf.class_name, leaf.name, leaf.config, read, shape, keras)
        try:
            steps += layer_steps(layer)
            shape = layer.shape_after()
        except UnsupportedModelError as error:
            raise UnsupportedModelError(f"{error}. It is number {number} of {len(leaves)} layers") from None
    if shape is not None and len(shape) != 1:
        raise UnsupportedModelError(f"the model answers each row with an array {shape}; expected a Flatten at its end")
    name = config.get("name") if isinstance(config, dict) else None
    is_name = (
        isinstance(name, str) and "\0" not in name and name.encode(errors="replace") == name.encode(errors="ignore")
    )
    return KerasSteps(name if isinstance(name, str) and is_name else "", steps, first)


def refuse_code(config: Any) -> None:
    """Raise UnsupportedModelError where a file's config names code of any kind, though fastnn would not import it."""
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
            module, named = each.get("module"), each.get("class_name")
            is_foreign = named is not None and isinstance(module, str) and module.partition(".")[0] not in _FAMILIES
            is_function = named == "function" and not str(module).startswith("keras.activations")
            if is_foreign or is_function or named in ("Lambda", "__lambda__"):
                content = each.get("config")
                what = f"{module}.{content if is_function else named}"
                name = content.get("name") if isinstance(content, dict) else None
                where = f", called {name!r:.60}" if isinstance(name, str) else ""
                raise UnsupportedModelError(
                    f"the model's config names the code {what!r:.100}{where}, which fastnn neither imports nor runs; "
                    "expected layers, initializers and activations of Keras alone"
                )


def _described(record: Any, what: str) -> tuple[str, Any]:
    if not isinstance(record, dict) or not isinstance(record.get("class_name"), str):
        raise ModelFormatError(f"expected {what} as an object with class_name and config; received {record!r:.60}")
    if record.get("registered_name") not in (None, record["class_name"]):  # of a class of somebody's own
        raise UnsupportedModelError(
            f"the class {record['registered_name']!r:.60} is somebody's own, whose code fastnn never runs; replace it "
            "by Keras' own layers, or export the model to ONNX"
        )
    return record["class_name"], record.get("config")


def _leaves(class_name: str, config: Any, place: Place, shape: Shape | None = None) -> Iterator[_Leaf]:
    """Yield the layers in the order of computing, those of models within models too; shape: of the first one's rows."""
    if len(place.names) > _MOST_NESTED:
        raise LimitError(f"models stand in models more than {_MOST_NESTED} deep")
    layers = _placed(class_name, config, place)
    order = list(layers)
    if class_name != "Sequential":
        order = in_a_row(config, {name: record for name, (record, _) in layers.items()})
    elif isinstance(config, dict):
        shape = _row_shape(config.get("build_input_shape")) or shape
    for name in order:
        record, inner = layers[name]
        kind, content = record["class_name"], record.get("config")
        if kind in MODELS:
            yield from _leaves(kind, content, inner, shape)
        elif not isinstance(content, dict):
            raise ModelFormatError(f"layer {name!r:.60} ({kind:.60}) has no config")
        else:
            if kind == "InputLayer":
                _check_input(name, content)
            own = _row_shape(content.get("batch_shape", content.get("batch_input_shape")))
            yield _Leaf(kind, name, content, inner, own or shape)
        shape = None


def _placed(class_name: str, config: Any, place: Place) -> dict[str, tuple[dict[str, Any], Place]]:
    """Return the layers of a model by their names, in the config's order, and where each stands."""
    # Keras 2.0 and 2.1 wrote a Sequential's layers alone.
    records = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
    if (
        not isinstance(records, list | tuple)
        or not records
        or (isinstance(config, list) and class_name != "Sequential")
    ):
        raise ModelFormatError(f"expected {class_name} {'/'.join(place.names)!r:.60} with a list of layers")
    layers: dict[str, tuple[dict[str, Any], Place]] = {}
    counts: dict[str, int] = {}
    for record in records:
        kind, content = _described(record, "each layer")
        name = content.get("name") if isinstance(content, dict) else None
        name = record.get("name") if name is None else name
        if not isinstance(name, str) or name in layers:
            raise ModelFormatError(f"expected a name of its own for each layer; received {name!r:.60} for a {kind:.60}")
        snake = _snake_case(kind)
        counts[snake] = counts.get(snake, -1) + 1
        numbered = snake if counts[snake] == 0 else f"{snake}_{counts[snake]}"
        layers[name] = record, Place((*place.names, name), (*place.numbered, numbered))
    return layers


def _check_input(name: str, config: dict[str, Any]) -> None:
    dtype = config.get("dtype")
    dtype = dtype["config"].get("name") if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict) else dtype
    is_number = dtype is None or (isinstance(dtype, str) and re.fullmatch(r"(mixed_)?(b?float|u?int)\d+", dtype))
    if config.get("sparse") or config.get("ragged") or config.get("optional") or not is_number:
        raise UnsupportedModelError(
            f"layer {name!r:.60} (InputLayer) takes sparse, ragged or optional rows, or other things than numbers"
        )
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if isinstance(shape, list | tuple) and len(shape) < 2:
        raise UnsupportedModelError(f"layer {name!r:.60} (InputLayer) takes no rows, but the shape {shape!r:.60}")


def _row_shape(shape: Any) -> Shape | None:
    """Return a shape without its first dimension, that of the batch; None unless it says all others."""
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        return None
    row = shape[1:]
    if not all(type(size) is int and 0 < size < 2**31 for size in row):
        return None
    return tuple(row)


def _snake_case(class_name: str) -> str:
    """Return what Keras makes of a class's name for the weights: PReLU -> p_re_lu."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def flat_rows(check: Any, shape: Shape | None, answers: Callable[[Array], Any] | None = None) -> Any:
    """Return what to check a model with, (x, y) or None, rows of arrays such as images flattened as fastnn takes them.

    answers: the source's own, where x alone is given.
    """
    if check is None:
        return None
    if not isinstance(check, tuple) and answers is not None:
        check = (check, answers(np.asarray(check)))
    if not isinstance(check, tuple) or len(check) != 2:
        raise ValueError("expected check=(x, y), rows and the answers of the model's source to them")
    x = np.asarray(check[0])
    if shape is not None and len(shape) > 1 and x.shape[1:] == shape:
        x = x.reshape(len(x), -1)
    return x, check[1]

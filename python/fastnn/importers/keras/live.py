"""A Keras model that is at hand: its layers' configs and weights. Keras itself is not imported here."""

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.floating_point import default_mode
from fastnn.importers.keras.model import MODELS, Place, flat_rows, model_steps
from fastnn.importers.live_objects import class_name
from fastnn.importers.report import convert
from fastnn.models.sequential import Sequential

Array = npt.NDArray[Any]
_FAMILIES = ("keras", "tf_keras")
_WRAPPED = {"build", "quantize"}  # Keras wraps them in each layer, which changes no answer


@default_mode()
def from_keras(model: Any, *, fold: bool = True, check: Any = None, name: str | None = None) -> Sequential:
    """Return the model that computes what a Keras model does, of any backend; a Sequential or layers in a row.

    fold: whether affine layers (BatchNormalization, Normalization, Rescaling) are folded into the Dense beside them.
    check: rows x, or (x, y) with Keras' answers; ``model.conversion`` then says how far the model's own are from them.
    name: of the model; otherwise that of Keras' model.

    Rows of arrays, such as images, that a Flatten makes rows of numbers of, are given flattened: x.reshape(len(x), -1).
    Raises UnsupportedModelError (a ValueError) for layers that fastnn cannot do, and for classes of one's own;
    ValueError for a model that is not built; TypeError for what is no Keras model.

    >>> model = from_keras(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))  # doctest: +SKIP
    """
    bases = {(base.__module__.partition(".")[0], base.__name__) for base in type(model).__mro__}
    if not any((family, "Model") in bases for family in _FAMILIES):
        raise TypeError(f"expected a model of Keras; received {type(model).__name__}")
    _check_class(model, "the model")
    if type(model).__name__ not in MODELS:
        raise _own_class(model, "the model")
    if not model.built:
        raise ValueError(
            f"model {model.name!r} is not built, so it has no weights: call it on rows, or give it an Input"
        )
    described = {"class_name": type(model).__name__, "config": model.get_config()}
    found = model_steps(described, _major(model), _LiveWeights(model))
    rows = flat_rows(check, found.shape, lambda x: np.asarray(model.predict(x, verbose=0)))
    inputs = None if found.shape is None else math.prod(found.shape)
    title = f"Keras model {found.name!r:.60}"
    return convert(title, found.steps, inputs=inputs, fold=fold, name=name or found.name or None, check=rows)


def _major(model: Any) -> int:
    family = sys.modules[type(model).__module__.partition(".")[0]]
    return int(str(family.__version__).partition(".")[0])


def _own_class(item: Any, what: str) -> UnsupportedModelError:
    kind = type(item)
    return UnsupportedModelError(
        f"{what} is of the class {kind.__module__}.{kind.__qualname__}, whose computing fastnn cannot know; expected a "
        "Sequential or Functional of Keras' own layers"
    )


def _check_class(item: Any, what: str) -> None:
    """Refuse all but Keras' own classes: a subclass may compute anything."""
    if all(class_name(item, family, wrapped=_WRAPPED) is None for family in _FAMILIES):
        raise _own_class(item, what)


class _LiveWeights:
    """Weights of a model's layers. All of these are of Keras' own classes, with Keras' own activations."""

    def __init__(self, model: Any) -> None:
        self._layers: dict[tuple[str, ...], Any] = {}
        waiting: list[tuple[tuple[str, ...], Any]] = [((), model)]
        while waiting:
            names, each = waiting.pop()
            for layer in each.layers:
                what = f"layer {layer.name!r:.60}"
                _check_class(layer, what)
                self._check_activation(layer, what)
                inner = (*names, layer.name)
                self._layers[inner] = layer
                if type(layer).__name__ in MODELS:
                    waiting.append((inner, layer))

    @staticmethod
    def _check_activation(layer: Any, what: str) -> None:
        """Refuse a function that only has the name of one of Keras' activations."""
        activation = getattr(layer, "activation", None)
        if activation is None:
            return
        module = getattr(activation, "__module__", None) or ""
        if hasattr(activation, "get_config"):
            _check_class(activation, f"the activation of {what}")
        elif str(module).partition(".")[0] not in _FAMILIES:
            name = getattr(activation, "__name__", type(activation).__name__)
            raise UnsupportedModelError(
                f"{what} ({type(layer).__name__}) has the activation {name!r:.60}, a function of its own, which fastnn "
                "cannot run; expected one of Keras'"
            )

    def __call__(self, place: Place, names: tuple[str, ...]) -> dict[str, Array]:
        arrays = self._layers[place.names].get_weights()
        if len(arrays) != len(names):
            raise ModelFormatError(
                f"layer {place.names[-1]!r:.60} has {len(arrays)} weights; expected {len(names)}: {', '.join(names)}"
            )
        found = {}
        for name, numbers in zip(names, arrays, strict=True):
            array = np.asarray(numbers)
            is_bfloat16 = array.dtype.name == "bfloat16"
            if name == "count":
                continue
            if array.dtype.kind != "f" and not is_bfloat16:
                raise UnsupportedModelError(
                    f"layer {place.names[-1]!r:.60} has a {name} of {array.dtype}; expected floats"
                )
            found[name] = array.astype(np.float32) if array.dtype.itemsize == 2 else array
        return found

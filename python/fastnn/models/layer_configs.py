"""Layers from their entries in configs and model files."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.by_name import classes_of
from fastnn.layers import activation, dense, named, normalization, preprocessing
from fastnn.layers.layer import Layer
from fastnn.layers.training import KEPT
from fastnn.text import did_you_mean

LAYERS: dict[str, type[Layer]] = {
    each.__name__: each for each in classes_of(Layer, dense, activation, normalization, named, preprocessing)
}

FROM_KERAS = "; fastnn.from_keras(model) converts a model of Keras, load_model(path) reads its .keras and .h5 files"


def layer_from_config(layer: Any) -> Layer:
    """Return the layer of an entry of get_config(). Raises UnsupportedModelError for others.

    >>> layer_from_config({"class_name": "Dense", "config": {"name": "hidden", "units": 3}})
    <Dense name=hidden, built=False>
    """
    expected = "expected layers as {'class_name': …, 'config': {…}}"
    if not isinstance(layer, dict):
        raise _core.UnsupportedModelError(f"{expected}; received {layer!r:.100}")
    class_name = layer.get("class_name")
    if not isinstance(class_name, str) or class_name not in LAYERS:
        raise _core.UnsupportedModelError(
            f"expected layers with a class_name that fastnn has; received {class_name!r:.100}"
            f"{did_you_mean(class_name, LAYERS) or '.'} Expected one of {', '.join(LAYERS)}."
        )
    if "module" in layer:
        raise _core.UnsupportedModelError(f"{expected}; received a {class_name} of Keras{FROM_KERAS}")
    if layer.keys() != {"class_name", "config"}:
        raise _core.UnsupportedModelError(f"{expected}; received the keys {', '.join(map(repr, layer)):.200}")
    if not isinstance(layer["config"], dict):
        raise _core.UnsupportedModelError(
            f"{expected}; received a {class_name} with a config of type {type(layer['config']).__name__}"
        )
    return LAYERS[class_name].from_config(layer["config"])


def layer_of_file(entry: dict[str, Any]) -> Layer:
    """Return the layer of an entry of a model file, which C++ has checked; Layer._stored() writes it.

    Raises ModelFormatError if its name in Keras computes something else.

    >>> layer_of_file({"class_name": "Dense", "config": {"name": "hidden", "units": 3}})
    <Dense name=hidden, built=False>
    """
    if "keras" not in entry:
        return layer_from_config(entry)
    keras, computed = entry["keras"], entry["config"]
    name = {"name": computed["name"]} if "name" in computed else {}
    layer = layer_from_config({"class_name": keras["class_name"], "config": keras["config"] | name})
    own = layer._stored()
    is_known = keras["config"].keys() <= {*layer._arguments, *KEPT}
    if not is_known or (own["class_name"], own["config"]) != (entry["class_name"], {"name": layer.name} | computed):
        raise _core.ModelFormatError(
            f"expected its keras to compute the same as {entry['class_name']} {computed!r:.200}; "
            f"received {keras!r:.200}"
        )
    return layer

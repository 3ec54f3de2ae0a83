"""fastnn's own files: a config and weights, written from plain data and read as plain data."""

import json
import os
from typing import Any, BinaryIO

from fastnn import _core
from fastnn.arrays import Array
from fastnn.layers.description import ModelDescription


def write(path: str | os.PathLike[str], config: dict[str, Any], model: ModelDescription) -> None:
    """Write a model file, which appears whole or not at all. config is what Sequential.get_config() returns."""
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    _core.write_model(os.fsencode(path), text, [layer.weights for layer in model.layers])


def read(file: BinaryIO) -> tuple[dict[str, Any], list[dict[str, Array]]]:
    """Return the config and, for each layer, its weights by name.

    Raises ModelFormatError (a ValueError) for an invalid file, OSError.
    """
    text, weights = _core.read_model(file.fileno(), os.fsencode(file.name))
    return json.loads(text), weights

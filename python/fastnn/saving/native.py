"""fastnn's own files: a config and weights, written from plain data and read as plain data."""

import json
import os
from typing import Any, BinaryIO

from fastnn import _core
from fastnn.arrays import Array
from fastnn.layers.description import ModelDescription

Training = tuple[str, dict[str, Array]]  # settings as JSON, tensors by name


def write(
    path: str | os.PathLike[str], config: dict[str, Any], model: ModelDescription, training: Training | None = None
) -> None:
    """Write a model file, which appears whole or not at all. config is what Sequential.get_config() returns."""
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    _core.write_model(os.fsencode(path), text, [layer.weights for layer in model.layers], *(training or ()))


def read(file: BinaryIO) -> tuple[dict[str, Any], list[dict[str, Array]]]:
    """Return the config and, for each layer, its weights by name; the part for training is skipped.

    Raises ModelFormatError (a ValueError) for an invalid file, OSError.
    """
    config, weights, _ = _read(file, False)
    return config, weights


def read_with_training(file: BinaryIO) -> tuple[dict[str, Any], list[dict[str, Array]], Training | None]:
    """Return what read() does, and the part for training if there is one, whose tensors may be any.

    Raises ModelFormatError (a ValueError) for an invalid file, OSError.
    """
    return _read(file, True)


def _read(file: BinaryIO, with_training: bool) -> tuple[dict[str, Any], list[dict[str, Array]], Training | None]:
    text, weights, training = _core.read_model(file.fileno(), os.fsencode(file.name), with_training)
    return json.loads(text), weights, training

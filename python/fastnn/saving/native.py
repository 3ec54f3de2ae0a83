"""fastnn's own files: a config and weights, written from plain data and read back as plain data."""

import json
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy.typing as npt

from fastnn import _core
from fastnn.layers.layer import Description


def write(
    path: str | os.PathLike[str], config: dict[str, Any], dtype: str, inputs: int, layers: Sequence[Description]
) -> None:
    """Write a model's file, which appears whole or not at all.

    config: what Sequential.get_config() returns. layers: their descriptions and weights, as a Network takes them.
    """
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    _core.write_model(os.fsencode(path), text, dtype, inputs, layers)


def read(file: BinaryIO) -> tuple[dict[str, Any], list[list[npt.NDArray[Any]]]]:
    """Return the config and each layer's weights; ModelFormatError (a ValueError) for what is no such file, OSError."""
    text, weights = _core.read_model(file.fileno(), os.fsencode(file.name))
    return json.loads(text), weights

"""The model argument of a command: how it is declared and loaded, the same for all commands."""

import argparse
from typing import Any

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model


def add(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Declare an argument for a model file, and the option --layers that a state dict needs.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser, "model", "MODEL")
    >>> parser.parse_args(["digits.pt", "--layers", "relu,linear"])
    Namespace(model='digits.pt', layers='relu,linear')
    """
    parser.add_argument(
        name,
        metavar=metavar,
        help="a model of fastnn (.safetensors), Keras, ONNX, PyTorch or NNet, recognised by its content",
    )
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME,…",
        help="for a PyTorch state dict or weights alone of Keras: the activation after each of its modules, linear for "
        "none; for the latter also the .json file that model.to_json() wrote",
    )


def load(options: argparse.Namespace, **more: Any) -> Sequential:
    """Load the model file that the options name. `more` goes to load_model."""
    layers: Any = options.layers
    if layers is not None and not layers.endswith(".json"):
        layers = layers.split(",")
    return load_model(options.model, layers=layers, **more)

"""The model argument of a command: how it is declared and loaded, the same for all commands."""

import argparse
from typing import Any

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model


def add(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Declare an argument for a model file, and the options that choose a part of it or say what it computes.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser, "model", "MODEL")
    >>> parser.parse_args(["digits.pt", "--layers", "relu,linear"])
    Namespace(model='digits.pt', layers='relu,linear', prefix=None, outputs=None, verify=True)
    """
    parser.add_argument(
        name,
        metavar=metavar,
        help="a model of fastnn (.safetensors), Keras, ONNX, PyTorch or NNet, recognized by its content",
    )
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME,…",
        help="for a PyTorch state dict or weights alone of Keras: the activation after each of its modules, linear for "
        "none; for the latter also the .json file that model.to_json() wrote",
    )
    parser.add_argument(
        "--prefix", metavar="PREFIX", help="for a PyTorch state dict of several networks: take the names that begin so"
    )
    parser.add_argument(
        "--outputs", metavar="NAME", help="for an ONNX file of several outputs: take the one of this name"
    )
    parser.add_argument(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="do not compare a model of another tool with its source on some rows",
    )


def load(options: argparse.Namespace, **more: Any) -> Sequential:
    """Load the model file that the options name. `more` goes to load_model."""
    layers: Any = options.layers
    if layers is not None and not layers.endswith(".json"):
        layers = layers.split(",")
    chosen = {"prefix": options.prefix, "outputs": options.outputs, "verify": options.verify}
    return load_model(options.model, layers=layers, **chosen, **more)

"""The model argument of a command: how it is declared and loaded, the same for all commands."""

import argparse
from typing import Any

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model


def add(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Declare an argument for a model file, and the options --layers, for state dicts, and --no-verify.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser, "model", "MODEL")
    >>> parser.parse_args(["digits.pt", "--layers", "relu,linear"])
    Namespace(model='digits.pt', layers='relu,linear', verify=True)
    """
    parser.add_argument(
        name,
        metavar=metavar,
        help="a model of fastnn (.safetensors), Keras, ONNX or PyTorch, recognised by its content",
    )
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME,…",
        help="for a PyTorch state dict: the activation after each of its modules, linear for none",
    )
    parser.add_argument(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="do not compare a model of another tool with its source on some rows",
    )


def load(options: argparse.Namespace, **more: Any) -> Sequential:
    """Load the model file that the options name. `more` goes to load_model."""
    layers = None if options.layers is None else options.layers.split(",")
    return load_model(options.model, layers=layers, verify=options.verify, **more)

"""The model that a command is given: how it is declared, and loaded."""

import argparse
from typing import Any

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model


def add(parser: argparse.ArgumentParser, name: str, metavar: str) -> None:
    """Declare an argument that is a model's file, and what a state dict needs beside it."""
    parser.add_argument(name, metavar=metavar, help="fastnn's .safetensors, .keras, .h5, .onnx or .pt, by content")
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME,…",
        help="of a PyTorch state dict: the activations that follow its modules, linear for none",
    )


def load(options: argparse.Namespace, **more: Any) -> Sequential:
    """Return the model of the file."""
    layers = None if options.layers is None else options.layers.split(",")
    return load_model(options.model, layers=layers, **more)

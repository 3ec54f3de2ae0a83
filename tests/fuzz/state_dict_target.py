"""Fuzz the reader of PyTorch state dicts: a whole file, or the pickle in a .pt file that is otherwise valid.

The first byte chooses the `layers` argument. If the second is P, the rest is a pickle; its storages have 2 to 64
floats, or four times as many bytes.
"""

import judge
from fastnn.layers import Activation, Dense, LayerNormalization
from state_dicts import archive

LAYERS = (
    ["relu"],
    ["relu", "linear"],
    ["relu", "tanh", "linear"],
    ["linear", "relu", "linear"],
    ["prelu", "linear"],
    [LayerNormalization(), Activation("relu"), Dense(None)],
    [{"name": "leaky_relu", "negative_slope": 0.1}, "softmax"],
    {"fc1": "relu", "fc2": "linear"},
)
STORAGES = {str(i): bytes(4 * size) for i, size in enumerate((12, 4, 8, 2, 64, 16))}


def content_of(data):
    return archive(data[1:], STORAGES) if data[:1] == b"P" else data[1:]


def is_documented(error):
    """Return whether the error says that `layers` does not match the file."""
    return type(error) is ValueError and "layers" in str(error) and len(str(error)) < 1500


def test_one_input(data):
    layers = LAYERS[data[0] % len(LAYERS)] if data else LAYERS[0]
    judge.model_of(content_of(data[1:]), is_documented, layers=layers)


if __name__ == "__main__":
    judge.run(test_one_input)

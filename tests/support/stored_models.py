"""Models that Keras, PyTorch, skl2onnx and tf2onnx wrote themselves (tests/data), with rows and their own answers."""

import numpy as np

from compiled import ROOT

MODELS = ROOT / "tests/data"
FILES = sorted(
    path.name for path in MODELS.iterdir() if path.suffix in (".keras", ".h5", ".onnx", ".pt", ".safetensors")
)
# As the modules were: Linear, ReLU, BatchNorm1d, Dropout, Linear, Tanh, Linear; and Linear, ReLU, Linear, ReLU, Linear.
LAYERS = {
    "torch_digits": ["relu", "linear", "tanh", "linear"],
    "torch_diabetes": ["relu", "relu", "linear"],
    "torch_activations": [
        {"name": "leaky_relu", "negative_slope": 0.01},
        *("elu", "selu", "gelu", "silu", "softplus", "hard_tanh", "layer_norm", "sigmoid", "softmax"),
    ],
}


def stored(file):
    stem = file.split(".")[0]
    arrays = np.load(MODELS / f"{stem}.expected.npz")
    y = arrays["proba"] if "proba" in arrays else arrays["y"] if "y" in arrays else arrays["predict"][:, np.newaxis]
    labels = arrays["predict"] if "proba" in arrays else None
    return arrays["x"], y, labels, {"layers": LAYERS[stem]} if "state_dict" in file else {}

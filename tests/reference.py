"""What a dense network computes: the specification, in float64 NumPy. Short enough to check by eye.

A network is a list of layers (kernel (inputs, units) or None, bias (units,) or None, activation).
"""

import numpy as np


def step(x):
    return np.where(np.isnan(x), x, np.where(x >= 0, 1.0, 0.0))


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def softsign(x):
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(x), np.sign(x), x / (1.0 + np.abs(x)))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.where(x < 0, 0.0, x),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "step": step,
    "relu6": lambda x: np.clip(x, 0.0, 6.0),
    "hard_tanh": lambda x: np.clip(x, -1.0, 1.0),
    "hard_sigmoid": lambda x: np.clip(x + 3.0, 0.0, 6.0) / 6.0,
    "softsign": softsign,
    "leaky_relu": lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
    "clip": lambda x, minimum, maximum: np.clip(x, minimum, maximum),
}


def forward(layers, x):
    """Return every layer's outputs for the rows x."""
    outputs = []
    x = np.asarray(x, np.float64)
    for kernel, bias, activation in layers:
        if kernel is not None:
            x = x @ kernel.astype(np.float64)
        if bias is not None:
            x = x + bias.astype(np.float64)
        x = ACTIVATIONS[activation](x)
        outputs.append(x)
    return outputs


def dense_bound(kernel, bias, x, dtype):
    """Return how far x @ kernel + bias, its K products and sums each rounded to dtype once, can be from exact.

    (K + 2) eps (|x| |kernel| + |bias|) for each unit: one rounding for each of K fmas, at most 4 for the tree of
    chains (their sums are shorter by more than that), and a margin for the second order of eps.
    """
    k = kernel.shape[0]
    x, kernel, bias = (np.abs(a.astype(np.float64)) for a in (x, kernel, bias))
    return (k + 2) * np.finfo(dtype).eps * (x @ kernel + bias)

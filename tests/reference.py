"""What a dense network computes: the specification, in float64 NumPy. Short enough to check by eye.

A network is a list of layers (kernel (inputs, units) or None, bias (units,) or None, activation).
"""

import numpy as np

from activations import ACTIVATIONS


def forward(layers, x):
    """Return every layer's outputs for the rows x."""
    outputs = []
    x = np.asarray(x, np.float64)
    for kernel, bias, activation in layers:
        if kernel is not None:
            x = x @ kernel.astype(np.float64)
        if bias is not None:
            x = x + bias.astype(np.float64)
        x = ACTIVATIONS[activation].formula(x)
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

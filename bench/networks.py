"""The networks that are compared, their weights, and what float32 may make of their answers."""

from itertools import pairwise

import numpy as np

# name -> inputs and units of each layer, activation of the hidden layers; the last layer is linear
NETWORKS = {
    "lecture": ([10, 100, 100, 1], "relu"),
    "policy": ([64, 64, 64, 8], "tanh"),
    "tabular": ([32, 256, 256, 256, 10], "relu"),
    "mnist": ([784, 512, 512, 10], "relu"),
    "wide": ([1024] * 5, "relu"),
}
TINY = [2, 2, 1]  # where all the time is the way in and out


def title(name):
    """Return a network's name with its sizes and activation, as in "policy 64-64-64-8 tanh"."""
    sizes, activation = NETWORKS[name]
    return f"{name} {'-'.join(map(str, sizes))} {activation}"


def flops(sizes):
    """Return the floating-point operations of one row: two for each weight."""
    return sum(2 * inputs * units for inputs, units in pairwise(sizes))


def rows_of(sizes, rows):
    return np.random.default_rng(1).standard_normal((rows, sizes[0]), np.float32)


def weights_of(sizes):
    """Return (kernel, bias) of each layer, float32, scaled such that sums stay near 1, as in a trained network."""
    random = np.random.default_rng(0)
    return [
        (
            random.standard_normal((inputs, units), np.float32) * np.float32((2 / inputs) ** 0.5),
            random.standard_normal(units, np.float32) * np.float32(0.1),
        )
        for inputs, units in pairwise(sizes)
    ]


def expected(weights, activation, x):
    """Return the answers in float64, and for each how far a float32 engine may be from it.

    A layer with K inputs rounds K products and K sums, each by at most u = 2^-24 of what it rounds. The kernels are
    random with mean 0, so no sum on the way is expected above r = sqrt(x^2 kernel^2 + bias^2); with roundings that are
    independent (N. Higham, T. Mary, 2019) their sum has a variance of at most 2 K (u r)^2. Errors of the inputs come
    through the kernel with variance v kernel^2; relu and tanh enlarge none, and tanh adds its own, for which 8 ulp are
    allowed. The tolerance is six standard deviations: bfloat16 is a hundred times outside. A worst case instead of
    variances would grow by the sum of |kernel|, 25 times a layer in the widest network, and let bfloat16 pass.
    """
    u = 2.0**-24
    x, variance = x.astype(np.float64), np.zeros(x.shape)
    for i, (kernel, bias) in enumerate(weights, 1):
        kernel = kernel.astype(np.float64)
        squares = x**2 @ kernel**2 + bias**2
        variance = variance @ kernel**2 + 2 * len(kernel) * u**2 * squares
        x = x @ kernel + bias
        if i < len(weights):
            x = np.maximum(x, 0) if activation == "relu" else np.tanh(x)
            variance += (8 * 2 * u * x) ** 2 * (activation == "tanh")
    return x, 6 * np.sqrt(variance)


def wrong_answer(y, answers, tolerance):
    """Return a sentence about the worst of the answers y, or None if all are within the tolerance."""
    if y.shape != answers.shape:
        return f"expected answers of shape {answers.shape}; received {y.shape}"
    off = np.abs(y - answers) / tolerance
    row, unit = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
    if off[row, unit] <= 1:
        return None
    return (
        f"expected {answers[row, unit]:.9g} ± {tolerance[row, unit]:.1g} from unit {unit}; received {y[row, unit]:.9g}"
    )

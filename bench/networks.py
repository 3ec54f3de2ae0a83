"""The networks of the Python benchmarks, their weights, and the tolerance for float32 outputs."""

from itertools import pairwise

import numpy as np

# name -> inputs and the units of each layer, activation of the hidden layers; the last layer is linear
NETWORKS = {
    "lecture": ([10, 100, 100, 1], "relu"),
    "policy": ([64, 64, 64, 8], "tanh"),
    "tabular": ([32, 256, 256, 256, 10], "relu"),
    "mnist": ([784, 512, 512, 10], "relu"),
    "wide": ([1024] * 5, "relu"),
}
ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}
TINY = [2, 2, 1]  # so small that only the overhead of a call counts


def title(name):
    """Return the name of a network with its sizes and activation, for example "policy 64-64-64-8 tanh"."""
    sizes, activation = NETWORKS[name]
    return f"{name} {'-'.join(map(str, sizes))} {activation}"


def flops(sizes):
    """Return the floating-point operations per row: two per weight."""
    return sum(2 * inputs * units for inputs, units in pairwise(sizes))


def rows_of(sizes, rows):
    return np.random.default_rng(1).standard_normal((rows, sizes[0]), np.float32)


def weights_of(sizes):
    """Return (kernel, bias) of each layer in float32, scaled so that sums stay near 1, as in a trained network."""
    random = np.random.default_rng(0)
    return [
        (
            random.standard_normal((inputs, units), np.float32) * np.float32((2 / inputs) ** 0.5),
            random.standard_normal(units, np.float32) * np.float32(0.1),
        )
        for inputs, units in pairwise(sizes)
    ]


def expected(weights, activation, x):
    """Return the outputs in float64, and the tolerance of each for a float32 engine.

    A layer with K inputs rounds K products and K sums, each with a relative error of at most u = 2^-24. The kernels are
    random with mean 0, so the expected size of a partial sum is at most r = sqrt(x^2 kernel^2 + bias^2). If the
    rounding errors are independent (N. Higham, T. Mary, 2019), the variance of their sum is at most 2 K (u r)^2. An
    error of the inputs with variance v passes the kernel with variance v kernel^2. No activation here amplifies an
    error; tanh and sigmoid add their own, at most 8 ulp. The tolerance is six standard deviations; bfloat16 exceeds it
    a hundredfold. A worst-case bound would grow by the sum of |kernel|, 25 times per layer in the widest network, and
    accept bfloat16.
    """
    u = 2.0**-24
    x, variance = x.astype(np.float64), np.zeros(x.shape)
    for i, (kernel, bias) in enumerate(weights, 1):
        kernel = kernel.astype(np.float64)
        squares = x**2 @ kernel**2 + bias**2
        variance = variance @ kernel**2 + 2 * len(kernel) * u**2 * squares
        x = x @ kernel + bias
        if i < len(weights):
            x = ACTIVATIONS[activation](x)
            variance += (8 * 2 * u * x) ** 2 * (activation != "relu")
    return x, 6 * np.sqrt(variance)


def wrong_answer(y, answers, tolerance):
    """Return a sentence about the worst output in y, or None if all are within the tolerance."""
    if y.shape != answers.shape:
        return f"expected outputs of shape {answers.shape}; received {y.shape}"
    off = np.abs(y - answers) / tolerance
    row, unit = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
    if off[row, unit] <= 1:
        return None
    return (
        f"expected {answers[row, unit]:.9g} ± {tolerance[row, unit]:.1g} from unit {unit}; received {y[row, unit]:.9g}"
    )

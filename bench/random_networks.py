"""Networks of six kinds take turns. All sizes are log-uniform and rounded down; none prefers multiples of a vector:

    tabular      4 to 200 inputs, 1 to 4 hidden layers of 16 to 512 units, 1 to 20 outputs
    policy       4 to 128 inputs, 2 or 3 hidden layers of the same 32 to 256 units, 1 to 18 outputs
    autoencoder  64 to 2048 inputs and outputs; between them a layer of 2 to 128 units; in half of the networks 1 or 2
                 more layers on either side of it, between these two sizes, narrower towards the middle
    head         16 to 1024 inputs, 1 to 16 outputs, no hidden layer
    deep         4 to 64 inputs, 5 to 10 hidden layers of 8 to 128 units, 1 to 10 outputs
    any          1 to 1200 inputs, outputs and units of 1 to 4 hidden layers

Hidden layers are relu in half of the networks, else tanh or sigmoid, equally often.
"""

import numpy as np


def size(random, least, most):
    """Return an integer, log-uniform from least to most."""
    return int(np.exp(random.uniform(np.log(least), np.log(most + 1))))


def tabular(random):
    hidden = [size(random, 16, 512) for _ in range(random.integers(1, 5))]
    return [size(random, 4, 200), *hidden, size(random, 1, 20)]


def policy(random):
    return [size(random, 4, 128), *[size(random, 32, 256)] * random.integers(2, 4), size(random, 1, 18)]


def autoencoder(random):
    outside, code = size(random, 64, 2048), size(random, 2, 128)
    count = random.integers(1, 3) * random.integers(0, 2)
    falling = sorted((size(random, min(code, outside), outside) for _ in range(count)), reverse=True)
    return [outside, *falling, code, *falling[::-1], outside]


def head(random):
    return [size(random, 16, 1024), size(random, 1, 16)]


def deep(random):
    hidden = [size(random, 8, 128) for _ in range(random.integers(5, 11))]
    return [size(random, 4, 64), *hidden, size(random, 1, 10)]


def any_sizes(random):
    return [size(random, 1, 1200) for _ in range(random.integers(3, 7))]


KINDS = {"tabular": tabular, "policy": policy, "autoencoder": autoencoder, "head": head, "deep": deep, "any": any_sizes}


def drawn(number, seed):
    """Return (kind, sizes, activation of the hidden layers) of each network; equal seeds draw equal ones."""
    random = np.random.default_rng(seed)
    kinds = list(KINDS)
    return [
        (
            kinds[i % len(kinds)],
            KINDS[kinds[i % len(kinds)]](random),
            str(random.choice(["relu", "tanh", "sigmoid"], p=[0.5, 0.25, 0.25])),
        )
        for i in range(number)
    ]

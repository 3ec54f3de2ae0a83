"""Arrays that never change, and what makes two the same."""

import numpy as np


def uniform(seed, shape, dtype="float64"):
    """Numbers in [-1, 1) with 24 bits, exact in either dtype; PCG64's raw stream never changes."""
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return ((raw >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape).astype(dtype)


def same_bits(a, b):
    """Whether two arrays are the same to the last bit: NaNs and signs of zero too."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()

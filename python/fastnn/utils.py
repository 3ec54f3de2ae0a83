"""Keras' ``keras.utils``, as far as it concerns fastnn."""

import random

import numpy as np

from fastnn import initializers


def set_random_seed(seed: int) -> None:
    """Make what follows repeatable: the weights of new layers, ``random`` and ``numpy.random``.

    seed: an integer from 0 to 2^32 - 1.
    """
    seed = initializers.checked_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 as Keras does, for programs that make their data with it
    initializers.seed_weights(seed)

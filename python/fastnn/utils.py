"""The part of ``keras.utils`` that fastnn needs: set_random_seed() makes a program repeatable."""

import random
from typing import TYPE_CHECKING

import numpy as np

from fastnn.initializers.base import checked_seed, seed_weights
from fastnn.names import missing
from fastnn.strict import suggesting

__all__ = ["set_random_seed"]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__


@suggesting
def set_random_seed(seed: int) -> None:
    """Seed the initial weights of new layers, ``random`` and ``numpy.random``, so that a program is repeatable.

    Initializers with an own seed ignore this one.
    Raises ValueError unless seed is an integer from 0 to 2**32 - 1.

    >>> set_random_seed(1)
    >>> first = Sequential([Dense(3, input_shape=(2,))])
    >>> set_random_seed(1)
    >>> first == Sequential([Dense(3, input_shape=(2,))])
    True
    """
    seed = checked_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 as in Keras, for programs that draw their data from it
    seed_weights(seed)

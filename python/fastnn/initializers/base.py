"""The base class of initializers, and the seed that those without an own one share.

Numbers are a function of a seed and the number of a stream (cpp/core/random.hpp), with the same bits everywhere.
"""

from __future__ import annotations

import itertools
import secrets
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.strict import Strict, suggesting

# The shared seed, and the streams of it that are left. Stream 0 is that of initializers with an own seed.
_shared = (secrets.randbits(64), itertools.count(1))


@suggesting
def seed_weights(seed: int) -> None:
    """Seed all initializers without an own seed: each call takes the next stream of numbers of this seed.

    Raises ValueError unless seed is an integer from 0 to 2**32 - 1.

    >>> seed_weights(1)
    >>> first = fastnn.initializers.GlorotUniform()((2, 3))
    >>> seed_weights(1)
    >>> bool((fastnn.initializers.GlorotUniform()((2, 3)) == first).all())
    True
    """
    global _shared
    _shared = (checked_seed(seed), itertools.count(1))


def checked_seed(seed: object) -> int:
    """Return seed as an int. Raises ValueError unless it is an integer from 0 to 2**32 - 1.

    >>> checked_seed(np.int64(7))
    7
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"expected seed to be an integer from 0 to 2**32 - 1; received seed={seed!r}")
    return int(seed)


def next_stream(seed: int | None) -> tuple[int, int]:
    """Return the seed and the stream of one call's numbers. Without a seed, these are the next that all share.

    >>> next_stream(7)
    (7, 0)
    """
    if seed is not None:
        return seed, 0
    shared_seed, streams = _shared
    return shared_seed, next(streams)


def of_kernel(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the shape of a kernel, (inputs, units). Raises ValueError for others.

    >>> of_kernel((2, 3))
    (2, 3)
    """
    if len(shape) != 2:
        raise ValueError(f"expected the shape of a kernel, (inputs, units), for this initializer; received {shape}")
    return shape[0], shape[1]


class Initializer(Strict, ABC):
    """Base class of all initializers: call one with a shape; the first size is the inputs, the last one the units.

    >>> isinstance(fastnn.initializers.Zeros(), Initializer)
    True
    """

    _instead_of_a_subclass = "compute the weights and give them to layer.set_weights()"

    def __init__(self) -> None:
        pass

    def __call__(self, shape: tuple[int, ...]) -> Array:
        """Return a float64 array of this shape."""
        return self._numbers(shape)

    @abstractmethod
    def _numbers(self, shape: tuple[int, ...]) -> Array: ...

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal initializer.

        >>> fastnn.initializers.GlorotUniform(seed=1).get_config()
        {'seed': 1}
        """
        return {name: getattr(self, name) for name in self._arguments}

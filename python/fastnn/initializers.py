"""Initializers return the first weights of a layer: Glorot uniform and zeros, as in Keras.

An initializer is a callable. It takes a shape and returns a float64 array; the layer converts it to the model's dtype.

>>> from fastnn.initializers import GlorotUniform
>>> layer = Dense(3, kernel_initializer=GlorotUniform(seed=1), bias_initializer="zeros")
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

_generator = np.random.default_rng()


def seed_weights(seed: int) -> None:
    """Seed the generator that all initializers without an own seed share.

    Raises what NumPy's default_rng() raises for another seed than a non-negative integer.

    >>> seed_weights(1)
    >>> first = GlorotUniform()((2, 3))
    >>> seed_weights(1)
    >>> bool((GlorotUniform()((2, 3)) == first).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)


def checked_seed(seed: object) -> int:
    """Return seed as an int. Raises ValueError unless it is an integer from 0 to 2**32 - 1.

    >>> checked_seed(np.int64(7))
    7
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"expected seed to be an integer from 0 to 2**32 - 1; received seed={seed!r}")
    return int(seed)


class Zeros:
    """Initializer that returns zeros, the default for biases.

    >>> Zeros()((2,))
    array([0., 0.])
    """

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return a float64 array of zeros of this shape."""
        return np.zeros(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of this initializer: none.

        >>> Zeros().get_config()
        {}
        """
        return {}


class GlorotUniform:
    """Draws uniformly from [-limit, limit), limit = sqrt(6 / (inputs + units)); the default for kernels.

    seed: an integer from 0 to 2**32 - 1, with which every call returns the same numbers. With None, the default, every
        call draws new ones from the generator that seed_weights() seeds.
    Raises ValueError for another seed.
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> kernel = GlorotUniform(seed=1)((4, 2))
    >>> kernel.shape, bool((abs(kernel) <= 1).all())
    ((4, 2), True)
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else checked_seed(seed)

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return a float64 array of this shape; its first size is the inputs, its last one the units."""
        generator = _generator if self.seed is None else np.random.default_rng(self.seed)
        limit = math.sqrt(6 / (shape[0] + shape[-1]))
        return generator.uniform(-limit, limit, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of this initializer.

        >>> GlorotUniform(seed=1).get_config()
        {'seed': 1}
        """
        return {"seed": self.seed}


Initializer = Zeros | GlorotUniform
_CLASSES: dict[str, Callable[..., Initializer]] = {"Zeros": Zeros, "GlorotUniform": GlorotUniform}
_NAMES: dict[str, Callable[..., Initializer]] = {"zeros": Zeros, "glorot_uniform": GlorotUniform}


def get(identifier: object) -> Initializer:
    """Return the initializer that identifier names.

    identifier: "glorot_uniform" or "zeros"; a result of serialize(); or an initializer, which is returned as it is.
    Raises ValueError for anything else.

    >>> get("glorot_uniform").get_config()
    {'seed': None}
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str) and identifier in _NAMES | _CLASSES:
        return (_NAMES | _CLASSES)[identifier]()
    if isinstance(identifier, dict):
        with suppress(KeyError, TypeError):  # an unknown class, or a config that does not fit
            return _CLASSES[identifier["class_name"]](**identifier.get("config", {}))
    raise ValueError(
        f"expected an initializer from fastnn.initializers, or one of {', '.join(map(repr, _NAMES))}; "
        f"received {identifier!r}"
    )


def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() creates an equal initializer.

    >>> serialize(GlorotUniform(seed=1))
    {'class_name': 'GlorotUniform', 'config': {'seed': 1}}
    """
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}

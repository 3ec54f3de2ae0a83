"""Initializers, which draw the first weights of a layer: Glorot uniform and zeros, as in Keras.

An initializer is a callable that takes a shape and returns float64 numbers.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

_generator = np.random.default_rng()


def seed_weights(seed: int) -> None:
    """Seed the shared generator, from which all initializers without a seed of their own draw.

    >>> seed_weights(1)
    >>> first = GlorotUniform()((2, 3))
    >>> seed_weights(1)
    >>> bool((GlorotUniform()((2, 3)) == first).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)


def checked_seed(seed: object) -> int:
    """Return seed as an int; raise ValueError unless it is an integer from 0 to 2**32 - 1.

    >>> checked_seed(np.int64(7))
    7
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"expected seed to be an integer from 0 to 2**32 - 1; received seed={seed!r}")
    return int(seed)


class Zeros:
    """Initializer that returns zeros.

    >>> Zeros()((2,))
    array([0., 0.])
    """

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return an array of zeros of this shape."""
        return np.zeros(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of this initializer."""
        return {}


class GlorotUniform:
    """Initializer that draws uniformly from [-limit, limit], limit = sqrt(6 / (inputs + units)).

    With a seed, every call returns the same numbers. With None, every call draws new ones.
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> kernel = GlorotUniform(seed=1)((4, 2))
    >>> kernel.shape, bool((abs(kernel) <= 1).all())
    ((4, 2), True)
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else checked_seed(seed)

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return random numbers of this shape, whose first and last sizes are the inputs and the units."""
        generator = _generator if self.seed is None else np.random.default_rng(self.seed)
        limit = math.sqrt(6 / (shape[0] + shape[-1]))
        return generator.uniform(-limit, limit, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of this initializer."""
        return {"seed": self.seed}


Initializer = Zeros | GlorotUniform
_CLASSES: dict[str, Callable[..., Initializer]] = {"Zeros": Zeros, "GlorotUniform": GlorotUniform}
_NAMES: dict[str, Callable[..., Initializer]] = {"zeros": Zeros, "glorot_uniform": GlorotUniform}


def get(identifier: object) -> Initializer:
    """Return an initializer from its name, from the result of serialize(), or from an initializer, which it returns.

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
    """Return a dict from which get() creates an equal initializer.

    >>> serialize(GlorotUniform(seed=1))
    {'class_name': 'GlorotUniform', 'config': {'seed': 1}}
    """
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}

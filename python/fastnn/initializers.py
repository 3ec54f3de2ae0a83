"""The first weights of a layer: Glorot uniform and zeros, as in Keras."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

_generator = np.random.default_rng()


def seed_weights(seed: int) -> None:
    """Restart the stream that initializers without a seed of their own draw from."""
    global _generator
    _generator = np.random.default_rng(seed)


def checked_seed(seed: object) -> int:
    """Return seed as an int; ValueError unless it is an integer that NumPy's generators take."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"expected seed to be an integer from 0 to 2**32 - 1. Received: seed={seed!r}")
    return int(seed)


class Zeros:
    """All zeros."""

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return an array of zeros."""
        return np.zeros(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal initializer."""
        return {}


class GlorotUniform:
    """Uniform in [-limit, limit], limit = sqrt(6 / (inputs + units)).

    seed: None for a new draw each time, an integer for the same draw each time.
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else checked_seed(seed)

    def __call__(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return a draw of this shape; its first and last sizes are the inputs and the units."""
        generator = _generator if self.seed is None else np.random.default_rng(self.seed)
        limit = math.sqrt(6 / (shape[0] + shape[-1]))
        return generator.uniform(-limit, limit, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal initializer."""
        return {"seed": self.seed}


Initializer = Zeros | GlorotUniform
_CLASSES: dict[str, Callable[..., Initializer]] = {"Zeros": Zeros, "GlorotUniform": GlorotUniform}
_NAMES: dict[str, Callable[..., Initializer]] = {"zeros": Zeros, "glorot_uniform": GlorotUniform}


def get(identifier: object) -> Initializer:
    """Return the initializer that a name, an initializer or what serialize() gave stands for."""
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str) and identifier in _NAMES | _CLASSES:
        return (_NAMES | _CLASSES)[identifier]()
    if isinstance(identifier, dict):
        with suppress(KeyError, TypeError):  # another class, or a config that is not the initializer's
            return _CLASSES[identifier["class_name"]](**identifier.get("config", {}))
    raise ValueError(
        f"Could not interpret initializer identifier: {identifier!r}. Expected one of {', '.join(map(repr, _NAMES))}, "
        "or an initializer from fastnn.initializers."
    )


def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return what get() makes an equal initializer of."""
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}

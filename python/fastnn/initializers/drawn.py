"""Initializers that draw their numbers. Only IEEE operations, so that a seed gives the same bits everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable

from fastnn import _core
from fastnn.arguments import finite
from fastnn.arrays import Array
from fastnn.initializers.base import Initializer, checked_seed, next_stream, of_kernel
from fastnn.text import did_you_mean


class _Drawn(Initializer):
    """An initializer with a seed, which draws its numbers."""

    seed: int | None

    def _set_seed(self, seed: int | None) -> None:
        self.seed = None if seed is None else checked_seed(seed)

    def _draw(self, distribution: Callable[[int, int, int], Array], shape: tuple[int, ...]) -> Array:
        return distribution(math.prod(shape), *next_stream(self.seed)).reshape(shape)


def _truncated(count: int, seed: int, stream: int) -> Array:
    """Draw from the normal distribution, without the numbers beyond 2 standard deviations."""
    drawn = count + count // 16 + 64  # 4.6 % are beyond
    while (numbers := _within_2(_core.normal(drawn, seed, stream))).size < count:
        drawn *= 2
    return numbers[:count]


def _within_2(numbers: Array) -> Array:
    return numbers[abs(numbers) <= 2]


class RandomNormal(_Drawn):
    """Initializer that draws from the normal distribution of ``mean`` and standard deviation ``stddev``.

    seed: as in GlorotUniform. Raises ValueError for another seed, a negative stddev, and numbers that are not finite.

    >>> RandomNormal(mean=5, stddev=0)((2,))
    array([5., 5.])
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev = finite("mean", mean), finite("stddev", stddev)
        if self.stddev < 0:
            raise ValueError(f"expected stddev to be at least 0; received stddev={stddev!r}")
        self._set_seed(seed)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * self._draw(_core.normal, shape)


class TruncatedNormal(RandomNormal):
    """Initializer like RandomNormal that draws numbers beyond two standard deviations again.

    >>> bool((abs(TruncatedNormal(stddev=1)((1000,))) <= 2).all())
    True
    """

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * self._draw(_truncated, shape)


class RandomUniform(_Drawn):
    """Initializer that draws uniformly from [minval, maxval).

    seed: as in GlorotUniform. Raises ValueError for another seed, a minval above maxval, and infinite bounds.

    >>> bool((abs(RandomUniform()((1000,))) <= 0.05).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval = finite("minval", minval), finite("maxval", maxval)
        if self.minval > self.maxval:
            raise ValueError(f"expected minval to be at most maxval; received minval={minval!r}, maxval={maxval!r}")
        self._set_seed(seed)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        return self.minval + (self.maxval - self.minval) * self._draw(_core.uniform, shape)


class Orthogonal(_Drawn):
    """Initializer that returns a kernel with orthonormal columns, or rows if these are fewer, times ``gain``.

    It is the Q of the QR decomposition of normal numbers whose R has a positive diagonal. seed: as in GlorotUniform.
    Raises ValueError for other shapes than a kernel's, and for another seed.

    >>> kernel = Orthogonal(seed=1)((3, 2))
    >>> bool(np.allclose(kernel.T @ kernel, np.eye(2)))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain = finite("gain", gain)
        self._set_seed(seed)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        rows, columns = of_kernel(shape)
        # Not np.linalg.qr: its bits differ between builds of LAPACK.
        q = _core.orthonormal(self._draw(_core.normal, (max(rows, columns), min(rows, columns))))
        return self.gain * (q if rows >= columns else q.T)


class VarianceScaling(_Drawn):
    """Initializer that draws numbers of variance ``scale / n``.

    mode: n is "fan_in", the inputs; "fan_out", the units; or "fan_avg", their mean.
    distribution: "truncated_normal", "untruncated_normal" or "uniform".
    seed: as in GlorotUniform. Raises ValueError for other arguments, and unless scale is more than 0.

    >>> VarianceScaling(scale=2.0, mode="fan_in", seed=1)((4, 2)).shape
    (4, 2)
    """

    _FANS: dict[str, Callable[[int, int], float]] = {  # noqa: RUF012
        "fan_in": lambda inputs, units: inputs,
        "fan_out": lambda inputs, units: units,
        "fan_avg": lambda inputs, units: (inputs + units) / 2,
    }

    # Name -> what it draws, and 1 / the variance of that. 0.8796… is the standard deviation of _truncated().
    _DISTRIBUTIONS: dict[str, tuple[Callable[[int, int, int], Array], float]] = {  # noqa: RUF012
        "truncated_normal": (_truncated, 1 / (0.87962566103423978 * 0.87962566103423978)),
        "untruncated_normal": (_core.normal, 1.0),
        "uniform": (lambda *arguments: 2 * _core.uniform(*arguments) - 1, 3.0),
    }

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        self.scale = finite("scale", scale)
        if self.scale <= 0:
            raise ValueError(f"expected scale to be more than 0; received scale={scale!r}")
        for name, value, known in (("mode", mode, self._FANS), ("distribution", distribution, self._DISTRIBUTIONS)):
            if not isinstance(value, str) or value not in known:
                raise ValueError(
                    f"expected {name} to be one of {', '.join(map(repr, known))}; received {name}={value!r}"
                    f"{did_you_mean(value, known)}"
                )
        self.mode, self.distribution = mode, distribution
        self._set_seed(seed)

    def _numbers(self, shape: tuple[int, ...]) -> Array:
        fan = self._FANS[self.mode](shape[0], shape[-1])
        draw, factor = self._DISTRIBUTIONS[self.distribution]
        return math.sqrt(factor * self.scale / fan) * self._draw(draw, shape)


class _Scaled(VarianceScaling):
    """A VarianceScaling of which only the seed is chosen; the subclass has scale, mode and distribution."""

    _scaling: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._scaling, seed)


class GlorotUniform(_Scaled):
    """Initializer that draws uniformly from [-limit, limit), limit = sqrt(6 / (inputs + units)). Default for kernels.

    seed: an integer from 0 to 2**32 - 1, with which every call returns the same numbers. With None, the default, every
        call draws new ones, which set_random_seed() repeats.
    Raises ValueError for another seed.
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> kernel = GlorotUniform(seed=1)((4, 2))
    >>> kernel.shape, bool((abs(kernel) <= 1).all())
    ((4, 2), True)
    """

    _scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Initializer like VarianceScaling(1.0, "fan_avg", "truncated_normal", seed).

    >>> GlorotNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Initializer that draws uniformly from [-limit, limit), limit = sqrt(6 / inputs). seed: as in GlorotUniform.

    K. He and others, "Delving deep into rectifiers", 2015.

    >>> HeUniform(seed=1)((4, 2)).shape
    (4, 2)
    """

    _scaling = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Initializer like VarianceScaling(2.0, "fan_in", "truncated_normal", seed), for layers of relu.

    K. He and others, "Delving deep into rectifiers", 2015.

    >>> HeNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _scaling = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Initializer that draws uniformly from [-limit, limit), limit = sqrt(3 / inputs). seed: as in GlorotUniform.

    >>> LecunUniform(seed=1)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Initializer like VarianceScaling(1.0, "fan_in", "truncated_normal", seed), for layers of selu.

    >>> LecunNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_in", "truncated_normal")

"""Layers that have a name and arguments of their own in Keras, and compute what an Activation does.

A model file holds both: the Activation, which every reader computes, and Keras' name and arguments.
"""

from __future__ import annotations

from typing import Any, Unpack

from fastnn.arguments import finite, fraction, last_axis, number
from fastnn.initializers.base import checked_seed
from fastnn.layers.activation import Activation
from fastnn.layers.layer import Layer, Options
from fastnn.regularizers import L1L2


class _Named(Activation):
    """An Activation of another name; the subclass sets its arguments as attributes first."""

    def get_config(self) -> dict[str, Any]:
        return Layer.get_config(self)


class ReLU(_Named):
    """``y = negative_slope * x`` where x < 0, ``max_value`` where x > max_value, else x.

    max_value: default None, no bound. negative_slope: default 0. threshold: only 0, Keras' default.
    name: default "re_lu", then "re_lu_1", ….
    Raises ValueError for others, and for both a max_value and a negative_slope, which are two layers.

    >>> Sequential([ReLU(max_value=1)]).predict([-2, 0.5, 3])
    array([0. , 0.5, 1. ], dtype=float32)
    """

    _prefix = "re_lu"

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        self.max_value = None if max_value is None else finite("max_value", max_value)
        self.negative_slope, self.threshold = number("negative_slope", negative_slope), number("threshold", threshold)
        if self.threshold != 0:
            raise ValueError(f"expected threshold to be 0, which ReLU computes with; received threshold={threshold!r}")
        activation: str | dict[str, Any] = "relu"
        if self.negative_slope != 0:
            if self.max_value is not None:
                raise ValueError(
                    f"expected max_value or negative_slope; received {max_value=}, {negative_slope=}; for both use two "
                    'layers, LeakyReLU and then Activation({"name": "clip", "minimum": None, "maximum": max_value})'
                )
            activation = {"name": "leaky_relu", "negative_slope": self.negative_slope}
        elif self.max_value is not None:
            activation = "relu6" if self.max_value == 6 else {"name": "clip", "minimum": 0, "maximum": self.max_value}
        super().__init__(activation, **options)


class LeakyReLU(_Named):
    """``y = negative_slope * x`` where x < 0, else x.

    negative_slope: default 0.3, as in Keras' layer; its activation "leaky_relu" has 0.2. Raises ValueError for others
        than numbers.
    name: default "leaky_re_lu", then "leaky_re_lu_1", ….

    >>> Sequential([LeakyReLU(0.5)]).predict([-2, 3])
    array([-1.,  3.], dtype=float32)
    """

    _prefix = "leaky_re_lu"

    def __init__(
        self,
        negative_slope: float = 0.3,
        **options: Unpack[Options],
    ) -> None:
        self.negative_slope = number("negative_slope", negative_slope)
        activation = {"name": "leaky_relu", "negative_slope": self.negative_slope}
        super().__init__(activation, **options)


class ELU(_Named):
    """``y = alpha * (exp(x) - 1)`` where x < 0, else x.

    alpha: default 1. Raises ValueError for others than numbers. name: default "elu", then "elu_1", ….

    >>> Sequential([ELU(alpha=2)]).predict([-1, 3])
    array([-1.2642411,  3.       ], dtype=float32)
    """

    _prefix = "elu"

    def __init__(
        self,
        alpha: float = 1.0,
        **options: Unpack[Options],
    ) -> None:
        self.alpha = number("alpha", alpha)
        super().__init__({"name": "elu", "alpha": self.alpha}, **options)


class Softmax(_Named):
    """``y = exp(x) / sum(exp(x))``, the sum over the units of a row.

    axis: -1 (default) or 1, that of the units in (rows, units). Raises ValueError for others.
    name: default "softmax", then "softmax_1", ….

    >>> Sequential([Softmax()]).predict([0, 0])
    array([0.5, 0.5], dtype=float32)
    """

    _prefix = "softmax"

    def __init__(
        self,
        axis: int = -1,
        **options: Unpack[Options],
    ) -> None:
        self.axis = last_axis(axis)
        super().__init__("softmax", **options)


def _check_shape(noise_shape: object) -> None:
    if noise_shape is not None:
        raise ValueError(f"expected noise_shape to be None; received noise_shape={noise_shape!r}")


class Dropout(_Named):
    """``y = x``; in training each number is 0 with the probability ``rate``, else ``x / (1 - rate)``.

    rate: from 0 to 1. noise_shape: only None. seed: an integer from 0 to 2**32 - 1, or None (default). What is
        dropped depends on it, on the seed of fit(), the step, the row and the unit.
    Raises ValueError for others. name: default "dropout", then "dropout_1", ….

    >>> Sequential([Dropout(0.5)]).predict([1, 2])
    array([1., 2.], dtype=float32)
    """

    _prefix = "dropout"

    def __init__(
        self,
        rate: float,
        noise_shape: None = None,
        seed: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.rate, self.noise_shape = fraction("rate", rate), noise_shape
        _check_shape(noise_shape)
        self.seed = None if seed is None else checked_seed(seed)
        super().__init__("linear", **options)

    def _noise(self) -> tuple[str, float, int | None]:
        return "dropout", self.rate, self.seed


class AlphaDropout(_Named):
    """``y = x``; in training numbers are dropped so that mean and variance stay, for layers of selu.

    With the probability ``rate`` x becomes -1.7580993408473766, the least value of selu; then ``a * x + b`` restores
    mean 0 and variance 1.
    rate: at least 0 and below 1. noise_shape, seed: as in Dropout. Raises ValueError for others.
    name: default "alpha_dropout", then "alpha_dropout_1", ….
    G. Klambauer and others, "Self-Normalizing Neural Networks", 2017.

    >>> Sequential([AlphaDropout(0.5)]).predict([1, 2])
    array([1., 2.], dtype=float32)
    """

    _prefix = "alpha_dropout"

    def __init__(
        self,
        rate: float,
        noise_shape: None = None,
        seed: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.rate, self.noise_shape = fraction("rate", rate, below_1=True), noise_shape
        _check_shape(noise_shape)
        self.seed = None if seed is None else checked_seed(seed)
        super().__init__("linear", **options)

    def _noise(self) -> tuple[str, float, int | None]:
        return "alpha_dropout", self.rate, self.seed


class GaussianNoise(_Named):
    """``y = x``; in training ``x + stddev * z``, z from the normal distribution.

    stddev: at least 0. seed: as in Dropout. Raises ValueError for others.
    name: default "gaussian_noise", then "gaussian_noise_1", ….

    >>> Sequential([GaussianNoise(0.5)]).predict([1, 2])
    array([1., 2.], dtype=float32)
    """

    _prefix = "gaussian_noise"

    def __init__(
        self,
        stddev: float,
        seed: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.stddev = finite("stddev", stddev, least=0)
        self.seed = None if seed is None else checked_seed(seed)
        super().__init__("linear", **options)

    def _noise(self) -> tuple[str, float, int | None]:
        return "gaussian_noise", self.stddev, self.seed


class ActivityRegularization(_Named):
    """``y = x``; in training ``l1 * sum(abs(x)) + l2 * sum(x * x)``, by the rows of a batch, is added to the loss.

    l1, l2: at least 0; default 0. Raises ValueError for others, and for an activity_regularizer, which it is itself.
    name: default "activity_regularization", then "activity_regularization_1", ….

    >>> Sequential([ActivityRegularization(l1=0.01)]).predict([1, 2])
    array([1., 2.], dtype=float32)
    """

    _prefix = "activity_regularization"

    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        penalty = L1L2(l1, l2)
        self.l1, self.l2 = penalty.l1, penalty.l2
        if options.get("activity_regularizer") is not None:
            raise ValueError("expected l1 and l2, and no activity_regularizer, since the layer is one")
        super().__init__("linear", **(options | {"activity_regularizer": penalty}))

    def _training_config(self) -> dict[str, Any]:
        config = super()._training_config()
        return {name: config[name] for name in config if name != "activity_regularizer"}


class Flatten(_Named):
    """``y = x``: the rows of fastnn are flat. Give arrays of images as ``x.reshape(len(x), -1)``.

    data_format: None (default), "channels_last" or "channels_first". Raises ValueError for others.
    name: default "flatten", then "flatten_1", ….

    >>> Sequential([Flatten()]).predict([1, 2])
    array([1., 2.], dtype=float32)
    """

    _prefix = "flatten"

    def __init__(
        self,
        data_format: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                f"expected data_format to be None, 'channels_last' or 'channels_first'; received {data_format=}"
            )
        self.data_format = data_format
        super().__init__("linear", **options)

"""The parameters of both estimators, validated when fit() begins, as scikit-learn's convention demands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn.arguments import finite, flag, fraction, integer
from fastnn.text import did_you_mean

_CHOICES = {"solver": ("adam", "sgd", "lbfgs"), "learning_rate": ("constant", "invscaling", "adaptive")}
_FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "batch_normalization")


def check(estimator: Any) -> None:
    """Raise ValueError for the first parameter that cannot be used.

    >>> from fastnn.sklearn import MLPRegressor
    >>> check(MLPRegressor(solver="adm"))
    Traceback (most recent call last):
    ValueError: expected solver to be one of 'adam', 'sgd', 'lbfgs'; received solver='adm'; did you mean 'adam'?
    """
    for name, known in _CHOICES.items():
        value = getattr(estimator, name)
        if value not in known:
            said = f"expected {name} to be one of {', '.join(map(repr, known))}; received {name}={value!r}"
            raise ValueError(said + (did_you_mean(value, known) if isinstance(value, str) else ""))
    for name in _FLAGS:
        flag(name, getattr(estimator, name))
    for name in ("alpha", "power_t", "tol"):
        finite(name, getattr(estimator, name), least=0)
    for name in ("learning_rate_init", "epsilon"):
        finite(name, getattr(estimator, name), above=0)
    for name in ("validation_fraction", "beta_1", "beta_2"):
        fraction(name, getattr(estimator, name), below_1=True)
    fraction("momentum", estimator.momentum)
    for name in ("max_iter", "max_fun"):
        integer(name, getattr(estimator, name), least=1)
    if estimator.n_iter_no_change != math.inf:
        integer("n_iter_no_change", estimator.n_iter_no_change, least=1)
    if not isinstance(estimator.verbose, (bool, np.bool_)):
        integer("verbose", estimator.verbose, least=0)
    batch_size = estimator.batch_size
    if not (isinstance(batch_size, str) and batch_size == "auto"):
        try:
            integer("batch_size", batch_size, least=1)
        except ValueError:
            raise ValueError(
                f"expected batch_size to be 'auto' or an integer of at least 1; received batch_size={batch_size!r}"
            ) from None


def hidden_units(hidden_layer_sizes: Any) -> list[int]:
    """Return the units of the hidden layers; a number is one layer.

    >>> hidden_units((100, 50)), hidden_units(8), hidden_units(())
    ([100, 50], [8], [])
    """
    sizes = hidden_layer_sizes if isinstance(hidden_layer_sizes, Iterable) else [hidden_layer_sizes]
    try:
        return [integer("hidden_layer_sizes", each, least=1) for each in sizes]
    except ValueError:
        raise ValueError(
            "expected hidden_layer_sizes to be integers of at least 1, such as (100, 50); "
            f"received hidden_layer_sizes={hidden_layer_sizes!r}"
        ) from None


def by_layer(name: str, value: Any, layers: int) -> list[Any]:
    """Return the value of each hidden layer: a list or tuple has one for each, anything else is that of all.

    >>> by_layer("dropout", 0.1, 2), by_layer("activation", ["relu", "tanh"], 2)
    ([0.1, 0.1], ['relu', 'tanh'])
    """
    if not isinstance(value, (list, tuple, np.ndarray)):
        return [value] * layers
    if len(value) != layers:
        raise ValueError(f"expected a value of {name} for each of {layers} hidden layers; received {name}={value!r}")
    return list(value)

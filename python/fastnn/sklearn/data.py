"""Rows, targets and weights of an estimator, as fit() of a Sequential takes them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight

from fastnn.arrays import Array
from fastnn.models.sequential import Sequential

_BLOCK = 4096  # rows of a sparse matrix that are dense at once in predict()
_AUTO = 200  # rows of a batch, as in scikit-learn


class Data(NamedTuple):
    """Rows, encoded targets, and the weight of each row or None."""

    x: Array
    y: Array
    weights: Array | None


def dense(x: Any) -> Any:
    """Return a sparse matrix as an array; others as they are.

    >>> dense(np.eye(2)).shape
    (2, 2)
    """
    return x.toarray() if hasattr(x, "toarray") else x


def outputs_of(model: Sequential, x: Any) -> Array:
    """Return model.predict(x); a sparse x becomes dense block by block, which changes no bit.

    >>> outputs_of(Sequential([Dense(1, input_shape=(2,))]), np.zeros((5, 2))).shape
    (5, 1)
    """
    if not hasattr(x, "toarray"):
        return model.predict(x)
    return np.concatenate([model.predict(x[i : i + _BLOCK].toarray()) for i in range(0, x.shape[0], _BLOCK)])


def rows_of_batch(batch_size: Any, rows: int) -> int:
    """Return how many of the rows are a batch. Warns of a larger batch_size, as scikit-learn does.

    >>> rows_of_batch("auto", 1000), rows_of_batch("auto", 50), rows_of_batch(32, 50)
    (200, 50, 32)
    """
    if isinstance(batch_size, str):
        return min(_AUTO, rows)
    if batch_size > rows:
        warnings.warn(
            f"expected a batch_size of at most {rows}, the number of rows, which is used; received "
            f"batch_size={batch_size}",
            stacklevel=5,
        )
    return int(min(batch_size, rows))


def split(data: Data, share: float, random: Any, stratify: Array | None) -> tuple[Data, Data]:
    """Return the rows that are trained on, and those that early_stopping scores, drawn as in scikit-learn."""
    arrays = [each for each in data if each is not None]
    parts = train_test_split(*arrays, random_state=random, test_size=share, stratify=stratify)
    if len(parts[1]) < 2:
        raise ValueError(
            "expected at least 2 validation rows for early_stopping; "
            f"received {len(parts[1])} of {len(data.x)} rows; increase validation_fraction"
        )
    weights = (None, None) if data.weights is None else parts[4:6]
    return Data(parts[0], parts[2], weights[0]), Data(parts[1], parts[3], weights[1])


def checked_weights(sample_weight: Any, x: Any) -> Array:
    """Return sample_weight as an array (rows,). Raises ValueError for another shape and negative weights.

    >>> checked_weights([1, 2], np.eye(2))
    array([1., 2.])
    """
    weights: Array = _check_sample_weight(sample_weight, x)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"expected sample_weight of at least 0; received the negative {weights[row]} in row {row}")
    return weights


def mean_weight(data: Data) -> float:
    """Return the mean weight of the rows."""
    return 1.0 if data.weights is None else float(np.mean(data.weights))


def arguments(data: Data, held_out: Data | None, targets: Callable[[Array], Array], factor: float) -> dict[str, Any]:
    """Return arguments of fit(). The weights get the mean `factor`: scikit-learn divides by their sum.

    targets: from encoded ones to those of the loss.
    """
    mean = mean_weight(data)

    def weights_of(rows: Data) -> Array | None:
        if rows.weights is not None:
            weights: Array = rows.weights * (factor / mean)
            return weights
        return None if factor == 1 else np.full(len(rows.x), factor)

    given: dict[str, Any] = {"x": data.x, "y": targets(data.y), "sample_weight": weights_of(data), "verbose": 0}
    if held_out is not None:
        given["validation_data"] = (held_out.x, targets(held_out.y), weights_of(held_out))
    return given

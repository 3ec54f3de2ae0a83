"""What both estimators of RealMLP share: from a table and targets to trained members, and to their mean answer."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from fastnn.arguments import finite, fraction, integer
from fastnn.arrays import Array
from fastnn.models.real_mlp import Settings, Task
from fastnn.models.sequential import Sequential
from fastnn.sklearn.real_mlp_member import Member, Rows, train
from fastnn.tables.feature_space import FeatureSpace
from fastnn.threads import get_num_threads


class RealMLP(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no type hints
    """Base class of RealMLPClassifier and RealMLPRegressor."""

    hidden_layer_sizes: tuple[int, ...]
    max_iter: int
    batch_size: int
    learning_rate_init: float | None
    validation_fraction: float
    n_members: int
    random_state: Any
    verbose: bool

    @abstractmethod
    def _task(self) -> Task: ...

    @abstractmethod
    def _finished(self, model: Sequential) -> Sequential:
        """Return the model whose answers are the estimator's."""

    def _stratified(self, y: Array) -> Array | None:
        return None

    def _check_parameters(self) -> None:
        sizes = self.hidden_layer_sizes
        if not isinstance(sizes, (tuple, list)) or not sizes:
            raise ValueError(f"expected hidden_layer_sizes to be a tuple of integers; received {sizes!r:.60}")
        for size in sizes:
            integer("hidden_layer_sizes", size, least=1)
        for name in ("max_iter", "batch_size", "n_members"):
            integer(name, getattr(self, name), least=1)
        if self.learning_rate_init is not None:
            finite("learning_rate_init", self.learning_rate_init, above=0)
        if fraction("validation_fraction", self.validation_fraction, below_1=True) == 0:
            raise ValueError("expected validation_fraction to be more than 0; received validation_fraction=0")

    def _table(self, x: Any, *, reset: bool) -> Any:
        """Return X as a table: a frame as it is, the columns of an array by their numbers.

        Of fit() and another call, one may take a frame and one an array: then columns are taken in order.
        """
        if hasattr(x, "dtypes") and all(isinstance(name, str) for name in getattr(x, "columns", [0])):
            validate_data(self, x, skip_check_array=True, reset=reset)
            if len(x) == 0:
                raise ValueError("expected at least 1 row; received a frame with 0 rows (0 sample(s))")
            if reset or hasattr(self, "feature_names_in_"):
                return x
            return {f"x{number}": x[name] for number, name in enumerate(x.columns)}
        if isinstance(x, (list, tuple)) and np.asarray(x).dtype.kind in "US":
            x = np.array(x, object)  # numbers beside text stay numbers
        x = check_array(x, dtype=None, ensure_all_finite="allow-nan", estimator=self)
        validate_data(self, x, skip_check_array=True, reset=reset)
        if x.dtype.kind not in "fiubOUS":
            raise ValueError(
                f"expected numbers, text or gaps; received an array of {x.dtype} (complex data not supported)"
            )
        names = [f"x{number}" for number in range(x.shape[1])]
        if not reset:
            names = getattr(self, "feature_names_in_", names)
        return dict(zip(names, x.T, strict=True))

    def _validated(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Array, Array | None]:
        self._check_parameters()
        table = self._table(x, reset=True)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        is_number = isinstance(self, RegressorMixin)
        y = check_array(y, ensure_2d=False, dtype="numeric" if is_number else None, input_name="y", estimator=self)
        if not is_number or (y.ndim == 2 and y.shape[1] == 1):
            y = column_or_1d(y, warn=True)
        check_consistent_length(x, y)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, y, ensure_non_negative=True)
            if not weights.sum() > 0:
                raise ValueError("expected a positive weight for at least one row; all weights are zero")
            weights = weights / weights.mean()
        return table, y, weights

    def _train(self, table: Any, y: Array, weights: Array | None) -> Self:
        random = check_random_state(self.random_state)
        try:
            features = FeatureSpace.infer(table).features
        except ValueError as error:
            what = re.split("[:,] (?:or )?leave it out", str(error))[0]
            joint = ", or" if ": make " in what else ":"
            raise ValueError(f"{what}{joint} drop the column of X, or encode it in a step before") from None
        features = {name: "float_robust" if kind == "float_normalized" else kind for name, kind in features.items()}
        seeds = random.randint(2**32, size=(self.n_members, 2), dtype=np.uint64).tolist()

        sizes = tuple(self.hidden_layer_sizes)
        settings = Settings(sizes, self.max_iter, self.batch_size, self.learning_rate_init)

        def member(seed: list[int]) -> Member:
            train_rows, held_out = self._split(len(y), y, seed[0])
            parts = [
                Rows(_rows_of(table, part), y[part], None if weights is None else weights[part])
                for part in (train_rows, held_out)
            ]
            return train(self._task(), FeatureSpace(features), parts[0], parts[1], settings, seed[1], self.verbose)

        with ThreadPoolExecutor(min(self.n_members, get_num_threads())) as pool:
            members = list(pool.map(member, seeds))
        self.models_ = [self._finished(each.model) for each in members]
        self.model_ = self.models_[0]
        self.loss_curve_, self.validation_scores_ = members[0].losses, members[0].scores
        self.n_iter_ = self.max_iter
        return self

    def _split(self, rows: int, y: Array, seed: int) -> tuple[Array, Array]:
        """Return the numbers of the rows to train on, and of those held out: the same ones if there are too few."""
        held_out = round(rows * self.validation_fraction)
        if not 0 < held_out < rows:
            return np.arange(rows), np.arange(rows)
        labels = self._stratified(y)
        if labels is not None and (np.bincount(labels).min() < 2 or held_out < labels.max() + 1):
            labels = None  # too few rows of a class to be on both sides
        parts = train_test_split(np.arange(rows), test_size=held_out, random_state=seed % 2**32, stratify=labels)
        return parts[0], parts[1]

    def _outputs(self, x: Any) -> Array:
        check_is_fitted(self)
        table = self._table(x, reset=False)
        mean: Array = np.mean([model.predict(table) for model in self.models_], axis=0)
        return mean

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _rows_of(table: Any, rows: Array) -> Any:
    if isinstance(table, dict):
        return {name: column[rows] for name, column in table.items()}
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]

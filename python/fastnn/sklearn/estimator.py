"""What both estimators share: from X and y to a trained Sequential, and from its outputs back."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.sklearn import epochs, network, parameters
from fastnn.sklearn.data import Data, arguments, checked_weights, dense, mean_weight, outputs_of, rows_of_batch, split
from fastnn.sklearn.network import Objective

_SETTINGS = ("solver", "learning_rate_init", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "loss")
_SETTINGS_OF_LBFGS = ("max_iter", "tol", "max_fun")


class MLP(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no type hints
    """Base class of MLPClassifier and MLPRegressor."""

    model_: Sequential
    n_outputs_: int
    out_activation_: str

    def _store(self, given: dict[str, Any]) -> None:
        """Keep the constructor's arguments as they are: scikit-learn compares them by identity."""
        for name in self._get_param_names():
            setattr(self, name, given[name])

    @abstractmethod
    def _validated(self, x: Any, y: Any, reset: bool, incremental: bool) -> tuple[Any, Any]:
        """Return X and y, checked; y is encoded, and the units and the activation of the output are set."""

    @abstractmethod
    def _encoded(self, y: Any) -> Array:
        """Return y of other rows as the network's targets, (rows,) or (rows, units)."""

    @abstractmethod
    def _objective(self) -> Objective: ...

    @abstractmethod
    def _targets(self, y: Array, loss: Any) -> Array:
        """Return encoded y as the loss takes it."""

    @abstractmethod
    def _score_of(self, y: Array, outputs: Array, weights: Array | None) -> float:
        """Return the score of outputs for encoded targets."""

    def _reported(self, loss: float, y: Array, weights: Array | None) -> float:
        """Return the loss as scikit-learn prints it."""
        return loss

    def _row_weights(self, y: Any, sample_weight: Any) -> Any:
        """Return sample_weight; the classifier multiplies it by class_weight."""
        return sample_weight

    def _fit(self, x: Any, y: Any, sample_weight: Any, eval_set: Any, incremental: bool) -> Self:
        parameters.check(self)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True; received early_stopping=True")
        is_first = not hasattr(self, "model_") or not (self.warm_start or incremental)
        x, encoded = self._validated(x, y, is_first, incremental)
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, x)
        weights = self._row_weights(y, sample_weight)
        if weights is not None and not weights.sum() > 0:
            raise ValueError("expected a positive weight for at least one row; all weights are zero")
        x = dense(x)
        random = check_random_state(self.random_state)
        data = Data(x, encoded, weights)
        is_split = self.early_stopping and eval_set is None and self.solver != "lbfgs"
        rows = len(x) - (math.ceil(self.validation_fraction * len(x)) if is_split else 0)
        batch = max(1, rows if self.solver == "lbfgs" else rows_of_batch(self.batch_size, rows))
        # The same for all batches: in scikit-learn it is larger for a short last one.
        self._prepare(data, self.alpha / (2 * mean_weight(data) * batch), random, is_first, incremental)
        held_out = None if eval_set is None else self._eval_data(eval_set)
        if is_split:
            data, held_out = split(data, self.validation_fraction, random, self._stratified(data.y))
        if self.solver == "lbfgs":
            self._fit_lbfgs(data, held_out)
        else:
            self._fit_batches(data, held_out, batch, random, incremental)
        self._name_model()
        return self

    def _prepare(self, data: Data, l2: float, random: Any, is_first: bool, incremental: bool) -> None:
        """Make the model, or the one that goes on where the last ended."""
        if is_first:
            activation = network.OUTPUTS.get(self.out_activation_, self.out_activation_)
            model = network.built(self, data.x.shape[1], self.n_outputs_, activation, l2, data.x.dtype)
            network.draw_weights(model, self.activation, random)
            self._is_own, self._compiled_of, self.model_ = True, None, model
            epochs.start(self)
        else:
            network.check_units(self.model_, self.hidden_layer_sizes)
            if not hasattr(self, "t_"):  # of from_model()
                epochs.start(self)
            elif not incremental:
                epochs.go_on(self)
        model = self.model_
        model.classes = None  # targets are numbers of classes
        settings = {name: getattr(self, name, None) for name in _SETTINGS}
        if self.solver == "lbfgs":
            settings |= {name: getattr(self, name) for name in _SETTINGS_OF_LBFGS}
        if settings != self._compiled_of:
            model.compile(network.optimizer_of(self), self._objective().loss)
            self._compiled_of = settings
        if not is_first and self._is_own and not network.is_l2(model, l2):
            self.model_ = network.with_l2(model, l2)
            self.model_.compile(model.optimizer, model.loss)
            self.model_._set_training_state(model._training_state())
        if not (is_first or incremental) and self.solver == "sgd" and self.learning_rate == "adaptive":
            self.model_.optimizer.learning_rate = self.learning_rate_init

    def _stratified(self, y: Array) -> Array | None:
        return None

    def _eval_data(self, eval_set: Any) -> Data:
        if not isinstance(eval_set, (tuple, list)) or len(eval_set) not in (2, 3):
            raise ValueError(
                "expected eval_set to be (X, y) or (X, y, sample_weight); "
                f"received eval_set of type {type(eval_set).__name__}"
            )
        x = self._rows(eval_set[0])
        weights = checked_weights(eval_set[2], x) if len(eval_set) == 3 and eval_set[2] is not None else None
        x = dense(x)
        y = self._encoded(eval_set[1])
        if len(y) != len(x):
            raise ValueError(f"eval_set: expected a target for each row; received {len(x)} rows and {len(y)} targets")
        return Data(x, y, weights)

    def _arguments(self, data: Data, held_out: Data | None) -> dict[str, Any]:
        loss, factor = self._objective()
        return arguments(data, held_out, lambda y: self._targets(y, loss), factor)

    def _fit_lbfgs(self, data: Data, held_out: Data | None) -> None:
        optimizer: Any = self.model_.optimizer
        before = getattr(optimizer, "_iterations", 0)  # the trainer's count; there is none before the first
        given = self._arguments(data, held_out)
        try:
            history = self.model_.fit(**given, callbacks=self.callbacks, seed=0)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
            return
        self.n_iter_ = max(1, optimizer._iterations - before)
        self.loss_ = self._reported(history.history["loss"][-1], data.y, data.weights)
        if self.n_iter_ >= self.max_iter:
            warnings.warn(
                f"lbfgs failed to converge after {self.n_iter_} iterations: increase max_iter, or scale the data",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _fit_batches(self, data: Data, held_out: Data | None, batch: int, random: Any, incremental: bool) -> None:
        score = None
        if self.early_stopping and held_out is not None:
            rows = held_out

            def score() -> float:
                return self._score_of(rows.y, self.model_.predict(rows.x), rows.weights)

        watched = epochs.Epochs(
            self,
            len(data.x),
            lambda loss: self._reported(loss, data.y, data.weights),
            score,
            is_single=incremental,
        )
        given = self._arguments(data, held_out)
        callbacks = self.callbacks if isinstance(self.callbacks, (list, tuple)) else [self.callbacks]
        try:
            self.model_.fit(
                **given,
                batch_size=batch,
                epochs=1 if incremental else self.max_iter,
                callbacks=[*(each for each in callbacks if each is not None), watched],
                shuffle=bool(self.shuffle),
                seed=int(random.randint(2**32, dtype=np.uint64)),
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        if watched.best_weights is not None:
            self.model_.set_weights(watched.best_weights)

    def _name_model(self) -> None:
        """Let the model itself know columns by name, unless it refuses names, such as two equal ones."""
        if hasattr(self, "feature_names_in_"):
            with suppress(ValueError):
                self.model_.feature_names = [str(each) for each in self.feature_names_in_]

    def _rows(self, x: Any) -> Any:
        """Return X of a fitted estimator, checked; it may be sparse."""
        return validate_data(self, x, accept_sparse="csr", reset=False)

    def _outputs(self, x: Any) -> Array:
        """Return the network's outputs (rows, units) of X."""
        check_is_fitted(self)
        return outputs_of(self.model_, self._rows(x))

    @property
    def coefs_(self) -> list[Array]:
        """The kernels (inputs, units) of the layers, read-only arrays; set the list to change them.

        >>> from fastnn.sklearn import MLPRegressor
        >>> regressor = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0])
        >>> [kernel.shape for kernel in regressor.coefs_], [bias.shape for bias in regressor.intercepts_]
        ([(1, 4), (4, 1)], [(4,), (1,)])
        """
        return [layer.kernel for layer in network.dense_layers(self.model_)]

    @coefs_.setter
    def coefs_(self, coefs: list[Array]) -> None:
        """Set the kernels."""
        for layer, kernel in zip(network.dense_layers(self.model_), coefs, strict=True):
            layer.set_weights([kernel, layer.bias])

    @property
    def intercepts_(self) -> list[Array]:
        """The biases (units,) of the layers, read-only arrays; set the list to change them.

        >>> from fastnn.sklearn import MLPRegressor
        >>> MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0]).intercepts_[0].shape
        (4,)
        """
        return [layer.bias for layer in network.dense_layers(self.model_)]

    @intercepts_.setter
    def intercepts_(self, intercepts: list[Array]) -> None:
        """Set the biases."""
        for layer, bias in zip(network.dense_layers(self.model_), intercepts, strict=True):
            layer.set_weights([layer.kernel, bias])

    @property
    def n_layers_(self) -> int:
        """The number of layers, with the inputs as one.

        >>> from fastnn.sklearn import MLPRegressor
        >>> MLPRegressor(hidden_layer_sizes=(4, 3), solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0]).n_layers_
        4
        """
        return len(network.dense_layers(self.model_)) + 1

    def _has_batches(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit needs solver='adam' or 'sgd'; 'lbfgs' takes all rows at once")
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

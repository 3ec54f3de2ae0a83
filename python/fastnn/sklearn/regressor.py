"""MLPRegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, validate_data

from fastnn.arithmetic import log
from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.sklearn import network
from fastnn.sklearn.estimator import MLP
from fastnn.sklearn.fitted import adopt
from fastnn.sklearn.network import Objective
from fastnn.strict import suggesting


class MLPRegressor(RegressorMixin, MLP):  # type: ignore[misc]  # scikit-learn has no type hints
    """A dense network that predicts numbers: scikit-learn's MLPRegressor, trained by fastnn.

    The parameters from hidden_layer_sizes to max_fun, their defaults, and the attributes are scikit-learn's. Beyond it:

    loss: "squared_error" (default), "poisson", "absolute_error", or any of fastnn.losses by name or as an object, such
        as "huber" or Quantile(0.9).
    output_activation: default None, "identity", or "exp" for Poisson.
    activation, dropout, batch_normalization, callbacks, and all else: as for MLPClassifier.

    >>> from fastnn.sklearn import MLPRegressor
    >>> regressor = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
    >>> regressor.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    MLPRegressor(alpha=0.0, hidden_layer_sizes=(), solver='lbfgs')
    >>> regressor.predict([[3.0]]).round(2).tolist()
    [7.0]
    """

    @suggesting
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        output_activation: Any = None,
        dropout: Any = 0.0,
        batch_normalization: bool = False,
        callbacks: Any = None,
    ) -> None:
        self._store(locals())

    @suggesting
    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train the network on rows X and targets y (rows,) or (rows, targets); return self.

        X, sample_weight, eval_set, warm_start: as for MLPClassifier.

        >>> regressor = MLPRegressor(hidden_layer_sizes=(4,), tol=9.0, n_iter_no_change=1)
        >>> regressor.fit([[0.0], [1.0]], [0.0, 1.0]).n_iter_
        3
        """
        return self._fit(X, y, sample_weight, eval_set, incremental=False)

    @available_if(MLP._has_batches)  # type: ignore[untyped-decorator]
    @suggesting
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train for one epoch on these rows, and keep the optimizer's state; return self. Not with solver="lbfgs".

        >>> MLPRegressor(hidden_layer_sizes=(4,)).partial_fit([[0.0]], [0.0]).partial_fit([[1.0]], [1.0]).t_
        2
        """
        return self._fit(X, y, sample_weight, None, incremental=True)

    def _validated(self, x: Any, y: Any, reset: bool, incremental: bool) -> tuple[Any, Any]:
        x, y = validate_data(
            *(self, x, y),
            accept_sparse="csr",
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if reset:
            self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
            is_poisson = network.of_numbers(self.loss, 1).loss._kind == "poisson"
            default = "exp" if is_poisson else "identity"
            self.out_activation_ = default if self.output_activation is None else self.output_activation
        return x, self._encoded(y)

    def _encoded(self, y: Any) -> Array:
        array: Array = check_array(y, ensure_2d=False, dtype="numeric")
        columns = 1 if array.ndim == 1 else array.shape[1]
        if columns != self.n_outputs_:
            raise ValueError(f"expected {self.n_outputs_} targets for each row; received shape {array.shape}")
        return array.reshape(len(array), columns)

    def _objective(self) -> Objective:
        return network.of_numbers(self.loss, self.n_outputs_)

    def _targets(self, y: Array, loss: Any) -> Array:
        return y

    def _score_of(self, y: Array, outputs: Array, weights: Array | None) -> float:
        return float(r2_score(y, outputs, sample_weight=weights)) if np.isfinite(outputs).all() else np.nan

    def _reported(self, loss: float, y: Array, weights: Array | None) -> float:
        if self.loss == "squared_error" and self.n_outputs_ > 1:  # a sum over targets is minimized, the mean printed
            trainer = self.model_._trainer
            penalty = 0.0 if trainer is None else trainer.penalty()
            return (loss - penalty) / self.n_outputs_ + penalty
        if self.loss == "poisson":  # the deviance, whose other term does not depend on the weights
            y = y.astype(np.float64)
            terms = np.where(y > 0, y * log(np.where(y > 0, y, 1.0)), 0.0) - y
            return loss + float(np.average(terms, weights=weights, axis=0).sum())
        return loss

    @suggesting
    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the predictions (rows,), or (rows, targets) for several targets.

        >>> regressor = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0])
        >>> regressor.predict([[1.0], [2.0]]).shape
        (2,)
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    @classmethod
    @suggesting
    def from_model(cls, sequential: Sequential) -> Self:
        """Return a fitted estimator whose ``model_`` is the given model, with its weights.

        >>> from fastnn.layers import Dense
        >>> model = Sequential([Dense(1, kernel_initializer="ones", input_shape=(2,))])
        >>> MLPRegressor.from_model(model).predict([[1.0, 2.0]]).tolist()
        [3.0]
        """
        return adopt(cls(), sequential)

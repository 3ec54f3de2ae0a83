"""What happens after each epoch: scikit-learn's attributes, its learning rates, and whether training stops."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn.callbacks.callback import Callback

_SMALLEST_RATE = 1e-6  # of learning_rate="adaptive", as in scikit-learn


class Epochs(Callback):
    """The callback that keeps an estimator's attributes.

    rows: of an epoch. reported: turns the loss of the network into that of scikit-learn. score: of the validation
    rows, or None to stop by the training loss. is_single: whether it is the one epoch of partial_fit().
    """

    def __init__(
        self,
        estimator: Any,
        rows: int,
        reported: Callable[[float], float],
        score: Callable[[], float] | None,
        *,
        is_single: bool,
    ) -> None:
        self._estimator, self._rows, self._reported, self._score = estimator, rows, reported, score
        self._is_single = is_single
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the loss and the score; change the learning rate; stop."""
        estimator = self._estimator
        estimator.n_iter_ = epoch + 1
        estimator.t_ += self._rows
        estimator.loss_ = loss = self._reported((logs or {})["loss"])
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        stalled = self._loss_stalled(loss) if self._score is None else self._score_stalled(self._score())
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalled else 0
        if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
            self._set_rate(estimator.learning_rate_init / (estimator.t_ + 1) ** estimator.power_t)
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            self._stop_or_slow_down()
        is_stopped = self._model.stop_training
        if estimator.n_iter_ == estimator.max_iter and not (self._is_single or is_stopped):
            _warn_of_iterations(estimator.max_iter)

    def _loss_stalled(self, loss: float) -> bool:
        estimator = self._estimator
        stalled: bool = loss > estimator.best_loss_ - estimator.tol
        estimator.best_loss_ = min(estimator.best_loss_, loss)
        return stalled

    def _score_stalled(self, score: float) -> bool:
        estimator = self._estimator
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        stalled: bool = score < estimator.best_validation_score_ + estimator.tol
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            self.best_weights = self.model.get_weights()
        return stalled

    def _stop_or_slow_down(self) -> None:
        estimator = self._estimator
        what = "Validation score" if estimator.early_stopping else "Training loss"
        said = f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} "
        said += "consecutive epochs."
        rate = self._model.optimizer.learning_rate
        if estimator.solver == "sgd" and estimator.learning_rate == "adaptive" and rate > _SMALLEST_RATE:
            self._set_rate(rate / 5.0)
            estimator._no_improvement_count = 0
            said += f" Setting learning rate to {rate / 5.0:f}"
        else:
            self._model.stop_training = True
            said += " Stopping."
        if estimator.verbose:
            print(said)

    def _set_rate(self, rate: float) -> None:
        self._model.optimizer.learning_rate = rate


def _warn_of_iterations(max_iter: int) -> None:
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def start(estimator: Any) -> None:
    """Set the attributes that a first fit() begins with."""
    estimator.t_, estimator.n_iter_, estimator._no_improvement_count = 0, 0, 0
    if estimator.solver == "lbfgs":
        for name in ("loss_curve_", "validation_scores_", "best_validation_score_", "best_loss_"):
            vars(estimator).pop(name, None)
        return
    estimator.loss_curve_ = []
    by_score = estimator.early_stopping
    estimator.validation_scores_ = [] if by_score else None
    estimator.best_validation_score_ = -np.inf if by_score else None
    estimator.best_loss_ = None if by_score else np.inf


def go_on(estimator: Any) -> None:
    """Set what a later fit() with warm_start begins with: its validation rows are others, so are their scores."""
    estimator._no_improvement_count = 0
    if estimator.solver == "lbfgs":
        return
    if not hasattr(estimator, "loss_curve_") or estimator.early_stopping != (estimator.best_loss_ is None):
        curve = getattr(estimator, "loss_curve_", [])
        t = estimator.t_
        start(estimator)
        estimator.loss_curve_, estimator.t_ = curve, t
    elif estimator.early_stopping:
        estimator.best_validation_score_ = -np.inf

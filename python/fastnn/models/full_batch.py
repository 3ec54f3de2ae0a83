"""fit() with LBFGS: each epoch is a run of the minimizer on all rows, and each of its iterations a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.models.batches import Chunk
from fastnn.models.fitting import Fit
from fastnn.models.lbfgs import Minimizer, Vector
from fastnn.models.trainer import Trainer
from fastnn.optimizers.full_batch import LBFGS


def is_full_batch(optimizer: Any) -> bool:
    """Return whether an optimizer takes all rows in each step.

    >>> is_full_batch(LBFGS())
    True
    """
    return isinstance(optimizer, LBFGS)


class FullBatchFit(Fit):
    """One call of fit() with LBFGS. The curvature is forgotten between epochs."""

    _steps_share_rows = True

    def _short_epochs(self) -> dict[str, Any]:
        """Return {}: each epoch is a run of the minimizer."""
        return {}

    def _steps(self) -> None:
        chunk = self.source.take(1)
        optimizer, trainer = self.trainer.optimizer, self.trainer
        _refuse_others(trainer)
        trainer.push()
        trainer._trained = True
        weights = _Weights(trainer)
        run = Minimizer(
            weights.function(chunk),
            weights.vector(),
            tolerance=optimizer.tolerance,
            history=optimizer.history,
            evaluations=optimizer.max_function_evaluations,
        )
        self.columns = chunk.y.shape[1]
        if not np.isfinite(run.value):
            self._end_without_number(-1, run.value)
            return
        try:
            self._iterate(run, chunk)
        finally:  # a trial of the line search may be in the trainer
            weights.set(run.x)
        self.scores.loss.reset_state()
        self.scores.loss.add(np.array([run.value]), chunk.rows, chunk.rows)
        if self.scores.has_metrics:
            _, outputs = trainer.evaluate(chunk, outputs=True)
            if outputs is not None:
                self.scores.add_outputs(chunk.labels, outputs, chunk.weights)

    def _iterate(self, run: Minimizer, chunk: Chunk) -> None:
        callbacks, loss = self.callbacks, self.scores.loss
        iterations = iter(run)
        while self.step < self.trainer.optimizer.max_iter and not self.model.stop_training:
            if self._by_batch:
                callbacks.on_train_batch_begin(self.step, {})
            loss.reset_state()
            loss.add(np.array([run.value]), chunk.rows, chunk.rows)
            value = next(iterations, None)
            if value is None:
                self.step = max(self.step, 1)
                return
            self.step += 1
            self.trainer.optimizer._iterations += 1
            self.progress.update(self.step, self.scores.logs)
            if self._by_batch:
                callbacks.on_train_batch_end(self.step - 1, self.scores.logs())


class _Weights:
    """The trained weights of a trainer as one vector."""

    def __init__(self, trainer: Trainer) -> None:
        self._core = trainer.core
        self._arrays = {i: trainer.core.weights(i) for i in range(len(trainer.layers))}
        self._names: list[tuple[int, str]] | None = None

    def vector(self) -> Vector:
        """Return the numbers, by layers and the names of weights."""
        arrays = [self._arrays[i][name].reshape(-1) for i, name in self._trained()]
        return np.concatenate(arrays).astype(np.float64) if arrays else np.empty(0)

    def set(self, vector: Vector) -> None:
        """Give the trainer these numbers."""
        place, changed = 0, set()
        for i, name in self._trained():
            array = self._arrays[i][name]
            self._arrays[i][name] = vector[place : place + array.size].reshape(array.shape).astype(array.dtype)
            place += array.size
            changed.add(i)
        for i in sorted(changed):
            self._core.set_weights(i, self._arrays[i])

    def function(self, chunk: Chunk | Any) -> Callable[[Vector], tuple[float, Vector]]:
        """Return the function of the vector that is minimized: the loss of the chunk, and its gradient."""
        x, y = chunk.x, chunk.y
        _, first = self._core.gradients(x, y, chunk.weights)
        self._names = [(i, name) for i, layer in enumerate(first) for name in sorted(layer)]

        def value_and_gradient(vector: Vector) -> tuple[float, Vector]:
            self.set(vector)
            loss, gradients = self._core.gradients(x, y, chunk.weights)
            flat = [gradients[i][name].reshape(-1) for i, name in self._trained()]
            return float(loss), np.concatenate(flat).astype(np.float64) if flat else np.empty(0)

        return value_and_gradient

    def _trained(self) -> list[tuple[int, str]]:
        return self._names or []


def _refuse_others(trainer: Trainer) -> None:
    """Raise ValueError for what LBFGS cannot train: losses in Python, random layers, statistics, constraints, rates."""
    if trainer.loss._core_settings() is None:
        raise ValueError(
            f"expected a loss of fastnn.losses for LBFGS; received the function {trainer.loss.name}: use Adam"
        )
    for layer, options in zip(trainer.layers, trainer.options, strict=True):
        moves = layer._learns_from_batches and layer.trainable
        if options.get("noise") or options.get("constraints") or layer.learning_rate_multipliers or moves:
            raise ValueError(
                "expected layers without random numbers, statistics of batches, constraints and "
                "learning_rate_multipliers for LBFGS, whose steps compare losses; "
                f"received layer '{layer.name}': use Adam, or leave that out"
            )

"""The loops of fit() and evaluate(): epochs, steps, validation, and whoever is to be told of them.

One call of the core runs as many steps as it may: short epochs that nobody sees end, an epoch, what takes the time
between two drawings of the progress, or one step if a callback wants to see each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.callbacks.callback_list import CallbackList
from fastnn.callbacks.history import History
from fastnn.callbacks.terminate_on_nan import TerminateOnNaN
from fastnn.models.batches import Batches, Chunk
from fastnn.models.progress import SECONDS, Pace, Progress
from fastnn.models.scores import Scores
from fastnn.models.trainer import NonFiniteLossError, Trainer


class Evaluation:
    """One pass over batches without training: evaluate(), and the validation of fit()."""

    def __init__(
        self, trainer: Trainer, source: Batches, scores: Scores, callbacks: CallbackList, progress: Progress
    ) -> None:
        self._trainer, self._source, self._scores = trainer, source, scores
        self._callbacks, self._progress = callbacks, progress
        self._by_batch = callbacks.wants_batches("test")

    def run(self) -> dict[str, float]:
        """Return the loss and the metrics of all rows."""
        scores, callbacks = self._scores, self._callbacks
        scores.reset()
        callbacks.on_test_begin({})
        self._source.start(0, 0)
        self._progress.start(0)
        step, pace = 0, Pace(1 if self._by_batch else 1 << 62, SECONDS if self._progress.verbose == 1 else None)
        while (chunk := self._source.take(pace.steps)) is not None:
            if self._by_batch:
                callbacks.on_test_batch_begin(step, {})
            started = time.perf_counter()
            evaluate(self._trainer, scores, chunk)
            pace.measured(chunk.steps, time.perf_counter() - started)
            step += chunk.steps
            self._progress.update(step, scores.logs)
            if self._by_batch:
                callbacks.on_test_batch_end(step - 1, scores.logs())
        self._source.finish()
        logs = scores.logs() if step else {}  # of a spent iterator, which has warned
        callbacks.on_test_end(logs)
        self._progress.finish(step, logs)
        return logs


def evaluate(trainer: Trainer, scores: Scores, chunk: Chunk) -> None:
    """Add a chunk to the scores in pieces, so that outputs take little memory; no cut shows in the sums."""
    rows, penalty = trainer.steps_of_memory(1), trainer.penalty()
    for start in range(0, chunk.rows, rows):
        piece = chunk if chunk.rows <= rows else chunk.part(slice(start, start + rows))
        losses, outputs = trainer.evaluate(piece, scores.has_metrics)
        scores.loss.add_rows(losses, penalty)
        if scores.has_metrics and outputs is not None:
            scores.add_outputs(piece.labels, outputs, piece.weights)


class Fit:
    """One call of fit(): where it stands, and what it calls."""

    _steps_share_rows = False  # whether each step takes all rows, so that none is skipped where a run goes on

    def __init__(
        self,
        model: Any,
        trainer: Trainer,
        source: Any,
        scores: Scores,
        callbacks: CallbackList,
        progress: Progress,
        *,
        epochs: int,
        initial_epoch: int,
        seed: int,
        validation: Evaluation | None,
        is_validated: Callable[[int], bool],
    ) -> None:
        self.model, self.trainer, self.source, self.scores = model, trainer, source, scores
        self.callbacks, self.progress, self.epochs, self.seed = callbacks, progress, epochs, seed
        self.epoch, self.step = initial_epoch, 0  # the next ones
        self.columns = 1  # of the targets, once a step was done
        self._validation, self._is_validated = validation, is_validated
        self._by_batch = callbacks.wants_batches("train")
        # Only the History that fit() fills itself needs neither weights nor a call; one of a subclass may.
        history = callbacks.history
        self._has_callbacks = any(type(each) is not History or each is not history for each in callbacks.callbacks)
        self._epochs_are_seen = (
            self._has_callbacks or validation is not None or scores.has_metrics or progress.verbose != 0
        )

    def run(self) -> None:
        """Train until the last epoch, or until something sets model.stop_training."""
        model, callbacks, is_finished = self.model, self.callbacks, False
        logs: dict[str, Any] = {}
        model.stop_training = False
        callbacks.on_train_begin({})  # may set another epoch, step and seed: resume()
        try:
            while self.epoch < self.epochs and not model.stop_training:
                logs = self._short_epochs() or self._epoch() or logs
            is_finished = True
        finally:
            if self.epochs > 0:
                self.trainer.average()
            self.trainer.offer()
            if is_finished:
                callbacks.on_train_end(logs)

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state() of an equal run."""
        self.epoch, self.step, self.seed = state["epoch"], state["step"], state["seed"]
        self.source.seed = self.seed
        self.scores.set_state(state["scores"], state["columns"], self.trainer.units)
        self.model.stop_training = state["stop_training"]
        if self.callbacks.history is not None:
            self.callbacks.history.seed = self.seed

    def state(self) -> dict[str, Any]:
        """Return where the run stands, for resume()."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "seed": self.seed,
            "columns": self.columns,
            "scores": self.scores.state(),
            "stop_training": bool(self.model.stop_training),
        }

    def _short_epochs(self) -> dict[str, Any]:
        """Run several epochs by one call of the core, if they are short and only History is told; else return {}.

        Python between two epochs takes as long as several steps of a small network.
        """
        trainer = self.trainer
        if self._epochs_are_seen or trainer._function is not None:
            return {}
        chunk = self.source.take_epochs(self.epoch, self.epochs - self.epoch, trainer.rows_of_a_moment())
        if chunk is None:
            return {}
        losses, before, layer = np.empty(chunk.steps), trainer.core.batches(), None
        try:
            _, layer, _ = trainer.train(chunk, False, losses)
        finally:  # Ctrl-C leaves the epochs before it, too
            done = trainer.core.batches() - before
            logs = self._tell(chunk, losses[:done])
        if layer is not None:
            raise not_finite(trainer, self.epoch, self.step, layer, float(losses[done]))
        return logs

    def _tell(self, chunk: Chunk, losses: npt.NDArray[np.float64]) -> dict[str, Any]:
        """Tell History of the epochs that have all their losses; return the logs of the last one."""
        assert chunk.order is not None
        epochs, rows = chunk.order.shape
        steps = chunk.steps // epochs
        done, self.step = divmod(len(losses), steps)
        if not done:
            return {}
        self.columns = chunk.y.shape[1]
        of_epochs = self.scores.loss.of_epochs(losses[: done * steps].reshape(done, steps), rows, chunk.batch_size)
        if self.callbacks.history is not None:
            self.callbacks.history._add(self.epoch, of_epochs)
        self.epoch += done
        return {"loss": of_epochs[-1]}

    def _epoch(self) -> dict[str, Any]:
        epoch, first, callbacks = self.epoch, self.step, self.callbacks
        if first == 0:
            self.scores.reset()
        self._begin_epoch()
        self.source.start(epoch, 0 if self._steps_share_rows else first)
        self.progress.start(epoch)
        self._steps()
        self.source.finish()
        if self._has_callbacks:
            self.trainer.pull()
        if self.step == 0:  # no batches were left, or LBFGS had no finite loss: no epoch
            self.model.stop_training = True
            return {}
        logs: dict[str, Any] = self.scores.logs()
        if self._validation is not None and self._is_validated(epoch):
            logs |= {f"val_{name}": value for name, value in self._validation.run().items()}
            logs = dict(sorted(logs.items()))
        steps, self.epoch, self.step = self.step, epoch + 1, 0
        callbacks.on_epoch_end(epoch, logs)
        self.progress.finish(steps, logs)
        return logs

    def _begin_epoch(self) -> None:
        """Tell the callbacks. An epoch that goes on keeps its learning rate, which its beginning had set before."""
        optimizer = self.trainer.optimizer
        rate = getattr(optimizer, "learning_rate", None)
        self.callbacks.on_epoch_begin(self.epoch, {})
        if self.step > 0 and getattr(optimizer, "learning_rate", None) != rate:
            optimizer.learning_rate = rate

    def _steps(self) -> None:
        callbacks, trainer, scores, pace = self.callbacks, self.trainer, self.scores, self._pace()
        while (chunk := self.source.take(pace.steps)) is not None:
            if self._by_batch:
                callbacks.on_train_batch_begin(self.step, {})
            started = time.perf_counter()
            chunk, losses, layer, outputs = self._train(chunk)
            pace.measured(chunk.steps, time.perf_counter() - started)
            applied = chunk.steps if layer is None else len(losses) - 1
            self._add(chunk, losses[:applied], outputs)
            self.step += applied
            if layer is not None:
                self._end_without_number(layer, float(losses[-1]))
                return
            self.progress.update(self.step, scores.logs)
            if self._by_batch:
                trainer.offer()
                callbacks.on_train_batch_end(self.step - 1, scores.logs())
            if self.model.stop_training:
                return

    def _train(self, chunk: Any) -> tuple[Chunk, Any, int | None, Any]:
        """Run the steps of what source.take() gave; return its rows, and what Trainer.train() returns."""
        return chunk, *self.trainer.train(chunk, self.scores.has_metrics)

    def _pace(self) -> Pace:
        if self._by_batch:
            return Pace(1, None)
        most = 1 << 62
        if self.scores.has_metrics:
            most = self.trainer.steps_of_memory(getattr(self.source, "batch_size", 1))
        return Pace(most, SECONDS if self.progress.verbose == 1 else None)

    def _add(self, chunk: Chunk, losses: Any, outputs: Any) -> None:
        rows = min(chunk.rows, len(losses) * chunk.batch_size)
        self.columns = chunk.y.shape[1]
        self.scores.loss.add(losses, rows, chunk.batch_size)
        if outputs is not None:
            y, weights = chunk.targets()
            self.scores.add_outputs(y[:rows], outputs[:rows], None if weights is None else weights[:rows])

    def _end_without_number(self, layer: int, loss: float) -> None:
        """End training before a step whose loss is not finite: quietly for TerminateOnNaN, else by an error."""
        if self.callbacks._find(TerminateOnNaN) is not None:
            self.callbacks.on_train_batch_end(self.step, self.scores.logs() | {"loss": loss})
            self.model.stop_training = True
            return
        raise not_finite(self.trainer, self.epoch, self.step, layer, loss)


def not_finite(trainer: Trainer, epoch: int | None, step: int | None, layer: int, loss: float) -> NonFiniteLossError:
    """Return the error of a step whose loss is not finite."""
    name = trainer.layers[layer].name if layer >= 0 else None
    when = "the loss" if epoch is None or step is None else f"the loss of epoch {epoch + 1}, step {step + 1}"
    first = f", and the outputs of layer '{name}' are the first that are not finite" if name else ""
    error = NonFiniteLossError(
        f"expected finite losses; {when} is {loss}{first}. The model keeps the weights of the step before: "
        f"{trainer.loss._if_not_finite}"
    )
    error.epoch, error.step, error.layer = epoch, step, name
    return error


def validated_epochs(validation_freq: Any) -> Callable[[int], bool]:
    """Return whether an epoch, from 0, ends with validation: each n-th, or those of a list that counts from 1.

    >>> [validated_epochs(2)(epoch) for epoch in range(4)]
    [False, True, False, True]
    """
    if isinstance(validation_freq, (int, np.integer)) and not isinstance(validation_freq, bool) and validation_freq > 0:
        return lambda epoch: (epoch + 1) % validation_freq == 0
    if isinstance(validation_freq, (Sequence, set, frozenset)) and not isinstance(validation_freq, str):
        return lambda epoch: epoch + 1 in validation_freq
    raise ValueError(
        "expected validation_freq to be a positive integer or a list of epochs; "
        f"received validation_freq={validation_freq!r}"
    )

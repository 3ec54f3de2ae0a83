"""The model as the owner of its trainer: who may use it, when a new one is made, and the state that it goes on from."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn.callbacks.callback_list import CallbackList
from fastnn.callbacks.history import History
from fastnn.locks import changes
from fastnn.models.batches import Batches, Chunk, rows_of, targets_of
from fastnn.models.compiled import Compiled
from fastnn.models.fitting import Evaluation, Fit
from fastnn.models.full_batch import is_full_batch
from fastnn.models.last_layer import warn_of_outputs
from fastnn.models.progress import Progress
from fastnn.models.scores import Scores
from fastnn.models.sources import reader_for
from fastnn.models.stored import Stored
from fastnn.models.token import token_of
from fastnn.models.trainer import Trainer
from fastnn.models.training_part import part_of
from fastnn.saving import native

_MOST_SECONDS = 60.0  # that saving waits for an evaluation
ONE_BATCH = 2**31 - 1  # rows; more than a batch has


class TrainerOwner(Stored):
    """Layers in a row that have a trainer once they need one. The base class of Trained."""

    history: History | None = None  # of the last fit()
    stop_training: bool = False  # a callback sets it: fit() ends after the epoch, or after the batch that it saw
    _compiled: Compiled | None = None
    _trainer: Trainer | None = None
    _trainer_state: dict[str, Any] | None = None  # for the trainer that is made next
    _run: Fit | None = None
    _lock: threading.RLock | None = None  # of the thread that trains, evaluates or saves; made once one does
    _savers: int = 0  # how many threads save, or wait for the lock to do so

    @contextmanager
    def _alone(self, saves: bool = False) -> Iterator[None]:
        """Keep other threads out. Raises RuntimeError if one is in: two at once would train the same weights.

        saves: waits for an evaluation, and is waited for; fit() of another thread may take too long for that.
        """
        with changes:
            self._lock = lock = self._lock or threading.RLock()
            self._savers += saves
        try:
            if not lock.acquire(blocking=False):
                if saves and self._run is not None:
                    raise RuntimeError(
                        "expected a model that no other thread trains; fit() runs now: save a copy, for example "
                        "copy.deepcopy(model), or save in a callback"
                    )
                # In the child of a fork meanwhile, the other thread is not there to end.
                if self._savers == 0 or not lock.acquire(timeout=_MOST_SECONDS):
                    raise RuntimeError(
                        "expected one thread at a time to train or evaluate a model; another one does now"
                    )
            try:
                yield
            finally:
                lock.release()
        finally:
            with changes:
                self._savers -= saves

    def _compiled_for(self, method: str) -> Compiled:
        if self._compiled is None:
            raise ValueError(f"You must call `compile()` before calling `{method}()`.")
        if self._run is not None and method not in ("evaluate", "test_on_batch"):
            raise RuntimeError(
                f"expected one thread at a time to train a model, and {method}() after the end of fit(); fit() runs "
                "now: train a copy of the model, for example copy.deepcopy(model)"
            )
        return self._compiled

    def _trainer_for(self, loss: Any, seed: int | None) -> Trainer:
        """Return the trainer; a new one, with the state of the old, if layers or settings have changed since."""
        if self._run is not None:
            return self._run.trainer
        trainer, compiled = self._trainer, self._compiled_for("fit")
        state = self._trainer_state
        if trainer is not None:
            if trainer.loss is loss and trainer.fits(self, seed):
                return trainer
            trainer.pull()
            state = trainer.state_for(self._layers)
        self._warn_of_outputs()
        self._trainer, self._trainer_state = Trainer(self, compiled.optimizer, loss, seed, state), None
        return self._trainer

    def _fit(
        self,
        kind: type[Fit],
        source: Any,
        loss: Any,
        *,
        steps: int | None,
        callbacks: Any,
        verbose: Any,
        epochs: int,
        initial_epoch: int,
        seed: int,
        is_validated: Callable[[int], bool],
        validation: Callable[[], Batches] | None,
    ) -> History:
        """Run one fit() of a kind on the batches of a source; validation() makes those of the validation."""
        compiled = self._compiled_for("fit")
        with self._alone():
            trainer = self._trainer_for(loss, seed)
            trainer.pull()  # now: a layer that asked in the midst of an epoch would wait for its end
            called = CallbackList(callbacks, add_history=True, model=self, verbose=verbose, epochs=epochs, steps=steps)
            self.history = history = called.history
            assert history is not None
            history.seed = seed
            evaluation = None
            if validation is not None:
                evaluation = Evaluation(trainer, validation(), compiled.scores, called, Progress(0, 1, None))
            self._run = kind(
                *(self, trainer, source, compiled.scores, called),
                Progress(verbose, epochs, steps),
                epochs=epochs,
                initial_epoch=initial_epoch,
                seed=seed,
                validation=evaluation,
                is_validated=is_validated,
            )
            try:
                self._run.run()
                return history
            finally:
                self._run = None

    def _warn_of_outputs(self) -> None:
        """Warn once, in compile() or, if the layers come later, in the first training."""
        compiled = self._compiled_for("compile")
        if self._layers and not compiled.are_outputs_checked:
            compiled.are_outputs_checked = True
            warn_of_outputs(self._layers, compiled)

    def _drawing(self, trainer: Trainer) -> Trainer:
        """Return the trainer for a step without fit(), with a seed if layers draw random numbers."""
        if is_full_batch(trainer.optimizer):
            raise ValueError(
                "expected an optimizer of batches for train_on_batch(); LBFGS needs all rows at once: use fit()"
            )
        return self._trainer_for(trainer.loss, drawn_seed()) if trainer.has_noise and trainer.seed is None else trainer

    def _batch(
        self, method: str, x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None = None
    ) -> tuple[Trainer, Chunk, Scores]:
        """Return the trainer, all rows x as one batch, and scores that have seen nothing."""
        compiled = self._compiled_for(method)
        rows, targets = rows_of(x, self._columns, self._inputs), targets_of(y)
        reader = reader_for(self, compiled, rows.shape[1], targets)
        chunk = reader.chunk(rows, targets, sample_weight, class_weight)
        scores = compiled.scores
        if self._run is None:
            scores.reset()
        else:
            scores = scores.fresh()
        return self._trainer_for(reader.loss, None), chunk, scores

    def _pull(self) -> None:
        """Give the layers the weights of the last step, in the midst of fit() too; a callback's model does this."""
        if self._trainer is not None:
            self._trainer.pull()

    def _exchange_average(self) -> None:
        """Exchange the weights with their moving average, for SwapEMAWeights."""
        if self._trainer is not None:
            self._trainer.exchange_average()

    def _set_average(self) -> None:
        """Let the weights be their own moving average, for SwapEMAWeights."""
        if self._trainer is not None:
            self._trainer.exchange_average(both=False)

    def _state_of_trainer(self) -> dict[str, Any] | None:
        """Return the optimizer's state, of the trainer or for the next one."""
        return self._trainer_state if self._trainer is None else self._trainer.state()

    def __dask_tokenize__(self) -> object:
        return token_of(self)

    def _training_part(self) -> native.Training | None:
        if self._compiled is None:
            return None
        with self._alone(saves=True):
            self._pull()
            self.build()
            try:
                return part_of(self)
            except (NotImplementedError, TypeError, ValueError) as error:
                warnings.warn(
                    f"the file has no settings of training, since {error}; include_optimizer=False says that this is "
                    "meant",
                    stacklevel=5,
                )
                return None

    def _training_state(self) -> dict[str, Any]:
        """Return all that a model of the same layers and settings needs to go on exactly where this one stands."""
        self._pull()
        run, history = self._run, self.history
        optimizer = None if self._compiled is None else self._compiled.optimizer
        return {
            "weights": self.get_weights(),
            "trainer": self._state_of_trainer(),
            "optimizer": None if optimizer is None else optimizer.get_config(),
            "history": None if history is None else {"history": history.history, "epoch": history.epoch},
            "run": None if run is None else run.state(),
            "callbacks": {} if run is None else run.callbacks._state(),
        }

    def _set_training_state(self, state: dict[str, Any]) -> None:
        """Go on from _training_state(): in the midst of fit() from its epoch and step, else with the next fit()."""
        state = copy.deepcopy(state)
        if self._run is not None:
            self._run.trainer.check_slots(state["trainer"])
        self.set_weights(state["weights"])
        run = self._run
        if run is not None:
            run.trainer.set_state(state["trainer"])
        else:
            self._trainer, self._trainer_state = None, state["trainer"]
        optimizer: Any = None if self._compiled is None else self._compiled.optimizer
        rate = (state["optimizer"] or {}).get("learning_rate")
        if optimizer is not None and isinstance(rate, (int, float)):
            optimizer.learning_rate = float(rate)
        if (history := self.history) is not None and state["history"] is not None:
            history.history, history.epoch = state["history"]["history"], state["history"]["epoch"]
        if run is not None and state["run"] is not None:
            run.resume(state["run"])
            run.callbacks._set_state(state["callbacks"])

    def _without_trainer(self) -> dict[str, Any]:
        """Return the attributes that a copy or a pickle has instead of the model's own."""
        self._pull()
        history = copy.copy(self.history)
        if history is not None:
            history._model = None
            history._set_state(copy.deepcopy(history._state()))
        return {
            "_trainer": None,
            "_trainer_state": self._state_of_trainer(),
            "_run": None,
            "_lock": None,
            "_savers": 0,
            "history": history,
            "_compiled": copy.deepcopy(self._compiled),
        }


def drawn_seed(history: History | None = None, initial_epoch: int = 0) -> int:
    """Draw a seed from NumPy's global generator, as Keras draws orders, so that set_random_seed() decides it.

    An epoch after the first goes on with the seed of the fit() before, as if both were one.

    >>> 0 <= drawn_seed() < 2**32
    True
    """
    if initial_epoch > 0 and history is not None and history.seed is not None:
        return history.seed
    return int(np.random.randint(2**32, dtype=np.uint64))  # noqa: NPY002

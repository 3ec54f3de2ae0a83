"""The part of a Sequential that trains: compile, fit, evaluate, with Keras' names and behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from fastnn.arguments import integer
from fastnn.callbacks.callback_list import CallbackList
from fastnn.callbacks.history import History
from fastnn.floating_point import default_mode
from fastnn.initializers.base import checked_seed
from fastnn.models.batches import is_arrays
from fastnn.models.checks import optional_sizes
from fastnn.models.compile_config import arguments, as_data
from fastnn.models.compiled import Compiled, check_unused
from fastnn.models.fitting import Evaluation, Fit, evaluate, not_finite, validated_epochs
from fastnn.models.full_batch import FullBatchFit, is_full_batch
from fastnn.models.progress import Progress
from fastnn.models.sources import Data
from fastnn.models.sources import validation_data as as_validation
from fastnn.models.trainer import check_derivatives
from fastnn.models.trainer_owner import ONE_BATCH, TrainerOwner, drawn_seed


class Trained(TrainerOwner):
    """Layers in a row that are trained. The base class of Sequential."""

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: list[Any] | None = None,
        weighted_metrics: list[Any] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how to train: optimizer, loss and metrics, by name or as objects.

        optimizer: a name, such as "adam", or an object of fastnn.optimizers, such as Adam(learning_rate=0.01).
        loss: a name, an object of fastnn.losses, or a function (y, y_pred) -> (losses of the rows, gradient by y_pred).
        metrics, weighted_metrics: lists of names, objects of fastnn.metrics, or functions (y, y_pred) -> a number for
            each row. Only weighted_metrics use sample_weight and class_weight.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted for programs written for Keras; they
            change nothing. loss_weights: only None.
        The model forgets the optimizer's state and keeps its weights.
        Warns of a last activation that does not suit the loss, such as 'linear' with 'binary_crossentropy'.
        Raises ValueError for unknown names, and for an activation without a derivative.

        >>> model = Sequential([Dense(1, input_shape=(2,))])
        >>> model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        >>> model.metrics_names
        ['loss', 'mae']
        """
        check_unused(loss_weights, steps_per_execution)
        check_derivatives(self._layers)
        self._compiled = Compiled(optimizer, loss, metrics, weighted_metrics)
        self._pull()
        self._trainer = self._trainer_state = None
        self.stop_training = False
        self._warn_of_outputs()

    @default_mode()
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: Any = None,
        validation_freq: Any = 1,
        seed: int | None = None,
    ) -> History:
        """Train the model on rows x and targets y, `epochs` times; return the History of losses and metrics.

        x, y: arrays of any dtype and layout, or frames; an np.memmap may be larger than the memory. Or x alone: an
            iterable of batches (x, y) or (x, y, sample_weight), a torch DataLoader, an object with len() and x[i].
            The columns of a frame become the model's feature_names, unless it has some.
        batch_size: default 32; the last batch may be smaller.
        verbose: 0 nothing, 1 or "auto" a bar, 2 a line for each epoch.
        validation_split: the share of the last rows, before shuffling, that is not trained on but evaluated.
        validation_data: (x, y), (x, y, sample_weight), or an iterable of batches; instead of validation_split.
        shuffle: True, False, or "batch" to shuffle within batches.
        class_weight: {class: weight}, default weight 1; or sample_weight, an array (rows,).
        initial_epoch: the number of the first epoch, for the logs and the order of rows.
        steps_per_epoch, validation_steps: numbers of batches; default all. The next epoch starts at the row after them;
            the last row ends an epoch, with a warning if it is short, as in Keras.
        validation_freq: validate after each n-th epoch, or after those of a list.
        seed: 0 to 2**32 - 1, for the order of rows and layers like Dropout. History.seed keeps it. Default: drawn.
            With an initial_epoch it is that of the fit() before: fit(epochs=5) and fit(epochs=10, initial_epoch=5) give
            the bits of fit(epochs=10), also with save() and load_model() between them.

        fit() again goes on: the optimizer keeps its state. Ctrl-C raises KeyboardInterrupt; the model keeps the weights
        of the last step and model.history the epochs before.
        Raises ValueError (shapes, labels, NaN), TypeError; NonFiniteLossError, a ValueError, if the loss is NaN.

        >>> model = Sequential([Dense(1, kernel_initializer="zeros", input_shape=(1,))])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit([[0.0], [1.0]], [1.0, 3.0], epochs=100, verbose=0)
        >>> len(history.history["loss"]), history.history["loss"][0], history.history["loss"][-1] < 0.2
        (100, 5.0, True)
        """
        compiled = self._compiled_for("fit")
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"expected shuffle to be True, False or 'batch'; received shuffle={shuffle!r}")
        epochs, initial_epoch = integer("epochs", epochs, least=0), integer("initial_epoch", initial_epoch, least=0)
        batch_size, steps_per_epoch, validation_batch_size, validation_steps = optional_sizes(
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            validation_batch_size=validation_batch_size,
            validation_steps=validation_steps,
        )
        own_seed = drawn_seed(self.history, initial_epoch) if seed is None else checked_seed(seed)
        is_validated = validated_epochs(validation_freq)
        full_batch = is_full_batch(compiled.optimizer)
        if full_batch and not is_arrays(x, y):
            raise ValueError("expected x and y as arrays for LBFGS, which needs all rows at once; received an iterable")
        data = Data(
            *(self, compiled, x, y, sample_weight),
            batch_size=ONE_BATCH if full_batch else batch_size,
            steps=steps_per_epoch,
            shuffle=shuffle and not full_batch,
            seed=own_seed,
            class_weight=class_weight,
            split=0.0 if validation_data is not None else validation_split,
            takes_names=True,
        )
        data.warn_of_scale()
        held_out = data.validation if validation_data is None else validation_data
        return self._fit(
            FullBatchFit if full_batch else Fit,
            data.source,
            data.loss,
            steps=None if full_batch else data.source.steps,
            callbacks=callbacks,
            verbose=verbose,
            epochs=epochs,
            initial_epoch=initial_epoch,
            seed=own_seed,
            is_validated=is_validated,
            validation=None
            if held_out is None
            else lambda: (
                as_validation(self, compiled, held_out, validation_batch_size or batch_size, validation_steps).source
            ),
        )

    @default_mode()
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss, or a list of the loss and the metrics, of the rows x with targets y.

        x, y, sample_weight, verbose, callbacks: as for fit(). batch_size changes the progress bar, not the results.
        steps: the number of batches; default all.
        return_dict: return {name: value} instead.

        >>> model = Sequential([Dense(1, input_shape=(1,), kernel_initializer="zeros")])
        >>> model.compile(loss="mse", metrics=["mae"])
        >>> model.evaluate([[0.0], [1.0]], [1.0, 3.0], verbose=0)
        [5.0, 2.0]
        """
        compiled = self._compiled_for("evaluate")
        batch_size, steps = optional_sizes(batch_size=batch_size, steps=steps)
        data = Data(self, compiled, x, y, sample_weight, batch_size=batch_size, steps=steps)
        with self._alone():
            trainer = self._trainer_for(data.loss, None)
            trainer.pull()  # as in fit()
            scores = compiled.scores if self._run is None else compiled.scores.fresh()
            steps = data.source.steps
            called = CallbackList(callbacks, model=self, verbose=verbose, steps=steps)
            logs = Evaluation(trainer, data.source, scores, called, Progress(verbose, 1, steps)).run()
        return logs if return_dict else scores.values()

    @default_mode()
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Train the model by one step on all rows x; return the loss and the metrics from before that step.

        >>> model = Sequential([Dense(1, input_shape=(1,), kernel_initializer="zeros")])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> model.train_on_batch([[0.0], [1.0]], [1.0, 3.0])
        5.0
        """
        with self._alone():
            trainer, chunk, scores = self._batch("train_on_batch", x, y, sample_weight, class_weight)
            trainer = self._drawing(trainer)
            losses, layer, outputs = trainer.train(chunk, scores.has_metrics)
            trainer.offer()
            if layer is not None:
                raise not_finite(trainer, None, None, layer, float(losses[-1]))
            scores.loss.add(losses, chunk.rows, chunk.batch_size)
            if outputs is not None:
                scores.add_outputs(chunk.labels, outputs, chunk.weights)
            return scores.logs() if return_dict else scores.values()

    @default_mode()
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """Return evaluate(x, y, verbose=0).

        >>> model = Sequential([Dense(1, input_shape=(1,), kernel_initializer="zeros")])
        >>> model.compile(loss="mse")
        >>> model.test_on_batch([[0.0], [1.0]], [1.0, 3.0])
        5.0
        """
        with self._alone():
            trainer, chunk, scores = self._batch("test_on_batch", x, y, sample_weight)
            evaluate(trainer, scores, chunk)
            return scores.logs() if return_dict else scores.values()

    def predict_on_batch(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return predict(x).

        >>> Sequential([Dense(1, input_shape=(1,))]).predict_on_batch([[0.0]]).shape
        (1, 1)
        """
        return self.predict(x)  # type: ignore[attr-defined, no-any-return]  # of Sequential

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of compile() in JSON's types; functions by their names. None before compile().

        Raises ValueError for objects that are no data, such as a schedule of a class of one's own.

        >>> model = Sequential([Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> config = model.get_compile_config()
        >>> config["optimizer"]["class_name"], config["loss"], config["metrics"]
        ('SGD', 'mse', ['mae'])
        """
        return None if self._compiled is None else as_data(self._compiled)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Call compile() with the arguments that get_compile_config() returned. Raises ValueError for others.

        >>> model = Sequential([Dense(1)])
        >>> model.compile_from_config({"optimizer": "sgd", "loss": "mse"})
        >>> model.loss
        'mse'
        """
        self.compile(**arguments(config))

    @property
    def compiled(self) -> bool:
        """Whether compile() was called.

        >>> Sequential([Dense(1)]).compiled
        False
        """
        return self._compiled is not None

    @property
    def optimizer(self) -> Any:
        """The optimizer that compile() was given; None before.

        >>> model = Sequential([Dense(1)])
        >>> model.compile("adam", "mse")
        >>> model.optimizer.learning_rate
        0.001
        """
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Any:
        """The loss as compile() was given it; None before.

        >>> Sequential([Dense(1)]).loss is None
        True
        """
        return None if self._compiled is None else self._compiled.given_loss

    @property
    def metrics(self) -> list[Any]:
        """The loss and the metrics, whose result() is that of the last epoch or batch; [] before compile().

        >>> Sequential([Dense(1)]).metrics
        []
        """
        return [] if self._compiled is None else self._compiled.scores.metrics()

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate() returns, in order; [] before compile().

        >>> Sequential([Dense(1)]).metrics_names
        []
        """
        return [] if self._compiled is None else self._compiled.scores.names()

    def reset_metrics(self) -> None:
        """Forget the batches that metrics have seen.

        >>> Sequential([Dense(1)]).reset_metrics()
        """
        if self._compiled is not None:
            self._compiled.scores.reset()

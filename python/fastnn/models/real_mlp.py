"""A network of RealMLP-TD-S: its layers, its settings, the epoch whose weights it keeps.

D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data", 2024 (arXiv 2407.04491). Their parametrization, y = x W / sqrt(inputs) + b with numbers of variance 1 in W, is
here that of ordinary kernels with a learning rate of 1 / sqrt(inputs), which Adam makes equal up to its epsilon.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn.callbacks.monitor import EarlyStopping
from fastnn.initializers.drawn import RandomNormal
from fastnn.layers.dense import Dense
from fastnn.layers.normalization import Affine
from fastnn.losses.probabilities import CategoricalCrossentropy
from fastnn.models.sequential import Sequential
from fastnn.optimizers.gradient import Adam
from fastnn.schedules import CosLog4
from fastnn.tables.feature_space import FeatureSpace

_SCALE_RATE, _BIAS_RATE = 6.0, 0.1  # factors of the learning rate


class Task(NamedTuple):
    """What classification and regression differ in."""

    activation: str
    output: str
    learning_rate: float
    loss: Any
    monitor: str  # of the validation rows, after each epoch
    is_better_larger: bool


def classification(label_smoothing: float) -> Task:
    """Return the task of one-hot targets.

    >>> classification(0.1).activation
    'selu'
    """
    loss = CategoricalCrossentropy(label_smoothing=label_smoothing)
    return Task("selu", "softmax", 0.04, loss, "val_accuracy", True)


REGRESSION = Task("mish", "linear", 0.07, "mean_squared_error", "val_loss", False)


class Settings(NamedTuple):
    """The settings of a training. learning_rate: the highest; None: the task's."""

    layers: tuple[int, ...] = (256, 256, 256)
    epochs: int = 256
    batch_size: int = 256
    learning_rate: float | None = None


class BestEpoch(EarlyStopping):
    """Gives the model the weights of the best epoch, the latest of equal ones, after all `epochs`.

    scores: of the epochs, larger ones are better.
    """

    def __init__(self, task: Task, epochs: int) -> None:
        mode = "max" if task.is_better_larger else "min"
        super().__init__(task.monitor, patience=epochs, mode=mode, restore_best_weights=True)
        self._sign = 1.0 if task.is_better_larger else -1.0
        self.scores: list[float] = []

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        return reference is None or bool(self._sign * value >= self._sign * reference)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the score of the validation rows."""
        self.scores.append(self._sign * (logs or {})[self.monitor])
        super().on_epoch_end(epoch, logs)


class Trainee(NamedTuple):
    """A compiled network, and the batch size and the callback for its fit()."""

    model: Sequential
    batch_size: int
    best: BestEpoch


def layers_of(task: Task, inputs: int, hidden: tuple[int, ...], outputs: int, seed: int) -> list[Any]:
    """Return the layers behind the space: a scale for each input, the hidden ones, and an output that begins at 0.

    >>> [type(layer).__name__ for layer in layers_of(REGRESSION, 5, (256, 256), 1, 0)]
    ['Affine', 'Dense', 'Dense', 'Dense']
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * len(hidden)).tolist())
    layers: list[Any] = [Affine(learning_rate_multipliers={"scale": _SCALE_RATE, "shift": 0.0})]
    for units in hidden:
        layers.append(
            Dense(
                units,
                task.activation,
                kernel_initializer=RandomNormal(stddev=inputs**-0.5, seed=next(seeds)),
                bias_initializer=RandomNormal(stddev=1.0, seed=next(seeds)),
                learning_rate_multipliers={"kernel": inputs**-0.5, "bias": _BIAS_RATE},
            )
        )
        inputs = units
    rates = {"kernel": inputs**-0.5, "bias": _BIAS_RATE}
    layers.append(Dense(outputs, task.output, kernel_initializer="zeros", learning_rate_multipliers=rates))
    return layers


def compiled(task: Task, space: FeatureSpace, outputs: int, rows: int, settings: Settings, seed: int) -> Trainee:
    """Return a network to train on so many rows. space: adapted to them."""
    batches = -(-rows // min(settings.batch_size, rows))
    batch_size = -(-rows // batches)  # equal batches: a short last one would move weights as far as a whole one
    model = Sequential([space, *layers_of(task, space.width, settings.layers, outputs, seed)])
    rate = task.learning_rate if settings.learning_rate is None else settings.learning_rate
    schedule = CosLog4(rate, settings.epochs * -(-rows // batch_size))
    metrics = ["accuracy"] if task.is_better_larger else None
    model.compile(Adam(schedule, beta_1=0.9, beta_2=0.95), task.loss, weighted_metrics=metrics)
    return Trainee(model, batch_size, BestEpoch(task, settings.epochs))

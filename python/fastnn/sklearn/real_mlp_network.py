"""One network of RealMLP-TD-S: its layers, its settings, its training.

D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data", 2024 (arXiv 2407.04491). Their parametrization, y = x W / sqrt(inputs) + b with numbers of variance 1 in W, is
here that of ordinary kernels with a learning rate of 1 / sqrt(inputs), which Adam makes equal up to its epsilon.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn.arrays import Array
from fastnn.callbacks.callback import Callback
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


class Rows(NamedTuple):
    """Rows as the table they come from, targets (rows, units), and the weight of each row or None."""

    table: Any
    y: Array
    weights: Array | None


class BestEpoch(Callback):
    """Keeps the weights after the best epoch, the latest of equal ones."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.weights: list[Array] = []
        self.scores: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the validation rows' score."""
        score = (logs or {})[self._task.monitor]
        self.scores.append(score if self._task.is_better_larger else -score)
        if self.scores[-1] >= max(self.scores):
            self.weights = self._model.get_weights()


class Member(NamedTuple):
    """A trained network and how its training went."""

    model: Sequential
    losses: list[float]
    scores: list[float]


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


def train(task: Task, space: FeatureSpace, rows: Rows, held_out: Rows, settings: Any, seed: int) -> Member:
    """Return a network that was trained on rows, with the weights of the epoch that was best on those held out.

    space: not adapted yet. settings: hidden_layer_sizes, max_iter, batch_size, learning_rate_init.
    """
    x, held_out_x = space.adapt(rows.table)(rows.table), space(held_out.table)
    outputs = rows.y.shape[1]
    batches = -(-len(x) // min(settings.batch_size, len(x)))
    batch_size = -(-len(x) // batches)  # equal batches: a short last one would move weights as far as a whole one
    layers = layers_of(task, space.width, tuple(settings.hidden_layer_sizes), outputs, seed)
    model = Sequential([space, *layers])
    rate = task.learning_rate if settings.learning_rate_init is None else settings.learning_rate_init
    steps = settings.max_iter * -(-len(x) // batch_size)
    metrics = ["accuracy"] if task.is_better_larger else None
    model.compile(Adam(CosLog4(rate, steps), beta_1=0.9, beta_2=0.95), task.loss, weighted_metrics=metrics)
    best = BestEpoch(task)
    history = model.fit(
        x,
        rows.y,
        batch_size,
        settings.max_iter,
        verbose=2 if settings.verbose else 0,
        sample_weight=rows.weights,
        validation_data=(held_out_x, held_out.y, *(() if held_out.weights is None else (held_out.weights,))),
        callbacks=[best],
        seed=seed,
    )
    model.set_weights(best.weights)
    return Member(model, history.history["loss"], best.scores)

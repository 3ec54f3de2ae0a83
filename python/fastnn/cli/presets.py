"""The presets of train: the network that learns from a table, and how it is trained."""

import argparse
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastnn.arrays import Array
from fastnn.callbacks.monitor import EarlyStopping
from fastnn.cli.training_data import Kind
from fastnn.layers.dense import Dense
from fastnn.models import real_mlp
from fastnn.models.sequential import Sequential
from fastnn.optimizers.gradient import Adam
from fastnn.tables.feature_space import FeatureSpace

_LABEL_SMOOTHING = 0.1  # of RealMLP


@dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    numbers: the type in a FeatureSpace of columns of numbers. learning_rate: of Adam; None: RealMLP's, by the target.
    patience: epochs without a better loss of the held-out rows; None: all epochs, by RealMLP's learning rate in waves.
    """

    layers: tuple[int, ...]
    batch_size: int
    epochs: int
    learning_rate: float | None
    patience: int | None
    numbers: str = "float_normalized"


PRESETS = {
    "default": Preset((64, 64), 32, 200, 0.001, 20),
    "mlp": Preset((100,), 200, 200, 0.001, 10),  # scikit-learn's MLPClassifier(early_stopping=True)
    "realmlp": Preset(*real_mlp.Settings(), patience=None, numbers="float_robust"),
}


class Training(NamedTuple):
    """A compiled network and what its fit() takes. has_one_hot: whether its loss takes a class as a row of 0 and 1."""

    model: Sequential
    batch_size: int
    epochs: int
    best: EarlyStopping
    has_one_hot: bool

    def targets(self, y: Array, kind: Kind) -> Array:
        """Return the targets as the loss takes them."""
        return np.eye(len(kind.classes), dtype="float32")[y] if self.has_one_hot else y


def training(options: argparse.Namespace, space: FeatureSpace, kind: Kind, rows: int, seed: int) -> Training:
    """Return the training of the preset, but for what --layers, --batch-size, --epochs and --learning-rate say.

    space: adapted to the rows to train on. rows: their number.
    """
    preset = PRESETS[options.preset]
    outputs = len(kind.classes) if kind.is_class else 1
    layers, batch_size = options.layers or preset.layers, options.batch_size or preset.batch_size
    epochs, rate = options.epochs or preset.epochs, options.learning_rate or preset.learning_rate
    if preset.patience is None or rate is None:
        task = real_mlp.classification(_LABEL_SMOOTHING) if kind.is_class else real_mlp.REGRESSION
        settings = real_mlp.Settings(layers, epochs, batch_size, rate)
        model, batch_size, best = real_mlp.compiled(task, space, outputs, rows, settings, seed)
        return Training(model, batch_size, epochs, best, kind.is_class)
    hidden = [Dense(units, "relu") for units in layers]
    model = Sequential([space, *hidden, Dense(outputs, "softmax" if kind.is_class else None)])
    model.compile(Adam(rate), "sparse_categorical_crossentropy" if kind.is_class else "mse")
    stopping = EarlyStopping(patience=preset.patience, restore_best_weights=True)
    return Training(model, batch_size, epochs, stopping, False)

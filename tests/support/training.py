"""Small models and data to train them on."""

import numpy as np

from arrays import uniform
from fastnn.callbacks import BackupAndRestore, Callback
from fastnn.layers import Dense
from fastnn.models import Sequential


def rows(count=100, inputs=3, seed=1):
    """x and y (count, 1) of a linear function, float64."""
    x = uniform(seed, (count, inputs)).astype(np.float64)
    return x, x @ np.arange(1.0, inputs + 1)[:, None] + 0.5


def model_of(x, hidden=8, dtype="float64", optimizer="sgd", loss="mse", units=1, **options):
    """A compiled model with the same weights in each call."""
    model = Sequential([Dense(hidden, "tanh", input_shape=(x.shape[1],)), Dense(units)], dtype=dtype)
    model.set_weights([uniform(i, array.shape) / 2 for i, array in enumerate(model.get_weights())])
    model.compile(optimizer, loss, **options)
    return model


def same(one, other):
    """Whether two models have the same weights."""
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class Calls(Callback):
    """Keeps the names, numbers and logs of all hooks; `during` is called with each."""

    def __init__(self, during=None):
        super().__init__()
        self.calls, self.during = [], during

    def _add(self, name, number, logs):
        self.calls.append((name, number, dict(logs or {})))
        if self.during is not None:
            self.during(self, name, number)

    def names(self):
        return [name if number is None else f"{name} {number}" for name, number, _ in self.calls]


def _hook(name, has_number):
    if has_number:
        return lambda self, number, logs=None: self._add(name, number, logs)
    return lambda self, logs=None: self._add(name, None, logs)


for _name in ("epoch_begin", "epoch_end"):
    setattr(Calls, f"on_{_name}", _hook(_name, True))
for _name in ("train_begin", "train_end", "test_begin", "test_end"):
    setattr(Calls, f"on_{_name}", _hook(_name, False))


class BatchCalls(Calls):
    """With hooks of batches too."""


for _name in ("train_batch_begin", "train_batch_end", "test_batch_begin", "test_batch_end"):
    setattr(BatchCalls, f"on_{_name}", _hook(_name, True))


class LastCalls(Calls, BackupAndRestore):
    """Called after History, as what saves and restores everything is."""

    on_train_batch_end = Callback.on_train_batch_end

    def __init__(self, during):
        Callback.__init__(self)
        self.calls, self.during = [], during


class At(Callback):
    """Calls a function of the model at the end of each epoch, or of each batch."""

    def __init__(self, function, batches=False):
        super().__init__()
        self.function = function
        if batches:
            self.on_train_batch_end = lambda batch, logs=None: function(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.function(self.model)

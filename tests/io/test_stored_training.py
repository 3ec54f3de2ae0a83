"""A model file of version 2 that stays as it is: every later release reads it, and trains on from it, to the same bits.

tests/data/fastnn/training_version2.safetensors was written by written(), by the first release of that version. It is
never written again. `python tests/io/test_stored_training.py FILE` writes another file, for the next version.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

from fastnn import load_model
from fastnn.layers import BatchNormalization, Dense, Dropout
from fastnn.models import Sequential
from fastnn.optimizers import Adam
from fastnn.regularizers import L2
from fastnn.schedules import CosineDecay

FILE = Path(__file__).parents[1] / "data/fastnn/training_version2.safetensors"
X = (np.arange(63).reshape(21, 3) * 37 % 64 / 64).astype("float32")
Y = np.array(["no", "yes", "perhaps"])[np.arange(21) % 3]
ANSWERS, CLASSES = "2360f3960c048d05", ["no", "no", "no"]
HISTORY, TRAINED = "b96f24317c81891d", "960c7d7605be957c"
SETTINGS = {"batch_size": 4, "verbose": 0}


def written(path):
    """Writes a file with slots of all kinds, a schedule, a sum of gradients without its step, noise, and a History."""
    layers = [
        Dense(5, "tanh", input_shape=(3,), kernel_regularizer=L2(1e-3), learning_rate_multipliers={"bias": 0.5}),
        BatchNormalization(momentum=0.9),
        Dropout(0.2),
        Dense(3, "softmax", kernel_constraint="max_norm"),
    ]
    model = Sequential(layers)
    shapes = [w.shape for w in (model.build(), model.get_weights())[1]]
    model.set_weights(
        [np.cos(np.arange(np.prod(shape)) * (i + 1)).reshape(shape) ** 2 for i, shape in enumerate(shapes)]
    )
    model.classes = ["no", "yes", "perhaps"]
    optimizer = Adam(CosineDecay(0.02, 50), amsgrad=True, use_ema=True, gradient_accumulation_steps=5, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X[:16], Y[:16], epochs=3, seed=3, validation_data=(X[16:], Y[16:]), **SETTINGS)
    model.save(path)


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


def test_file_of_version_2_predicts_the_same_bits():
    model = load_model(FILE)
    assert digest(model.predict(X)) == digest(load_model(FILE, compile=False).predict(X)) == ANSWERS
    assert model.predict_classes(X[:3]).tolist() == CLASSES
    assert model.history.epoch == [0, 1, 2]
    assert digest(*(model.history.history[name] for name in sorted(model.history.history))) == HISTORY


def test_file_of_version_2_trains_on_to_the_same_bits():
    model = load_model(FILE)
    assert model.optimizer.iterations == 2
    history = model.fit(X, Y, epochs=6, initial_epoch=3, **SETTINGS).history
    assert digest(history["loss"], history["accuracy"], *model.get_weights()) == TRAINED


if __name__ == "__main__":
    written(sys.argv[1])

"""Hashes of short trainings: losses of the steps, then all weights.

Those of float32 and float64 stand in golden_trainings.txt: python tests/golden_training.py > tests/golden_trainings.txt

Data and first weights come from PCG64's raw stream, which never changes. Each training has layers of 1 to 3 units, of
panels with a rest and of whole panels, batches of 1, 16 and around 256 rows, a last batch of one row, and weights of
rows. `words` says it to tests/programs/trainings.cpp, which trains it without Python.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent / "support"))  # modules that the tests share

from activations import ACTIVATIONS
from arrays import uniform
from fastnn import _core
from training_cases import COMMON, LOSSES, OPTIMIZERS, case_id, loss_id

INPUTS, UNITS, SEED = 5, 3, 7
MSE = ("mean_squared_error", {})
MOMENTUM, NOISE_SEED = 0.9, 5


def dense(inputs, units, activation="linear", seed=0, **options):
    kernel = uniform(seed, (inputs, units)) * 1.5 / np.sqrt(inputs)
    weights = {"kernel": kernel, "bias": uniform(seed + 1, units) / 4}
    return ("Dense", units, activation, dict(ACTIVATIONS[activation].parameters), weights), options


def of_units(kind, units, seed=20, **options):
    rows = {"PReLU": ["alpha"], "Affine": ["scale", "shift"], "LayerNormalization": ["gamma", "beta"]}
    names = rows.get(kind, ["gamma", "beta", "moving_mean", "moving_variance"])
    weights = {name: abs(uniform(seed + i, units)) + 0.125 for i, name in enumerate(names)}
    parameters = {"epsilon": 0.001} if kind.endswith("Normalization") else {}
    return (kind, units, "linear", parameters, weights), options


def noise(kind, units, rate):
    return ("Activation", units, "linear", {}, {}), {"noise": (kind, rate, NOISE_SEED)}


def network(last="linear", *between):
    """5 → 2 → 19 → … → 3."""
    first = [dense(INPUTS, 2, "tanh", 2), dense(2, 19, "gelu", 4)]
    return [*first, *between, dense(19, UNITS, last, 6)]


def activations():
    """One layer for each activation, after one unit and 17."""
    layers, width = [dense(INPUTS, 1, "linear", 2)], 1
    for i, name in enumerate(sorted(set(ACTIVATIONS) - {"step"})):
        units = 33 if i % 2 else 17
        layers.append(dense(width, units, name, 4 + 2 * i))
        width = units
    return [*layers, of_units("LayerNormalization", width), dense(width, UNITS, "linear", 100)]


def targets(kind, shape):
    """What a loss takes, by the name of the function that makes it for tests/support/training_cases.py."""
    drawn = uniform(9, shape)
    numbers = np.arange(shape[0]) % shape[1]
    return {
        "normal": drawn,
        "positive": abs(drawn) + 0.125,
        "signs": np.where(drawn < 0, -1.0, 1.0),
        "bits": np.where(drawn < 0, 0.0, 1.0),
        "one_hot": np.eye(shape[1])[numbers],
        "shares": np.tile([0.125, 0.25, 0.625], (shape[0], 1)),
        "classes": numbers[:, None].astype(float),
    }[kind]


def cases():
    """Name -> (layers, loss, optimizer, kind of targets, batch size)."""
    sizes = (256, 16, 300, 1, 257)
    named = {}

    def add(name, layers, loss=MSE, optimizer=("adam", {}), kind="normal", size=None):
        named[name] = (layers, loss, optimizer, kind, size or sizes[len(named) % len(sizes)])

    for optimizer in OPTIMIZERS:
        add(case_id(optimizer), network(), optimizer=optimizer)
    for settings in COMMON:
        add(case_id(("adam", settings)), network(), optimizer=("adam", settings))

    def add_loss(case):
        name, parameters, last, function = case
        add(loss_id(case), network(last), (name, parameters), kind=function.__name__)

    *first_losses, cosine_similarity = LOSSES
    for case in first_losses:
        add_loss(case)
    for kind in ("PReLU", "Affine", "LayerNormalization", "BatchNormalization"):
        options = {"momentum": MOMENTUM} if kind == "BatchNormalization" else {}
        add(kind, network("linear", of_units(kind, 19, **options)), optimizer=("sgd", {}))
    for kind in ("dropout", "alpha_dropout", "gaussian_noise"):
        add(kind, network("linear", noise(kind, 19, 0.3)), optimizer=("sgd", {}))
    add("regularizer", network("linear", dense(19, 19, "relu", 8, regularizers={"kernel": (0.01, 0.02)})))
    add(
        "constraint",
        network("linear", dense(19, 19, "relu", 8, constraints={"kernel": ("max_norm", {"max_value": 1})})),
    )
    add("activations", activations())
    # So large that threads share the units of the second layer, and its gradient.
    add("shared", [dense(INPUTS, 200, "relu", 2), dense(200, 180, "tanh", 4), dense(180, UNITS, seed=6)], size=256)
    wide = [dense(INPUTS, 130, "relu", 2), dense(130, 64, "tanh", 4), dense(64, 65, "relu", 8)]
    add("wide", [*wide, dense(65, 16, "relu", 10), dense(16, UNITS, "softmax", 12)], size=300)
    add_loss(cosine_similarity)  # last, like every case to come: its number decides the batch size
    return named


CASES = cases()
TABLE = [line.split(" ", 2) for line in Path(__file__).with_name("golden_trainings.txt").read_text().splitlines()]
GOLDEN = {(row[2], dtype): row[i] for row in TABLE for i, dtype in enumerate(("float32", "float64"))}
SHORT = {key: value for key, value in GOLDEN.items() if key[0] not in ("shared", "wide")}  # for emulated CPUs


def data(kind, batch_size):
    """x, y, weights of rows, learning rates: three steps, the last of one row."""
    rows = 2 * batch_size + 1
    return (
        uniform(8, (rows, INPUTS)) * 2,
        targets(kind, (rows, UNITS)),
        abs(uniform(10, rows)) + 0.5,
        [0.01, 0.02, 0.005],
    )


def trained_bytes(name, dtype, change=np.asarray):
    """The losses and weights after training on `change` of x, y and the weights of rows."""
    layers, loss, optimizer, kind, batch_size = CASES[name]
    x, y, weights, rates = data(kind, batch_size)
    layers = [((*d[:4], {key: w.astype(dtype) for key, w in d[4].items()}), options) for d, options in layers]
    trainer = (_core.Trainer32 if dtype == "float32" else _core.Trainer64)(INPUTS, layers, loss, optimizer, SEED)
    arrays = [change(each.astype(dtype)) for each in (x, y)]
    losses, layer = trainer.train(*arrays, weights.astype(dtype), None, batch_size, np.array(rates), None)
    assert layer is None, (name, losses, layer)
    weights = [w for number in range(len(layers)) for _, w in sorted(trainer.weights(number).items())]
    return b"".join(each.tobytes() for each in (losses, *weights))


def hashes_of(keys, trained):
    """The hashes of trainings whose bytes stand one after the other, as trainings.cpp writes them."""
    hashes, at = {}, 0
    for name, dtype in keys:
        layers, rates = CASES[name][0], data(*CASES[name][3:])[3]
        weights = sum(w.size for (*_, arrays), _ in layers for w in arrays.values())
        size = len(rates) * 8 + weights * np.dtype(dtype).itemsize
        hashes[name, dtype] = short_hash(trained[at : at + size])
        at += size
    assert at == len(trained)
    return hashes


def training_hash(name, dtype):
    return short_hash(trained_bytes(name, dtype))


def short_hash(data):
    return hashlib.sha256(data).hexdigest()[:16]


def words(keys):
    """Trainings as trainings.cpp reads them."""
    return "\n".join([str(len(keys)), *(words_of(*key) for key in keys)])


def words_of(name, dtype):
    layers, loss, optimizer, kind, batch_size = CASES[name]
    x, y, weights, rates = data(kind, batch_size)
    told = [dtype, INPUTS, y.shape[1], len(x), batch_size, loss[0], *settings(loss[1])]
    told += [optimizer[0], *settings(optimizer[1]), len(layers)]
    for (class_name, units, activation, parameters, arrays), options in layers:
        told += [class_name, units, activation, *settings(parameters), len(arrays)]
        for key, w in arrays.items():
            told += [key, *numbers(w, dtype)]
        told += [options.get("momentum", 0.99), *options.get("noise", ("-", 0, 0))]
        told += [*options.get("regularizers", {"kernel": (0, 0)})["kernel"]]
        told.append(options["constraints"]["kernel"][0] if "constraints" in options else "-")
    told += [*numbers(x, dtype), *numbers(y, dtype), *numbers(weights, dtype), len(rates), *rates]
    return " ".join(map(str, told))


def settings(values):
    return [len(values), *(part for name, value in values.items() for part in (name, float(value).hex()))]


def numbers(array, dtype):
    return [float(each).hex() for each in array.astype(dtype).ravel()]


if __name__ == "__main__":
    for name in CASES:
        print(training_hash(name, "float32"), training_hash(name, "float64"), name)

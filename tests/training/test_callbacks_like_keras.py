"""Callbacks beside Keras' own: the same decisions, files, prints and warnings for the same sequences of logs."""

import os
import random
import warnings

import pytest

from fastnn import callbacks

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

EPOCHS = 14


class Optimizer:
    """What callbacks need of one."""

    name, learning_rate = "sgd", 0.5


class Model:
    """What callbacks need of one: it notes what is saved, and its weights are the number of the epoch."""

    def __init__(self):
        self.optimizer, self.stop_training, self.weights, self.saved = Optimizer(), False, None, []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self.saved.append(os.path.splitext(path)[0])  # noqa: PTH122

    save_weights = save


def logs_of(draw, names, batches):
    """Losses in eighths, which Keras' float32 keeps."""
    return [
        ({name: draw.randrange(40) / 8 for name in names}, [{"loss": draw.randrange(40) / 8} for _ in range(batches)])
        for _ in range(EPOCHS)
    ]


def run(callback, sequence, names=()):
    """What a callback did with a run of these logs: of fit(), one epoch after the other."""
    model = Model()
    callback.set_model(model)
    callback.set_params({"epochs": EPOCHS, "steps": 3, "verbose": 0})
    seen = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.on_train_begin({})
        for epoch, (logs, batches) in enumerate(sequence):
            callback.on_epoch_begin(epoch, {})
            for batch, batch_logs in enumerate(batches):
                callback.on_train_batch_begin(batch, {})
                callback.on_train_batch_end(batch, dict(batch_logs))
            model.weights, own = epoch, dict(logs)
            callback.on_epoch_end(epoch, own)
            seen.append((own, model.optimizer.learning_rate, *(getattr(callback, name) for name in names)))
            if model.stop_training:
                break
        callback.on_train_end({})
    said = [str(each.message) for each in caught if "__array__" not in str(each.message)]
    return seen, said, model.saved, model.weights


def both(kind, capsys, sequence, names=(), **settings):
    ours = run(getattr(callbacks, kind)(**settings), sequence, names)
    printed = capsys.readouterr().out
    theirs = run(getattr(keras.callbacks, kind)(**settings), sequence, names)
    assert ours == theirs, settings
    assert printed == capsys.readouterr().out, settings
    return ours


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping_decides_as_keras(seed, capsys):
    draw = random.Random(seed)
    settings = {
        "monitor": draw.choice(["loss", "val_loss", "mae"]),
        "min_delta": draw.choice([0, 0.125, 0.5, -0.25]),
        "patience": draw.choice([0, 1, 2, 4]),
        "verbose": draw.choice([0, 1]),
        "mode": draw.choice(["min", "max"]),
        "baseline": draw.choice([None, 1.5, 3.0]),
        "restore_best_weights": draw.choice([True, False]),
        "start_from_epoch": draw.choice([0, 0, 3]),
    }
    if settings["monitor"] != "mae" and draw.random() < 0.5:
        settings["mode"] = "auto"
    names = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")
    both("EarlyStopping", capsys, logs_of(draw, ["loss", "val_loss", "mae"], 0), names, **settings)


@pytest.mark.parametrize("seed", range(60))
def test_reduce_lr_on_plateau_decides_as_keras(seed, capsys):
    draw = random.Random(seed)
    settings = {
        "monitor": draw.choice(["loss", "val_loss"]),
        "factor": draw.choice([0.5, 0.25]),
        "patience": draw.choice([0, 1, 2]),
        "verbose": draw.choice([0, 1]),
        "mode": draw.choice(["auto", "min", "max"]),
        "min_delta": draw.choice([0, 0.125, 1.0]),
        "cooldown": draw.choice([0, 1, 3]),
        "min_lr": draw.choice([0.0, 0.0625]),
    }
    names = ("wait", "best", "cooldown_counter")
    both("ReduceLROnPlateau", capsys, logs_of(draw, ["loss", "val_loss"], 0), names, **settings)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("weights_only", [False, True])
def test_checkpoints_are_saved_when_keras_saves_them(seed, weights_only, tmp_path, capsys):
    draw = random.Random(seed)
    by_batch = draw.random() < 0.5
    settings = {
        "monitor": draw.choice(["loss", "val_loss"]),
        "save_best_only": not by_batch and draw.random() < 0.7,
        "mode": draw.choice(["auto", "min", "max"]),
        "save_freq": draw.choice([1, 2, 5, 7]) if by_batch else "epoch",
        "initial_value_threshold": draw.choice([None, 2.0]),
        "save_weights_only": weights_only,
    }
    name = "{epoch}-{batch}-{loss:.2f}" if by_batch else "{epoch}-{val_loss:.3f}"
    sequence = logs_of(draw, ["loss", "val_loss"], 3)
    saved = []
    for module, ending in ((callbacks, ".safetensors"), (keras.callbacks, ".h5" if weights_only else ".keras")):
        path = str(tmp_path / name) + ".weights" * weights_only + ending
        saved.append(run(module.ModelCheckpoint(path, **settings), sequence)[2])
    assert saved[0] == saved[1]
    assert saved[0] or settings["save_best_only"]


@pytest.mark.parametrize("kind", ["EarlyStopping", "ReduceLROnPlateau"])
def test_warnings_are_those_of_keras(kind, capsys):
    sequence = logs_of(random.Random(1), ["loss", "mae"], 0)[:2]
    said = both(kind, capsys, sequence, monitor="val_loss")[1]
    assert len(said) == 2
    assert "Available metrics are: loss,mae" in said[0]
    for module in (callbacks, keras.callbacks):
        with pytest.warns(UserWarning, match=f"^{kind} mode 'sideways' is unknown, fallback to auto mode.$"):
            getattr(module, kind)(mode="sideways")


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("names", [["loss"], ["loss", "val_loss", "accuracy"]])
def test_the_csv_file_is_that_of_keras(names, append, tmp_path):
    texts = []
    for module in (callbacks, keras.callbacks):
        path = tmp_path / f"{module.__name__}.csv"
        sequence = [(logs | {"each": [0.5, 1.0], "text": "a,b"}, []) for logs, _ in logs_of(random.Random(1), names, 0)]
        logger = module.CSVLogger(str(path), separator=";", append=append)
        run(logger, sequence[:2])
        run(logger, [(dict.fromkeys(names, 0.25), []), *sequence[2:4]])
        texts.append(path.read_bytes())
    assert texts[0] == texts[1]
    assert texts[0].count(b"\n") == (6 if append else 4)


@pytest.mark.parametrize("verbose", [0, 1])
def test_scheduled_rates_are_those_of_keras(verbose, capsys):
    for schedule in (lambda epoch, rate: rate / 2, lambda epoch: 0.5 / (epoch + 1)):
        both(
            "LearningRateScheduler", capsys, logs_of(random.Random(1), ["loss"], 0), schedule=schedule, verbose=verbose
        )


def test_hooks_have_the_names_of_keras():
    hooks = {name for name in dir(keras.callbacks.Callback) if name.startswith("on_")}
    assert hooks == set(callbacks.callback.HOOKS)
    named = {name for name in vars(keras.callbacks) if name[0].isupper()}
    assert named - set(callbacks.__all__) == {"RemoteMonitor", "TensorBoard", "OrbaxCheckpoint"} & named

"""Training that was interrupted goes on with the same bits: from a model file, a pickle, a backup after kill -9."""

import copy
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

import fastnn
from arrays import uniform
from fastnn import load_model, schedules
from fastnn.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from fastnn.layers import BatchNormalization, Dense, Dropout, GaussianNoise
from fastnn.models import Sequential
from fastnn.optimizers import LBFGS, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop
from processes import run_python
from training import model_of, rows, same

X, Y = rows(60)
EPOCHS, BATCH = 6, 16  # 4 steps an epoch, the last of 12 rows

OPTIMIZERS = {
    "sgd": lambda: SGD(0.05),
    "momentum": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: Adam(0.01, amsgrad=True),
    "adamw": lambda: AdamW(schedules.CosineDecay(0.02, 20, warmup_steps=5, warmup_target=0.03)),
    "rmsprop": lambda: RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: Adagrad(0.05),
    "adadelta": lambda: Adadelta(1.0),
    "adamax": lambda: Adamax(schedules.ExponentialDecay(0.02, 7, 0.5)),
    "nadam": lambda: Nadam(0.01, clipnorm=1.0),
    "lion": lambda: Lion(0.002, weight_decay=0.1),
    "accumulation": lambda: Adam(0.01, gradient_accumulation_steps=3),
    "lbfgs": lambda: LBFGS(max_iter=3),
}


def noisy(optimizer, dtype="float32", **options):
    layers = [BatchNormalization(momentum=0.8), Dropout(0.25), GaussianNoise(0.1)]
    layers = [] if isinstance(optimizer, LBFGS) else layers
    model = Sequential([Dense(8, "tanh", input_shape=(3,)), *layers, Dense(1)], dtype=dtype)
    model.set_weights([uniform(i, a.shape) / 2 if a.ndim == 2 else a for i, a in enumerate(model.get_weights())])
    model.compile(optimizer, "mse", metrics=["mae"], **options)
    return model


def fitted(model, epochs, initial_epoch=0, seed=None, **options):
    options = {"batch_size": BATCH, "verbose": 0, "validation_split": 0.2, **options}
    return model.fit(X, Y, epochs=epochs, initial_epoch=initial_epoch, seed=seed, **options)


def reloaded(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    return load_model(tmp_path / "model.safetensors")


def pickled(model, _):
    return pickle.loads(pickle.dumps(model))


def copied(model, _):
    return copy.deepcopy(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loaded_model_trains_on_with_the_same_bits_from_every_epoch(name, dtype, tmp_path):
    whole = noisy(OPTIMIZERS[name](), dtype)
    wanted = fitted(whole, EPOCHS, seed=3).history
    model, found = noisy(OPTIMIZERS[name](), dtype), []
    for epoch in range(EPOCHS):
        history = fitted(model, epoch + 1, epoch, 3 if epoch == 0 else None)
        found.append(history.history)
        before, model = model, reloaded(model, tmp_path)
        assert (model.history.history, model.history.epoch) == (history.history, history.epoch)
        assert model.optimizer._iterations == before.optimizer._iterations
    assert same(model, whole)
    assert {key: [value for each in found for value in each[key]] for key in wanted} == wanted


@pytest.mark.parametrize("again", [reloaded, pickled, copied])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - {"lbfgs"}))
def test_every_step_goes_on_with_the_same_bits(name, again, tmp_path):
    whole, model = noisy(OPTIMIZERS[name]()), noisy(OPTIMIZERS[name]())
    for step in range(8):
        part = slice(step * 7, step * 7 + 7)
        fastnn.utils.set_random_seed(step)  # the first step draws the seed of Dropout
        wanted = whole.train_on_batch(X[part], Y[part])
        fastnn.utils.set_random_seed(step)
        assert model.train_on_batch(X[part], Y[part]) == wanted
        model = again(model, tmp_path)
        assert model.optimizer.iterations == whole.optimizer.iterations
    assert same(model, whole)


@pytest.mark.parametrize("options", [{"use_ema": True}, {"use_ema": True, "ema_overwrite_frequency": 3}])
def test_a_moving_average_goes_on(options, tmp_path):
    one, other = noisy(SGD(0.05, **options)), noisy(SGD(0.05, **options))
    for model in (one, other):
        fitted(model, 3, seed=3)
    other = reloaded(other, tmp_path)
    for model in (one, other):
        fitted(model, 6, 3)
    assert same(one, other)


def test_a_copy_shares_nothing_with_the_original():
    model = noisy(Adam(0.01))
    fitted(model, 2, seed=3)
    other = copy.deepcopy(model)
    fitted(other, 4, 2)
    assert model.history.epoch == [0, 1]
    assert other.history.model is other
    assert model.optimizer.iterations == 6
    third = copy.copy(model)
    third.history.history["loss"].append(0.0)
    assert len(model.history.history["loss"]) == 2


def test_what_a_callback_lowered_stays_lowered(tmp_path):
    model = noisy(Adam(0.01))
    fitted(model, 3, callbacks=[ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)])
    assert model.optimizer.learning_rate < 0.01
    assert reloaded(model, tmp_path).optimizer.learning_rate == model.optimizer.learning_rate


def test_weights_without_weight_decay_stay_without(tmp_path):
    def made():
        optimizer = AdamW(0.01, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        return noisy(optimizer)

    whole, model = made(), made()
    fitted(whole, 4, seed=3)
    fitted(model, 2, seed=3)
    model = reloaded(model, tmp_path)
    fitted(model, 4, 2)
    assert same(whole, model)


def test_a_layer_that_is_frozen_between_keeps_the_others_slots(tmp_path):
    one, other = noisy(Adam(0.01)), noisy(Adam(0.01))
    for model in (one, other):
        fitted(model, 2, seed=3)
        model.layers[0].trainable = False
    other = reloaded(other, tmp_path)
    for model in (one, other):
        fitted(model, 4, 2)
    assert same(one, other)


def test_another_process_goes_on(tmp_path):
    path = tmp_path / "model.safetensors"
    whole, model = noisy(Adam(0.01)), noisy(Adam(0.01))
    wanted = fitted(whole, EPOCHS, seed=3).history
    fitted(model, 2, seed=3)
    model.save(path)
    code = """
        import sys, json
        sys.path.append(sys.argv[2])
        from test_resume import fitted, load_model
        model = load_model(sys.argv[1])
        print(json.dumps(fitted(model, 6, 2).history))
        model.save(sys.argv[1])
    """
    printed = run_python(code, path, Path(__file__).parent)
    assert json.loads(printed) == {name: values[2:] for name, values in wanted.items()}
    assert same(load_model(path), whole)


def test_a_checkpoint_goes_on(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    whole, model = noisy(Adam(0.01)), noisy(Adam(0.01))
    fitted(whole, EPOCHS, seed=3)

    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(model, EPOCHS, seed=3, callbacks=[ModelCheckpoint(path), Stop()])
    model = load_model(path)
    fitted(model, EPOCHS, 3)
    assert same(model, whole)


def test_a_checkpoint_of_weights_holds_weights_alone(tmp_path):
    path = tmp_path / "checkpoint.weights.safetensors"
    model = noisy(Adam(0.01))
    fitted(model, 2, callbacks=[ModelCheckpoint(path, save_weights_only=True)])
    assert b"training" not in path.read_bytes()
    other = noisy(Adam(0.01))
    other.load_weights(path)
    assert same(model, other)


RUN = """
    import sys
    sys.path.append(sys.argv[2])
    from test_resume import killed_run
    killed_run(sys.argv[1])
"""


def killed_run(folder):
    """A run with all that has a state, which a kill may end at any moment; it writes its weights at the end."""
    model = noisy(Adam(0.02, use_ema=True), "float64")
    callbacks = [
        EarlyStopping("val_loss", patience=20, restore_best_weights=True),
        ReduceLROnPlateau("loss", factor=0.7, patience=1, min_delta=0.05),
        # It stays: a kill may come between the end of fit() and that of the program.
        BackupAndRestore(Path(folder) / "backup", save_freq=3, delete_checkpoint=False),
        LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.002)),
    ]
    history = fitted(model, 12, callbacks=callbacks)  # the seed is drawn, and comes back from the backup
    model.save(Path(folder) / "end.safetensors")
    whole = Path(folder) / "end.part"
    whole.write_text(json.dumps([history.history, history.epoch, history.seed]))
    whole.rename(Path(folder) / "end.json")


def check_kills(tmp_path, kills, seed):
    moments = random.Random(seed)
    command = [sys.executable, "-c", textwrap.dedent(RUN), str(tmp_path), str(Path(__file__).parent)]
    paths = [str(Path(__file__).parents[1] / "support"), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    backup = tmp_path / "backup" / "training_state.safetensors"
    for _ in range(kills):
        process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + 60
        before = backup.stat().st_mtime_ns if backup.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if backup.exists() and backup.stat().st_mtime_ns != before:
                break
            time.sleep(0.001)
        time.sleep(moments.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "end.json").exists():
            break
    if not (tmp_path / "end.json").exists():
        assert backup.exists()
        subprocess.run(command, env=environment, check=True, timeout=120)
    history, epochs, seed_of_run = json.loads((tmp_path / "end.json").read_text())
    assert epochs == list(range(len(epochs)))
    whole = noisy(Adam(0.02, use_ema=True), "float64")
    callbacks = [
        EarlyStopping("val_loss", patience=20, restore_best_weights=True),
        ReduceLROnPlateau("loss", factor=0.7, patience=1, min_delta=0.05),
    ]
    wanted = fitted(whole, 12, callbacks=callbacks, seed=seed_of_run)
    assert history == wanted.history
    assert same(load_model(tmp_path / "end.safetensors"), whole)


def test_a_run_that_was_killed_goes_on_with_the_same_bits(tmp_path):
    check_kills(tmp_path, 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_run_that_was_killed_many_times_goes_on_with_the_same_bits(seed, tmp_path):
    check_kills(tmp_path, 8, seed)


def test_a_backup_brings_the_seed_of_noise(tmp_path):
    class StopError(Exception):
        pass

    def stop(batch, logs):
        if batch == 1:
            raise StopError

    backup = BackupAndRestore(tmp_path / "backup", save_freq=1)
    model = noisy(Adam(0.01))
    with pytest.raises(StopError):
        fitted(model, 3, seed=11, callbacks=[LambdaCallback(on_train_batch_begin=stop), backup])
    whole, resumed = noisy(Adam(0.01)), noisy(Adam(0.01))
    fitted(whole, 3, seed=11)
    fitted(resumed, 3, seed=12, callbacks=[BackupAndRestore(tmp_path / "backup", save_freq=1)])
    assert same(resumed, whole)
    assert resumed.history.seed == 11


def test_epochs_that_go_on_keep_the_seed():
    one, other = noisy(Adam(0.01)), noisy(Adam(0.01))
    seed = fitted(one, 4).seed
    fitted(other, 2, seed=seed)
    assert fitted(other, 4, 2).seed == seed
    assert same(one, other)
    assert fitted(other, 4).seed != seed


def test_compile_config_is_that_of_keras():
    model = noisy(Adam(0.25), weighted_metrics=[fastnn.metrics.MeanSquaredError(name="m")])
    config = model.get_compile_config()
    assert list(config)[:4] == ["optimizer", "loss", "metrics", "weighted_metrics"]
    other = Sequential([Dense(1, input_shape=(3,))])
    assert other.get_compile_config() is None
    other.compile_from_config(json.loads(json.dumps(config)))
    assert other.get_compile_config() == config
    assert other.metrics_names == ["loss", "mae", "m"]
    assert "compile" not in json.dumps(model.get_config())
    with pytest.raises(ValueError, match="did you mean 'metrics'"):
        other.compile_from_config({"metric": []})


def test_a_rate_that_an_epoch_has_set_stays_when_the_epoch_goes_on(tmp_path):
    x, y = rows()

    class Cut(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (len(self.model.history.epoch), batch) == (1, 2):
                raise KeyboardInterrupt

    def fit(*callbacks):
        model = model_of(x)
        halving = LearningRateScheduler(lambda epoch, rate: rate * 0.5)
        with suppress(KeyboardInterrupt):
            model.fit(x, y, batch_size=8, epochs=4, verbose=0, seed=1, callbacks=[halving, *callbacks])
        return model

    whole = fit()
    fit(BackupAndRestore(tmp_path / "backup", save_freq=2), Cut())
    assert same(fit(BackupAndRestore(tmp_path / "backup", save_freq=2)), whole)

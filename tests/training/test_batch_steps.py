"""train_on_batch() and test_on_batch(), which loops of one's own call: their weights, and what they cost."""

import copy
import gc
import itertools
import pickle
import threading

import numpy as np
import pytest

import fastnn
from fastnn.layers import Dense
from fastnn.models import Sequential
from training import BatchCalls, model_of, rows, same

READS = {
    "get_weights": lambda model: model.get_weights(),
    "weights": lambda model: model.weights,
    "layers": lambda model: [array for layer in model.layers for array in layer.get_weights()],
    "copy": lambda model: copy.deepcopy(model).get_weights(),
    "pickle": lambda model: pickle.loads(pickle.dumps(model)).get_weights(),
    "copied layers": lambda model: [array for layer in model.layers for array in copy.copy(layer).weights],
    "representations": lambda model: model.representations(rows()[0]),
    "predict": lambda model: [model.predict(rows()[0])],
    "fingerprint": lambda model: [model.fingerprint()],
}


@pytest.mark.parametrize("read", READS)
def test_whoever_reads_the_model_sees_the_last_step(read):
    x, y = rows()
    model, other = model_of(x), model_of(x)
    model.predict(x)
    for _ in range(3):
        model.train_on_batch(x, y)
        other.train_on_batch(x, y)
        other.set_weights(other.get_weights())  # a model that has them at each step
    for one, its in zip(READS[read](model), READS[read](other), strict=True):
        np.testing.assert_array_equal(one, its)


def test_saved_model_has_the_last_step(tmp_path):
    x, y = rows()
    model = model_of(x)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.safetensors")
    assert same(fastnn.load_model(tmp_path / "model.safetensors"), model)


def test_weights_set_between_steps_are_trained_on():
    x, y = rows()
    model, other = model_of(x), model_of(x)
    weights = model.get_weights()
    for each in (model, other):
        each.train_on_batch(x, y)
    model.layers[0].set_weights(weights[:2])
    other.set_weights(weights[:2] + other.get_weights()[2:])
    assert model.train_on_batch(x, y) == other.train_on_batch(x, y)
    assert same(model, other)


def test_shared_layer_is_trained_by_both_models():
    x, y = rows()
    hidden, both = Dense(4, "tanh", input_shape=(3,)), []
    for _ in range(2):
        both.append(Sequential([hidden, Dense(1, kernel_initializer="ones")]))
        both[-1].compile("sgd", "mse")
    seen = [hidden.get_weights()[0]]
    for model in (both[0], both[1], both[0]):
        model.train_on_batch(x, y)
        for each in both:
            np.testing.assert_array_equal(each.predict(x), model_like(each).predict(x))
        seen.append(hidden.get_weights()[0])
    assert all(np.any(one != other) for one, other in itertools.pairwise(seen))


def model_like(model):
    other = Sequential([type(each).from_config(each.get_config()) for each in model.layers])
    other.build((None, 3))
    other.set_weights(model.get_weights())
    return other


def test_layer_that_outlives_its_model_has_the_last_step():
    x, y = rows()
    model, other = model_of(x), model_of(x)
    layer = model.layers[0]
    for each in (model, other):
        each.train_on_batch(x, y)
    del model, each
    gc.collect()
    np.testing.assert_array_equal(layer.kernel, other.layers[0].kernel)


def test_compile_keeps_the_last_step():
    x, y = rows()
    model, other = model_of(x), model_of(x)
    for each in (model, other):
        each.train_on_batch(x, y)
    model.compile("adam", "mse")
    assert same(model, other)


def test_other_threads_may_predict_meanwhile():
    x, y = rows()
    model, errors, stop = model_of(x), [], threading.Event()

    def predict():
        try:
            while not stop.is_set():
                model.predict(x)
                model.get_weights()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=predict) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        model.train_on_batch(x, y)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    np.testing.assert_array_equal(model.predict(x), copy.deepcopy(model).predict(x))


def test_callback_of_batches_sees_the_weights_of_its_batch():
    x, y = rows()
    model, other, seen = model_of(x), model_of(x), []
    look = BatchCalls(lambda calls, name, number: seen.append(model.layers[0].bias[0]) if "batch_end" in name else None)
    model.fit(x, y, batch_size=20, shuffle=False, verbose=0, callbacks=look)
    for start in range(0, 100, 20):
        other.train_on_batch(x[start : start + 20], y[start : start + 20])
        assert seen[start // 20] == other.layers[0].bias[0]


def test_steps_ask_layers_for_their_settings_once(monkeypatch):
    x, y = rows()
    model, asked = model_of(x), []
    own = Dense._training_options
    monkeypatch.setattr(Dense, "_training_options", lambda layer: asked.append(layer.name) or own(layer))
    for _ in range(3):
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: model.layers[0].learning_rate_multipliers.update(bias=0.0),
        lambda model: setattr(model.optimizer, "learning_rate", 0.0),
        lambda model: model.optimizer.exclude_from_weight_decay(var_names=["bias"]),
    ],
)
def test_settings_changed_between_steps_count(change):
    x, y = rows()
    both = [model_of(x, optimizer=fastnn.optimizers.AdamW(0.01, weight_decay=0.5)) for _ in range(2)]
    for model in both:
        model.train_on_batch(x, y)
    change(both[0])
    for model in both:
        model.train_on_batch(x, y)
    assert not same(*both)


def test_test_on_batch_is_evaluate():
    x, y = rows()
    model = model_of(x, metrics=["mae"], weighted_metrics=["mse"])
    weights = np.linspace(0, 2, len(x))
    expected = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert model.test_on_batch(x, y, weights) == expected
    assert model.test_on_batch(x, y, weights, return_dict=True) == dict(zip(model.metrics_names, expected, strict=True))


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_weights_that_could_not_be_read_are_those_of_the_last_step_later(error):
    class Short:
        def __init__(self, core):
            self.core, self.fails = core, True

        def __getattr__(self, name):
            return getattr(self.core, name)

        def weights(self, layer):
            if layer == 1 and self.fails:
                raise error
            return self.core.weights(layer)

    x, y = rows()
    model, other = model_of(x), model_of(x)
    for each in (model, other):
        each.train_on_batch(x, y)
    model._trainer.core = short = Short(model._trainer.core)
    for _ in range(2):
        with pytest.raises(error):
            model.predict(x)
    short.fails = False
    assert same(model, other)

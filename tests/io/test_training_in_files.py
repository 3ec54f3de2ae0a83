"""The part of a model file that training goes on from: skipped by prediction, strictly read, never run."""

import copy
import json

import numpy as np
import pytest

import fastnn
from fastnn import LimitError, ModelFormatError, UnsupportedModelError, load_model, schedules
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.optimizers import SGD, Adam
from model_bytes import CONFIG, entries, metadata, model_bytes, weights
from safetensors_of import parts, written

X = np.linspace(0, 1, 24).reshape(8, 3)
Y = np.linspace(-1, 1, 8)


def trained(optimizer=None, **options):
    model = Sequential([Dense(4, "tanh", input_shape=(3,), name="a"), Dense(1, name="b")], name="small")
    model.compile(Adam(0.01) if optimizer is None else optimizer, "mse", **options)
    model.fit(X, Y, epochs=3, verbose=0, seed=1)
    return model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_files_without_a_part_for_training_are_as_before(path):
    model = Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(1)])
    model.save(path)
    plain = path.read_bytes()
    assert parts(path)[0].keys() == {"format", "version", "config"}
    assert parts(path)[0]["version"] == "1"
    model.compile("adam", "mse")
    model.train_on_batch(X, Y)
    model.set_weights(load_model(path).get_weights())
    model.save(path, include_optimizer=False)
    assert path.read_bytes() == plain
    weights_alone = path.with_name("a.weights.safetensors")
    model.save_weights(weights_alone)
    assert weights_alone.read_bytes() == plain


def test_the_file_names_what_it_keeps(path):
    model = trained()
    model.save(path)
    meta, tensors = parts(path)
    assert meta["version"] == "2"
    slots = {
        f"training.{slot}.{i}.{weight}"
        for slot in ("momentum", "velocity")
        for i in (0, 1)
        for weight in ("kernel", "bias")
    }
    layers = {f"layers.{i}.{weight}" for i in (0, 1) for weight in ("kernel", "bias")}
    assert tensors.keys() == layers | slots | {"training.history.loss", "training.epochs"}
    settings = json.loads(meta["training"])
    assert settings["compile"] == model.get_compile_config()
    assert settings["state"] == {"iterations": 3, "accumulated": 0, "seed": 1}
    assert json.loads(meta["config"])["layers"][0]["config"]["units"] == 4
    first = path.read_bytes()
    load_model(path).save(path)
    assert path.read_bytes() == first


def test_prediction_skips_the_part(path):
    model = trained()
    model.save(path)
    meta, tensors = parts(path)
    foreign = {"training.something.of.a.newer.release": np.ones(3, "float32")}
    path.write_bytes(written(meta | {"training": "of a newer release"}, foreign | tensors))
    other = load_model(path, compile=False)
    assert other == model
    assert not other.compiled
    assert other.history is None
    fresh = Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(1)])
    fresh.load_weights(path)
    assert fresh == model
    with pytest.raises(ModelFormatError, match="the part for training"):
        load_model(path)


def changed(edit_settings=None, edit_tensors=None):
    def content(path):
        meta, tensors = parts(path)
        settings = json.loads(meta["training"])
        if edit_settings is not None:
            settings = edit_settings(settings) or settings
        if edit_tensors is not None:
            edit_tensors(tensors)
        return written(meta | {"training": settings if isinstance(settings, str) else json.dumps(settings)}, tensors)

    return content


def at(place, value):
    *keys, last = place.split(".")

    def edit(settings):
        for key in keys:
            settings = settings[key]
        settings[last] = value

    return changed(edit)


def tensor(name, value=None):
    def edit(tensors):
        tensors.pop(name, None)
        if value is not None:
            tensors[name] = np.asarray(value)

    return changed(None, edit)


MOMENTUM = "training.momentum.0.kernel"
F, U, L = ModelFormatError, UnsupportedModelError, LimitError
MALFORMED = {
    "not JSON": (changed(lambda _: "{"), F, "the part for training: expected valid JSON"),
    "twice a key": (changed(lambda _: '{"state": 1, "state": 2}'), F, "'state'"),
    "not a number": (changed(lambda _: '{"state": NaN}'), F, "valid JSON"),
    "an array": (changed(lambda _: "[]"), F, "expected an object; received an array"),
    "deep": (changed(lambda _: "[" * 100 + "]" * 100), F, "nested"),
    "no state": (changed(lambda s: s.pop("state") and None), F, "received no 'state'"),
    "unknown key": (at("more", 1), U, "unknown key 'more'"),
    "state a list": (at("state", []), F, "its state: expected an object"),
    "iterations text": (at("state.iterations", "3"), F, "iterations to be a whole number"),
    "iterations true": (at("state.iterations", True), F, "iterations to be a whole number"),
    "iterations negative": (at("state.iterations", -1), F, "iterations to be a whole number"),
    "iterations huge": (at("state.iterations", 2**60), F, "from 0 to 9007199254740992"),
    "accumulated": (at("state.accumulated", 1), F, "accumulated to be a whole number from 0 to 0"),
    "seed huge": (at("state.seed", 2**64), F, "seed"),
    "state of a later release": (at("state.loss_scale", 1), U, "unknown key 'loss_scale'"),
    "no slots' state": (at("state", None), F, "'training.epochs'|'training.momentum|'training.velocity"),
    "history a number": (at("history", 3), F, "its history: expected an object"),
    "history names twice": (at("history.names", ["loss", "loss"]), F, "different strings"),
    "history without its tensor": (at("history.names", ["loss", "mae"]), F, "'training.history.mae'"),
    "history seed": (at("history.seed", -1), F, "seed to be a whole number"),
    "history params": (at("history.params", {"epochs": []}), F, "params"),
    "history gone": (at("history", None), F, "does not belong"),
    "compile a list": (at("compile", []), U, "its compile: expected the config of compile"),
    "compile key": (at("compile.losses", "mse"), U, "received 'losses'; did you mean 'loss'"),
    "optimizer": (at("compile.optimizer.class_name", "Adom"), U, "did you mean 'adam'"),
    "optimizer none": (at("compile.optimizer", None), U, "an optimizer"),
    "optimizer config": (at("compile.optimizer.config.beta_1", "a"), U, "beta_1"),
    "optimizer argument": (at("compile.optimizer.config.more", 1), U, "more"),
    "schedule": (at("compile.optimizer.config.learning_rate", {"class_name": "A"}), U, "compile"),
    "loss": (at("compile.loss", {"class_name": "os.system", "config": {}}), U, "a loss"),
    "loss number": (at("compile.loss", 3), U, "a loss"),
    "wrapper": (at("compile.metrics", [{"class_name": "MeanMetricWrapper", "config": {}}]), U, "its compile"),
    "wrapper of text": (
        at("compile.metrics", [{"class_name": "MeanMetricWrapper", "config": {"fn": "print"}}]),
        U,
        "fn",
    ),
    "metrics": (at("compile.metrics", "mae"), U, "expected metrics to be a list"),
    "metric": (at("compile.metrics", ["maee"]), U, "a metric"),
    "metric that takes all memory": (
        at("compile.metrics", [{"class_name": "AUC", "config": {"num_thresholds": 10**11}}]),
        L,
        "metrics of size 100000000000",
    ),
    "metrics that take all time": (at("compile.metrics", ["mae"] * 50_000), L, "has 50000 metrics; fastnn reads"),
    "number beyond floats": (
        at("compile.optimizer.config.gradient_accumulation_steps", 10**400),
        F,
        "expected valid JSON",
    ),
    "number beyond counts": (
        at("compile.optimizer.config.gradient_accumulation_steps", 2**63),
        U,
        "accumulation_steps: expected a whole number",
    ),
    "decay": (at("excluded_from_weight_decay", "bias"), F, "excluded_from_weight_decay"),
    "slot missing": (tensor(MOMENTUM), F, f"'{MOMENTUM}' to be float32 of shape .3, 4., .* received none"),
    "slot of another shape": (tensor(MOMENTUM, np.ones((4, 3), "f4")), F, "received float32 of shape .4, 3."),
    "slot of another dtype": (tensor(MOMENTUM, np.ones((3, 4), "f8")), F, "received float64"),
    "slot of no layer": (tensor("training.momentum.2.kernel", np.ones(1, "f4")), F, "does not belong to the optimizer"),
    "slot of another optimizer": (tensor("training.norm.0.kernel", np.ones((3, 4), "f4")), F, "does not belong"),
    "tensor without a name": (tensor("training.", np.ones(1, "f4")), F, "does not belong"),
    "tensor outside": (tensor("trainin.a", np.ones(1, "f4")), F, "does not belong to the model"),
    "epochs float32": (tensor("training.epochs", np.zeros(3, "f4")), F, "'training.epochs'"),
    "epochs no numbers": (tensor("training.epochs", np.full(3, np.nan)), F, "'training.epochs'"),
    "epochs half": (tensor("training.epochs", np.full(3, 0.5)), F, "'training.epochs'"),
    "history float32": (tensor("training.history.loss", np.zeros(3, "f4")), F, "'training.history.loss'"),
}


@pytest.mark.parametrize(("edit", "error", "fragment"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_part_is_refused_in_one_sentence(edit, error, fragment, path):
    model = trained()
    model.save(path)
    path.write_bytes(edit(path))
    with pytest.raises(error, match=fragment) as refused:
        load_model(path)
    assert type(refused.value) is error
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 1200
    if "does not belong to the model" not in message:
        assert load_model(path, compile=False) == model


def test_version_1_has_no_part_and_version_2_has_one(path):
    small = {**metadata(CONFIG)}
    path.write_bytes(model_bytes(meta={**small, "training": "{}"}))
    with pytest.raises(UnsupportedModelError, match="unknown key 'training'"):
        load_model(path)
    path.write_bytes(model_bytes(meta={**small, "version": "2"}))
    with pytest.raises(ModelFormatError, match="received no 'training'"):
        load_model(path)
    path.write_bytes(model_bytes(meta={**small, "version": "3"}))
    with pytest.raises(UnsupportedModelError, match="has the format version '3'; this fastnn reads '1' and '2'"):
        load_model(path)
    more = weights() | {"training.a": np.ones(1, "float32")}
    path.write_bytes(model_bytes(tensors=more, meta=small))
    with pytest.raises(ModelFormatError, match="'training.a' does not belong to the model"):
        load_model(path)
    assert "training.a" in entries(more)


def test_a_changed_byte_of_the_header_is_refused_or_read(path):
    trained(SGD(0.1, momentum=0.5)).save(path)
    content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    for place in range(8, size, 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            load_model(path)
        except ValueError as error:
            assert str(path) in str(error)


def test_every_shorter_file_is_refused(path):
    trained().save(path)
    content = path.read_bytes()
    for compile_ in (True, False):
        for size in range(0, len(content), 7):
            path.write_bytes(content[:size])
            with pytest.raises(ModelFormatError):
                load_model(path, compile=compile_)


def absolute(y, y_pred):
    return np.abs(y_pred - y).mean(axis=1), np.sign(y_pred - y) / y.shape[1]


def largest(y, y_pred):
    return np.abs(y_pred - y).max(axis=1)


class Doubled(fastnn.metrics.MeanAbsoluteError):
    """A metric of one's own."""


def test_functions_are_kept_by_name_and_brought_again(path):
    model = trained(SGD(0.1))
    model.compile(SGD(0.1), absolute, metrics=[largest, Doubled(name="d"), fastnn.losses.Huber(2.0), "mae"])
    model.fit(X, Y, epochs=2, verbose=0, seed=1)
    model.save(path)
    with pytest.raises(
        ValueError, match="expected custom_objects with .* custom_objects={'absolute': function}, or comp"
    ):
        load_model(path)
    with pytest.raises(ValueError, match="'largest'"):
        load_model(path, custom_objects={"absolute": absolute})
    objects = {"absolute": absolute, "largest": largest}
    with pytest.raises(UnsupportedModelError, match="Doubled"):
        load_model(path, custom_objects=objects)
    other = load_model(path, custom_objects={**objects, "Doubled": Doubled})
    assert other.metrics_names == model.metrics_names == ["loss", "largest", "d", "huber_loss", "mae"]
    assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert load_model(path, compile=False) == model
    with pytest.raises(ValueError, match="expected custom_objects={'absolute'"):
        other.compile_from_config(other.get_compile_config())


class Halved(schedules.LearningRateSchedule):
    """A schedule of one's own."""

    def __call__(self, step):
        return 0.1 * 0.5**step

    def get_config(self):
        return {}


def test_what_is_no_data_is_left_out_with_a_warning(path):
    model = trained(SGD(Halved()))
    with pytest.warns(
        UserWarning, match="the file has no settings of training, since .*include_optimizer=False"
    ) as told:
        model.save(path)
    assert told[0].filename == __file__
    assert load_model(path) == model
    assert not load_model(path).compiled
    assert parts(path)[0]["version"] == "1"
    model.save(path, include_optimizer=False)


def test_history_of_other_values_is_kept_where_it_is_numbers(path):
    model = trained()
    model.history.history |= {"note": ["a", "b", "c"], "f1": [np.array([0.1, 0.2])] * 3, "nan": [np.nan, np.inf, 1]}
    model.save(path)
    found = load_model(path).history.history
    assert list(found) == ["loss", "f1", "nan"]
    assert np.array_equal(found["f1"], model.history.history["f1"])
    assert np.array_equal(found["nan"], [np.nan, np.inf, 1], equal_nan=True)


def test_too_many_tensors_are_refused_with_advice(path):
    layers = [Dense(1, input_shape=(1,)), *(Dense(1) for _ in range(1500))]
    model = Sequential(layers)
    model.compile("adam", "mse")
    model.train_on_batch([[1.0]], [1.0])
    with pytest.raises(LimitError, match="include_optimizer=False leaves out"):
        model.save(path)
    model.save(path, include_optimizer=False)
    assert load_model(path) == model


def test_a_model_of_another_program_is_not_compiled(path):
    source = copy.deepcopy(trained())
    source.save(path)
    assert load_model(path).compiled
    onnx = path.with_suffix(".onnx")
    source.export(onnx)
    assert not load_model(onnx).compiled
    with pytest.raises(ValueError, match="expected no custom_objects"):
        load_model(onnx, custom_objects={"f": len})

"""A FeatureSpace in front of the layers: tables in, by name; encoded rows as arrays; kept in files and copies."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from fastnn import FeatureSpace, Input
from fastnn.layers import Dense
from fastnn.models import Sequential, load_model, model_from_json
from frames import FRAMES, pandas_frame
from processes import run_python

TABLE = {
    "age": [20.0, 40.0, None, 30.0, 25.0, 60.0],
    "city": ["Rome", "Oslo", "", "Rome", "Oslo", "Rome"],
    "zip": [4020, 1010, 1010, 1010, 4020, 7],
    "paid": [True, False, True, True, False, True],
}
TYPES = {"age": "float_normalized", "city": "string_categorical", "zip": "integer_categorical", "paid": "boolean"}
Y = [1, 0, 1, 1, 0, 0]
SHUFFLED = {"id": list("abcdef")} | {name: TABLE[name] for name in reversed(TABLE)}


def adapted(**more):
    return FeatureSpace(TYPES | more).adapt(TABLE | {name: [1.0, 2, 3, 4, 5, 6] for name in more})


def model_of(space=None, dtype="float32"):
    model = Sequential([space or adapted(), Dense(4, "tanh"), Dense(1, "sigmoid")], dtype=dtype)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def like(model):
    other = Sequential([Input((model.input_shape[1],)), Dense(4, "tanh"), Dense(1, "sigmoid")])
    other.set_weights(model.get_weights())
    other.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return other


# -- rows


@pytest.mark.parametrize("table", [dict, *FRAMES], ids=lambda table: table.__name__)
def test_tables_are_predicted_by_name_and_arrays_as_encoded_rows(table):
    model, space = model_of(), adapted()
    wanted = like(model).predict(space(TABLE))
    assert same_bits(model.predict(table(SHUFFLED)), wanted)
    assert same_bits(model(table(SHUFFLED)), wanted)
    assert same_bits(model.predict(space(TABLE)), wanted)
    assert same_bits(model.predict(space(TABLE).tolist()), wanted)
    assert same_bits(model.representations(table(SHUFFLED))[0], model.representations(space(TABLE))[0])
    assert same_bits(model.predict_classes(table(SHUFFLED)), model.predict_classes(space(TABLE)))
    out = np.empty_like(wanted)
    assert model.predict(table(SHUFFLED), out=out) is out
    assert same_bits(out, wanted)


def test_one_row_of_a_frame_is_one_answer():
    model, frame = model_of(), pandas_frame(SHUFFLED)
    assert same_bits(model.predict(frame.iloc[3]), model.predict(frame)[3])
    numbers = Sequential([FeatureSpace({"a": "float_normalized"}).adapt({"a": [1, 3]}), Dense(1)])
    row = pandas_frame({"a": [9.0]})  # never taken as a row that is encoded already
    assert same_bits(numbers.predict(row.iloc[0]), numbers.predict(row)[0])
    assert same_bits(numbers.predict(row), numbers.predict([[7.0]]))


@pytest.mark.parametrize("table", [dict, pandas_frame], ids=lambda table: table.__name__)
def test_training_on_a_table_gives_the_bits_of_training_on_its_encoded_rows(table):
    model, x, y = model_of(), adapted()(TABLE), np.array(Y)
    other = like(model)
    logs = model.fit(
        *(table(SHUFFLED), y), epochs=3, batch_size=2, verbose=0, seed=1, validation_data=(table(SHUFFLED), y)
    ).history
    assert logs == other.fit(x, y, epochs=3, batch_size=2, verbose=0, seed=1, validation_data=(x, y)).history
    assert all(map(same_bits, model.get_weights(), other.get_weights()))
    assert model.evaluate(table(SHUFFLED), y, verbose=0) == other.evaluate(x, y, verbose=0)
    assert model.train_on_batch(table(SHUFFLED), y) == other.train_on_batch(x, y)
    assert model.test_on_batch(table(SHUFFLED), y) == other.test_on_batch(x, y)
    batches = [(table(SHUFFLED), y)] * 2
    model.fit(batches, verbose=0, seed=2, validation_data=batches)
    other.fit([(x, y)] * 2, verbose=0, seed=2)
    assert all(map(same_bits, model.get_weights(), other.get_weights()))
    assert model.feature_names is None


def test_a_validation_split_is_of_the_last_rows_of_the_table():
    model, x, y = model_of(), adapted()(TABLE), np.array(Y)
    other = like(model)
    logs = model.fit(SHUFFLED, y, epochs=2, verbose=0, seed=1, validation_split=0.34).history
    assert logs == other.fit(x, y, epochs=2, verbose=0, seed=1, validation_split=0.34).history


def test_a_float64_model_gets_float64_rows():
    model = model_of(dtype="float64")
    rows = model.feature_space(TABLE)
    assert rows.dtype == np.float64
    assert same_bits(rows.astype("float32"), adapted()(TABLE))
    assert same_bits(model.predict(TABLE), model.predict(rows))


# -- refused


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"age": [1.0]}, "^expected a column 'city'; received 'age'$"),
        ([[1.0, 2.0]], "^expected input with 11 columns, the model's input size; received shape"),
        (
            [["Rome"] * 11],
            "^expected an array of real numbers; received list of dtype <U4; the model's FeatureSpace takes tables",
        ),
    ],
    ids=["missing", "width", "list of text"],
)
def test_rows_that_are_none_are_refused_in_one_sentence(table, words):
    with pytest.raises((TypeError, ValueError), match=words):
        model_of().predict(table)


def test_columns_without_a_scale_are_named():
    space = FeatureSpace({"income": "float", "age": "float_normalized"})
    table = {"income": [1e7, 2e7, 3e7], "age": [1, 2, 3]}
    model = Sequential([space.adapt(table), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="column 'income' of x are too large for the first layer;"):
        model.fit(table, [1.0, 2.0, 3.0], verbose=0, epochs=0)


def test_raw_rows_without_names_are_told_what_the_model_takes():
    model = Sequential([adapted(), Dense(1)])
    with pytest.raises(TypeError, match="of dtype object; the model's FeatureSpace takes tables with names of columns"):
        model.predict(np.array([[1, "Rome"]], object))


def test_a_space_is_the_first_entry_alone():
    with pytest.raises(ValueError, match="an Input or a FeatureSpace can only be the first"):
        Sequential([Dense(1), adapted()])
    with pytest.raises(ValueError, match="an Input or a FeatureSpace can only be the first"):
        Sequential([Input((11,)), adapted()])
    with pytest.raises(ValueError, match=r"call space.adapt\(table\) first"):
        Sequential([FeatureSpace(TYPES), Dense(1)])
    with pytest.raises(ValueError, match="^expected no feature_names for a model with a FeatureSpace"):
        model_of().feature_names = list("abcdefghijk")


def test_a_model_does_not_change_with_the_space_that_it_was_given():
    space = adapted()
    model = model_of(space)
    wanted = model.predict(TABLE)
    space.adapt(TABLE | {"age": [1.0, 2, 3, 4, 5, 6], "city": list("uvwxyz")})
    model.feature_space.adapt(TABLE | {"city": list("uvwxyz")})
    assert same_bits(model.predict(TABLE), wanted)
    model.pop()
    assert (model.input_shape, model.feature_space.width) == ((None, 11), 11)


def test_models_without_a_space_have_none_and_take_no_tables_of_text():
    model = Sequential([Dense(1, input_shape=(1,))])
    assert model.feature_space is None
    with pytest.raises(TypeError, match="received 'x'"):
        model.predict(pandas_frame({"city": ["x"]}))


# -- kept


def test_the_file_keeps_the_space_for_another_process(path):
    space = adapted(wide="float_robust", raw="float", scaled=FeatureSpace.float_rescaled(0.5, -1))
    table = TABLE | {name: [None, 2.5, 3, 4, 5, 60] for name in ("wide", "raw", "scaled")}
    model = model_of(space)
    model.save(path)
    loaded = load_model(path)
    assert loaded.feature_space.get_config() == space.get_config()
    assert same_bits(loaded.predict(table), model.predict(table))
    assert not any(map(same_bits, Sequential.from_config(loaded.get_config()).get_weights()[::2], loaded.weights[::2]))
    for _ in loaded.layers:
        loaded.pop()
    assert loaded.input_shape == model.input_shape
    loaded = load_model(path)
    code = "import fastnn, json, sys; print(fastnn.load_model(sys.argv[1]).predict(json.loads(sys.argv[2])).tolist())"
    assert json.loads(run_python(code, path, json.dumps(table))) == model.predict(table).tolist()


def test_the_space_and_what_training_goes_on_from_live_side_by_side(path):
    model, y = model_of(), np.array(Y)
    model.fit(TABLE, y, epochs=2, verbose=0, seed=1)
    model.save(path)
    assert b'"version":"2"' in path.read_bytes()
    loaded = load_model(path)
    for each in (model, loaded):
        each.fit(SHUFFLED, y, epochs=4, initial_epoch=2, verbose=0)
    assert all(map(same_bits, model.get_weights(), loaded.get_weights()))
    assert same_bits(loaded.predict(TABLE), model.predict(TABLE))
    other = load_model(path, compile=False)
    assert not other.compiled
    assert other.feature_space.columns == model.feature_space.columns


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
        lambda m: m.from_config(m.get_config()),
        lambda m: model_from_json(m.to_json()),
        fastnn.models.clone_model,
    ],
    ids=["copy", "deepcopy", "pickle", "config", "json", "clone"],
)
def test_copies_keep_the_space(copied):
    model = model_of()
    again = copied(model)
    again.set_weights(model.get_weights())
    assert same_bits(again.predict(SHUFFLED), model.predict(TABLE))
    assert again.get_config() == model.get_config()
    assert again == model


def test_models_are_equal_only_if_their_spaces_are():
    model = model_of()

    def with_space(**changes):
        columns = model.feature_space.get_config()["columns"]
        space = FeatureSpace._of_columns([{**columns[0], **changes}, *columns[1:]])
        other = model_of(space)
        other.set_weights(model.get_weights())
        return other

    assert with_space() == model
    for changes in ({"fill": 1.0}, {"fill": None}, {"mean": 0.0}, {"name": "years"}):
        assert with_space(**changes) != model
        assert with_space(**changes) == with_space(**changes)
        assert with_space(**changes).fingerprint() == model.fingerprint()
    assert like(model) != model  # it takes encoded rows alone


def test_a_file_without_a_space_has_no_columns(path):
    Sequential([Dense(1, input_shape=(1,))]).save(path)
    assert b"columns" not in path.read_bytes()


def test_exported_models_take_encoded_rows_and_refuse_raw_columns_of_the_same_names(tmp_path):
    pytest.importorskip("onnx")
    model = Sequential([FeatureSpace({"a": "float_normalized"}).adapt({"a": [1, 3]}), Dense(1)])
    model.export(tmp_path / "model.onnx")
    loaded = load_model(tmp_path / "model.onnx")
    rows = model.feature_space({"a": [5, 7]})
    assert same_bits(loaded.predict(rows), model.predict(rows))
    assert loaded.feature_names == ("a (normalized)",)
    with pytest.raises(ValueError, match="expected columns by the names of the model's feature_names"):
        loaded.predict(pandas_frame({"a": [5.0, 7.0]}))

"""`feature_names`: columns of frames by name, in any order; the file keeps the names, the fingerprint ignores them."""

import copy
import json
import pickle
import weakref
from decimal import Decimal

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential, load_model
from frames import FRAMES, pandas_frame

NAMES = ("age", "größe", "")
X = uniform(1, (5, 3)).astype("float32")


def named(names=NAMES):
    model = Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(2)])
    model.feature_names = names
    return model


def columns_of(x, order=(0, 1, 2)):
    return {NAMES[i]: x[:, i] for i in order}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)], ids=str)
def test_columns_may_come_in_any_order(frame, order):
    model = named()
    x = frame(columns_of(X, order))
    assert same_bits(model.predict(x), model.predict(X))
    assert same_bits(model(x), model.predict(X))
    assert same_bits(model.representations(x)[0], model.representations(X)[0])


def test_booleans_and_gaps_are_taken_by_name_too():
    model = named()
    frame = pandas_frame({"": [True, False], "größe": [1, None], "age": [0.5, 1.5]}).astype({"größe": "Int64"})
    assert same_bits(model.predict(frame), model.predict([[0.5, 1, 1], [1.5, np.nan, 0]]))


def test_one_row_of_a_frame_is_taken_by_name():
    model = named()
    frame = pandas_frame(columns_of(X, (1, 2, 0)))
    assert same_bits(model.predict(frame.iloc[2]), model.predict(X[2]))


@pytest.mark.parametrize("frame", FRAMES)
def test_other_columns_are_ignored_text_among_them(frame):
    more = {"id": ["a", "b", "c", "d", "e"], "Größe": X[:, 0]}
    model = named()
    assert same_bits(model.predict(frame(more | columns_of(X, (2, 0, 1)))), model.predict(X))


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("order", "more", "words"),
    [
        ((0, 2), {}, "^expected a column 'größe', one of the model's feature_names; received 'age', ''$"),
        ((0, 2), {"Größe": X[:, 1]}, "^expected a column 'größe', .*received 'age', '', 'Größe'$"),
    ],
    ids=["missing", "of another name"],
)
def test_columns_that_are_missing_are_named(frame, order, more, words):
    with pytest.raises(ValueError, match=words):
        named().predict(frame(columns_of(X, order) | more))


def test_a_feature_that_two_columns_have_is_refused():
    frame = pandas_frame(X)
    frame.columns = ["age", "größe", "age"]
    with pytest.raises(ValueError, match="^expected a column '', "):
        named().predict(frame)
    frame[""] = 1.0
    with pytest.raises(ValueError, match="^expected one column 'age'; received 2$"):
        named().predict(frame)


def test_rows_without_names_are_taken_by_position():
    model = named()
    wanted = model.predict(X)
    assert same_bits(model.predict(X.tolist()), wanted)
    assert same_bits(model.predict(pandas_frame(X).to_numpy()), wanted)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [([0, 1, 2], "0, 1, 2"), ([("age", 1), ("größe", 1), ("", 2)], r"\('age', 1\), "), (list("xyz"), "'x', 'y', 'z'")],
    ids=["integers", "MultiIndex", "other names"],
)
def test_labels_that_are_no_feature_names_are_not_taken_by_position(labels, shown):
    frame = pandas_frame(X)
    frame.columns = labels
    words = f"^expected columns by the names .*, 'age', 'größe', ''; received the labels {shown}.*; .* use x.to_numpy"
    for x in (frame, frame.iloc[0]):
        with pytest.raises(ValueError, match=words):
            named().predict(x)
    model = named(None)
    assert same_bits(model.predict(frame), model.predict(X))


@pytest.mark.parametrize(
    ("missing", "listed"),
    [
        (1, "a column 'b', one of the model's feature_names"),
        (2, "the columns 'b', 'c' of the model's feature_names"),
        (3, "the columns 'b', 'c', 'd' of the model's feature_names"),
        (9, "the columns 'b', 'c', 'd' and 6 more of the model's feature_names"),
    ],
)
def test_all_columns_that_are_missing_are_told(missing, listed):
    model = Sequential([Activation("linear")])
    model.build((None, missing + 1))
    model.feature_names = list("abcdefghij"[: missing + 1])
    with pytest.raises(ValueError, match=f"^expected {listed}; received 'a'$"):
        model.predict(pandas_frame({"a": [1.0]}))


def test_a_model_without_names_takes_columns_by_position():
    model = named(None)
    assert same_bits(model.predict(pandas_frame(columns_of(X, (2, 1, 0)))), model.predict(X[:, ::-1].copy()))


def test_names_change_and_can_be_taken_away():
    model, frame = named(), pandas_frame(columns_of(X))
    model.predict(frame)
    model.feature_names = ["", "größe", "age"]
    assert same_bits(model.predict(frame), model.predict(X[:, ::-1].copy()))
    model.feature_names = None
    assert same_bits(model.predict(frame), model.predict(X))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("abc", "to be a list of strings"),
        (b"abc", "to be a list of strings"),
        ([], "to be a list of strings"),
        ([1, 2, 3], "to be a list of strings"),
        (["a", "b", "c\0"], "to be a list of strings"),
        (["a", "b", "\ud800"], "to be a list of strings"),
        (["a", "b", "a"], "that differ; received 'a' twice"),
        (["a", "b"], "^expected 3 feature_names, one for each input; received 2$"),
    ],
    ids=ascii,
)
def test_names_that_are_none_are_refused(names, words):
    model = named()
    with pytest.raises(ValueError, match=words) as error:
        model.feature_names = names
    str(error.value).encode()  # can be printed
    assert model.feature_names == NAMES


def test_names_of_inputs_that_are_gone_name_no_others():
    model = Sequential([Dense(2)])
    model.feature_names = NAMES
    with pytest.raises(ValueError, match="^expected 2 feature_names, one for each input; received 3$"):
        model.predict([[1.0, 2.0]])
    assert model.predict(X).shape == (5, 2)


# -- set by fit


def compiled():
    model = Sequential([Dense(4, "tanh"), Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("frame", FRAMES)
def test_fit_names_the_inputs_by_the_columns_of_a_frame(frame):
    model, y = compiled(), X[:, :1]
    model.fit(frame(columns_of(X)), y, verbose=0, validation_data=(frame(columns_of(X, (2, 1, 0))), y))
    assert model.feature_names == NAMES
    other_order = frame(columns_of(X, (2, 0, 1)) | {"id": X[:, 0]})
    assert same_bits(model.predict(other_order), model.predict(X))
    assert same_bits(model.representations(other_order)[0], model.representations(X)[0])
    assert model.evaluate(other_order, y, verbose=0) == model.evaluate(X, y, verbose=0)
    assert model.test_on_batch(other_order, y) == model.test_on_batch(X, y)


def test_fit_names_the_inputs_by_the_first_batch_of_an_iterable():
    model, y = compiled(), X[:, :1]
    model.build((None, 3))
    first = model.get_weights()
    frames = [(pandas_frame(columns_of(X, order)), y) for order in ((0, 1, 2), (2, 1, 0))]
    model.fit(frames, verbose=0, shuffle=False, seed=1)
    assert model.feature_names == NAMES
    by_array = compiled()
    by_array.build((None, 3))
    by_array.set_weights(first)
    by_array.fit([(X, y), (X, y)], verbose=0, shuffle=False, seed=1)
    assert all(map(same_bits, by_array.get_weights(), model.get_weights()))


def test_fit_keeps_names_that_were_set_and_takes_none_of_arrays_numbers_and_doubles():
    y = X[:, :1]
    model = compiled()
    model.feature_names = ["", "größe", "age"]
    model.fit(pandas_frame(columns_of(X)), y, verbose=0)
    assert model.feature_names == ("", "größe", "age")
    twice = pandas_frame(X)
    twice.columns = ["a", "b", "a"]
    for x in (X, X.tolist(), pandas_frame(X), twice):
        model = compiled()
        model.fit(x, y, verbose=0)
        assert model.feature_names is None


def test_predict_and_evaluate_give_a_model_no_names():
    model = compiled()
    model.build((None, 3))
    model.predict(pandas_frame(columns_of(X)))
    model.evaluate(pandas_frame(columns_of(X)), X[:, :1], verbose=0)
    assert model.feature_names is None


# -- columns that are numbers, and others


def test_columns_of_numbers_of_any_kind_are_numbers():
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    decimals = [Decimal("0.5"), None, Decimal(2)]
    frame = pandas.get_dummies(pandas.DataFrame({"number": [0.5, 1.5, 2.5], "city": ["x", "y", "x"]}))
    assert frame.dtypes.astype(str).tolist() == ["float64", "bool", "bool"]
    frame["nullable"] = pandas.array([1, None, 3], "Int64")
    frame["arrow"] = pandas.array([1, None, 3], "int64[pyarrow]")
    frame["decimal"] = pandas.array(decimals, pandas.ArrowDtype(pyarrow.decimal128(5, 2)))
    frame["object"] = decimals
    frame["category"] = pandas.Categorical([7, None, 7])
    nan = np.nan
    wanted = [[0.5, 1, 0, 1, 1, 0.5, 0.5, 7], [1.5, 0, 1, nan, nan, nan, nan, nan], [2.5, 1, 0, 3, 3, 2, 2, 7]]
    model = Sequential([Activation("linear")])
    assert same_bits(model.predict(frame), np.array(wanted, "float32"))


@pytest.mark.parametrize("frame", FRAMES)
def test_a_column_of_text_is_named_with_a_value(frame):
    x = frame({"age": [1.0, 2.0, 3.0], "größe": [None, "tall", "small"], "": [1, 2, 3]})
    with pytest.raises(TypeError, match="^expected real numbers .*; received 'tall' .* in column 'größe'; leave the"):
        named().predict(x)


# -- kept


def test_the_file_keeps_the_names_and_the_fingerprint_ignores_them(path):
    model, without = named(), named(None)
    without.set_weights(model.get_weights())
    model.save(path)
    loaded = load_model(path)
    assert loaded.feature_names == NAMES
    assert loaded == model != without  # which takes the columns of a frame by position
    assert loaded.fingerprint() == without.fingerprint()
    assert same_bits(loaded.predict(pandas_frame(columns_of(X, (2, 1, 0)))), model.predict(X))
    without.save(path)
    assert load_model(path).feature_names is None
    assert b"feature_names" not in path.read_bytes()


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.from_config(m.get_config())],
    ids=["copy", "deepcopy", "pickle", "config"],
)
def test_copies_keep_the_names(copied):
    model = named()
    again = copied(model)
    again.set_weights(model.get_weights())
    assert again.feature_names == NAMES
    assert same_bits(again.predict(pandas_frame(columns_of(X, (1, 2, 0)))), model.predict(X))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b"], "has 2 as 'feature_names'; expected an array of 3, one for each input"),
        ("abc", "has a string as 'feature_names'; expected an array of 3"),
        (None, "has null as 'feature_names'; expected an array of 3"),
        (["a", "b", 3], "has a whole number in 'feature_names'; expected strings"),
        (["a", "b", "a"], "has 'a' twice in 'feature_names'; expected unique names"),
    ],
    ids=str,
)
def test_names_of_a_file_that_do_not_fit_are_refused(path, names, said):
    named(["1", "2", "3"]).save(path)
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    config = json.loads(header["__metadata__"]["config"]) | {"feature_names": names}
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    with pytest.raises(fastnn.ModelFormatError) as error:
        load_model(path)
    assert said in str(error.value)


def test_onnx_files_keep_the_names(tmp_path):
    pytest.importorskip("onnx")
    model = named()
    model.export(tmp_path / "model.onnx")
    frame = pandas_frame(columns_of(X, (2, 0, 1)))
    loaded = load_model(tmp_path / "model.onnx", check=(frame, model.predict(X)))
    assert (loaded.feature_names, loaded.conversion.difference.ulps) == (NAMES, 0)


def test_the_network_of_a_named_model_is_freed_with_it():
    model = Sequential([Activation("linear")])
    model.build((None, 3))
    model.feature_names = NAMES
    model.predict(pandas_frame(columns_of(X)))
    gone = weakref.ref(model)
    del model
    assert gone() is None

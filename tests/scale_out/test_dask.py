"""fastnn.dask.predict on arrays and dataframes, and the tokens by which dask knows models."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from fastnn.layers import Dense, Dropout
from fastnn.models import Sequential

pytest.importorskip("dask.dataframe")
pytest.importorskip("distributed")

import dask
import dask.array as da
import dask.bag as bag
import dask.dataframe as dd
import pandas as pd

from dask_rows import NAMES, X, Y, columns_unknown, end_of_the_worker, frame_of, model_of
from fastnn.dask import predict

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_threads")]


def nothing_is_computed(*_, **__):
    raise AssertionError("something was computed")


@pytest.mark.parametrize("chunks", [(100, 3), (333, 2), ((0, 3, 1000, 0), (1, 1, 1))], ids=str)
@pytest.mark.parametrize("units", [1, 2])
def test_arrays_in_any_chunks_get_the_bits_of_predict(chunks, units):
    model = model_of(units, "linear")
    with dask.config.set(scheduler=nothing_is_computed):
        y = predict(model, da.from_array(X, chunks=chunks))
    expected = model.predict(X)
    expected = expected[:, 0] if units == 1 else expected
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    assert same_bits(y.compute(), expected)


@pytest.mark.parametrize("classes", [None, ["no", "yes"], [0, "yes"]], ids=str)
def test_classes_have_the_dtype_that_the_model_gives(classes):
    model = model_of(classes=classes)
    y = predict(model, da.from_array(X, chunks=100), classes=True)
    expected = model.predict_classes(X)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    assert y.compute().tolist() == expected.tolist()


def test_labels_that_a_row_may_have_together_are_columns():
    model = model_of(2, "sigmoid")
    y = predict(model, da.from_array(X, chunks=100), classes=True)
    assert (y.shape, y.dtype) == ((1003, 2), np.dtype("int64"))
    assert same_bits(y.compute(), model.predict_classes(X))


@pytest.mark.parametrize(
    ("units", "classes", "columns"),
    [(2, None, ["prediction_0", "prediction_1"]), (2, ["no", "yes"], ["prediction_no", "prediction_yes"])],
)
def test_frames_are_taken_by_name_and_keep_their_index(units, classes, columns):
    model, frame = model_of(units, feature_names=NAMES, classes=classes), frame_of()
    with dask.config.set(scheduler=nothing_is_computed):
        y = predict(model, dd.from_pandas(frame, npartitions=4))
    assert list(y.columns) == columns
    assert set(y.dtypes) == {np.dtype("float32")}
    found = y.compute()
    assert found.index.equals(frame.index)
    assert same_bits(found.to_numpy(), model.predict(frame))


def test_a_series_is_the_answer_of_one_output_and_of_classes():
    frame = frame_of()
    collection = dd.from_pandas(frame, npartitions=4)
    one = predict(model_of(1, "linear", feature_names=NAMES), collection)
    assert (one.name, one.dtype) == ("prediction", np.dtype("float32"))
    assert same_bits(one.compute().to_numpy(), model_of(1, "linear").predict(X)[:, 0])
    assert one.compute().index.equals(frame.index)
    classes = predict(model_of(feature_names=NAMES), collection, classes=True)
    assert (classes.name, classes.dtype) == ("prediction", np.dtype("int64"))
    assert same_bits(classes.compute().to_numpy(), model_of().predict_classes(X))


def test_partitions_without_rows_give_none():
    frame = frame_of()
    collection = dd.from_pandas(frame, npartitions=5)
    model = model_of(feature_names=NAMES)
    few = predict(model, collection[collection.age > 3]).compute()
    assert same_bits(few.to_numpy(), model.predict(frame[frame.age > 3]))
    none = predict(model, collection[collection.age > 1e9], classes=True)
    assert (len(none.compute()), none.compute().dtype) == (0, np.dtype("int64"))


def test_a_model_of_a_table_takes_text_and_gaps():
    table = pd.DataFrame({"city": ["Rome", "Oslo", None, "Oslo"] * 25, "age": [1.0, None, 3.0, 4.0] * 25})
    space = fastnn.FeatureSpace({"city": "string_categorical", "age": "float_normalized"}).adapt(table)
    model = Sequential([space, Dense(2, "softmax")])
    collection = dd.from_pandas(table.assign(unused=1), npartitions=3)
    assert same_bits(predict(model, collection).compute().to_numpy(), model.predict(table))
    none = predict(model, collection[collection.age > 100])
    assert none.compute().shape == (0, 2)


@pytest.mark.parametrize(
    ("x", "kind", "sentence"),
    [
        (lambda: X, TypeError, r"expected a dask array or dataframe; received ndarray: use model.predict\(x\)"),
        (lambda: frame_of(), TypeError, r"expected a dask array or dataframe; received DataFrame: use model.predict"),
        (lambda: dd.from_pandas(frame_of(), npartitions=2).age, TypeError, r"; received Series: use x.to_frame\(\)"),
        (lambda: dask.delayed(X), TypeError, "expected a dask array or dataframe; received DelayedLeaf$"),
        (lambda: bag.from_sequence([1, 2]), TypeError, "expected a dask array or dataframe; received Bag$"),
        (lambda: da.ones((4, 2)), ValueError, "expected input with 3 columns, .*; received shape"),
        (lambda: columns_unknown(), ValueError, "expected x with a known number of columns; .* x.compute_chunk_sizes"),
        (lambda: da.ones(3), ValueError, r"expected x of shape \(rows, inputs\); received shape \(3,\)"),
        (lambda: dd.from_pandas(frame_of().drop(columns="height"), npartitions=2), ValueError, "a column 'height'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(x, kind, sentence):
    with dask.config.set(scheduler=nothing_is_computed), pytest.raises(kind, match=sentence):
        predict(model_of(feature_names=NAMES), x())


@pytest.mark.parametrize("x", [da.from_array(X, chunks=100), dd.from_pandas(frame_of(), npartitions=4)], ids=type)
def test_later_changes_of_the_model_do_not_reach_lazy_answers(x):
    model = model_of(feature_names=NAMES)
    expected, answers = model.predict(X), predict(model, x)
    model.set_weights([weights * 0 for weights in model.get_weights()])
    assert same_bits(np.asarray(answers.compute()), expected)


def test_a_model_that_predicts_first_here_is_built_once():
    model = Sequential([Dense(2)])
    answers = predict(model, da.from_array(X, chunks=100))
    assert same_bits(answers.compute(), model.predict(X))


def test_other_objects_than_models_are_refused():
    with pytest.raises(TypeError, match="expected a Sequential, or a Future of one; received str"):
        predict("model", da.ones((4, 3)))


def test_a_missing_dask_is_named_with_what_to_install():
    program = "import sys; sys.modules['dask'] = None; import fastnn.dask"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: fastnn.dask needs dask: pip install 'dask[dataframe]' distributed\n" in done.stderr


def test_two_workers_predict_with_a_model_and_with_one_that_was_scattered(client):
    model, frame = model_of(feature_names=NAMES), frame_of()
    scattered = client.scatter(model, broadcast=True)
    for given in (model, scattered):
        assert same_bits(predict(given, da.from_array(X, chunks=100)).compute(), model.predict(X))
        found = predict(given, dd.from_pandas(frame, npartitions=4)).compute()
        assert same_bits(found.to_numpy(), model.predict(frame))


def token(model):
    return dask.base.tokenize(model)


def test_equal_models_have_equal_tokens(path):
    model = model_of(classes=["no", "yes"], feature_names=NAMES)
    for compiled in (False, True):
        if compiled:
            model.compile("adam", "categorical_crossentropy")
            model.fit(X, np.eye(2)[(Y > 0).astype(int)], verbose=0)
        model.save(path)
        for same in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), fastnn.load_model(path)):
            assert token(same) == token(model)
    assert token(model_of()) == token(model_of())


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.set_weights([w + 1 for w in model.get_weights()]),
        lambda model: setattr(model, "classes", ["no", "yes"]),
        lambda model: setattr(model, "feature_names", NAMES),
        lambda model: model.compile("adam", "mse"),
        lambda model: model.add(Dropout(0.1)),
        lambda model: setattr(model.layers[0], "trainable", False),
    ],
)
def test_models_that_answer_or_train_differently_have_different_tokens(change):
    model = model_of()
    before = token(model)
    change(model)
    assert token(model) != before


def test_what_the_next_step_depends_on_is_in_the_token():
    model = model_of()
    model.compile(fastnn.optimizers.SGD(0.0, momentum=0.9), "mse")
    tokens = [token(model)]
    weights = model.get_weights()
    model.fit(X, np.ones((len(X), 2)), verbose=0)
    assert all(map(same_bits, model.get_weights(), weights))
    tokens.append(token(model))
    model.optimizer.learning_rate = 0.5
    tokens.append(token(model))
    assert len(set(tokens)) == 3


def test_models_without_weights_have_tokens_of_their_own():
    assert token(Sequential([Dense(1)])) != token(Sequential([Dense(1)]))


@pytest.mark.filterwarnings("ignore")  # those of distributed on a worker's end
def test_a_worker_that_ends_and_is_replaced_predicts_again(client, tmp_path):
    model, x = model_of(), da.from_array(X, chunks=(100, 3))
    ending = x.map_blocks(end_of_the_worker, str(tmp_path / "file"), dtype=x.dtype, meta=x._meta)
    assert same_bits(predict(model, ending).compute(), model.predict(X))
    assert (tmp_path / "file").exists()

"""fastnn.dask.train has the bits of fit() on one machine, for any partitions, workers and ends of workers."""

import pickle

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from fastnn.layers import BatchNormalization, Dense, Dropout, LayerNormalization
from fastnn.models import Sequential

pytest.importorskip("dask.dataframe")
pytest.importorskip("distributed")

import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd

from dask_rows import NAMES, X, Y, columns_unknown, end_of_the_worker, frame_of, model_of
from fastnn.dask import train
from fastnn.dask.table import table_of
from fastnn.models.sources import reader_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_threads")]


def trained_model(metrics=None, dtype="float32", optimizer="adam"):
    fastnn.utils.set_random_seed(1)
    layers = [
        Dense(20, "gelu", input_shape=(3,), kernel_regularizer="l2", activity_regularizer="l1", name="first"),
        Dropout(0.2),
        LayerNormalization(),
        Dense(1, name="last"),
    ]
    model = Sequential(layers, dtype=dtype)
    model.compile(optimizer, "mse", metrics=metrics)
    return model


def fitted(batch_size=512, epochs=3, sample_weight=None, **settings):
    model = trained_model(**settings)
    history = model.fit(
        *(X, Y, batch_size, epochs),
        verbose=0,
        shuffle=False,
        seed=5,
        sample_weight=sample_weight,
    )
    return model, history.history


def collections(chunks=300):
    return da.from_array(X, chunks=(chunks, 3)), da.from_array(Y, chunks=chunks)


@pytest.mark.parametrize("chunks", [7, 256, 300, ((0, 1, 700, 0, 302),), 1003], ids=str)
@pytest.mark.parametrize("batch_size", [100, 512, 1003, 5000])
def test_any_partitions_train_to_the_bits_of_fit(chunks, batch_size):
    expected, history = fitted(batch_size, metrics=["mae"])
    model, rows = trained_model(["mae"]), chunks[0] if isinstance(chunks, tuple) else chunks
    x, y = da.from_array(X, chunks=(300, 2)), da.from_array(Y, chunks=rows)
    with dask.config.set(scheduler="sync"):
        found = train(model, x, y, batch_size, 3, verbose=0, seed=5)
    assert model == expected
    assert found.history == history


def test_a_partition_takes_its_own_tasks_along_alone():
    """Dask sends the whole graph of what it computes: of a table of a million partitions, in each step."""
    reader = reader_for(compiled(), compiled()._compiled, 3, Y)
    x = da.from_array(X, chunks=(10, 2)) + 1
    frame = dd.from_pandas(frame_of(), npartitions=100)
    for rows, y in ((x, da.from_array(Y, chunks=20)), (frame, frame.age)):
        table = table_of(reader, rows, y, None, None)
        assert max(len(dict(part.dask)) for part in table._parts) < 20


def test_schedules_of_the_learning_rate_step_as_in_fit():
    models = []
    for _ in range(2):
        schedule = fastnn.schedules.ExponentialDecay(0.01, decay_steps=2, decay_rate=0.5)
        models.append(trained_model(optimizer=fastnn.optimizers.Adam(schedule, gradient_accumulation_steps=2)))
    models[0].fit(X, Y, 256, 3, verbose=0, shuffle=False, seed=5)
    train(models[1], *collections(), 256, 3, verbose=0, seed=5)
    assert models[1] == models[0]


def test_frames_train_by_name(dtype):
    expected, history = fitted(dtype=dtype)
    frame = dd.from_pandas(frame_of().assign(target=Y), npartitions=5)
    frame = dd.concat([frame.partitions[:2], frame.partitions[:1].query("age > 1e9"), frame.partitions[2:]])
    model = trained_model(dtype=dtype)
    model.feature_names = NAMES
    assert train(model, frame, frame.target, 512, 3, verbose=0, seed=5).history == history
    assert same_bits(model.predict(X), expected.predict(X))


def test_the_columns_of_a_frame_name_the_inputs_as_in_fit():
    model, frame = trained_model(), dd.from_pandas(frame_of()[NAMES], npartitions=2)
    train(model, frame, da.from_array(Y, chunks=(502, 501)), 512, verbose=0)
    assert list(model.feature_names) == NAMES


def test_a_model_of_a_table_trains_on_text_and_gaps():
    table = pd.DataFrame({"city": ["Rome", "Oslo", None, "Oslo"] * 250, "age": [1.0, None, 3.0, 4.0] * 250})
    labels = (np.arange(1000) % 4 == 1).astype(float)
    models = []
    for _ in range(2):
        space = fastnn.FeatureSpace({"city": "string_categorical", "age": "float_normalized"}).adapt(table)
        model = Sequential([space, Dense(1, "sigmoid", kernel_initializer="ones")])
        model.compile("adam", "binary_crossentropy")
        models.append(model)
    history = models[0].fit(table, labels, 512, 2, 0, shuffle=False).history
    x = dd.from_pandas(table, npartitions=3)
    assert train(models[1], x, da.from_array(labels, chunks=x.map_partitions(len).compute().tolist()), 512, 2, 0)
    assert models[1].history.history == history
    assert models[1] == models[0]


def test_weights_of_rows_and_of_classes_have_the_bits_of_fit():
    weights = np.linspace(0, 2, len(X))
    expected, history = fitted(sample_weight=weights)
    model = trained_model()
    found = train(model, *collections(), 512, 3, verbose=0, seed=5, sample_weight=da.from_array(weights, chunks=100))
    assert (model == expected, found.history) == (True, history)

    one, two = model_of(), model_of()
    for each in (one, two):
        each.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = (Y > 0).astype(int)
    history = one.fit(X, labels, 512, 2, verbose=0, shuffle=False, class_weight={1: 3.0}).history
    y = da.from_array(labels, chunks=300)
    found = train(two, collections()[0], y, 512, 2, verbose=0, class_weight={1: 3.0})
    assert (two == one, found.history) == (True, history)


def test_validation_callbacks_and_going_on_are_those_of_fit():
    data = X[:50], Y[:50]
    expected = trained_model()
    history = expected.fit(
        X, Y, 512, 6, 0, [fastnn.callbacks.EarlyStopping(patience=50)], validation_data=data, shuffle=False, seed=5
    ).history
    model = trained_model()
    stop = fastnn.callbacks.EarlyStopping(patience=50)
    first = train(model, *collections(), 512, 2, 0, [stop], validation_data=data, seed=5).history
    model = pickle.loads(pickle.dumps(model))
    second = train(model, *collections(77), 512, 6, 0, [stop], validation_data=data, initial_epoch=2).history
    assert model == expected
    assert {name: first[name] + second[name] for name in first} == history


def test_a_backup_goes_on_after_an_interruption(tmp_path):
    expected, history = fitted(256, epochs=4)

    class Interrupt(fastnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(self.model.history.epoch) == 2 and batch == 1:
                raise KeyboardInterrupt

    model, backup = trained_model(), fastnn.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=3)
    with pytest.raises(KeyboardInterrupt):
        train(model, *collections(), 256, 4, 0, [backup, Interrupt()], seed=5)
    model = trained_model()
    found = train(model, *collections(100), 256, 4, 0, [backup], seed=5)
    assert (model == expected, found.history) == (True, history)


def test_each_batch_calls_callbacks_and_may_stop():
    model, seen = trained_model(), []

    class Stop(fastnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))
            model.stop_training = len(seen) == 2

    train(model, *collections(), 256, 3, verbose=0, callbacks=[Stop()])
    assert [batch for batch, _ in seen] == [0, 1]


def test_a_loss_that_is_not_finite_ends_training_as_in_fit():
    errors = []
    for run in (
        lambda model: model.fit(X, Y, 512, 5, verbose=0, shuffle=False, seed=5),
        lambda model: train(model, *collections(), 512, 5, verbose=0, seed=5),
    ):
        model = trained_model(optimizer=fastnn.optimizers.SGD(1e30))
        with pytest.raises(fastnn.NonFiniteLossError) as error:
            run(model)
        errors.append((str(error.value), error.value.epoch, error.value.step, error.value.layer, model.get_weights()))
    assert errors[0][:4] == errors[1][:4]
    assert all(map(same_bits, errors[0][4], errors[1][4]))


def test_numbers_that_are_not_finite_are_named_by_their_row():
    x = X.copy()
    x[777, 1] = np.nan
    with pytest.raises(ValueError, match=r"x\[777, 1\]|row 777"):
        train(trained_model(), da.from_array(x, chunks=(100, 3)), collections()[1], 512, verbose=0)


@pytest.mark.parametrize(("change", "rows"), [(lambda part: part[:10], 10), (lambda part: np.repeat(part, 2, 0), 600)])
def test_partitions_of_other_lengths_than_dask_said_are_refused(change, rows):
    x, y = (each.map_blocks(change, dtype=float) for each in collections())
    with pytest.raises(ValueError, match=f"^expected a partition of 300 rows, as dask said; received {rows}"):
        train(trained_model(), x, y, 512, verbose=0)


def batch_normalized():
    model = Sequential([Dense(2, input_shape=(3,)), BatchNormalization(name="norm"), Dense(1)])
    model.compile("adam", "mse")
    return model


def compiled(optimizer="adam", loss="mse"):
    model = model_of(1, "linear")
    model.compile(optimizer, loss)
    return model


@pytest.mark.parametrize(
    ("model", "change", "kind", "sentence"),
    [
        (batch_normalized, {}, ValueError, "received a trainable BatchNormalization, layer 'norm'"),
        (lambda: compiled(fastnn.optimizers.LBFGS()), {}, ValueError, "received LBFGS, which needs all rows at once"),
        (lambda: compiled(loss=lambda y, p: (p - y, p)), {}, ValueError, "expected a loss of fastnn.losses; received"),
        (model_of, {}, ValueError, r"You must call `compile\(\)`"),
        (lambda: "model", {}, TypeError, "expected a Sequential; received str"),
        (compiled, {"x": X}, TypeError, r"expected x to be a dask .*; received ndarray: rows in memory are for model."),
        (compiled, {"x": dask.delayed(X)}, TypeError, "expected x to be a dask array or dataframe; received Delayed"),
        (compiled, {"x": columns_unknown()}, ValueError, "expected x with a known number of columns; received shape"),
        (compiled, {"x": da.ones(3)}, ValueError, r"expected x of shape \(rows, inputs\); received 1 dimensions"),
        (compiled, {"x": da.ones((1003, 2))}, ValueError, "expected x with 3 columns, the model's inputs; received"),
        (compiled, {"y": da.ones(1000)}, ValueError, "expected 1000 rows of x, as many as of y; received 1003"),
        (
            compiled,
            {"x": dd.from_pandas(frame_of()[NAMES], npartitions=2)},
            ValueError,
            "expected x in as many partitions as y, with the same rows; received 2 partitions of x and 4 of y",
        ),
        (
            compiled,
            {"x": dd.from_pandas(frame_of()[NAMES], npartitions=4)},
            ValueError,
            r"expected as many rows of y as of x; received 25\d rows of x and (300|103) of y",
        ),
        (compiled, {"y": None}, TypeError, "expected y to be a dask array or dataframe; received NoneType"),
        (compiled, {"validation_data": (da.ones((3, 3)), da.ones(3))}, TypeError, "expected validation_data in memory"),
        (compiled, {"batch_size": 0}, ValueError, "batch_size"),
        (compiled, {"sample_weight": da.ones((1003, 1))}, ValueError, r"expected sample_weight of shape \(rows,\)"),
    ],
)
def test_what_cannot_be_trained_so_is_refused_in_one_sentence(model, change, kind, sentence):
    x, y = collections()
    with pytest.raises(kind, match=sentence):
        train(model(), **({"x": x, "y": y, "verbose": 0} | change))


def test_two_workers_train_to_the_bits_of_fit(client):
    expected, history = fitted(metrics=["mae"])
    model = trained_model(["mae"])
    assert train(model, *collections(), 512, 3, verbose=0, seed=5).history == history
    assert model == expected


@pytest.mark.parametrize("when", ["on_epoch_end", "on_train_batch_end"])
def test_a_client_that_is_closed_during_training_is_told(client, when):
    close = type("Close", (fastnn.callbacks.Callback,), {when: lambda *_: client.close()})
    with pytest.raises(RuntimeError, match=r"^expected dask's client to stay open until train\(\) returns; received"):
        train(trained_model(), *collections(), 512, 3, 0, [close()], seed=5)


@pytest.mark.filterwarnings("ignore")  # those of distributed on a worker's end
def test_a_worker_that_ends_and_is_replaced_does_not_show(client, tmp_path):
    expected, history = fitted(256)
    model, file, ended = trained_model(), str(tmp_path / "file"), []

    class End(fastnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1 and not ended:  # a worker ends, with the partitions and sums that it holds
                ended.append(client.submit(end_of_the_worker, None, file, pure=False))

    assert train(model, *collections(100), 256, 3, 0, [End()], seed=5).history == history
    assert model == expected
    assert ended[0].result() is None
    assert (tmp_path / "file").exists()

"""What fit() takes as x and y, and that none of it changes the bits."""

import itertools
import sys
import tracemalloc
import warnings

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import fastnn.models.rows
from fastnn.layers import Dense
from fastnn.models import Sequential
from processes import run_python
from training import BatchCalls, Calls, model_of, rows, same

SETTINGS = {"batch_size": 7, "epochs": 2, "verbose": 0, "seed": 4}


def exact_rows(count=60):
    """Numbers that every dtype of the tests holds."""
    random = np.random.RandomState(1)
    return random.randint(0, 100, (count, 3)), random.randint(0, 2, (count, 1))


def trained(x, y, dtype="float32", **options):
    """A model after fit(), and its History."""
    model = model_of(np.empty((1, 3)), dtype=dtype, metrics=["mae"])
    model.set_weights([array / 100 for array in model.get_weights()])
    history = model.fit(x, y, **(SETTINGS | options))
    return model, history.history


LAYOUTS = {
    "float32": lambda x: x.astype(np.float32),
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int8": lambda x: x.astype(np.int8),
    "fortran": lambda x: np.asfortranarray(x.astype(np.float32)),
    "reversed": lambda x: x.astype(np.float32)[::-1].copy()[::-1],
    "every second": lambda x: np.repeat(x.astype(np.float32), 2, axis=0)[::2],
    "big-endian": lambda x: x.astype(">f4"),
    "list": lambda x: x.tolist(),
    "pandas": lambda x: pandas.DataFrame(x),
    "polars": lambda x: polars.DataFrame(x, schema=[f"c{i}" for i in range(x.shape[1])]),
    "torch": lambda x: pytest.importorskip("torch").tensor(x, dtype=pytest.importorskip("torch").float32),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("large", [False, True])
def test_dtype_and_layout_do_not_change_the_bits(layout, large, monkeypatch):
    x, y = exact_rows()
    model, logs = trained(x.astype(np.float32), y.astype(np.float32))
    if large:
        monkeypatch.setattr(fastnn.models.rows, "CONVERTED_BYTES", 0)
        monkeypatch.setattr(fastnn.models.rows, "CHUNK_BYTES", 300)
    other, other_logs = trained(LAYOUTS[layout](x), LAYOUTS[layout](y))
    assert same(model, other)
    assert logs == other_logs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_map_is_never_converted_whole(tmp_path, dtype, monkeypatch):
    monkeypatch.setattr(fastnn.models.rows, "CONVERTED_BYTES", 1 << 16)
    monkeypatch.setattr(fastnn.models.rows, "CHUNK_BYTES", 1 << 16)
    x = np.memmap(tmp_path / "x", dtype="float32", mode="w+", shape=(200_000, 3))
    x[:] = np.linspace(-1, 1, x.size, dtype=np.float32).reshape(x.shape)
    y = np.memmap(tmp_path / "y", dtype="float32", mode="w+", shape=(200_000, 1))
    y[:] = x.sum(axis=1, keepdims=True)
    model = model_of(x, dtype=dtype)
    model.fit(x[:100], y[:100], verbose=0)
    tracemalloc.start()
    model.fit(x, y, batch_size=1000, shuffle="batch", verbose=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    order = 8 * len(x)
    assert peak < 3 * order + (1 << 20)  # permutation and its sorting, but x alone has 2.4 MB, as float64 4.8 MB


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts what a process allocates on Linux alone")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_map_may_be_larger_than_the_memory(tmp_path, dtype):
    code = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from fastnn.layers import Dense
        from fastnn.models import Sequential

        x = np.memmap(sys.argv[1], sys.argv[2], mode="w+", shape=(500_000, 64))  # 128 MB; of zeros, so not on the disk
        y = np.memmap(sys.argv[1] + "y", "float32", mode="w+", shape=(500_000, 1))
        model = Sequential([Dense(8, "relu", input_shape=(64,)), Dense(1)])
        model.compile("adam", "mse")
        model.fit(x[:100], y[:100], verbose=0)
        words = Path("/proc/self/status").read_text().split()
        limit = int(words[words.index("VmData:") + 1]) * 1024 + (48 << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        model.fit(x, y, batch_size=1000, verbose=0, validation_data=(x, y))
        model.evaluate(x, y, verbose=0)
        try:
            np.ones(64 << 20, "uint8")
        except MemoryError:
            print("no more")
    """
    assert run_python(code, tmp_path / "x", dtype, FASTNN_THREADS="1") == "no more\n"


def test_iterables_of_batches_are_steps():
    x, y = rows(30)
    weights = np.arange(30.0)
    batches = [(x[i : i + 10], y[i : i + 10], weights[i : i + 10]) for i in (0, 10, 20)]
    whole = model_of(x, metrics=["mae"])
    expected = whole.fit(x, y, batch_size=10, epochs=2, shuffle=False, sample_weight=weights, verbose=0).history

    class Loader:
        def __iter__(self):
            return iter(batches)

    class Indexed:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return batches[i]

    def endless():
        while True:
            yield from batches

    sources = [(batches, {}), (Loader(), {}), (Indexed(), {"shuffle": False}), (endless(), {"steps_per_epoch": 3})]
    for data, options in sources:
        model = model_of(x, metrics=["mae"])
        history = model.fit(data, epochs=2, verbose=0, **options)
        assert same(model, whole), data
        assert history.history == expected
        assert history.params["steps"] == (None if isinstance(data, Loader) else 3)


def test_torch_loader_gives_batches():
    torch = pytest.importorskip("torch")
    x, y = rows(30)
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    model, whole = model_of(x), model_of(x)
    loader = torch.utils.data.DataLoader(data, batch_size=10)
    history = model.fit(loader, epochs=2, validation_data=loader, verbose=0)
    expected = whole.fit(x, y, batch_size=10, epochs=2, shuffle=False, validation_data=(x, y), verbose=0)
    assert same(model, whole)
    assert history.history == expected.history


def test_indexed_batches_come_in_shuffled_order_and_hear_of_epochs():
    x, y = rows(40)
    seen = []

    class Indexed:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            seen.append(i)
            return x[i : i + 10], y[i : i + 10]

        def on_epoch_end(self):
            seen.append("end")

    model_of(x).fit(Indexed(), epochs=3, verbose=0, seed=1)
    seen = seen[1:]  # the first is asked for its shape
    epochs = [seen[i : i + 4] for i in (0, 5, 10)]
    assert all(sorted(epoch) == [0, 1, 2, 3] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert seen.count("end") == 3


def test_generator_that_ends_warns_and_stops():
    x, y = rows(40)
    generator = ((x[i : i + 10], y[i : i + 10]) for i in (0, 10, 20))
    with pytest.warns(UserWarning, match="Your input ran out of data"):
        history = model_of(x).fit(generator, epochs=3, verbose=0)
    assert history.epoch[0] == 0
    assert len(history.epoch) == 2 or len(history.epoch) == 1


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_each_row_is_in_one_batch_of_an_epoch(shuffle):
    x, y = rows(10)
    data = fastnn.models.rows.Rows(Identity(), x, y, None, 4, shuffle=shuffle, seed=1)
    passes = []
    for epoch in (0, 1):
        data.start(epoch, 0)
        batches = []
        while (chunk := data.take(1)) is not None:
            batches.append(list(range(10))[: chunk.rows] if chunk.order is None else chunk.order.tolist())
        assert [len(batch) for batch in batches] == [4, 4, 2]
        passes.append(batches)
    if shuffle is not False:
        assert passes[0] != passes[1]
        assert sorted(row for batch in passes[0] for row in batch) == list(range(10))
    if shuffle == "batch":
        assert [sorted(batch) for batch in passes[0]] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


class Identity:
    """Reads arrays of float64 as they are."""

    dtype = np.dtype("float64")

    def x(self, array, first_row=0):
        return array

    def y(self, array, first_row=0):
        return array, array


def test_steps_per_epoch_goes_on_in_the_rows():
    x, y = rows(40)
    model, whole = model_of(x), model_of(x)
    model.fit(x, y, batch_size=10, epochs=4, steps_per_epoch=2, verbose=0, seed=1)
    whole.fit(x, y, batch_size=10, epochs=2, verbose=0, seed=1)
    assert same(model, whole)


@pytest.mark.parametrize(("steps", "expected"), [(3, [3, 2, 3]), (5, [5, 5, 5]), (7, [5, 5, 5])])
def test_last_rows_end_an_epoch_with_a_warning_as_in_keras(steps, expected):
    x, y = rows(20)
    calls = BatchCalls()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_of(x).fit(x, y, 4, 3, 0, calls, steps_per_epoch=steps)
    names = " ".join(calls.names()).split("epoch_begin")[1:]
    assert [epoch.count("train_batch_end") for epoch in names] == expected
    assert len([each for each in caught if "ran out of data" in str(each.message)]) == sum(
        count < steps for count in expected
    )
    assert all(each.filename == __file__ for each in caught)


def test_validation_split_takes_the_last_rows():
    x, y = rows(50)
    model, other = model_of(x), model_of(x)
    weights = np.arange(50.0)
    history = model.fit(x, y, validation_split=0.2, sample_weight=weights, verbose=0, seed=1)
    last = slice(40, 50)
    expected = other.fit(
        x[:40], y[:40], sample_weight=weights[:40], validation_data=(x[last], y[last], weights[last]), verbose=0, seed=1
    )
    assert same(model, other)
    assert history.history == expected.history


def test_validation_data_may_be_a_list_or_a_tuple_of_rows():
    x, y = exact_rows(20)
    for count in (2, 3, 20):  # a tuple of 2 or 3 could be a batch
        expected = trained(x, y, validation_data=(x[:count], y[:count]))[1]
        for as_rows, as_row in itertools.product((tuple, list), repeat=2):
            given = [as_rows(map(as_row, part[:count].tolist())) for part in (x, y)]
            assert trained(x, y, validation_data=tuple(given))[1] == expected
    batches = [(x[:2], y[:2]), (x[2:3], y[2:3])]
    expected = trained(x, y, validation_data=(x[:3], y[:3]), validation_batch_size=2)[1]
    for given in (batches, tuple(batches), [(part.tolist(), targets.tolist()) for part, targets in batches]):
        assert trained(x, y, validation_data=given)[1] == expected


@pytest.mark.parametrize(("frequency", "epochs"), [(1, [0, 1, 2, 3]), (2, [1, 3]), ([1, 4], [0, 3])])
def test_validation_freq_says_after_which_epochs(frequency, epochs):
    x, y = rows()
    calls = Calls()
    model_of(x).fit(x, y, epochs=4, validation_data=(x, y), validation_freq=frequency, verbose=0, callbacks=[calls])
    assert [number for name, number, logs in calls.calls if "val_loss" in logs and name == "epoch_end"] == epochs


def test_columns_of_frames_are_taken_by_name():
    x, y = rows()
    model, other = model_of(x), model_of(x)
    for each in (model, other):
        each.feature_names = ["a", "b", "c"]
    frame = pandas.DataFrame(x, columns=["a", "b", "c"])
    model.fit(frame[["c", "a", "b"]], pandas.Series(y[:, 0]), verbose=0, seed=1)
    other.fit(x, y, verbose=0, seed=1)
    assert same(model, other)


def test_targets_of_one_column_need_not_have_it():
    x, y = rows()
    models = [model_of(x, metrics=["mae"]) for _ in range(2)]
    logs = [m.fit(x, t, verbose=0, seed=1).history for m, t in zip(models, (y, y[:, 0]), strict=True)]
    assert same(*models)
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame,
        lambda table: pandas.DataFrame(table, dtype="category"),
        lambda table: pandas.DataFrame(table, dtype="string[pyarrow]"),
        polars.DataFrame,
        lambda table: polars.DataFrame(table, schema={"bought": polars.Categorical}),
        lambda table: polars.DataFrame(table, schema={"bought": polars.Enum(["no", "yes"])}),
        pyarrow.table,
        lambda table: pyarrow.table({"bought": pyarrow.array(table["bought"]).dictionary_encode()}),
    ],
    ids=["pandas", "category", "arrow", "polars", "Categorical", "Enum", "pyarrow", "dictionary"],
)
def test_names_of_classes_may_be_the_column_of_a_frame(frame):
    x, y = rows()
    names = np.array(["no", "yes"])[(y[:, 0] > 0).astype(int)].tolist()
    models = []
    for given in (names, frame({"bought": names})):
        model = Sequential([Dense(4, "relu"), Dense(1, "sigmoid")])
        model.classes = ["no", "yes"]
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        fastnn.utils.set_random_seed(1)
        model.fit(x, given, verbose=0, seed=1)
        models.append(model)
    assert same(*models)
    gap = frame({"bought": [None, *names[1:]]})
    with pytest.raises(ValueError, match="expected y to be classes .*; received (None|nan|<NA>) in row 0"):
        models[0].fit(x, gap, verbose=0)


def test_first_batch_builds_the_model():
    x, y = rows(20)
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(iter([(x, y)]), verbose=0)
    assert model.input_shape == (None, 3)
    assert len(history.history["loss"]) == 1

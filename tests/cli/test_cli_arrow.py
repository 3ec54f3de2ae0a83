"""Parquet, Feather and Arrow files on the command line: the same numbers as of .csv, batch by batch; one line of error.

pyarrow and pandas write and read them.
"""

import sys

import numpy as np
import pytest

from arrays import uniform
from fastnn.cli import tables
from fastnn.cli.tables import csv_text
from sequentials import network

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pyarrow.feather")

ROWS = uniform(3, (7, 3)).astype("f8")
SUFFIXES = (".parquet", ".feather", ".arrow")


def write(table, path):
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    elif path.suffix == ".feather":
        pa.feather.write_feather(table, str(path))  # compressed
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


def read(path):
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path)
    return pa.feather.read_table(path) if path.suffix == ".feather" else pa.ipc.open_file(path).read_all()


@pytest.fixture(params=SUFFIXES)
def suffix(request):
    return request.param


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = network([3, 4, 2], ["relu", "softmax"], "float32")
    model.save("model.safetensors")
    model.feature_names, model.classes = ["a", "b", "c"], ["no", "yes"]
    model.save("named.safetensors")
    return tmp_path


@pytest.fixture
def expected(folder, run):
    (folder / "rows.csv").write_text("a,b,c\n" + csv_text(ROWS))
    return run("predict", "model.safetensors", "rows.csv")[1]


def columns(**more):
    return pa.table({name: ROWS[:, i] for i, name in enumerate("abc")} | more)


@pytest.mark.parametrize("numbers", [2**20, 6], ids=["one batch", "batches of two rows"])
def test_a_file_has_the_answers_of_the_same_numbers_in_csv(folder, run, expected, suffix, numbers, monkeypatch):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    write(columns(), folder / f"rows{suffix}")
    assert run("predict", "model.safetensors", f"rows{suffix}")[:2] == (0, expected)


def test_a_stream_of_arrow_is_read_as_a_file_is(folder, run, expected):
    with pa.OSFile("rows.arrow", "wb") as file, pa.ipc.new_stream(file, columns().schema) as writer:
        writer.write_table(columns(), max_chunksize=3)
    assert run("predict", "model.safetensors", "rows.arrow")[:2] == (0, expected)


def test_columns_of_any_type_may_be_dropped_and_text_be_the_target(folder, run, expected, suffix):
    truth = pa.array(["no", "yes", "no", "no", "no", "yes", "no"]).dictionary_encode()
    dates = pa.array([0] * 7, pa.timestamp("s"))
    write(columns(truth=truth, day=dates, who=pa.array(["x", None] * 3 + ["y"])), folder / f"rows{suffix}")
    options = ("--target", "truth", "--drop", "day,who")
    code, out, err = run("predict", "named.safetensors", f"rows{suffix}", *options)
    assert (code, out) == (0, expected)
    assert "accuracy" in err


TYPES = {
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "float16": pa.float16(),
    "float32": pa.float32(),
    "decimal": pa.decimal128(22, 2),
    "bool": pa.bool_(),
}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_every_type_of_number_is_read_exactly(folder, kind, suffix):
    given = [[1, 0, 1], [0, 1, 0]]
    write(pa.table({str(i): pa.array(each).cast(kind) for i, each in enumerate(given)}), folder / f"rows{suffix}")
    with tables.Table(f"rows{suffix}") as table:
        assert np.concatenate(list(table.chunks())).T.tolist() == given


def test_a_missing_number_is_nan(folder, suffix):
    write(pa.table({"a": pa.array([1.5, None]), "b": pa.array([None, 2])}), folder / f"rows{suffix}")
    with tables.Table(f"rows{suffix}") as table:
        np.testing.assert_array_equal(next(table.chunks()), [[1.5, np.nan], [np.nan, 2]])


@pytest.mark.parametrize(
    ("model", "options", "names"),
    [
        ("model.safetensors", [], ["output_0", "output_1"]),
        ("named.safetensors", [], ["no", "yes"]),
        ("named.safetensors", ["--labels"], ["class"]),
    ],
)
def test_output_has_the_bits_of_npy_and_names(folder, run, expected, suffix, model, options, names):
    for out in ("out.npy", f"out{suffix}"):
        assert run("predict", model, "rows.csv", "-o", out, *options)[0] == 0
    written = read(folder / f"out{suffix}")
    assert written.column_names == names
    expected = np.load("out.npy")
    for i, name in enumerate(names):
        assert written.column(name).to_pylist() == expected[:, i].tolist()
    assert str(written.schema.types[0]) == ("string" if options else "float")


def test_a_failed_command_leaves_no_output_and_an_old_one_as_it_was(folder, run, suffix):
    (folder / "rows.csv").write_text("a,b,c\n1,2,3\n1,2,x\n")
    (folder / f"old{suffix}").write_text("old")
    for out in ("new", "old"):
        assert run("predict", "model.safetensors", "rows.csv", "-o", f"{out}{suffix}")[0] == 2
    assert sorted(each.name for each in folder.glob(f"*{suffix}")) == [f"old{suffix}"]
    assert (folder / f"old{suffix}").read_text() == "old"


BAD = {
    "text": (columns().set_column(1, "b", pa.array(["x"] * 7)), "expected numbers in column 'b'; received text"),
    "lists": (columns().set_column(1, "b", pa.array([[1]] * 7)), "expected numbers in column 'b'; received list"),
    "no such class": (
        columns(y=pa.array(["maybe"] * 7)),
        "row 0, column 'y': expected one of the classes no, yes; received 'maybe'",
    ),
}


@pytest.mark.parametrize(("table", "words"), BAD.values(), ids=BAD)
def test_a_column_that_is_no_number_is_one_line(folder, run, table, words):
    write(table, folder / "rows.parquet")
    target = ["--target", "y"] if "y" in table.column_names else []
    code, out, err = run("predict", "named.safetensors", "rows.parquet", *target)
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert words in err


def test_a_file_of_another_kind_or_cut_off_is_one_line(folder, run, suffix):
    write(columns(), folder / "whole.parquet")
    for content in (b"", b"a,b,c\n1,2,3\n", (folder / "whole.parquet").read_bytes()[:-9]):
        (folder / f"rows{suffix}").write_bytes(content)
        code, out, err = run("predict", "model.safetensors", f"rows{suffix}")
        assert (code, out, len(err.splitlines())) == (2, "", 1), err
        assert f"rows{suffix}: expected a file of" in err


def test_without_pyarrow_the_error_says_how_to_install_it(folder, run, suffix, monkeypatch):
    write(columns(), folder / f"rows{suffix}")
    (folder / "rows.csv").write_text("1,2,3\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for arguments in ((f"rows{suffix}",), ("rows.csv", "-o", f"out{suffix}")):
        code, out, err = run("predict", "model.safetensors", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert "pip install pyarrow" in err

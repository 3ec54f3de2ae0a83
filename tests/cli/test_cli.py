"""The command line in one process: answers, files for them, how well they meet the truth, summary, config."""

import os
import re
import tracemalloc

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from fastnn.cli import tables
from fastnn.layers import Dense
from fastnn.models import Sequential
from sequentials import network

ROWS = uniform(5, (37, 3))
REPORT = r"(\d+) rows in [\d.e+-]+ s \([\d.e+-]+ s of it in the model\), \d+ rows per second"


@pytest.fixture
def model(tmp_path, dtype):
    model = network([3, 5, 2], ["tanh", "linear"], dtype)
    model.save(tmp_path / "model.safetensors")
    return model


def write_csv(path, rows, header=""):
    path.write_text(header + "".join(",".join(map(repr, row)) + "\n" for row in np.asarray(rows).tolist()))
    return path


def saved(path, units, activation, kernel):
    """The path of a model that is one layer without bias."""
    layer = Dense(units, activation, use_bias=False, input_shape=(len(kernel),))
    model = Sequential([layer])
    layer.set_weights([np.array(kernel, "float32")])
    model.save(path)
    return path


def test_stdout_has_one_line_a_row_that_reads_back_as_the_bits_of_predict(run, model, tmp_path):
    code, out, err = run("predict", tmp_path / "model.safetensors", write_csv(tmp_path / "rows.csv", ROWS))
    assert code == 0
    cells = [line.split(",") for line in out.splitlines()]
    assert same_bits(np.array(cells, model.dtype), model.predict(ROWS))
    assert re.fullmatch(REPORT + "\n", err)[1] == "37"


@pytest.mark.parametrize("data", ["rows.csv", "rows.npy"])
@pytest.mark.parametrize("name", ["out.npy", "out.csv", "OUT.CSV", "OUT.NPY"])
def test_output_files_hold_the_bits_of_predict(run, model, tmp_path, data, name):
    write_csv(tmp_path / "rows.csv", ROWS)
    np.save(tmp_path / "rows.npy", ROWS)
    code, out, err = run("predict", tmp_path / "model.safetensors", tmp_path / data, "-o", tmp_path / name)
    assert (code, out) == (0, "")
    assert re.fullmatch(REPORT + "\n", err)
    if name.endswith(("npy", "NPY")):
        answer = np.load(tmp_path / name)
    else:
        answer = np.array([line.split(",") for line in (tmp_path / name).read_text().splitlines()], model.dtype)
    assert same_bits(answer, model.predict(ROWS))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["model.safetensors", "rows.csv", "rows.npy", name]
    )


def test_text_keeps_the_bits_of_numbers_hard_to_write(dtype):
    info = np.finfo(dtype)
    hard = np.array([[info.max, info.tiny, info.smallest_subnormal, -0.0, 0.1, 1 / 3, np.inf, -np.inf, np.nan]], dtype)
    cells = tables.csv_text(hard).strip().split(",")
    assert same_bits(np.array([cells], dtype), hard)


@pytest.mark.parametrize("numbers", [1, 7, 3 * 37, 2**20])
@pytest.mark.parametrize("data", ["rows.csv", "rows.npy"])
def test_chunks_give_the_same_as_all_rows_at_once(run, tmp_path, monkeypatch, data, numbers):
    network([3, 5, 2], ["relu", "softmax"], "float32").save(tmp_path / "model.safetensors")
    rows = np.insert(ROWS, 3, np.arange(37) % 2, axis=1)
    np.save(tmp_path / "rows.npy", rows)
    write_csv(tmp_path / "rows.csv", rows)
    arguments = ["predict", tmp_path / "model.safetensors", tmp_path / data, "--target", 3]
    _, expected, expected_report = run(*arguments)
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    code, out, report = run(*arguments)
    assert (code, out, report.splitlines()[1:]) == (0, expected, expected_report.splitlines()[1:])
    _, out, _ = run(*arguments, "-o", tmp_path / "out.csv")
    assert (out, (tmp_path / "out.csv").read_text()) == ("", expected)
    run(*arguments, "-o", tmp_path / "out.npy")
    assert tables.csv_text(np.load(tmp_path / "out.npy")) == expected


@pytest.mark.parametrize("data", ["rows.csv", "rows.npy"])
@pytest.mark.parametrize("out", ["out.csv", "out.npy"])
def test_memory_does_not_grow_with_the_rows(run, tmp_path, monkeypatch, data, out):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", 2**10)
    network([3, 2], ["linear"], "float32").save(tmp_path / "model.safetensors")

    def peak(rows):
        numbers = uniform(1, (rows, 3))
        np.save(tmp_path / "rows.npy", numbers)
        write_csv(tmp_path / "rows.csv", numbers)
        del numbers
        tracemalloc.start()
        code, _, _ = run("predict", tmp_path / "model.safetensors", tmp_path / data, "-o", tmp_path / out)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert code == 0
        return most

    peak(500)  # the first run imports and compiles things
    assert peak(40_000) < peak(4_000) + 100_000


@pytest.mark.parametrize("target", ["class", "3", "-1"], ids=["name", "number", "negative number"])
def test_target_is_given_by_name_or_number_and_is_no_input(run, tmp_path, target):
    path = saved(tmp_path / "model.safetensors", 3, "softmax", np.eye(3))
    rows = [[9, 0, 0, 0], [0, 9, 0, 1], [0, 0, 9, 2], [0, 0, 9, 1]]
    data = write_csv(tmp_path / "rows.csv", rows, "a,b,c,class\n")
    code, out, err = run("predict", path, data, "--target", target)
    assert (code, len(out.splitlines())) == (0, 4)
    assert re.fullmatch(REPORT + r"\naccuracy 0\.7500 \(3 of 4\)\n", err)


def test_target_may_be_any_column_and_a_name_goes_before_a_number(run, tmp_path):
    path = saved(tmp_path / "model.safetensors", 2, "linear", np.eye(2))
    data = write_csv(tmp_path / "rows.csv", [[9, 0, 1], [0, 0, 9]], "a,0,b\n")
    code, out, err = run("predict", path, data, "--target", "0", "--header")
    assert (code, out) == (0, "9.0,1.0\n0.0,9.0\n")
    assert err.endswith("accuracy 0.5000 (1 of 2)\n")


# Of 0 the sigmoids give 0.5, step gives 1.
@pytest.mark.parametrize(("activation", "right"), [("sigmoid", 2), ("hard_sigmoid", 2), ("step", 3)])
def test_one_output_between_0_and_1_is_scored_as_two_classes_above_one_half(run, tmp_path, activation, right):
    path = saved(tmp_path / "model.safetensors", 1, activation, [[1]])
    data = write_csv(tmp_path / "rows.csv", [[-2, 0], [-1, 1], [0, 1], [3, 1], [4, 0]])
    code, _, err = run("predict", path, data, "--target", "1")
    assert (code, err.splitlines()[1:]) == (0, [f"accuracy {right / 5:.4f} ({right} of 5)"])


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_one_output_that_is_a_number_is_scored_by_its_mean_absolute_error(run, tmp_path, activation):
    path = saved(tmp_path / "model.safetensors", 1, activation, [[1]])
    x, truth = [0.0, 0.5, 1.0, 4.0], [0.5, 0.5, -1.0, 3.25]
    data = write_csv(tmp_path / "rows.csv", np.column_stack([x, truth]))
    code, out, err = run("predict", path, data, "--target", "1")
    error = np.abs(np.array(out.split(), float) - truth).mean()
    assert (code, err.splitlines()[1:]) == (0, [f"mean absolute error {error:.6g}"])


@pytest.mark.parametrize("wrong", ["3", "-1", "0.5", "nan"])
def test_class_that_the_model_does_not_have_is_refused_with_its_row(run, tmp_path, monkeypatch, wrong):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", 4)  # one row
    path = saved(tmp_path / "model.safetensors", 3, "softmax", np.eye(3))
    (tmp_path / "rows.csv").write_text(f"9,0,0,0\n0,9,0,1\n0,9,0,{wrong}\n")
    code, _, err = run("predict", path, tmp_path / "rows.csv", "--target", "3", "-o", tmp_path / "out.csv")
    message = "rows.csv: expected the target column to hold classes from 0 to 2; received"
    assert (code, err) == (2, f"fastnn: {tmp_path}/{message} {float(wrong):g} in row 2\n")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("data", ["rows.csv", "rows.npy"])
def test_no_rows_give_an_empty_answer(run, model, tmp_path, data):
    (tmp_path / "rows.csv").write_text("a,b,c\n")
    np.save(tmp_path / "rows.npy", np.empty((0, 3)))
    code, out, err = run("predict", tmp_path / "model.safetensors", tmp_path / data)
    assert (code, out) == (0, "")
    assert re.fullmatch(REPORT + "\n", err)[1] == "0"
    assert run("predict", tmp_path / "model.safetensors", tmp_path / data, "-o", tmp_path / "out.npy")[0] == 0
    assert same_bits(np.load(tmp_path / "out.npy"), np.empty((0, 2), model.dtype))


def test_no_rows_cannot_be_scored(run, tmp_path):
    path = saved(tmp_path / "model.safetensors", 2, "linear", np.eye(2))
    (tmp_path / "rows.csv").write_text("a,b,t\n")
    code, out, err = run("predict", path, tmp_path / "rows.csv", "--target", "t")
    assert (code, out, err.splitlines()[1:]) == (0, "", ["no rows to compare with the target"])


@pytest.mark.parametrize("name", ["rows.csv", "rows.npy"])
def test_output_is_never_what_it_is_computed_from(run, tmp_path, name):
    path = saved(tmp_path / "model.safetensors", 3, "linear", np.eye(3) * 2)
    np.save(tmp_path / "rows.npy", ROWS.astype("float32"))
    write_csv(tmp_path / "rows.csv", ROWS.astype("float32"))
    before = (tmp_path / name).read_bytes()
    (tmp_path / "link.csv").symlink_to(name)
    for out in (name, "link.csv"):
        code, _, err = run("predict", path, tmp_path / name, "-o", tmp_path / out)
        assert (code, len(err.splitlines())) == (2, 1)
        assert "neither the model nor the data" in err
    assert (tmp_path / name).read_bytes() == before


def test_output_keeps_a_link_and_permissions_and_spares_a_pipe(run, tmp_path):
    path = saved(tmp_path / "model.safetensors", 3, "linear", np.eye(3) * 2)
    write_csv(tmp_path / "rows.csv", ROWS.astype("float32"))
    (tmp_path / "real.csv").touch(0o600)
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert run("predict", path, tmp_path / "rows.csv", "-o", tmp_path / "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "real.csv").read_text().count("\n") == len(ROWS)
    os.mkfifo(tmp_path / "pipe.csv")
    assert run("predict", path, tmp_path / "rows.csv", "-o", tmp_path / "pipe.csv")[0] == 2
    assert (tmp_path / "pipe.csv").is_fifo()


@pytest.mark.parametrize("first", ["1,NA", "x,2", "1_000,2", "0x10,1", "1,", "0,target"])
def test_first_line_that_is_half_a_header_is_refused_unless_told(run, tmp_path, first):
    path = saved(tmp_path / "model.safetensors", 2, "linear", np.eye(2))
    data = tmp_path / "rows.csv"
    data.write_text(first + "\n3,4\n5,6\n")
    code, out, err = run("predict", path, data)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "line 1, column" in err
    assert run("predict", path, data, "--header")[:2] == (0, "3.0,4.0\n5.0,6.0\n")
    assert run("predict", path, data, "--no-header")[0] == 2


def test_header_of_numbers_is_one_where_told(run, tmp_path):
    path = saved(tmp_path / "model.safetensors", 2, "linear", np.eye(2))
    data = tmp_path / "rows.csv"
    data.write_text("0,1\n3,4\n")
    assert run("predict", path, data)[1] == "0.0,1.0\n3.0,4.0\n"
    assert run("predict", path, data, "--header")[1] == "3.0,4.0\n"


def test_column_name_that_stands_twice_is_no_target(run, tmp_path):
    path = saved(tmp_path / "model.safetensors", 2, "linear", np.eye(2))
    data = tmp_path / "rows.csv"
    data.write_text("a,b,a\n1,2,3\n")
    code, _, err = run("predict", path, data, "--target", "a")
    assert (code, "received 2 with this name; give its number" in err) == (2, True)


def test_summary_is_that_of_the_model(run, model, tmp_path, capsys):
    model.summary()
    expected = capsys.readouterr().out
    assert run("summary", tmp_path / "model.safetensors") == (0, expected, "")


def test_summary_of_a_model_of_tables_names_columns_and_the_order_of_classes(run, path):
    space = fastnn.FeatureSpace({"age": "float", "city": "string_categorical"}).adapt({"age": [1], "city": ["Ulm"]})
    model = fastnn.Sequential([space, fastnn.layers.Dense(2, "softmax")])
    model.classes = "no", "yes"
    model.save(path)
    assert run("summary", path)[1].endswith(
        " Columns: age (float), city (string_categorical)\n Classes, in the order of the outputs: no, yes\n"
    )


def test_summary_names_the_features_of_rows(run, path):
    model = fastnn.Sequential([fastnn.layers.Dense(1, input_shape=(2,))])
    model.feature_names = "age", "height"
    model.save(path)
    assert run("summary", path)[1].endswith(" Columns: age, height\n")


def test_config_shows_versions_and_instruction_sets(run):
    code, out, err = run("config")
    assert (code, err) == (0, "")
    lines = dict(re.split(r":\s*", line, maxsplit=1) for line in out.splitlines())
    assert (lines["fastnn"], lines["numerics version"]) == (fastnn.__version__, str(fastnn.numerics_version))
    assert (lines["instruction set"], lines["this CPU can run"]) == (fastnn.isa(), ", ".join(fastnn.isas()))
    assert re.fullmatch(rf"{fastnn.get_num_threads()} \(\d+ CPUs can be used\)", lines["threads"])
    assert (lines["NumPy"], bool(lines["compiler"]), bool(lines["it cannot run"])) == (np.__version__, True, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["predict", "summary", "bench", "config"]),
        (["bench", "--help"], ["MODEL", "--rows", "--seconds", "--json"]),
        (["predict", "--help"], ["MODEL", "DATA", "--output", "--target", ".csv", ".npy"]),
        (["--version"], [f"fastnn {fastnn.__version__}"]),
    ],
    ids=["help", "help for bench", "help for predict", "version"],
)
def test_help_and_version_are_for_stdout(run, capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert all(word in out for word in words)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["foresee"],
        ["predict"],
        ["predict", "m.safetensors"],
        ["predict", "m.safetensors", "d.csv", "--goal", "1"],
        ["config", "extra"],
    ],
    ids=["no command", "unknown command", "no model", "no data", "unknown option", "superfluous"],
)
def test_wrong_command_gives_code_2_and_one_line(run, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    out, err = capsys.readouterr()
    assert (ended.value.code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith("fastnn")

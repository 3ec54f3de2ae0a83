"""Which columns of the data are inputs: --drop, --columns, names that the model knows, row numbers; standard input."""

import subprocess
import sys

import numpy as np
import pytest

from arrays import uniform
from fastnn.cli import tables
from fastnn.cli.tables import csv_text
from sequentials import network

ROWS = (uniform(3, (6, 3)) * 100).round()
LINES = csv_text(ROWS).splitlines()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a model of 3 inputs, the same with names, and what they answer to ROWS."""
    monkeypatch.chdir(tmp_path)
    model = network([3, 4, 2], ["relu", "linear"], "float32")
    model.save("model.safetensors")
    model.feature_names = ["a", "b", "c"]
    model.save("named.safetensors")
    (tmp_path / "expected.txt").write_text(csv_text(model.predict(ROWS)))
    return tmp_path


@pytest.fixture
def predict(folder, run):
    """Write rows.csv and predict it: (exit code, whether stdout is the answers to ROWS, stderr)."""

    def call(text, *options, model="model.safetensors"):
        (folder / "rows.csv").write_text(text)
        code, out, err = run("predict", model, "rows.csv", *options)
        return code, out == (folder / "expected.txt").read_text(), err

    return call


def table(header, row):
    """.csv text: row is a function of a line of ROWS and its number."""
    return "".join(f"{line}\n" for line in [header, *(row(line, i) for i, line in enumerate(LINES))] if line)


def reordered(line, order=(2, 0, 1)):
    cells = line.split(",")
    return ",".join(cells[i] for i in order)


WITH_TEXT = table("who,a,b,c,note", lambda line, i: f'"Bob, {i}",{line},')
WITHOUT_HEADER = table("", lambda line, i: f"Bob{i},{line}")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (WITH_TEXT, ["--drop", "who", "--drop", "note"]),
        (WITH_TEXT, ["--drop", "0", "--drop=-1"]),
        (WITH_TEXT, ["--columns", "a,b,c"]),
        (WITH_TEXT, ["--columns", "1,2,-2"]),
        (WITHOUT_HEADER, ["--drop", "0"]),
        (WITHOUT_HEADER, ["--columns", "1,2,3"]),
        (table("c,a,b", lambda line, i: reordered(line)), ["--columns", "a,b,c"]),
        (table('c,"a,x",b', lambda line, i: reordered(line)), ["--columns", '"a,x",b,c']),
        (WITH_TEXT.replace(",", "\t").replace("Bob\t", "Bob,"), ["--columns", "a,b,c"]),
        (table("a,b,c,y", lambda line, i: f"{line},{i % 2}"), ["--target", "y"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_columns_that_are_no_inputs_may_hold_anything(predict, text, options):
    code, is_right, err = predict(text, *options)
    assert (code, is_right) == (0, True), err


def test_npy_files_have_numbered_columns(folder, run):
    np.save("rows.npy", np.column_stack([ROWS[:, 2], np.arange(6), ROWS[:, :2]]))
    for options in (["--columns", "2,3,0"], ["--columns=-2,-1,0"]):
        assert run("predict", "model.safetensors", "rows.npy", *options)[1] == (folder / "expected.txt").read_text()
    np.save("rows.npy", np.column_stack([np.arange(6), ROWS]))
    assert run("predict", "model.safetensors", "rows.npy", "--drop", "0")[1] == (folder / "expected.txt").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--drop", "id"], "expected --drop to be one of 'who', 'a', 'b', 'c', 'note' (the last of the header), or a "),
        (["--columns", "a,b,id"], "expected --columns to be one of 'who', 'a', 'b', 'c', 'note' (the last of the "),
        (["--columns", "a,b,a"], "expected each of --columns once; received column 1"),
        (["--columns", "a,b,c", "--target", "c"], "expected each of --columns that is no target; received column 3"),
        (["--columns", "a,b"], "expected 3 columns, the model's input size; received 2\n"),
        (["--columns", ""], "expected 3 columns, the model's input size; received 0\n"),
        (["--columns", "a,b,who"], "line 2, column 'who': expected a number; received 'Bob, 0'\n"),
        (["--drop", "a"], "expected 3 columns, the model's input size; received 4; --drop and --target leave a column"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_do_not_fit_are_one_line(predict, options, words):
    code, _, err = predict(WITH_TEXT, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert words in err


def test_drop_and_columns_exclude_each_other(predict):
    with pytest.raises(SystemExit) as ended:
        predict(WITH_TEXT, "--drop", "who", "--columns", "a,b,c")
    assert ended.value.code == 2


def test_rows_that_are_too_short_are_told_where_a_column_is_left_out(predict):
    code, _, err = predict(table("who,a,b,c", lambda line, i: f"Bob,{line}" if i < 4 else line), "--drop", "who")
    assert (code, err) == (2, "fastnn: rows.csv, line 6: expected 4 columns, as in the first line; received 3\n")


# -- names


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)], ids=str)
@pytest.mark.parametrize("more", [[], ["--target", "y"], ["--drop", "y"]], ids=" ".join)
def test_a_model_with_feature_names_takes_columns_by_name(predict, order, more):
    header = reordered("a,b,c", order) + (",y" if more else "")
    text = table(header, lambda line, i: reordered(line, order) + (f",{i % 2}" if more else ""))
    code, is_right, err = predict(text, *more, model="named.safetensors")
    assert (code, is_right) == (0, True), err


@pytest.mark.parametrize("header", ["id,c,{},note", ",c,{},note", "Unnamed: 0,c,{},"])
@pytest.mark.parametrize("more", [[], ["--columns", "0,2,1,3,4"], ["--drop", "0"], ["--target", "4"]], ids=" ".join)
def test_other_columns_of_text_and_row_numbers_are_ignored_as_in_frames(predict, header, more):
    text = table(header.format("a,b"), lambda line, i: f"row {i},{reordered(line)},{i % 2}")
    code, is_right, err = predict(text, *more, model="named.safetensors")
    assert (code, is_right, "note" in err) == (0, True, False), err


@pytest.mark.parametrize("columns", ["a,b,c", "c,a,b", "1,0,2"])
def test_chosen_columns_are_taken_by_name_in_any_order(predict, columns):
    text = table("c,a,b,d", lambda line, i: reordered(line) + ",x")
    code, is_right, err = predict(text, "--columns", columns, model="named.safetensors")
    assert (code, is_right, "note" in err) == (0, True, False), err


def test_chosen_columns_of_other_names_are_taken_in_order_with_a_note(predict):
    text = table("z,x,y", lambda line, i: reordered(line))
    code, is_right, err = predict(text, "--columns", "x,y,z", model="named.safetensors")
    assert (code, is_right) == (0, True)
    assert err.startswith(
        "fastnn: note: rows.csv: none of --columns is among the model's feature_names; they are taken"
    )


def test_chosen_columns_of_which_some_are_features_are_refused(predict):
    text = table("a,b,x", lambda line, i: line)
    code, _, err = predict(text, "--columns", "a,b,x", model="named.safetensors")
    assert (code, err.count("\n")) == (2, 1)
    assert "expected a column 'c', one of the model's feature_names; received 'a', 'b', 'x'" in err


def test_rows_without_a_header_are_taken_by_position(predict):
    assert predict(table("", lambda line, i: line), model="named.safetensors")[:2] == (0, True)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a,b,x", "expected a column 'c', one of the model's feature_names; received 'a', 'b', 'x'\n"),
        ("a,b", "expected a column 'c', one of the model's feature_names; received 'a', 'b'\n"),
        (
            "A,b,c",
            "expected a column 'a', one of the model's feature_names; received 'A', 'b', 'c'; did you mean 'A'?\n",
        ),
        (
            "x,y,z",
            "received 'x', 'y', 'z'; --columns takes columns of other names, in the order of the model's inputs\n",
        ),
        ("a,b,c,a", "expected one column 'a'; received 2; --drop and "),
    ],
)
def test_names_that_the_model_misses_are_refused(predict, header, words):
    code, _, err = predict(header + "\n" + ",".join("1" * len(header.split(","))) + "\n", model="named.safetensors")
    assert (code, err.count("\n")) == (2, 1)
    assert words in err


# -- what pandas writes, and headers that look like rows


WORDS = [("True", "False"), ("true", "false"), ("TRUE", "FALSE"), (" True", "False ")]


@pytest.mark.parametrize("words", WORDS, ids=str)
@pytest.mark.parametrize("header", ["a,b,c", ""])
@pytest.mark.parametrize("numbers", [3, 2**20], ids=["chunks of a row", "one chunk"])
def test_columns_of_true_and_false_are_1_and_0(folder, run, monkeypatch, words, header, numbers):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    bits = np.array([[1, 0, 1], [0, 0, 1], [0, 1, 1], [1, 1, 0]])
    text = [f"{i / 7},{words[1 - second]},{words[1 - third]}" for i, second, third in bits]
    text[1] = text[1].replace(words[1], "0")  # numbers and booleans in a column
    (folder / "rows.csv").write_text("\n".join([header, *text] if header else text))
    (folder / "numbers.csv").write_text(csv_text(bits / [7, 1, 1]))
    wanted = run("predict", "model.safetensors", "numbers.csv")
    assert run("predict", "model.safetensors", "rows.csv")[:2] == (0, wanted[1])


def test_a_row_of_booleans_alone_is_no_header(folder, run):
    (folder / "rows.csv").write_text("True,False,True\n")
    (folder / "numbers.csv").write_text("1,0,1\n")
    assert run("predict", "model.safetensors", "rows.csv")[1] == run("predict", "model.safetensors", "numbers.csv")[1]


def test_a_fault_beside_booleans_is_told(predict):
    code, _, err = predict("a,b,c\n1,True,2\n1,False,x\n1,Yes,2\n")
    assert (code, err) == (2, "fastnn: rows.csv, line 3, column 'c': expected a number; received 'x'\n")


def test_a_target_of_booleans_is_scored(folder, run):
    network([3, 1], ["sigmoid"], "float32").save("two.safetensors")
    (folder / "rows.csv").write_text(table("a,b,c,y", lambda line, i: f"{line},{bool(i % 2)}"))
    (folder / "numbers.csv").write_text(table("a,b,c,y", lambda line, i: f"{line},{i % 2}"))
    scores = [run("predict", "two.safetensors", name, "--target", "y")[2] for name in ("rows.csv", "numbers.csv")]
    assert scores[0].splitlines()[-1] == scores[1].splitlines()[-1] != ""


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_column_of_row_numbers_is_told_as_such(predict, name):
    text = table(f"{name},a,b,c", lambda line, i: f"{i},{line}")
    code, _, err = predict(text)
    said = "column 0 has no name, as the row numbers that pandas writes; --drop 0 leaves it out"
    assert (code, err) == (2, f"fastnn: rows.csv: expected 3 columns, the model's input size; received 4; {said}\n")
    assert predict(text, "--drop", "0")[:2] == (0, True)
    assert predict(text, "--drop", name)[:2] == (0, True)
    text = table(f"{name},b,c", lambda line, i: line)
    code, is_right, err = predict(text)
    assert (code, is_right) == (0, True)
    assert err.startswith(f"fastnn: note: rows.csv: {said}; it is taken as an input\n")


NOTE = "fastnn: note: rows.csv: line 1 is taken as a row, since its fields are numbers; if it names the columns, use"


@pytest.mark.parametrize("header", ["2019,2020,2021", "0,1,2", "1950;1960;1975", '"1","2","3"'])
def test_a_header_of_numbers_is_noted(predict, header):
    separator = ";" if ";" in header else ","
    text = table(header, lambda line, i: line.replace(",", separator))
    code, is_right, err = predict(text)
    assert (code, is_right, err.startswith(NOTE)) == (0, False, True)
    code, is_right, err = predict(text, "--header")
    assert (code, is_right, "note" in err) == (0, True, False)
    assert "note" not in predict(text, "--no-header")[2]


@pytest.mark.parametrize("first", ["3,2,1", "1,1,1", "0.5,1,2", "-1,2,3", "a,b,c"])
def test_other_first_lines_are_not_noted(predict, first):
    code, _, err = predict(table(first, lambda line, i: line))
    assert (code, err.count("\n")) == (0, 1)


def test_equal_rows_are_not_noted(predict):
    assert predict("1,2,3\n1,2,3\n")[2].count("\n") == 1


def test_a_header_with_a_number_in_it_is_told_how_to_declare_it(predict):
    text = table("a,2020,c", lambda line, i: line)
    code, _, err = predict(text)
    said = "expected a number; received 'a' (if this line names the columns, use --header)"
    assert (code, err) == (2, f"fastnn: rows.csv, line 1, column 0: {said}\n")
    code, _, err = predict(text, "--drop", "c")
    assert (code, err.endswith("received 'c'; for names in the first line use --header\n")) == (2, True)
    assert predict(text, "--header")[:2] == (0, True)


# -- standard input


def piped(folder, content, *options):
    command = [sys.executable, "-m", "fastnn", "predict", "model.safetensors", "-", *options]
    return subprocess.run(command, input=content, capture_output=True, cwd=folder, timeout=60)


def test_rows_come_from_standard_input(folder):
    for text in (table("a,b,c", lambda line, i: line), table("", lambda line, i: line.replace(",", ";"))):
        done = piped(folder, text.encode())
        assert (done.returncode, done.stdout) == (0, (folder / "expected.txt").read_bytes()), done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", b"standard input: expected a line of fields; received an empty file"),
        (b"1,2\n", b"standard input: expected 3 columns"),
        (b"a,b,c\n1,2,x\n", b"standard input, line 2, column 'c': expected a number; received 'x'"),
        (b"\x93NUMPY\1\0", b"standard input: expected .csv text in UTF-8; received a .npy file"),
    ],
    ids=["empty", "columns", "text", "npy"],
)
def test_what_is_wrong_on_standard_input_is_one_line(folder, content, words):
    done = piped(folder, content)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert done.stderr.startswith(b"fastnn: " + words)


def test_closed_standard_input_is_one_line(folder):
    command = f'"{sys.executable}" -m fastnn predict model.safetensors - <&-'
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=folder, timeout=60)
    said = b"fastnn: standard input is closed; expected rows of a .csv file on it\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", said)


def test_the_data_on_standard_input_is_not_overwritten(folder):
    (folder / "rows.csv").write_text(table("a,b,c", lambda line, i: line))
    before = (folder / "rows.csv").read_bytes()
    with (folder / "rows.csv").open("rb") as rows:
        command = [sys.executable, "-m", "fastnn", "predict", "model.safetensors", "-", "-o", "rows.csv"]
        done = subprocess.run(command, stdin=rows, capture_output=True, cwd=folder, timeout=60)
    assert done.returncode == 2
    assert b"expected an output that is neither the model nor the data" in done.stderr
    assert (folder / "rows.csv").read_bytes() == before

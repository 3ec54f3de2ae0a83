"""The command line and its files: every way to write a table down gives the same rows, every mistake gives one line.

A failed command leaves no file behind and an old output as it was.
"""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from arrays import uniform
from fastnn.cli import tables
from fastnn.cli.main import main
from sequentials import network

ROWS = (uniform(3, (6, 3)) * 100).round()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    network([3, 4, 2], ["relu", "linear"], "float32").save(path)
    return path


@pytest.fixture
def predict(model, tmp_path, capsys):
    """fastnn predict on a file in tmp_path: (exit code, stdout, stderr)."""

    def call(data, *options):
        code = main(["predict", str(model), str(tmp_path / data), *map(str, options)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def expected(model, tmp_path, predict):
    """What predict prints for ROWS."""
    np.save(tmp_path / "expected.npy", ROWS)
    _, out, _ = predict("expected.npy")
    (tmp_path / "expected.npy").unlink()
    return out


def text(rows=ROWS, end="\n", cell="{:g}"):
    return "".join(",".join(cell.format(x) for x in row) + end for row in rows)


SPELLINGS = {
    "no header": text(),
    "header": "a,b,c\n" + text(),
    "header in quotes": '"a","b, with comma","c"\n' + text(),
    "byte order mark": "\ufeff" + text(),
    "byte order mark and header": "\ufeffa,b,c\n" + text(),
    "CRLF": text(end="\r\n"),
    "CRLF and header": "a,b,c\r\n" + text(end="\r\n"),
    "CR alone": text(end="\r"),
    "numbers in quotes": text(cell='"{:g}"'),
    "spaces around numbers": text(cell="  {:g} "),
    "exponents": text(cell="{:.6e}"),
    "blank lines": "a,b,c\n\n" + text(ROWS[:3]) + "\n  \n" + text(ROWS[3:]) + "\n\n",
    "blank CRLF lines": text(ROWS[:3], "\r\n") + "\r\n" + text(ROWS[3:], "\r\n"),
    "no newline at the end": text()[:-1],
    "header that is not UTF-8": b"a,\xe9\xff,c\n" + text().encode(),
    "semicolons": text().replace(",", ";"),
    "semicolons and header": "a;b;c\n" + text().replace(",", ";"),
    "semicolons and commas in the header": "length, cm;b (x, y, z);c\n" + text().replace(",", ";"),
    "tabs": text().replace(",", "\t"),
    "tabs and header": "a\tb, c; d\te\n" + text().replace(",", "\t"),
    "commas and semicolons in the header": "a;b,c;d;e,f\n" + text(),
    "separators in quotes": '"a;b\tc","d;e",f\n' + text(),
}


@pytest.mark.parametrize("numbers", [2**20, 6], ids=["one chunk", "chunks of two rows"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_csv_may_be_spelled_as(predict, expected, tmp_path, monkeypatch, spelling, numbers):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    (tmp_path / "rows.csv").write_bytes(spelling if isinstance(spelling, bytes) else spelling.encode())
    code, out, err = predict("rows.csv")
    assert (code, out) == (0, expected), err


@pytest.mark.parametrize("target", ["truth", "3"])
def test_byte_order_mark_is_no_part_of_a_name(predict, tmp_path, target):
    (tmp_path / "rows.csv").write_text("\ufefftruth,b,c,d\n1,2,3,0\n", encoding="utf-8")
    assert predict("rows.csv", "--target", target)[0] == 0


def test_number_beyond_float32_is_infinity_without_a_warning(tmp_path):
    network([1, 1], ["linear"], "float32", use_bias=False).save(tmp_path / "model.safetensors")
    (tmp_path / "rows.csv").write_text("1e39\n-1e39\n1e-60\n")
    command = [sys.executable, "-W", "error", "-m", "fastnn", "predict", "model.safetensors", "rows.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1), done.stderr
    assert np.abs(np.array(done.stdout.split(), float)).tolist() == [np.inf, np.inf, 0]


def test_not_a_number_in_a_cell_is_a_number(predict, tmp_path):
    (tmp_path / "rows.csv").write_text("nan,1,2\n1,NaN,-inf\n1,2,3\n")
    code, out, _ = predict("rows.csv")
    lines = out.splitlines()
    assert (code, lines[0], "nan" in lines[2]) == (0, "nan,nan", False)


ARRAYS = {
    "float64": ROWS,
    "float32": ROWS.astype("f4"),
    "float16": ROWS.astype("f2"),
    "big-endian": ROWS.astype(">f8"),
    "integers": ROWS.astype("i8"),
    "bytes": ROWS.astype("i1"),
    "Fortran order": np.asfortranarray(ROWS),
}


@pytest.mark.parametrize("numbers", [2**20, 6], ids=["one chunk", "chunks of two rows"])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_npy_may_hold(predict, expected, tmp_path, monkeypatch, array, numbers):
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    np.save(tmp_path / "rows.npy", array)
    code, out, err = predict("rows.npy")
    assert (code, out) == (0, expected), err


def npy_bytes(tmp_path, array, **options):
    np.save(tmp_path / "scratch.npy", array, **options)
    data = (tmp_path / "scratch.npy").read_bytes()
    (tmp_path / "scratch.npy").unlink()
    return data


def npy_claiming(tmp_path, shape):
    data = npy_bytes(tmp_path, ROWS)
    return data.replace(f"{ROWS.shape}, }}".ljust(40).encode(), f"{shape}, }}".ljust(40).encode())


def npz_bytes(tmp_path):
    np.savez(tmp_path / "scratch.npz", ROWS)
    return (tmp_path / "scratch.npz").rename(tmp_path / "rows.npy").read_bytes()


# What the file holds (text, bytes, a function of tmp_path), and words of the one line that answers.
BAD_CSV = {
    "empty file": ("", ["rows.csv", "received an empty file"]),
    "first line blank": ("\n1,2,3\n", ["received an empty first line"]),
    "too few columns": ("a,b\n1,2\n", ["expected 3 columns, the model's input size; received 2\n"]),
    "too many columns": ("1,2,3,4\n", ["expected 3 columns", "received 4", "--target", "--drop", "--columns"]),
    "text in a cell": ("a,b,c\n1,2,3\n\n4,five,6\n", ["line 4", "column 'b'", "'five'"]),
    "text in a cell without a header": ("1,2,3\n4,5,x y\n", ["line 2", "column 2", "'x y'"]),
    "empty cell": ("a,b,c\n1,,3\n", ["line 2", "column 'b'", "''"]),
    "empty cell in the first row": ("1,,3\n4,5,6\n", ["line 1", "column 1", "''"]),
    "short row": ("1,2,3\n4,5\n6,7,8\n", ["line 2", "expected 3 columns", "received 2"]),
    "long row": ("a,b,c\n1,2,3\n4,5,6,7\n", ["line 3", "expected 3 columns", "received 4"]),
    "every row shorter than the header": ("a,b,c\n1,2\n3,4\n", ["line 2", "expected 3 columns", "received 2"]),
    "hexadecimal": ("1,2,3\n4,0x10,6\n", ["line 2", "'0x10'"]),
    "underscore in a number": ("1,2,3\n4,1_000,6\n", ["line 2", "'1_000'"]),
    "digits of another width": ("\uff11,\uff12,\uff13\n4,5,6\n", ["line 1", "column 0", "'\uff11'"]),
    "digits of another script": ("a,b,c\n4,\u0665,6\n", ["line 2", "column 'b'", "'\u0665'"]),
    "spaces": ("a b c\n1 2 3\n", ["expected 3 columns", "received 1; columns are separated by ',', ';' or a tab"]),
    "decimal commas in quotes": ('a,b,c\n"1,5",2,3\n', ["line 2", "'1,5'; write decimals with a point"]),
    "groups of digits": ("1.000,50;2;3\n", ["line 1, column 0", "'1.000,50'; write decimals with a point, and digits"]),
    "decimal commas": ("1,5;2,5;3,5\n1,5;2;3\n", ["line 1, column 0", "'1,5'; write decimals with a point"]),
    "empty cells between tabs": ("a\tb\tc\n1\t2\t3\n\t\t\n", ["line 3", "column 'a'", "''"]),
    "one separator in the header, another in the rows": ("a;b;c\n1,2,3\n", ["line 2", "expected 3 columns"]),
    "comment": ("1,2,3\n# remark\n", ["line 2", "expected 3 columns"]),
    "cell without end": ("1,2,3\n4,5," + "x" * 200_000 + "\n", ["line 2"]),
    "first line without end": ("x" * 200_000, ["rows.csv"]),
    "quote without end": ('a,b,c\n1,"2,3\n4,5,6\n', ["line 2: expected a closing quote"]),
    "null character": ("1,2,3\n4,5\0,6\n", ["line 2"]),
    "not text": (bytes(range(256)) * 4, ["rows.csv"]),
    "UTF-16": (text().encode("utf-16"), ["rows.csv: expected .csv text in UTF-8; received UTF-16"]),
    "big-endian UTF-16": (b"\xfe\xff\0a", ["rows.csv: expected .csv text in UTF-8; received UTF-16"]),
    "a spreadsheet": (b"PK\3\4" + bytes(99), ["rows.csv: expected .csv text in UTF-8; received a zip archive"]),
    "npy": (b"\x93NUMPY\1\0", ["rows.csv: expected .csv text in UTF-8; received a .npy file"]),
}
BAD_NPY = {
    "empty file": (b"", ["rows.npy", "expected a NumPy .npy file"]),
    "no npy": (b"1,2,3\n", ["rows.npy", "expected a NumPy .npy file"]),
    "npz": (npz_bytes, ["rows.npy", "expected"]),
    "truncated header": (lambda tmp: npy_bytes(tmp, ROWS)[:20], ["rows.npy", "expected a NumPy .npy file"]),
    "truncated data": (lambda tmp: npy_bytes(tmp, ROWS)[:-1], ["rows.npy", "expected a NumPy .npy file"]),
    "negative shape": (lambda tmp: npy_claiming(tmp, "(-2, -3)"), ["rows.npy", "its header says (-2, -3)"]),
    "overflow": (lambda tmp: npy_claiming(tmp, f"({2**62}, 3)"), ["rows.npy", "and the file has"]),
    "version": (lambda tmp: npy_bytes(tmp, ROWS).replace(b"\1\0", b"\3\0", 1), ["rows.npy", "of version (3, 0)"]),
    "one dimension": (lambda tmp: npy_bytes(tmp, ROWS[0]), ["expected a 2-D array", "1 dimension"]),
    "three dimensions": (lambda tmp: npy_bytes(tmp, ROWS[None]), ["expected a 2-D array", "3 dimensions"]),
    "no dimension": (lambda tmp: npy_bytes(tmp, 1.0), ["expected a 2-D array", "0 dimensions"]),
    "objects": (lambda tmp: npy_bytes(tmp, ROWS.astype(object), allow_pickle=True), ["rows.npy", "expected"]),
    "pickle": (lambda tmp: ROWS.dumps(), ["rows.npy", "expected a NumPy .npy file"]),
    "complex numbers": (lambda tmp: npy_bytes(tmp, ROWS * 1j), ["expected a 2-D array of numbers", "complex128"]),
    "text": (lambda tmp: npy_bytes(tmp, ROWS.astype(str)), ["expected a 2-D array of numbers", "U"]),
    "no columns": (lambda tmp: npy_bytes(tmp, ROWS[:, :0]), ["expected 3 columns", "received 0"]),
    "too many columns": (lambda tmp: npy_bytes(tmp, np.c_[ROWS, ROWS]), ["expected 3 columns", "received 6"]),
}
BAD = [("rows.csv", *bad) for bad in BAD_CSV.values()] + [("rows.npy", *bad) for bad in BAD_NPY.values()]
BAD_NAMES = [f"csv, {name}" for name in BAD_CSV] + [f"npy, {name}" for name in BAD_NPY]


def assert_one_line(code, out, err, words):
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith("fastnn: ")
    assert not [word for word in words if word not in err], err
    assert len(err) < 1000


@pytest.mark.parametrize(("name", "content", "words"), BAD, ids=BAD_NAMES)
def test_data_that_cannot_be_used_gives_one_line_and_leaves_the_old_output(predict, tmp_path, name, content, words):
    content = content(tmp_path) if callable(content) else content
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "out.csv").write_text("old")
    before = sorted(tmp_path.iterdir())
    assert_one_line(*predict(name, "-o", tmp_path / "out.csv"), words)
    assert (sorted(tmp_path.iterdir()), (tmp_path / "out.csv").read_text()) == (before, "old")


@pytest.mark.parametrize("wanted", ["digit", "4", "-5", "1.5", ""])
def test_unknown_target_lists_the_valid_ones(predict, tmp_path, wanted):
    (tmp_path / "rows.csv").write_text("a,b,c,truth\n1,2,3,4\n")
    words = ["'a', 'b', 'c', 'truth'", "a number from -4 to 3", f"received {wanted!r}"]
    assert_one_line(*predict("rows.csv", f"--target={wanted}"), words)


def test_target_that_leaves_too_few_columns_is_refused(predict, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3\n")
    assert_one_line(*predict("rows.csv", "--target", "0"), ["expected 3 columns", "besides the target", "received 2"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.csv", ["missing.csv: No such file or directory"]),
        ("missing.npy", ["missing.npy: No such file or directory"]),
        ("folder.csv", ["folder.csv: Is a directory"]),
        ("folder.npy", ["folder.npy: Is a directory"]),
        ("rows.txt", ["rows.txt: expected a file that ends in .csv, "]),
        ("rows", ["rows: expected a file that ends in .csv, "]),
        ("two\nlines.csv", ["lines.csv: No such file"]),
    ],
)
def test_data_that_cannot_be_opened_gives_one_line(predict, tmp_path, name, words):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.npy").mkdir()
    assert_one_line(*predict(name), words)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
@pytest.mark.parametrize("name", ["rows.csv", "rows.npy"])
def test_data_that_may_not_be_read_gives_one_line(predict, tmp_path, name):
    (tmp_path / name).touch(mode=0)
    assert_one_line(*predict(name), ["Permission denied"])


@pytest.mark.parametrize("command", ["predict", "summary"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.safetensors", ["missing.safetensors: No such file or directory"]),
        ("folder.safetensors", ["folder.safetensors", "a folder; expected the file of a model"]),
        ("rows.csv", ["rows.csv"]),
        ("zeros.safetensors", ["zeros.safetensors"]),
    ],
)
def test_model_that_cannot_be_loaded_gives_one_line(capsys, tmp_path, command, name, words):
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "zeros.safetensors").write_bytes(bytes(100))
    (tmp_path / "rows.csv").write_text(text())
    data = [str(tmp_path / "rows.csv")] if command == "predict" else []
    assert_one_line(main([command, str(tmp_path / name), *data]), *capsys.readouterr(), words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/out.csv", ["No such file or directory"]),
        ("out.txt", ["out.txt: expected an output file that ends in .csv, "]),
        ("folder.csv", ["folder.csv", "s a directory"]),
        ("folder.npy", ["folder.npy", "s a directory"]),
    ],
)
def test_output_that_cannot_be_written_gives_one_line_and_leaves_nothing(predict, tmp_path, name, words):
    (tmp_path / "rows.csv").write_text(text())
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.npy").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert_one_line(*predict("rows.csv", "-o", tmp_path / name), words)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("limit", [0, 50], ids=["at once", "later"])
@pytest.mark.parametrize("out", ["out.csv", "out.npy"])
def test_full_disk_gives_one_line_and_leaves_the_old_output(model, tmp_path, out, limit):
    (tmp_path / "rows.csv").write_text(text(np.tile(ROWS, (5, 1))))
    (tmp_path / out).write_text("old")
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "fastnn", "predict", model, "rows.csv", "-o", out],
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert_one_line(done.returncode, done.stdout, done.stderr, ["File too large"])
    assert (sorted(tmp_path.iterdir()), (tmp_path / out).read_text()) == (before, "old")

"""Odd paths, of every kind of file that is read or written: each works, or gets one sentence and leaves nothing.

What the system says of them otherwise is in test_model_file.py and test_cli_data.py.
"""

import os
import pathlib
import shutil

import numpy as np
import pytest

from compiled import ROOT
from fastnn.cli.main import main
from fastnn.cli.tables import Table, writer
from fastnn.models import load_model
from sequentials import network

ROWS = np.arange(6.0).reshape(2, 3)
MODEL = network([3, 4, 2], ["relu", "linear"], "float32")


def write_rows(path):
    with writer(path, ["a", "b", "c"], "float64") as file:
        file.write(ROWS)


def read_rows(path):
    with Table(path) as table:
        np.testing.assert_array_equal(np.concatenate(list(table.chunks())), ROWS)


def read_model(path):
    assert load_model(path).fingerprint() == MODEL.fingerprint()


WRITE = {
    ".safetensors": MODEL.save,
    ".onnx": MODEL.export,
    ".hpp": lambda path: MODEL.export(path, name="model"),
    ".csv": write_rows,
    ".npy": write_rows,
    ".parquet": write_rows,
}
TABLES = (".csv", ".npy", ".parquet")
READ = {".safetensors": read_model, ".onnx": read_model} | dict.fromkeys(TABLES, read_rows)


def commands(path, suffix):
    """The command lines that read, and that write, a file of this kind."""
    if suffix in TABLES:
        return ["predict", "m.safetensors", path], ["predict", "m.safetensors", "rows.csv", "-o", path]
    export = ["export", "m.safetensors", path] + (["--name=model"] if suffix == ".hpp" else [])
    return ["summary", path], ["convert", "m.safetensors", path] if suffix == ".safetensors" else export


@pytest.fixture(params=WRITE)
def suffix(request, tmp_path, monkeypatch):
    """The end of a file's name; the working directory has a model and rows."""
    if package := {".onnx": "onnx", ".parquet": "pyarrow"}.get(request.param):
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    MODEL.save("m.safetensors")
    write_rows("rows.csv")
    return request.param


NAMES = {
    "not UTF-8": os.fsdecode(b"caf\xe9"),
    "line breaks and what commands a terminal": "a\nb\r\x1b[2J\u2028",
    "spaces": " a ",
    "longest": "n" * 255,
    "not a home": "~/a",
    "option": "./--a",
    "up and down": "folder/../a",
}


@pytest.mark.parametrize("stem", NAMES.values(), ids=NAMES)
def test_odd_names_work(suffix, stem, capsys):
    path = stem[: 255 - len(suffix)] + suffix
    file = pathlib.Path(path)
    for name in ("~", "folder"):
        pathlib.Path(name).mkdir()
    before = sorted(pathlib.Path().rglob("*"))
    reading, writing = commands(path, suffix)
    WRITE[suffix](path)
    if suffix in READ:
        READ[suffix](path)
        assert main(reading) == 0
    file.unlink()
    assert main(writing) == 0
    file.unlink()
    assert sorted(pathlib.Path().rglob("*")) == before
    assert all(line.isprintable() for text in capsys.readouterr() for line in text.split("\n"))


@pytest.mark.parametrize(
    "path",
    [
        "a\0b{}",
        "",
        "{}",
        "folder{}",
        "folder{}/",
        "new{}/",
        "m.safetensors/a{}",
        "loop{}",
        "missing/a{}",
        "missing/../a{}",
        "n" * 256 + "{}",
        "n" * 5000 + "{}",
        "\n\x1b[2J/a{}",
        "~/a{}",
    ],
    ids=lambda path: ascii(path)[:20],
)
def test_paths_of_no_file_get_one_sentence(suffix, path, capsys):
    path = path.format(suffix)
    pathlib.Path(f"folder{suffix}").mkdir()
    pathlib.Path(f"loop{suffix}").symlink_to(f"loop{suffix}")
    before = sorted(pathlib.Path().rglob("*"))
    reading, writing = commands(path, suffix)
    for call in (READ.get(suffix), WRITE[suffix]):
        if call is not None:
            with pytest.raises((OSError, ValueError)) as error:
                call(path)
            assert str(error.value).isprintable()
    for command in (reading, writing) if suffix in READ else (writing,):
        assert main(command) == 2
        out, err = capsys.readouterr()
        assert (out, err[:8], err[-1:]) == ("", "fastnn: ", "\n")
        assert err[:-1].isprintable()
        assert "embedded null" not in err
    assert sorted(pathlib.Path().rglob("*")) == before


class Given:
    """What os.PathLike asks for."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.mark.parametrize("kind", [pathlib.Path, os.fsencode, Given, lambda path: Given(os.fsencode(path))])
def test_pathlikes_and_bytes_are_paths(suffix, kind):
    if suffix in TABLES:
        pytest.skip("the command line's alone, always text")
    path = kind(os.fsdecode(b"caf\xe9") + suffix)
    WRITE[suffix](path)
    if suffix in READ:
        READ[suffix](path)
    assert pathlib.Path(os.fsdecode(path)).exists()


@pytest.mark.parametrize("path", [None, 3, 3.0, ["a"], Given(3), True], ids=lambda path: type(path).__name__)
def test_what_is_no_path_is_typeerror(path):
    for call in (MODEL.save, MODEL.export, load_model):
        with pytest.raises(TypeError, match="path|PathLike"):
            call(path)


def test_paths_are_those_of_the_working_directory_at_the_call(suffix, monkeypatch, tmp_path):
    (tmp_path / "other").mkdir()
    WRITE[suffix](f"a{suffix}")
    monkeypatch.chdir(tmp_path / "other")
    if suffix in READ:
        READ[suffix](f"../a{suffix}")
        with pytest.raises(FileNotFoundError):
            READ[suffix](f"a{suffix}")
    WRITE[suffix](f"b{suffix}")
    assert os.listdir(tmp_path / "other") == [f"b{suffix}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_permissionerror(suffix, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        WRITE[suffix](f"closed/a{suffix}")


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("torch_digits.state_dict.pt", {}),
        ("torch_digits.state_dict.pt", {"layers": ["relu"]}),
        ("keras_digits.keras", {"layers": ["relu"]}),
        ("sklearn_wine.skl2onnx.onnx", {"layers": ["relu"]}),
    ],
)
def test_refusals_of_other_tools_files_of_odd_names_are_one_sentence(tmp_path, file, arguments):
    path = tmp_path / os.fsdecode(b"caf\xe9\n\x1b")
    shutil.copy(ROOT / "tests/data" / file, path)
    with pytest.raises(ValueError) as error:
        load_model(path, **arguments)
    assert str(error.value).isprintable()


def test_what_names_an_odd_path_is_printable(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\n\x1b.safetensors")
    MODEL.save(path)
    with pytest.raises(FileExistsError) as error:
        MODEL.save(path, overwrite=False)
    assert str(error.value).isprintable()
    model = load_model(path, check=(ROWS, MODEL.predict(ROWS)))
    assert all(line.isprintable() for line in str(model.conversion).split("\n"))

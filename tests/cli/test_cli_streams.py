"""What the command writes where: nothing that commands a terminal, every locale, a closed stderr."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arrays import uniform
from fastnn.cli.main import main
from fastnn.cli.tables import csv_text
from fastnn.layers import Dense
from fastnn.models import Sequential
from sequentials import network

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a model of 3 inputs and 2 units, and 30 rows."""
    monkeypatch.chdir(tmp_path)
    network([3, 4, 2], ["relu", "linear"], "float32").save("model.safetensors")
    (tmp_path / "rows.csv").write_text("a,b,c\n" + csv_text(uniform(1, (30, 3))))
    return tmp_path


def shell(line, **environment):
    """Run a line of bash in which `fastnn` is the command."""
    command = f'fastnn() {{ "{sys.executable}" -m fastnn "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", command], capture_output=True, env=os.environ | environment, timeout=60)


@pytest.mark.parametrize("where", ["the model", "a layer"])
def test_summary_of_a_name_with_control_characters_prints_none(folder, capsys, where):
    name = 'a\x1b[2J\nb\r\x07\x9b1m\u202e"'
    names = ("m", name) if where == "a layer" else (name, "l")
    Sequential([Dense(1, input_shape=(2,), name=names[1])], name=names[0]).save(folder / "named.safetensors")
    assert main(["summary", "named.safetensors"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(line.isprintable() for line in out.split("\n"))
    assert r"a\x1b[2J\nb\r\x07\x9b1m\u202e" in out
    assert len({len(line) for line in out.split("\n")[1:6]}) == 1  # the table keeps its shape


@pytest.mark.parametrize("command", ["summary model.safetensors", "config", "predict model.safetensors rows.csv"])
def test_a_locale_of_ascii_alone_is_no_error(folder, command):
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    done = shell(f"fastnn {command}", **ascii_alone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b"Traceback" not in done.stderr
    if "summary" in command:
        assert b"Total params: 26 (104.00 B)" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "utf-8", "ascii:replace"])
def test_classes_on_stdout_are_utf_8_in_every_locale(folder, encoding):
    model = Sequential([Dense(3, input_shape=(3,))])
    model.build()
    model.classes = ["жаба", "café", "猫"]
    model.save(folder / "animals.safetensors")
    command = "fastnn predict animals.safetensors rows.csv --labels"
    assert shell(f"{command} -o out.csv").returncode == 0
    done = shell(command, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout) == (0, (folder / "out.csv").read_bytes())
    assert set(done.stdout.decode().split()) <= set(model.classes)


@pytest.mark.parametrize(
    "command", ["predict model.safetensors rows.csv", "summary model.safetensors", "config"], ids=lambda c: c.split()[0]
)
def test_closed_stderr_changes_nothing_on_stdout(folder, command):
    wanted = shell(f"fastnn {command}")
    done = shell(f"fastnn {command} 2>&-")
    assert (done.returncode, done.stdout) == (0, wanted.stdout)
    assert len(done.stdout.splitlines()) > 5


def test_closed_stderr_leaves_the_output_file_and_the_exit_code(folder):
    assert shell("fastnn predict model.safetensors rows.csv -o out.csv --target=c 2>&-").returncode == 2
    assert not (folder / "out.csv").exists()
    wanted = shell("fastnn predict model.safetensors rows.csv").stdout
    assert shell("fastnn predict model.safetensors rows.csv -o out.csv 2>&-").returncode == 0
    assert (folder / "out.csv").read_bytes() == wanted


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["summary nope", "predict model.safetensors rows.csv", "foresee"])
def test_message_to_a_full_disk_leaves_code_2(folder, command):
    assert shell(f"fastnn {command} 2> /dev/full").returncode == 2


# As where pip has installed fastnn, which only then has a folder to show.
CLI = "import sys; from fastnn.cli import main; main.cmake_dir = lambda: 'a folder'; sys.exit(main.main(sys.argv[1:]))"
PRINTED = ["--version", "--help", "predict --help", "--cmake-dir"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
@pytest.mark.parametrize("option", PRINTED)
def test_what_an_option_prints_to_a_full_disk_gives_code_2_and_one_line(option, unbuffered):
    done = shell(f'"{sys.executable}" -c "{CLI}" {option} > /dev/full', PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (2, b"fastnn: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("option", PRINTED)
def test_reader_that_does_not_read_what_an_option_prints_is_no_error_message(option):
    done = shell(f'"{sys.executable}" -c "{CLI}" {option} | true')
    assert (done.returncode, done.stderr) == (0, b"")

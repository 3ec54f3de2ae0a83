"""A FIFO that takes a file's place at any moment is not waited for; what is no file is refused at once."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compiled import ROOT
from fastnn.cli.tables import Table
from fastnn.importers.torch.state_dict import from_torch_state_dict

MODELS = ROOT / "tests/data"
# Python's open() raises an event first, and the file is exchanged before it is opened for the n-th time, for n from 1
# until the file is opened less often than n times.
EXCHANGED = """if True:
    import os, signal, sys
    import h5py, onnx, fastnn, fastnn.cli.tables

    path, call = sys.argv[1:]
    content = open(path, "rb").read()
    left = 0

    def exchange(event, arguments):
        global left
        if event == "open" and left and os.path.basename(str(arguments[0])) == os.path.basename(path):
            left -= 1
            if not left:
                os.unlink(path)
                os.mkfifo(path)

    sys.addaudithook(exchange)
    for nth in range(1, 100):
        signal.alarm(20)
        left = nth
        try:
            eval(call)
        except ValueError as error:
            print(ascii(str(error)))
        if left:
            break
        os.unlink(path)
        with open(path, "wb") as file:
            file.write(content)
"""


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("keras_digits.keras", "fastnn.load_model(path)"),
        ("keras_digits.h5", "fastnn.load_model(path)"),
        ("torch_digits.dynamo.onnx", "fastnn.load_model(path)"),
        ("torch_digits.dynamo.onnx.data", "fastnn.load_model(path.removesuffix('.data'))"),
        ("torch_digits.state_dict.pt", "fastnn.load_model(path)"),
        ("torch_digits.state_dict.pt", "fastnn.load_model(path, layers=['relu', 'relu', 'linear'])"),
        ("torch_digits.state_dict.safetensors", "fastnn.load_model(path)"),
        ("torch_digits.state_dict.safetensors", "fastnn.load_model(path, layers=['relu', 'relu', 'linear'])"),
        ("rows.npy", "fastnn.cli.tables.Table(path)"),
    ],
)
@pytest.mark.slow
def test_a_fifo_in_the_place_of_a_file_is_not_waited_for(tmp_path, name, call):
    pytest.importorskip("h5py", reason="h5py is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    for path in MODELS.glob("torch_digits.dynamo.onnx*" if "onnx" in name else name):
        shutil.copy(path, tmp_path)
    np.save(tmp_path / "rows.npy", np.ones((2, 3)))
    path = str(tmp_path / name)
    done = subprocess.run([sys.executable, "-c", EXCHANGED, path, call], capture_output=True, text=True, check=False)
    assert done.returncode != -signal.SIGALRM, f"{call} waits for a FIFO"
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert any("FIFO" in line or "no regular file" in line for line in said), said


@pytest.fixture(params=["FIFO", "device", "folder", "socket", "link to a FIFO"])
def no_file(request, tmp_path, monkeypatch):
    """The path of what is no regular file."""
    monkeypatch.chdir(tmp_path)  # a socket's path has 108 bytes at most
    path = Path("rows.npy")
    if request.param == "FIFO":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        os.mkfifo("fifo")
        path.symlink_to("fifo")
    return str(path)


@pytest.mark.parametrize(
    "read", [Table, lambda path: from_torch_state_dict(path, ["relu"])], ids=["table", "state dict"]
)
def test_what_is_no_regular_file_is_refused_at_once(no_file, read):
    signal.alarm(20)
    try:
        with pytest.raises((ValueError, OSError), match=r"rows\.npy") as error:
            read(no_file)
    finally:
        signal.alarm(0)
    assert len(str(error.value).splitlines()) == 1


def test_rows_come_from_no_device(tmp_path):
    (tmp_path / "rows.csv").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=r"rows\.csv: is a device; expected a regular file or a FIFO"):
        Table(str(tmp_path / "rows.csv"))

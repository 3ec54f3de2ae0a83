"""What the system is asked for, seen by a preloaded library: files are opened once, and saved in a safe order."""

import errno
import os
import re
import shutil
import sys

import pytest

from compiled import ROOT, tools
from model_bytes import small_model
from processes import run, run_python

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")]


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The library of tests/programs/file_calls.cpp."""
    (compiler,) = tools("c++")
    path = tmp_path_factory.mktemp("shim") / "file_calls.so"
    run(compiler, "-std=c++17", "-O1", "-shared", "-fPIC", ROOT / "tests/programs/file_calls.cpp", "-o", path, "-ldl")
    return path


@pytest.fixture
def watched(shim, tmp_path):
    """Run Python code; return what it prints, and the calls that concern files of one folder."""

    def call(folder, code, *arguments, failing="", error=0):
        log = tmp_path / "calls"
        variables = {"LD_PRELOAD": str(shim), "FILE_CALLS": str(log)}
        if failing:
            variables |= {"FAILING_CALL": failing, "FAILING_ERRNO": str(error)}
        printed = run_python(code, *arguments, **variables)
        lines = [line for line in log.read_text().splitlines() if str(folder) in line]
        return printed, [re.sub(r"\.fastnn-\d+\.tmp", "TEMPORARY", line) for line in lines]

    return call


WRITES = {
    "m.safetensors": "model.save(sys.argv[3])",
    "m.hpp": "model.export(sys.argv[3])",
    "m.csv": "with contextlib.redirect_stderr(io.StringIO()): main(['predict', *sys.argv[1:3], '-o', sys.argv[3]])",
}
WRITE = """
    import contextlib, errno, io, sys, fastnn
    from fastnn.cli.main import main
    model = fastnn.load_model(sys.argv[1])
    try:
        {}
    except OSError as error:
        print(errno.errorcode[error.errno], error.filename)
"""


@pytest.fixture(params=WRITES)
def writing(request, tmp_path, watched):
    """A private file in a folder of its own, and what writes it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / request.param
    path.touch(0o600)
    path.write_text("old")
    small_model().save(tmp_path / "model.safetensors")
    (tmp_path / "rows.csv").write_text("1,2,3\n")
    code = WRITE.format(WRITES[request.param])
    arguments = (tmp_path / "model.safetensors", tmp_path / "rows.csv", path)
    return path, lambda **options: watched(folder, code, *arguments, **options)


def test_a_file_is_on_the_disk_before_it_has_its_name_and_never_readable_for_others(writing):
    path, write = writing
    printed, calls = write()
    folder, size = path.parent, path.stat().st_size
    assert (printed, calls) == (
        "",
        [
            f"open {folder}/TEMPORARY",
            f"fchmod {folder}/TEMPORARY was 600",
            f"fsync {folder}/TEMPORARY of {size} bytes",
            f"rename {path}",
            f"open {folder}",
            f"fsync {folder} directory",
        ],
    )
    assert size > 3
    assert os.listdir(folder) == [path.name]


@pytest.mark.parametrize("call", ["fchmod", "fsync", "rename"])
@pytest.mark.parametrize("writing", ["m.safetensors", "m.hpp"], indirect=True)
def test_a_call_that_fails_leaves_the_old_file_alone(writing, call):
    path, write = writing
    printed, _ = write(failing=call, error=errno.EIO)
    assert printed == f"EIO {path}\n"
    assert os.listdir(path.parent) == [path.name]
    assert path.read_text() == "old"


def test_where_files_cannot_be_synchronized_is_no_error(writing):
    path, write = writing
    printed, _ = write(failing="fsync", error=errno.EINVAL)
    assert printed == ""
    assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() != b"old"


LAYERS = "layers=['relu'] * 3 + ['linear']"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("keras_digits.keras", ""),
        ("keras_digits.h5", ""),
        ("torch_digits.legacy.onnx", ""),
        ("torch_digits.dynamo.onnx", ""),
        ("torch_digits.state_dict.pt", LAYERS),
        ("torch_digits.state_dict.pt", ""),
        ("torch_digits.state_dict.safetensors", LAYERS),
        ("torch_digits.state_dict.safetensors", ""),
        ("own.safetensors", ""),
        ("own.safetensors", LAYERS),
        ("text.txt", ""),
    ],
)
def test_load_model_opens_a_file_once(tmp_path, watched, name, arguments):
    for package in ("h5py", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (ROOT / "tests/data").glob("torch_digits.dynamo.onnx*" if "dynamo" in name else name):
        shutil.copy(path, folder)
    small_model().save(folder / "own.safetensors")
    (folder / "text.txt").write_text("no model")
    code = f"""
        import sys, fastnn
        try:
            fastnn.load_model(sys.argv[1], {arguments})
        except ValueError as error:
            print(error)
    """
    _, calls = watched(folder, code, folder / name)
    assert [call for call in calls if call.endswith(name)] == [f"open {folder / name}"]


def test_from_torch_state_dict_opens_a_file_once(tmp_path, watched):
    code = f"import sys, fastnn; fastnn.from_torch_state_dict(sys.argv[1], {LAYERS})"
    for suffix in ("pt", "safetensors"):
        path = shutil.copy(ROOT / f"tests/data/torch_digits.state_dict.{suffix}", tmp_path)
        _, calls = watched(path, code, path)
        assert calls == [f"open {path}"]
        (tmp_path / "calls").unlink()

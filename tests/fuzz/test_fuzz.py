"""Run every target of tests/fuzz briefly: its seeds, and a few seconds more.

tests/fuzz/run.py, or FASTNN_FUZZ_SECONDS here, runs them for longer.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("h5py", reason="h5py is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

import processes
from compiled import ROOT

sys.path.append(str(ROOT / "tests/fuzz"))

import run

SECONDS = int(os.environ.get("FASTNN_FUZZ_SECONDS", "10"))


@pytest.mark.parametrize("target", [*run.CPP, *run.PYTHON])
@pytest.mark.slow
def test_no_input_of_a_few_seconds_is_a_finding(target, tmp_path):
    if reason := run.missing(target):
        pytest.skip(reason)
    # In another process: libFuzzer limits the peak of memory, which a process inherits from its parent.
    command = [sys.executable, run.HERE / "run.py", target, f"--seconds={SECONDS}", f"--corpus={tmp_path}"]
    assert "cov: " in processes.run(*command, timeout=SECONDS + 3600)


def test_every_target_has_seeds(tmp_path):
    targets = {path.stem.removesuffix("_target") for path in run.HERE.glob("*_target.py")}
    assert targets == set(run.PYTHON)
    for target in [*run.CPP, *run.PYTHON]:
        run.write(target, tmp_path / target)
        assert len(list((tmp_path / target).iterdir())) > 1


def replaced(monkeypatch, tmp_path, code):
    """Replace the target "onnx" by a Python program. In it, `findings` is the prefix for the paths of artifacts."""
    begin = """import os, signal, sys, time
findings = [argument[17:] for argument in sys.argv if argument.startswith("-artifact_prefix=")][0]
"""
    (tmp_path / "target.py").write_text(begin + code)
    monkeypatch.setattr(run, "program", lambda target: [sys.executable, tmp_path / "target.py"])
    monkeypatch.setattr(run, "missing", lambda target: None)


def test_an_input_that_ends_a_target_is_reported_and_kept(monkeypatch, tmp_path, capsys):
    pytest.importorskip("atheris", reason="atheris is not installed")
    code = """
import atheris

def test_one_input(data):
    if data[:4] == b"TEST":
        raise RuntimeError("found")

atheris.Setup(sys.argv, test_one_input)
atheris.Fuzz()
"""
    replaced(monkeypatch, tmp_path, code)
    monkeypatch.setattr(run, "write", lambda target, folder: folder.mkdir(parents=True))
    monkeypatch.setattr(run.tempfile, "mkdtemp", lambda **_: str(tmp_path))
    (tmp_path / "onnx/found").mkdir(parents=True)
    (tmp_path / "onnx/found/seed").write_bytes(b"TEST it")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            run.main(["onnx", "--seconds=5"])
    finally:
        signal.signal(signal.SIGTERM, handler)
    kept = list((tmp_path / "onnx/findings").iterdir())
    assert [path.read_bytes() for path in kept] == [b"TEST it"]
    assert str(kept[0]) in str(ended.value)
    assert "RuntimeError: found" in str(ended.value)
    assert str(tmp_path) in capsys.readouterr().err
    assert "RuntimeError" in next((tmp_path / "onnx/logs").iterdir()).read_text()


DONE = "print('#1 DONE cov: 1'); print('Done 1 runs in 1 second(s)')\n"
LAST = "open(os.environ['FASTNN_FUZZ_INPUT'], 'wb').write(b'input')\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (DONE + "open(findings + 'slow-unit-1', 'wb').write(b'input')", "left artifacts"),
        (DONE + "open(findings + 'oom-1', 'wb').write(b'input'); sys.exit(71)", "ended with 71"),
        (LAST + "os.kill(os.getpid(), signal.SIGKILL)", "ended with -9"),
        (DONE + LAST + "sys.exit(1)", "ended with 1"),
        (LAST + "os._exit(0)", "ended too early"),
        (
            "def abort(*_): open(findings + 'crash-1', 'wb').write(b'input'); sys.exit(77)\n"
            "signal.signal(signal.SIGABRT, abort); time.sleep(60)",
            "no end after 3 s",
        ),
    ],
    ids=["artifact", "out of memory", "killed", "fails at its end", "ends itself", "hangs"],
)
def test_every_bad_end_is_a_finding_whose_input_is_kept(monkeypatch, tmp_path, code, said):
    monkeypatch.setattr(run, "SPARE_SECONDS", 2)
    replaced(monkeypatch, tmp_path, code)
    with pytest.raises(run.FindingError, match=said):
        run.fuzz("onnx", 1, tmp_path)
    kept = list((tmp_path / "onnx/findings").iterdir())
    assert [path.read_bytes() for path in kept] == [b"input"]


def test_a_good_end_after_an_old_finding_is_none(monkeypatch, tmp_path):
    """An old finding is tried again and kept."""
    replaced(monkeypatch, tmp_path, DONE + "assert sys.argv[-1] + '/' == findings")
    old = tmp_path / "onnx/findings/crash-1"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"input")
    assert "cov: 1" in run.fuzz("onnx", 1, tmp_path)
    assert old.read_bytes() == b"input"


def test_terminated_run_ends_its_target(monkeypatch, tmp_path):
    replaced(monkeypatch, tmp_path, "print(os.getpid(), flush=True); time.sleep(60)")
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import run\n"
        f"run.program = lambda target: {[sys.executable, str(tmp_path / 'target.py')]!r}\n"
        "run.missing = lambda target: None\n"
        f"run.main(['onnx', '--corpus', {str(tmp_path)!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not (logs := [path for path in (tmp_path / "onnx/logs").glob("*") if path.stat().st_size]):
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert f"kept in {tmp_path}" in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(logs[0].read_text()), 0)

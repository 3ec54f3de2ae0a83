"""Fuzz one target: python tests/fuzz/run.py TARGET [--seconds 60] [--corpus FOLDER].

C++ targets are built with clang (the preset "fuzz" of CMakePresets.json). Python targets run with atheris and the
installed fastnn. All start from the seeds of seeds.py and the corpus of earlier runs. A finding ends the run with an
error, and its input is kept in CORPUS/TARGET/findings. Turn it into a test.
"""

import argparse
import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from seeds import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MOST_BYTES = {"header": 4096, "model_file": 4096, "forward": 64}  # per input; 32 KiB for the other targets
CPP = tuple(MOST_BYTES)
MOST_SECONDS = 60  # per input
SPARE_SECONDS = 300  # to start, and to finish the last input
PYTHON = ("graphs", "keras", "onnx", "safetensors", "state_dict")


class FindingError(Exception):
    """A finding. The message names every input that is kept."""


def missing(target):
    """Return a sentence about the programs and modules that a target needs and that are missing, None if none is."""
    needs = ("clang++", "cmake", "ninja") if target in CPP else ()
    modules = ("atheris", "h5py", "onnx", "safetensors") if target in PYTHON else ("h5py", "onnx")
    lost = [program for program in needs if shutil.which(program) is None]
    lost += [module for module in modules if importlib.util.find_spec(module) is None]
    return f"{', '.join(lost)} is not installed" if lost else None


def built(target):
    """Build a C++ target and return its path. A lock lets one process build at a time, since all share a folder."""
    folder = ROOT / "build/fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        options = ["--preset", "fuzz", f"-DPython_EXECUTABLE={sys.executable}"]
        for arguments in (options, ["--build", folder, "--target", f"fuzz_{target}"]):
            subprocess.run(["cmake", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder / f"tests/fuzz/fuzz_{target}"


def program(target):
    """Return the command that runs a target, without libFuzzer's options."""
    return [built(target)] if target in CPP else [sys.executable, HERE / f"{target}_target.py"]


def fuzz(target, seconds, corpus):
    """Run a target for `seconds`; return its last line of statistics, or raise FindingError for a finding.

    Creates folders in corpus/TARGET: seeds, found (inputs that reach new lines), findings, logs (for findings).
    """
    corpus = corpus.resolve() / target
    write(target, corpus / "seeds")
    for name in ("found", "findings", "logs"):
        (corpus / name).mkdir(exist_ok=True)
    before = set((corpus / "findings").iterdir())
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES.get(target, 1 << 15)}",
        f"-timeout={MOST_SECONDS}",
        f"-report_slow_units={MOST_SECONDS}",  # the default, 10 s, leaves artifacts on a busy machine
        "-rss_limit_mb=3000",
        f"-artifact_prefix={corpus}/findings/",
    ]
    folders = [corpus / name for name in ("found", "seeds", "findings")]  # earlier findings are tried again
    log = corpus / f"logs/{time.time_ns()}.txt"
    last = Path(f"/dev/shm/fastnn-fuzz-{os.getpid()}")
    try:
        ended = _run([*program(target), *options, *folders], seconds, log, last)
        said = log.read_text(errors="replace")
        left = set((corpus / "findings").iterdir()) != before
        # A target that calls exit may end with 0, before its "Done" line. One that is not instrumented has no "cov:".
        is_whole = re.search(r"^Done \d+ runs", said, re.MULTILINE) and "cov: " in said
        if ended != "0" or left or not is_whole:
            if not left and last.exists():
                shutil.copy(last, corpus / f"findings/last-input-{log.stem}")
            what = f"ended with {ended}" if ended != "0" else "left artifacts" if left else "ended too early"
            raise FindingError(_report(target, corpus, what, log))
    finally:
        last.unlink(missing_ok=True)
    log.unlink()
    lines = [line for line in said.splitlines() if "cov: " in line]
    return f"{target}: {lines[-1].strip()}\n{said.splitlines()[-1]}"


def _run(command, seconds, log, last):
    """Return the exit code as text. The process never outlives this call."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "FASTNN_FUZZ_INPUT": str(last)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        return str(process.wait(seconds + SPARE_SECONDS))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # makes libFuzzer save its current input
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        return f"no end after {seconds + SPARE_SECONDS} s"
    finally:
        process.kill()
        process.wait()


def _report(target, corpus, what, log):
    kept = sorted((corpus / "findings").iterdir())
    inputs = [f"{path} ({path.stat().st_size} bytes): {path.read_bytes()[:100]!r}" for path in kept]
    tail = log.read_text(errors="replace")[-5000:]
    return "\n".join([tail, f"a finding: {target} {what}; all it said is in {log}", *(inputs or ["no input was kept"])])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=[*CPP, *PYTHON])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="folder for inputs; default: a new one, kept after a failure")
    options = parser.parse_args(arguments)
    if reason := missing(options.target):
        sys.exit(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # unwinds, which ends the target too
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="fastnn-fuzz-"))
    try:
        print(fuzz(options.target, options.seconds, corpus))
    except BaseException as error:
        print(f"everything is kept in {corpus.resolve()}", file=sys.stderr)
        if isinstance(error, FindingError):
            sys.exit(str(error))
        raise
    if options.corpus is None:
        shutil.rmtree(corpus)


if __name__ == "__main__":
    main()

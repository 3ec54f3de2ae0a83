"""Fuzz one target: python tests/fuzz/run.py TARGET [--seconds 60] [--corpus FOLDER].

Targets in C++ are built with clang (the preset "fuzz" of CMakePresets.json), those in Python run with atheris and the
fastnn that Python imports. They start from seeds.py's seeds, and from what an earlier run left in the corpus. A finding
ends the run with an error and is kept beside the corpus; what was one stands in seeds/TARGET.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from seeds import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MOST_BYTES = {"header": 4096, "model_file": 4096, "forward": 64}  # of an input; else 32 KiB
CPP = tuple(MOST_BYTES)
PYTHON = ("keras", "onnx", "safetensors", "state_dict")


def missing(target):
    """Return what a target needs and this machine has not, None where it has all."""
    needs = ("clang++", "cmake", "ninja") if target in CPP else ()
    modules = ("atheris", "h5py", "onnx", "safetensors") if target in PYTHON else ("h5py", "onnx")
    lost = [program for program in needs if shutil.which(program) is None]
    lost += [module for module in modules if importlib.util.find_spec(module) is None]
    return f"{', '.join(lost)} is not installed" if lost else None


def built(target):
    """Build a C++ target and return its path."""
    folder = ROOT / "build/fuzz"
    options = [f"-DPython_EXECUTABLE={sys.executable}"]
    subprocess.run(["cmake", "--preset", "fuzz", *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", f"fuzz_{target}"], check=True, stdout=subprocess.DEVNULL)
    return folder / f"tests/fuzz/fuzz_{target}"


def fuzz(target, seconds, corpus):
    """Run a target for so long and return its report, of exactly one line of figures; CalledProcessError: a finding."""
    write(target, corpus / "seeds")
    for name in ("found", "findings"):
        (corpus / name).mkdir(exist_ok=True)
    program = [built(target)] if target in CPP else [sys.executable, HERE / f"{target}_target.py"]
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES.get(target, 1 << 15)}",
        "-timeout=60",
        "-rss_limit_mb=3000",
        f"-artifact_prefix={corpus}/findings/",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*program, *options, corpus / "found", corpus / "seeds"],
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, target, done.stdout[-5000:])
    lines = [line for line in done.stdout.splitlines() if "cov: " in line]
    return f"{target}: {lines[-1].strip()}\n{done.stdout.splitlines()[-1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=[*CPP, *PYTHON])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="kept for the next run; default: a new folder, removed again")
    arguments = parser.parse_args()
    if reason := missing(arguments.target):
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        try:
            print(fuzz(arguments.target, arguments.seconds, corpus.resolve()))
        except subprocess.CalledProcessError as error:
            for path in (corpus / "findings").iterdir():
                print(f"{path.name} ({path.stat().st_size} bytes): {path.read_bytes()[:500]!r}")
            sys.exit(f"{error.output}\na finding in {arguments.target}")


if __name__ == "__main__":
    main()

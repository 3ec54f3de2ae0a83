"""C++ programs of tests, compiled as they are needed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def compiled(folder, *sources):
    """The path of a program in the folder, made of some C++ files; a skip where there is no compiler."""
    compiler = os.environ.get("CXX", "c++")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-pthread", f"-I{ROOT / 'cpp/include'}"]
    subprocess.run([compiler, *flags, *sources, "-o", folder / "program"], check=True)
    return folder / "program"

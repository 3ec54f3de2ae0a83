"""C++ of tests, compiled as it is needed."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from processes import run

ROOT = Path(__file__).resolve().parents[2]


def tools(*names):
    """The programs' paths; a skip that says which is missing."""
    paths = [os.environ.get("CXX", "c++") if name == "c++" else name for name in names]
    for path in paths:
        if shutil.which(path) is None:
            pytest.skip(f"{path} is not installed")
    return paths


def compiled(folder, *sources):
    """The path of a program in the folder, made of some C++ files; a skip where there is no compiler."""
    (compiler,) = tools("c++")
    more = shlex.split(os.environ.get("CXXFLAGS", ""))  # a sanitizer's
    # A reference that is computed in a test has no product and sum fused.
    flags = ["-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-pthread"]
    run(compiler, *flags, f"-I{ROOT / 'cpp/include'}", *more, *sources, "-o", folder / "program")
    return folder / "program"


def built(source, build, *targets, settings=()):
    """The folder where CMake has built a project, or some targets of it."""
    cmake, compiler = tools("cmake", "c++")
    settings = (f"-DCMAKE_CXX_COMPILER={compiler}", f"-DPython_EXECUTABLE={sys.executable}", *settings)
    run(cmake, "-S", source, "-B", build, *settings)
    some = [part for target in targets for part in ("--target", target)]
    run(cmake, "--build", build, "--parallel", "2", *some, timeout=3600)
    return build

"""What this installation of fastnn is made of."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastnn import _core


def show_config(print_fn: Callable[[str], object] = print) -> None:
    """Print the version, compiler, instruction sets, numerics version and number of threads."""
    lines = {
        "fastnn": _core.__version__,
        "numerics version": str(_core.numerics_version),
        "instruction set": _core.isa(),
        "this CPU can run": ", ".join(_core.isas()),
        "it cannot run": ", ".join(_core.unsupported_isas()) or "-",
        "threads": f"{_core.num_threads()} ({_core.usable_cpus()} CPUs can be used)",
        "compiler": _core.compiler,
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
    }
    for name, value in lines.items():
        print_fn(f"{name + ':':18}{value}")


def cmake_dir() -> str:
    """Return the folder of the C++ package, for CMake: `cmake -Dfastnn_DIR=$(python -m fastnn --cmake-dir)`."""
    folder = Path(_core.__file__).parent / "lib" / "cmake" / "fastnn"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} does not exist: expected fastnn as pip installs it; make the C++ package with cmake --install"
        )
    return str(folder)

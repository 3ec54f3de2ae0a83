"""Describe this installation of fastnn: versions, compiler, instruction sets, and the place of the C++ package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastnn import _core
from fastnn.strict import suggesting


@suggesting
def show_config(print_fn: Callable[[str], object] = print) -> None:
    """Print versions, instruction sets, number of threads and compiler, for example for a bug report.

    print_fn: called once for each line; the default is print.
    Raises ValueError if FASTNN_ISA or FASTNN_NUM_THREADS is set to an invalid value.

    >>> show_config()
    fastnn:           ...
    numerics version: 1
    instruction set:  ...
    this CPU can run: ...
    """
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
    """Return the folder of the C++ package: `cmake -Dfastnn_DIR=$(python -m fastnn --cmake-dir)`.

    It is lib/cmake/fastnn beside the package's Python files. Raises FileNotFoundError if pip did not install fastnn.
    """
    folder = Path(_core.__file__).parent / "lib" / "cmake" / "fastnn"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"expected the C++ package in {folder}, where pip installs it; received a copy of fastnn without it; "
            "install fastnn with pip, or the C++ package with cmake --install"
        )
    return str(folder)

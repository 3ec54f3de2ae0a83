"""Where the C++ package is."""

from pathlib import Path

from fastnn import _core
from fastnn.configuration import cmake_dir


def packaged():
    """The C++ package's folder with fastnnConfig.cmake beside the Python module; None where nobody has installed it.

    A wheel must hold it: where fastnn comes from one, FileNotFoundError.
    """
    try:
        return Path(cmake_dir())
    except FileNotFoundError:
        if {"site-packages", "dist-packages"}.isdisjoint(Path(_core.__file__).parts):
            return None
        raise

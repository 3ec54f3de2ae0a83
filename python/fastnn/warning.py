"""Warnings that point to the line of the user's program, however deep in the package they come from."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

_PASSED = ("fastnn", "contextlib")  # decorators of contextlib stand between the package's own calls


def warn(message: str) -> None:
    """Warn, at the line that called the package.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("columns without a scale")
    >>> str(caught[0].message)
    'columns without a scale'
    """
    level, frame = 1, sys._getframe()
    while _is_passed(frame) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_passed(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _PASSED

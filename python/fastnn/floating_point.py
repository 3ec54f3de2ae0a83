"""The floating-point mode of what is computed in Python and NumPy: the default one, as in the core."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastnn import _core


@contextmanager
def default_mode() -> Iterator[None]:
    """Round to nearest, keep subnormal numbers, trap nothing; the caller's mode comes back at the end."""
    before = _core.default_floating_point_mode()
    try:
        yield
    finally:
        _core.set_floating_point_mode(before)

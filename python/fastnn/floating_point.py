"""The default floating-point mode for Python and NumPy, whatever the caller has set. The C++ core sets it itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastnn import _core


@contextmanager
def default_mode() -> Iterator[None]:
    """Set the default mode inside a `with` block: round to nearest, keep subnormal numbers, no traps.

    The end of the block restores the caller's mode.

    >>> with default_mode():
    ...     5e-324 / 1
    5e-324
    """
    before = _core.default_floating_point_mode()
    try:
        yield
    finally:
        _core.set_floating_point_mode(before)

"""The instruction set that calls use. Outputs have the same bits with any."""

from fastnn import _core
from fastnn.strict import suggesting


def isas() -> list[str]:
    """Return the names of the instruction sets that this CPU can run, best first.

    On x86-64 they are among "avx512", "avx2" and "portable"; on aarch64 there is only "neon".

    >>> set(isas()) <= {"avx512", "avx2", "neon", "portable"}
    True
    """
    return _core.isas()


def isa() -> str:
    """Return the name of the instruction set in use.

    The default is the environment variable ``FASTNN_ISA`` if it is set, else the first of isas().
    Raises ValueError if ``FASTNN_ISA`` is not one of isas().

    >>> isa() in isas()
    True
    """
    return _core.isa()


@suggesting
def set_isa(name: str) -> None:
    """Choose the instruction set for the whole process: one of isas(). Calls that are running keep theirs.

    Raises TypeError unless name is a string, and ValueError, with the valid names, if it is not one of isas().

    >>> set_isa(isas()[-1])
    >>> isa() == isas()[-1]
    True
    """
    _core.set_isa(name)

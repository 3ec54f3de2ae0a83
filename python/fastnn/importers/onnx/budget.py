"""One limit on the memory of a model's parts, however a file multiplies them: so many numbers of 8 bytes.

Messages of the file, nodes, constants computed from others and the steps' own numbers all take from it. Each number
that the file stores adds to it. So a small file makes a small model, as SECURITY.md promises.
"""

from fastnn._core import LimitError

MESSAGE = 24  # a protobuf message in memory: at most 200 bytes (an empty one is two bytes of the file)
NODE = 128  # a node, or a step, as Python's objects: about 1 KiB
_SPARE = 2**22  # 32 MiB: some 20,000 nodes
_USES = 3  # a weight is stored, made by a constant node, and used


class Budget:
    """What is left of a model's memory, in numbers."""

    def __init__(self) -> None:
        self._left = _SPARE

    def add(self, stored: int) -> None:
        """Allow more, since the file stores so many numbers."""
        self._left += _USES * stored

    def take(self, count: int, what: str) -> None:
        """Take room for numbers; LimitError if it is not there."""
        self._left -= count
        if self._left < 0:
            raise LimitError(
                f"{what} is one too many: expected a model of about as many numbers as its file stores, and of at most "
                f"some {_SPARE // (NODE + MESSAGE + 64)} nodes"
            )

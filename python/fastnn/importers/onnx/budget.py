"""One limit on the memory of a model's parts, however a file multiplies them: so many numbers of 8 bytes.

Messages of the file, nodes, constants computed from others and the steps' own numbers all take from it. Each number
that the file stores adds to it. So a small file makes a small model, as SECURITY.md promises.
"""

from fastnn._core import LimitError

MESSAGE = 24  # a protobuf message in memory: at most 200 bytes (an empty one is two bytes of the file)
NODE = 128  # a node, or a step, as Python's objects: about 1 KiB
_SPARE = 2**22  # 32 MiB: some 20,000 nodes
_USES = 3  # a weight is stored, made by a constant node, and used
_WORK = 2**24  # numbers that operations on constants read and make: some seconds, at 0.01 to 0.5 µs each
_WORK_FOR_EACH = 16  # more of it for each number stored: a few operations on all weights


class Budget:
    """What is left of a model's memory, in numbers."""

    def __init__(self) -> None:
        self._left = _SPARE
        self._work = _WORK

    def add(self, stored: int) -> None:
        """Allow more, since the file stores so many numbers."""
        self._left += _USES * stored
        self._work += _WORK_FOR_EACH * stored

    def take(self, count: int, what: str) -> None:
        """Take room for numbers; LimitError if it is not there."""
        self._left -= count
        if self._left < 0:
            raise LimitError(
                f"{what} is one too many: expected a model of about as many numbers as its file stores, and of at most "
                f"some {_SPARE // (NODE + MESSAGE + 64)} nodes"
            )

    def give_back(self, count: int) -> None:
        """Return room of numbers that are no longer in memory."""
        self._left += count

    def work(self, count: int, what: str) -> None:
        """Take time for numbers to be read or made; LimitError if the file has had its share."""
        self._work -= count
        if self._work < 0:
            raise LimitError(
                f"{what} computes too much before the model runs: expected at most some {_WORK_FOR_EACH} operations on "
                "each number of the file; simplify the model first, with onnxsim or ONNX Runtime"
            )

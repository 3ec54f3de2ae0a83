"""Guards against hostile files: every error becomes one sentence, every container has one memory budget."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fastnn._core import LimitError, ModelFormatError
from fastnn.importers.refusals import one_sentence

_SPARE = 16 << 20  # bytes


@contextmanager
def naming(where: str, after: str = "") -> Iterator[None]:
    """Begin each refusal with `where`, the file or the layer, and end it with `after`.

    What else goes wrong while reading is the file's fault, and becomes a ModelFormatError.
    """
    try:
        yield
    except ModelFormatError as error:
        said = str(error)
        named = said if said.startswith(where) else f"{where} {said}"
        raise type(error)(one_sentence(named + after)) from None
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: a negative seek
            raise
        said = f"{where} is not what Keras writes: {type(error).__name__}: {error!s:.200}"
        raise ModelFormatError(one_sentence(said + after)) from None


class Budget:
    """The memory that reading a container may take: its size and 16 MiB."""

    def __init__(self, size: int) -> None:
        self.left = size + _SPARE

    def take(self, what: str, amount: int) -> None:
        """Raise LimitError if `amount` bytes are not left."""
        self.left -= amount
        if self.left < 0:
            raise LimitError(f"{what}, more memory than fastnn spends on a file of this size")

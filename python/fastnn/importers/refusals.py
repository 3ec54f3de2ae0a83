"""What an importer's errors look like: one sentence that begins with the file, whatever the file has put into it."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastnn._core import ModelFormatError
from fastnn.text import printable

_MOST_CHARACTERS = 1000


def one_sentence(text: str) -> str:
    """Return text of which nothing commands a terminal or cannot be encoded, its middle cut where it is long."""
    text = printable(text)
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Raise errors of the file's making in one sentence."""
    try:
        yield
    except ModelFormatError as error:
        raise type(error)(one_sentence(str(error))) from None


def refusal(where: str, error: ModelFormatError) -> ModelFormatError:
    """Return the error with what is refused in front."""
    return type(error)(one_sentence(f"{where}: {error}"))

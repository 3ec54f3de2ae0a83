"""The errors of importers: one sentence that begins with the file's name, whatever text the file put into it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fastnn._core import ModelFormatError
from fastnn.text import printable

_MOST_CHARACTERS = 1000
_TAKEN_BY = {
    "layers": "a PyTorch state dict, or weights alone of Keras",
    "prefix": "a PyTorch state dict",
    "outputs": "an ONNX file",
    "eps": "a PyTorch state dict, or weights alone of Keras",
}
_NAMES = {"fastnn": "a model of fastnn", "keras": "a Keras model", "onnx": "an ONNX model", "nnet": "an NNet network"}


def one_sentence(text: str) -> str:
    """Return text with control characters escaped, and its middle cut if it is long."""
    text = printable(text)
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


@contextmanager
def in_one_sentence(where: str = "", after: str = "") -> Iterator[None]:
    """Raise every ModelFormatError as one sentence of the same class.

    where: the file or the layer, put in front unless the error begins with it. after: the end of the sentence.
    """
    try:
        yield
    except ModelFormatError as error:
        said = str(error)
        said = said if said.startswith(where) else f"{where}: {said}"
        raise type(error)(one_sentence(said + after)) from None


@contextmanager
def refusing(what: str, *errors: type[Exception], raises: type[ValueError] = ModelFormatError) -> Iterator[None]:
    """Turn a library's errors into one that says what is wrong: ``what: error's class: error's text``.

    errors: the classes to turn, Exception for all. Errors that blame no file pass: fastnn's own, MemoryError,
    ImportError, and an OSError that the system raised.

    >>> with refusing("version.txt holds no number", ValueError):
    ...     int("x")
    Traceback (most recent call last):
    fastnn._core.ModelFormatError: version.txt holds no number: ValueError: invalid literal for int() with base 10: 'x'
    """
    try:
        yield
    except (ModelFormatError, MemoryError, ImportError):
        raise
    except errors as error:
        # Libraries raise OSErrors too: without a number, or EINVAL for a position before the file's start.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise raises(f"{what}: {type(error).__name__}: {error!s:.100}") from None


def refusal(where: str, error: ModelFormatError) -> ModelFormatError:
    """Return the error with `where` in front, in one sentence."""
    return type(error)(one_sentence(f"{where}: {error}"))


def misplaced(where: str, option: str, kind: str) -> ValueError:
    """Return the error for an option of load_model() with a file of a kind that has no use for it."""
    received = _NAMES.get(kind, "a PyTorch state dict")
    return ValueError(one_sentence(f"{where}: expected {option} only with {_TAKEN_BY[option]}; received {received}"))

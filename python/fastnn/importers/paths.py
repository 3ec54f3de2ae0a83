"""The path of a model's file, opened. What is no path, or the path of something else, is told what to do instead."""

import errno
import os
import re
from typing import Any, BinaryIO

from fastnn._core import UnsupportedModelError, save_keras
from fastnn.files import open_regular
from fastnn.importers.refusals import one_sentence

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SHARD = re.compile(r"\.data-\d{5}-of-\d{5}\Z")


def open_model(filepath: Any) -> BinaryIO:
    """Open the file of a model. The `name` of the returned file is its path.

    Raises as open_regular() does; UnsupportedModelError for a SavedModel or a checkpoint of TensorFlow; TypeError for
    what is no path, such as an open file. The OSErrors of URLs and folders say what to do.

    >>> Sequential([Dense(3, input_shape=(2,))]).save("model.safetensors")
    >>> with open_model("model.safetensors") as file:
    ...     file.name
    'model.safetensors'
    """
    is_open = hasattr(filepath, "read")
    if is_open or (isinstance(filepath, bytes) and b"\0" in filepath):
        what = "an open file" if is_open else "bytes"
        raise TypeError(f"expected the path of a model's file; received {what}; write its bytes to a file first")
    path = os.fsdecode(filepath)
    if _SHARD.search(path):
        raise _checkpoint(path)
    try:
        return open_regular(path)
    except FileNotFoundError:
        if os.path.lexists(f"{path}.index"):
            raise _checkpoint(path) from None
        if not _URL.match(path):
            raise
        raise FileNotFoundError(errno.ENOENT, "No such file; fastnn opens no URLs: download it first", path) from None
    except IsADirectoryError:
        if os.path.lexists(f"{path}/saved_model.pb"):
            said = f"{path}: is the folder of a SavedModel of TensorFlow; expected a file: {save_keras}"
            raise UnsupportedModelError(one_sentence(said)) from None
        raise IsADirectoryError(
            errno.EISDIR, "Is a folder; expected the file of a model, such as one in it", path
        ) from None


def _checkpoint(path: str) -> UnsupportedModelError:
    return UnsupportedModelError(one_sentence(f"{path}: is a checkpoint of TensorFlow, weights alone; {save_keras}"))

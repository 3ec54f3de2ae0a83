"""A run that was cut off goes on exactly: all that it depends on, in a file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.callbacks.callback import Callback
from fastnn.callbacks.checkpoint import SaveFrequency
from fastnn.files import WholeFile, open_regular

_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U64": "<u8", "U8": "|u1", "BOOL": "|b1"}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_FILE, _KEY = "training_state.safetensors", "fastnn_training_state"


class BackupAndRestore(Callback):
    """Saves all that training depends on, so that fit() goes on from there after a crash, with the same bits.

    backup_dir: a folder, which is made. The next fit() of an equal model with this callback begins where the last
        backup was made, in the midst of an epoch too: weights, optimizer, order of rows, other callbacks, History.
    save_freq: "epoch", or a number of batches. double_checkpoint: whether to keep the backup before the last one too,
        which is read if the last is damaged. delete_checkpoint: whether to remove the backup when fit() has ended.
    Raises ValueError for others, and in fit() for the backup of another model.

    >>> from fastnn.callbacks import BackupAndRestore
    >>> BackupAndRestore("backup", save_freq=100).save_freq
    100
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | str = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not os.fsdecode(backup_dir):
            raise ValueError("expected backup_dir to be the path of a folder; received an empty path")
        self.backup_dir, self.save_freq = os.fsdecode(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._frequency = SaveFrequency(save_freq)
        self._runs_by_batch = self._frequency.batches is not None
        self._path = str(Path(self.backup_dir) / _FILE)
        self._previous = self._path + ".bkp"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Go on from the backup, if there is one."""
        for path in (self._path, self._previous):
            if not Path(path).exists():
                continue
            try:
                state = read_state(path)
            except (_core.ModelFormatError, KeyError) as error:
                if path == self._previous or not Path(self._previous).exists():
                    raise _core.ModelFormatError(
                        f"{path}: expected a backup of training; received a damaged or another file: remove it to "
                        "train from the beginning"
                    ) from error
                continue
            self.model._set_training_state(state)
            return

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each epoch."""
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each n-th batch."""
        if self._frequency.is_due(batch):
            self._save()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Remove the backup."""
        if self.delete_checkpoint:
            for path in (self._path, self._previous):
                Path(path).unlink(missing_ok=True)
            folder = Path(self.backup_dir)
            if folder.is_dir() and not any(folder.iterdir()):  # what others put there stays
                folder.rmdir()

    def _save(self) -> None:
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and Path(self._path).exists():
            shutil.copyfile(self._path, self._previous)
        write_state(self._path, self.model._training_state())


def write_state(path: str, state: Any) -> None:
    """Write dicts, lists, tuples, numbers, strings, None and arrays to a file, which appears whole or not at all.

    Raises TypeError for other objects.

    >>> write_state("state.safetensors", {"weights": [np.ones(2)], "step": 3})
    >>> read_state("state.safetensors")
    {'weights': [array([1., 1.])], 'step': 3}
    """
    arrays: list[npt.NDArray[Any]] = []
    text = json.dumps(_encoded(state, arrays))
    header: dict[str, Any] = {"__metadata__": {_KEY: text}}
    end = 0
    for i, array in enumerate(arrays):
        name = _NAMES.get(array.dtype.newbyteorder("="))
        if name is None:
            raise TypeError(
                f"expected arrays of {', '.join(map(str, _NAMES))} in a training state; received {array.dtype}"
            )
        header[str(i)] = {"dtype": name, "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    beginning = json.dumps(header).encode()
    beginning += b" " * (-len(beginning) % 8)
    with WholeFile(path) as file:
        file.write(len(beginning).to_bytes(8, "little") + beginning)
        for array in arrays:
            file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())


def read_state(path: str) -> Any:
    """Return what write_state() wrote. Raises ModelFormatError (a ValueError) for a damaged file, OSError.

    >>> write_state("state.safetensors", (1, None))
    >>> read_state("state.safetensors")
    (1, None)
    """
    with open_regular(path) as file:
        metadata, entries = _core.read_safetensors(file.fileno(), os.fsencode(path), True)
    if _KEY not in metadata:
        raise _core.ModelFormatError(f"{path}: expected a backup of training; received another safetensors file")
    arrays = {name: data.view(_DTYPES[dtype]).reshape(shape).copy() for name, dtype, shape, data in entries}
    return _decoded(json.loads(metadata[_KEY]), arrays)


def _encoded(value: Any, arrays: list[npt.NDArray[Any]]) -> Any:
    """Return value in JSON's types: objects have one member, the kind; arrays become their place in the list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return _encoded(value.item(), arrays)
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encoded(each, arrays) for key, each in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(each, arrays) for each in value]}
    if isinstance(value, list):
        return [_encoded(each, arrays) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"expected dicts, lists, numbers, strings and arrays in a training state; received {value!r:.100}")


def _decoded(value: Any, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_decoded(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[str(content)]
    if kind == "tuple":
        return tuple(_decoded(each, arrays) for each in content)
    return {key: _decoded(each, arrays) for key, each in content.items()}

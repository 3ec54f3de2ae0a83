"""The logs of each epoch in a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fastnn.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes the logs of each epoch to a CSV file.

    filename: its path. separator: between values; default ",". append: whether to keep the lines that it has.

    >>> logger = CSVLogger("log.csv")
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
    >>> logger.on_train_end()
    >>> from pathlib import Path
    >>> Path("log.csv").read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.6']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"expected separator to be a string of 1 character; received separator={separator!r}")
        self.filename, self.sep, self.append = os.fsdecode(filename), separator, append
        self.keys: list[str] | None = None
        self.csv_file: TextIO | None = None
        self._has_header = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the file."""
        self._close()
        path = Path(self.filename)
        self._has_header = self.append and path.exists() and path.stat().st_size > 0
        self.csv_file = path.open("a" if self.append else "w", newline="", encoding="utf-8")
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a line."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # validation may come in a later epoch
                self.keys += [f"val_{key}" for key in self.keys]
        if self.csv_file is None:
            raise RuntimeError("expected on_train_begin() before on_epoch_end()")
        writer = csv.writer(self.csv_file, delimiter=self.sep)
        if not self._has_header:
            writer.writerow(["epoch", *self.keys])
            self._has_header = True
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = None

    def _state(self) -> dict[str, Any]:
        return {"keys": self.keys}

    def _set_state(self, state: dict[str, Any]) -> None:
        self.keys = state["keys"]


def _cell(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):  # type: ignore[arg-type]
        return f'"[{", ".join(map(str, value))}]"'
    return value

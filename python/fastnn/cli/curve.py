"""Training in the terminal: a line for each epoch, and the learning curve in plain text."""

import math
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.monitor import EarlyStopping


class EpochLines(Callback):
    """Writes a line for each epoch to stderr: on a terminal always the same one, drawn again.

    stopping: what knows the best epoch.
    """

    def __init__(self, epochs: int, stopping: EarlyStopping) -> None:
        self._epochs, self._stopping = epochs, stopping

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the line."""
        logs = logs or {}
        loss, held_out = logs.get("loss", math.nan), logs.get("val_loss", math.nan)
        said = f"epoch {epoch + 1} of at most {self._epochs}: loss {loss:.4g}, held out {held_out:.4g}"
        said += f", best epoch {self._stopping.best_epoch + 1}"
        is_terminal = sys.stderr.isatty()
        print(f"\r\033[K{said}" if is_terminal else said, end="" if is_terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Remove the line that was drawn again and again."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def learning_curve(
    loss: Sequence[float], held_out: Sequence[float], best: int, columns: int = 60, rows: int = 10
) -> str:
    """Return a picture of both losses by epoch: . of the rows to train on, o of those held out, O the best epoch.

    best: the number of that epoch, from 0. Losses that are no numbers are left out.

    >>> print(learning_curve([4.0, 2.0, 1.0], [4.0, 3.0, 3.5], 1, columns=3, rows=4))
    4 |o o
      | O
      | .
    1 |  .
      +---
       1 3  epoch
    """
    epochs = len(held_out)
    columns = min(columns, epochs)
    known = [value for value in (*loss, *held_out) if math.isfinite(value)]
    if not known:
        return ""
    least, most = min(known), max(known)
    picture = [[" "] * columns for _ in range(rows)]

    def draw(epoch: int, value: float, mark: str) -> None:
        if math.isfinite(value):
            share = (most - value) / (most - least) if most > least else 0.0
            picture[round(share * (rows - 1))][epoch * columns // epochs] = mark

    for epoch, value in enumerate(loss):
        draw(epoch, value, ".")
    for epoch, value in enumerate(held_out):
        draw(epoch, value, "o")
    draw(best, held_out[best], "O")
    labels = [f"{most:.3g}", *[""] * (rows - 2), f"{least:.3g}"]
    width = max(map(len, labels))
    lines = [f"{label:>{width}} |{''.join(line)}".rstrip() for label, line in zip(labels, picture, strict=True)]
    axis = f"1{epochs:>{max(1, columns - 1)}}" if epochs > 1 else "1"
    return "\n".join([*lines, f"{'':{width}} +{'-' * columns}", f"{'':{width}}  {axis}  epoch"])


def emphasized(text: str, stream: TextIO) -> str:
    """Return the text in bold for a terminal, unless the environment has NO_COLOR.

    >>> import io
    >>> emphasized("accuracy", io.StringIO())
    'accuracy'
    """
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[1m{text}\033[0m"

"""The progress of fit() and evaluate() in text, with Keras' look, redrawn by time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

SECONDS = 0.05  # between two drawings
_WIDTH = 20
_BOLD, _GREEN, _WHITE, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progress:
    """Text about the steps of epochs.

    verbose: 0 nothing, 1 a bar, 2 a line for each epoch, "auto" as 1.
    epochs: shown if more than 1. steps: of an epoch; None if unknown.
    """

    def __init__(self, verbose: int | str, epochs: int, steps: int | None) -> None:
        self.verbose = checked_verbose(verbose)
        self.steps = steps
        self._epochs = epochs
        self._start = self._drawn = time.perf_counter()
        self._after_first: float | None = None
        self._columns = 0

    def start(self, epoch: int) -> None:
        """Begin an epoch."""
        self._start, self._drawn, self._after_first, self._columns = time.perf_counter(), 0.0, None, 0
        if self.verbose and self._epochs > 1:
            _write(f"Epoch {epoch + 1}/{self._epochs}\n")

    def update(self, step: int, logs: Callable[[], Mapping[str, float]]) -> None:
        """Draw the bar after so many steps, unless that was done a moment ago."""
        if self.verbose != 1:
            return
        now = time.perf_counter()
        if now - self._drawn >= SECONDS:
            self._draw(step, logs(), now, is_last=False)
        if step == 1:
            self._after_first = now

    def finish(self, step: int, logs: Mapping[str, float]) -> None:
        """Write the last text of an epoch of so many steps."""
        if self.steps is None:
            self.steps = step
        now = time.perf_counter()
        if self.verbose == 1:
            self._draw(self.steps, logs, now, is_last=True)
        elif self.verbose == 2:
            seconds = f"{now - self._start:.0f}s"
            _write(f"{_count(self.steps, self.steps)} - {seconds} - {self._rest(self.steps, logs, now)}")

    def _draw(self, step: int, logs: Mapping[str, float], now: float, *, is_last: bool) -> None:
        if self.steps:
            done = int(_WIDTH * step / self.steps)
            bar = f"{_BOLD}{_count(step, self.steps)}{_PLAIN} "
            bar += f"{_GREEN}{'━' * done}{_PLAIN}" * (done > 0) + f"{_WHITE}{'━' * (_WIDTH - done)}{_PLAIN}"
        else:
            bar = f"{step:7d}/Unknown"
        if self.steps and not is_last:
            seconds = _clock(self._seconds_a_step(step, now) * (self.steps - step))
        else:
            seconds = f"{now - self._start:.0f}s"
        text = f"{bar} {_BOLD}{seconds}{_PLAIN} " + self._rest(step, logs, now).rstrip("\n")
        columns = len(text)
        for code in (_BOLD, _GREEN, _WHITE, _PLAIN):
            columns -= len(code) * text.count(code)
        _write("\b" * self._columns + "\r" + text + " " * (self._columns - columns) + "\n" * is_last)
        self._columns, self._drawn = columns, now

    def _rest(self, step: int, logs: Mapping[str, float], now: float) -> str:
        """Return the time of a step and the logs."""
        shown = [f" - {name}: {_number(value)}" for name, value in logs.items()]
        return f"{_duration(self._seconds_a_step(step, now))}/step{''.join(shown)}\n"

    def _seconds_a_step(self, step: int, now: float) -> float:
        """Return the mean time of a step, without the first one, which sets up the others."""
        if self._after_first is not None and step > 1:
            return (now - self._after_first) / (step - 1)
        return (now - self._start) / step if step else 0.0


def checked_verbose(verbose: object) -> int:
    """Return verbose as 0, 1 or 2. Raises ValueError for other values than these and "auto".

    >>> checked_verbose("auto"), checked_verbose(2)
    (1, 2)
    """
    if verbose == "auto":
        return 1
    if not isinstance(verbose, (int, np.integer)) or verbose not in (0, 1, 2):
        raise ValueError(f"expected verbose to be 'auto', 0, 1 or 2; received verbose={verbose!r}")
    return int(verbose)


def _number(value: Any) -> str:
    mean = float(np.mean(value))  # some metrics have a number for each class
    return f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}"


def _count(step: int, steps: int) -> str:
    return f"{step:{len(str(steps))}d}/{steps}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if seconds > 60 else f"{whole}s"


def _duration(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _write(text: str) -> None:
    if sys.stdout is None:  # a program without a console; print() writes nothing either
        return
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # an encoding such as ASCII has no lines to draw with
        encoding = sys.stdout.encoding
        sys.stdout.write(text.replace("━", "=").encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def write_line(text: str) -> None:
    """Print a text, also to a stream whose encoding lacks some of its characters.

    >>> write_line("Epoch 1/2")
    Epoch 1/2
    """
    _write(text + "\n")


class Pace:
    """How many steps to run at once, so that Python draws the progress in time and is asked rarely.

    most: the largest number of steps. seconds: the time that they should take; None if only `most` matters.
    """

    def __init__(self, most: int, seconds: float | None) -> None:
        self._most, self._seconds = max(1, most), seconds
        self.steps = self._most if seconds is None else 1

    def measured(self, steps: int, seconds: float) -> None:
        """Choose the next number of steps after so many took so long: at most four times as many."""
        if self._seconds is not None:
            wanted = int(steps * self._seconds / max(seconds, 1e-9))
            self.steps = max(1, min(wanted, 4 * self.steps, self._most))

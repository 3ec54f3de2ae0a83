"""The text about the steps of epochs: Keras' look, drawn by time."""

import io
import os
import time

import numpy as np
import pytest

from fastnn.models import progress
from fastnn.models.progress import Pace, Progress, checked_verbose


class Clock:
    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def written(monkeypatch):
    texts = []
    monkeypatch.setattr(progress, "_write", texts.append)
    return texts


def bar_of_keras(monkeypatch, steps, verbose, updates):
    """What Keras writes for updates (clock, seconds later, step, logs); the last one is final."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    texts = []
    module = keras.src.utils.progbar.io_utils
    monkeypatch.setattr(module, "print_msg", lambda text, line_break=True: texts.append(text))
    bar = keras.utils.Progbar(steps, verbose=verbose, stateless_metrics=set())
    for i, (clock, seconds, step, logs) in enumerate(updates):
        clock.now += seconds
        if i == len(updates) - 1:
            bar.update(step, list(logs.items()), finalize=True)
        elif verbose == 1:
            bar.update(step, list(logs.items()), finalize=False)
    return texts


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("steps", [7, 120, 100000])
def test_text_is_that_of_keras(monkeypatch, clock, written, steps, verbose):
    logs = {"accuracy": 0.5, "loss": 12.3456789}
    updates = [
        (clock, 1.5, 1, logs),
        (clock, 0.01, 2, logs),  # too soon to draw again
        (clock, 0.5, 3, {"accuracy": 0.0001, "loss": 1e-5}),
        (clock, 200.0, 5, {"accuracy": 1.0, "loss": 0.25}),
        (clock, 20000.0, 6, logs),
        (clock, 0.0005, steps, logs | {"val_loss": 1e6}),
    ]
    expected = bar_of_keras(monkeypatch, steps, verbose, updates)
    clock.now = 100.0
    bar = Progress(verbose, 1, steps)
    bar.start(0)
    for _, seconds, step, logs in updates[:-1]:
        clock.now += seconds
        bar.update(step, lambda logs=logs: logs)
    clock.now += 0.0005
    bar.finish(steps, updates[-1][3])
    assert written == expected
    assert len(written) == (5 if verbose == 1 else 1)


def test_epochs_have_a_line_if_there_are_several(written):
    for epochs in (1, 3):
        Progress(1, epochs, 5).start(1)
    assert written == ["Epoch 2/3\n"]


def test_steps_of_an_iterable_are_unknown_until_it_ends(written, clock):
    bar = Progress(1, 1, None)
    bar.start(0)
    clock.now += 1
    bar.update(3, dict)
    bar.finish(4, {})
    assert "      3/Unknown" in written[0]
    assert "4/4" in written[1]


def test_nothing_is_written_for_verbose_0(written):
    bar = Progress(0, 3, 5)
    bar.start(0)
    bar.update(1, dict)
    bar.finish(5, {})
    assert written == []


@pytest.mark.parametrize("verbose", [3, -1, "loud", None, 1.0])
def test_other_verbose_is_refused(verbose):
    with pytest.raises(ValueError, match="expected verbose to be 'auto', 0, 1 or 2"):
        checked_verbose(verbose)


def test_pace_follows_the_time_of_steps():
    pace = Pace(1000, 0.05)
    steps = []
    for _ in range(8):
        steps.append(pace.steps)
        pace.measured(pace.steps, pace.steps * 0.001)
    assert steps == [1, 4, 16, 50, 50, 50, 50, 50]
    pace.measured(50, 10.0)
    assert pace.steps == 1
    assert Pace(1000, None).steps == 1000


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_lines_gets_other_characters(monkeypatch, encoding):
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(content, encoding=encoding))
    shown = Progress(1, 1, 4)
    shown.start(0)
    shown.finish(4, {"loss": 0.5})
    progress.write_line("┃ Layer")
    assert b"====" in content.getvalue()
    assert content.getvalue().endswith(b"? Layer\n")


def test_verbose_may_be_a_number_of_numpy():
    assert checked_verbose(np.int64(2)) == 2

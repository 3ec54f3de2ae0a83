"""bench/learning.py: its statistics, and that all libraries get the same settings."""

import importlib
import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")  # as all tests in this process
BENCH = Path(__file__).resolve().parents[2] / "bench"

for _name in ("keras", "torch", "sklearn"):
    pytest.importorskip(_name)


@pytest.fixture
def learning(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("learning")


def test_paired_test_is_scipys(learning):
    from scipy import stats

    ours, theirs = np.random.RandomState(0).normal(size=(2, 20))
    mean, (low, high), chance = learning.paired(ours, theirs)
    expected = stats.ttest_rel(ours, theirs)
    assert chance == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))
    assert low < mean < high
    assert learning.paired([1.0, 2.0], [1.0, 2.0]) == (0.0, (0.0, 0.0), 1.0)


def test_a_worse_library_is_found(learning):
    """Scores that differ by less than seeds do, but always, are told apart: that is what pairs are for."""
    scores = np.random.RandomState(0).normal(0.9, 0.05, 20)
    worse = scores - 0.01 + np.random.RandomState(1).normal(0, 0.005, 20)
    assert learning.paired(worse, scores)[2] < 1e-6


def test_fastnn_and_scikit_learn_train_on_the_same_split(learning):
    scores = []
    for _ in range(2):
        case = learning.Case("wine", 3)
        scores.append([case.score(train(case, {})) for train in (learning.by_fastnn, learning.by_sklearn)])
    assert scores[0] == scores[1]
    assert min(scores[0]) > 0.8

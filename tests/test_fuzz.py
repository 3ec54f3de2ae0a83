"""A short run of every target of tests/fuzz: their seeds, what once was a finding, and a few seconds more.

tests/fuzz/run.py runs them for longer, as FASTNN_FUZZ_SECONDS does here.
"""

import os
import sys

import pytest

pytest.importorskip("h5py", reason="h5py is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

from compiled import ROOT

sys.path.append(str(ROOT / "tests/fuzz"))

import run

SECONDS = int(os.environ.get("FASTNN_FUZZ_SECONDS", "10"))


@pytest.mark.parametrize("target", [*run.CPP, *run.PYTHON])
def test_no_input_of_a_few_seconds_is_a_finding(target, tmp_path):
    if reason := run.missing(target):
        pytest.skip(reason)
    report = run.fuzz(target, SECONDS, tmp_path)
    assert "cov: " in report


def test_every_target_has_seeds(tmp_path):
    targets = {path.stem.removesuffix("_target") for path in run.HERE.glob("*_target.py")}
    assert targets == set(run.PYTHON)
    for target in [*run.CPP, *run.PYTHON]:
        run.write(target, tmp_path / target)
        assert len(list((tmp_path / target).iterdir())) > 1

"""Run soak.py for some seconds, so that it keeps working and shows large leaks; run it by hand for an hour."""

import sys

import pytest

from compiled import ROOT
from processes import run


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
@pytest.mark.slow
def test_everything_at_once_for_some_seconds():
    printed = run(sys.executable, ROOT / "tests/tools/soak.py", "--minutes", 0.08, "--growth", 32, "--seed", 1)
    assert "0 errors" in printed

"""soak.py runs for an hour by hand; here for some seconds, so that it stays right and a large leak is seen at once."""

import sys

import pytest

from compiled import ROOT
from processes import run


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
def test_everything_at_once_for_some_seconds():
    printed = run(sys.executable, ROOT / "tests/tools/soak.py", "--minutes", 0.08, "--growth", 32, "--seed", 1)
    assert "0 errors" in printed

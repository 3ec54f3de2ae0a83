"""No byte beside x or out is read or written: arrays at the very edge of memory that would end the program."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from processes import run_python

SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.mark.skipif(sys.platform == "win32", reason="needs mmap and mprotect")
def test_nothing_beside_x_and_out_is_touched():
    calls = run_python("import guarded; guarded.main()", options=["-W", "error"], timeout=600)
    assert int(calls) == 2 * 2 * 2 * 13 * 100 * len(fastnn.isas())


@pytest.mark.parametrize("where", ["after", "before"])
def test_the_guard_pages_would_notice(where):
    code = (
        "import guarded, numpy as np\n"
        f"x = guarded.Guarded(4096).array((8,), 'float32', {where == 'after'})\n"
        f"np.lib.stride_tricks.as_strided(x, (9,), ({4 if where == 'after' else -4},))[8]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=SUPPORT)
    assert done.returncode == -signal.SIGSEGV or "AddressSanitizer: SEGV" in done.stderr, done.stderr

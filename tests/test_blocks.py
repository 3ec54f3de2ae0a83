"""How the work of a call is cut up in cpp/core, counted by the C++ program of blocks.cpp beside this file."""

import subprocess

from compiled import ROOT, compiled


def test_every_row_is_in_one_block_and_no_thread_has_more_than_its_share(tmp_path):
    program = compiled(tmp_path, ROOT / "tests/blocks.cpp")
    done = subprocess.run([program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")

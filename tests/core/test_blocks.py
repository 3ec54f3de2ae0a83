"""How the work of a call is cut up in cpp/core, counted by the C++ program tests/programs/blocks.cpp."""

from compiled import ROOT, compiled
from processes import run


def test_every_row_is_in_one_block_and_no_thread_has_more_than_its_share(tmp_path):
    run(compiled(tmp_path, ROOT / "tests/programs/blocks.cpp"), timeout=120)

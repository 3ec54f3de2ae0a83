"""Which layout the numbers of a block get, layer by layer, checked by the C++ program tests/programs/layouts.cpp."""

from compiled import ROOT, compiled
from processes import run


def test_each_layer_gets_the_layout_that_costs_least(tmp_path):
    run(compiled(tmp_path, ROOT / "tests/programs/layouts.cpp"), timeout=120)

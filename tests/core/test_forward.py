"""How a network is run in cpp/core, driven by the C++ program tests/programs/forward.cpp."""

import pytest

from compiled import ROOT, compiled
from processes import run

CORE = ("layers", "layouts", "forward", "machine", "network", "thread_pool", "threads")
SOURCES = [
    "tests/programs/forward.cpp",
    "cpp/kernels/portable.cpp",
    "cpp/kernels/portable_elementwise.cpp",
    *(f"cpp/core/{name}.cpp" for name in CORE),
]


@pytest.mark.slow
def test_go_on_is_asked_on_the_calling_thread_and_never_again_once_it_said_false(tmp_path):
    run(compiled(tmp_path, *(ROOT / source for source in SOURCES)), timeout=120)

"""A square root by fmas has the bits of the CPU's instruction, wherever Adam uses it."""

import pytest

import fastnn
from compiled import ROOT, compiled
from processes import run


@pytest.mark.slow  # 1.9 billion roots
@pytest.mark.skipif("avx512" not in fastnn.isas(), reason="this CPU has no AVX-512")
def test_roots_by_fmas_are_those_of_the_instruction(tmp_path):
    flags = ["-O2", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"]
    run(compiled(tmp_path, *flags, ROOT / "tests/programs/square_roots.cpp"))

"""How work is shared out in cpp/core, driven by the C++ program of thread_pool.cpp in tests/programs."""

import re

import pytest

from compiled import ROOT, compiled
from processes import run

SOURCES = [*sorted((ROOT / "tests/programs").glob("thread_pool*.cpp")), ROOT / "cpp/core/thread_pool.cpp"]
CASES = re.findall(r"\bCASE\((\w+)\)[,}]", (ROOT / "tests/programs/thread_pool.cpp").read_text())


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("thread_pool"), *SOURCES)


@pytest.mark.parametrize("case", CASES)
def test_sharing(program, case):
    run(program, case, silent=True, timeout=120)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("exit_")])
def test_many_processes_end_in_whatever_state_their_threads_are(program, case):
    for _ in range(50):
        run(program, case, timeout=20)


def test_every_case_is_run():
    assert len(CASES) == 16  # of the program: the pattern above found them all

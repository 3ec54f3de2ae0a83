"""C++ programs that each hold a promise by themselves: they end with 0, or say what does not hold."""

import pytest

from compiled import ROOT, compiled
from processes import run

# Program -> its files, its arguments.
PROGRAMS = {
    "allocations": (["allocations.cpp", "failing_new.cpp"], []),
    "calls_at_the_end": (["calls_at_the_end.cpp"], []),
    "floating_point_mode": (["floating_point_mode.cpp"], []),
    "go_on": (["go_on.cpp"], []),
    "model_files": (["model_files.cpp"], [ROOT / "examples/digits.safetensors", "saved.safetensors"]),
    "shapes": (["shapes.cpp"], [60]),  # of its 544 networks
    "trainer": (["trainer.cpp", "failing_new.cpp"], []),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.slow
def test_program(library, tmp_path, name):
    files, arguments = PROGRAMS[name]
    run(compiled(tmp_path, *(ROOT / "tests/programs" / file for file in files), library), *arguments, cwd=tmp_path)

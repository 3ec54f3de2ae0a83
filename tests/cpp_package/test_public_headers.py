"""The examples in the comments that public headers begin with."""

import re

import pytest

from compiled import ROOT, compiled
from processes import run

INCLUDE = ROOT / "cpp/include/fastnn"
# Header -> statements that end a program of its example; it returns 0 if what the comments say holds.
CHECKS = {
    "network.hpp": "return y[0] > 1.23822f && y[0] < 1.23823f ? 0 : 1;",
    "trainer.hpp": "return loss > 0 && network.units() == 1 && trainer.iterations() == 1 ? 0 : 1;",
}


@pytest.mark.parametrize("header", CHECKS)
@pytest.mark.slow
def test_the_example_of_a_header_compiles_and_runs(header, library, tmp_path):
    comment = re.match(r"(//.*\n)+", (INCLUDE / header).read_text())[0]
    lines = re.findall(r"^//   (.*)$", comment, re.M)
    includes = [line for line in lines if line.startswith("#include")]
    statements = [line for line in lines if line not in includes]
    program = [*includes, "int main() {", *statements, CHECKS[header], "}", ""]
    (tmp_path / "example.cpp").write_text("\n".join(program))
    run(compiled(tmp_path, tmp_path / "example.cpp", library))


def test_each_header_with_an_example_is_tried():
    with_example = {path.name for path in INCLUDE.glob("*.hpp") if re.search(r"^//   #include", path.read_text(), re.M)}
    assert with_example == CHECKS.keys() | {
        "fastnn.hpp"
    }  # its lines are parts of programs, which docs/cpp.md has whole

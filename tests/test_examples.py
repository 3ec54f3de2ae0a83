"""The examples do what the documentation says: programs, the README's command, and all Python and C++ of every page.

A page's ```python blocks run from top to bottom, with its names, in a folder that has the project's examples and tests.
`expression  # -> text` in a block says what `print(expression)` prints. A ```cpp block is a whole program.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compiled import compiled
from fastnn.cli import main as cli
from fastnn.models import load_model

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
# by the page's Python
NEEDED = {"scale-out.md": ["dask.dataframe", "duckdb", "polars", "pyarrow"], "scikit-learn.md": ["sklearn"]}
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def pages_with(language):
    pages = [page for page in PAGES if f"```{language}\n" in page.read_text()]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def program(page):
    """The Python of a page, where what is said to be printed is asserted."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M)
    shown = r"^( *)(\S.*?)  # -> (.*)$"
    return re.sub(
        shown,
        lambda m: f"{m[1]}printed = str({m[2]}); assert printed == {m[3]!r}, printed",
        "\n".join(blocks),
        flags=re.M,
    )


@pages_with("python")
def test_python_of_page_prints_what_it_shows(page, tmp_path, monkeypatch):
    for package in NEEDED.get(page.name, ()):
        pytest.importorskip(package)
    for folder in ("examples", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    exec(compile(program(page), page.name, "exec"), {})


def test_a_wrong_output_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\nx + 1  # -> 3\n```\n")
    with pytest.raises(AssertionError, match="2"):
        exec(program(page), {})


@pages_with("cpp")
def test_cpp_of_page_compiles_as_it_stands_and_runs(page, library, tmp_path):
    load_model(EXAMPLES / "digits.safetensors").export(tmp_path / "digits.hpp")
    blocks = re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.S | re.M)
    for block in blocks:
        (tmp_path / "program.cpp").write_text(block)
        subprocess.run([compiled(tmp_path, tmp_path / "program.cpp", library)], cwd=ROOT, check=True)


def test_lecture_comes_out_to_the_last_digit():
    done = subprocess.run([sys.executable, EXAMPLES / "lecture.py"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for line in (
        "hidden layer [5.0, 1.0]",
        "output 9.0",
        "output 1.2382242525694254",
        "bias -0.5: {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 1}  OR",
        "bias -1.5: {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 1}  AND",
        "layer 2: [0.0, 52.0]",
        "predictions: (360, 1) float32",
    ):
        assert line in done.stdout


def test_bank_customers_are_learned_saved_and_exported_with_the_same_bits_each_time(tmp_path):
    command = [sys.executable, EXAMPLES / "bank_customers.py"]
    done = [subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True) for _ in range(2)]
    assert done[0].stderr == ""
    said = dict(line.split(": ") for line in done[0].stdout.splitlines()[-3:-1])
    assert float(said["mean absolute error"].split()[0]) < 2 < 7 < float(said["of the mean as the answer"])
    assert done[0].stdout.splitlines()[-3:] == done[1].stdout.splitlines()[-3:]
    assert (tmp_path / "bank_customers.hpp").exists()


def test_bank_customers_file_is_what_its_program_writes(tmp_path):
    shutil.copy(EXAMPLES / "make_bank_customers.py", tmp_path)
    subprocess.run([sys.executable, tmp_path / "make_bank_customers.py"], check=True, capture_output=True)
    assert (tmp_path / "bank_customers.csv").read_bytes() == (EXAMPLES / "bank_customers.csv").read_bytes()


def test_readme_has_one_command_to_install_and_one_to_test_for_ci_to_run():
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("pip ")]
    assert [line.split(" && ")[-1].split()[0] for line in commands] == ["fastnn", "pytest"]


def test_commands_from_a_table_to_a_header_print_what_the_readme_shows(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text()
    commands, shown = re.search(r"^```sh\n(fastnn train .*?)^```.*?^```\n(.*?)^```", readme, re.S | re.M).groups()
    printed = []
    for command in commands.splitlines():
        assert cli.main(command.split()[1:]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0].endswith(shown)
    assert printed[1].splitlines()[:3] == ["Adelie"] * 3
    assert "namespace model" in (tmp_path / "model.hpp").read_text()


def test_digits_command_reaches_the_accuracy_of_the_readme(capsys):
    code = cli.main(
        ["predict", str(EXAMPLES / "digits.safetensors"), str(EXAMPLES / "digits.csv"), "--target", "digit"]
    )
    out, err = capsys.readouterr()
    assert code == 0
    assert len(out.splitlines()) == 360
    accuracy = err.splitlines()[-1]
    assert accuracy == "accuracy 0.9667 (348 of 360)"
    assert accuracy in (ROOT / "README.md").read_text()

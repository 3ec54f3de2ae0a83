"""The benchmark programs: their arithmetic, that they run, and that they refuse a wrong answer. No time is asserted."""

import re
import subprocess
import sys
from pathlib import Path
from timeit import Timer

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).resolve().parents[2] / "bench"
QUICK = ["--quick", "--engines", "numpy", "--networks", "lecture", "--rows", "1"]


@pytest.fixture(autouse=True)
def beside_bench(monkeypatch):
    """Let tests import what stands in bench/ as the programs there do."""
    monkeypatch.syspath_prepend(str(BENCH))


def run(*arguments, timeout=60):
    return subprocess.run([sys.executable, *arguments], cwd=BENCH, capture_output=True, text=True, timeout=timeout)


def cell(rows=16, **seconds):
    seconds = {name.replace("_", " "): np.array(each) for name, each in seconds.items()}
    return {"network": "n 2-1 relu", "rows": rows, "flops": 4000, "seconds": seconds}


def lines_of(table):
    return [[entry.strip() for entry in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]


def test_ratio_is_taken_round_by_round():
    """Where the machine slows for a round, both engines slow: medians of either alone would mix rounds."""
    import report

    assert report.ratio([2.0, 30.0, 4.0], [1.0, 10.0, 4.0]) == 2.0
    assert report.geometric_mean([0.5, 8.0]) == pytest.approx(2.0)


def test_best_peer_is_the_least_median_and_never_fastnn_itself():
    import report

    seconds = {"fastnn": [1.0], "fastnn float64": [1.0], "a": [5.0, 2.0, 9.0], "b": [4.0, 4.0, 40.0]}
    assert report.best_peer(seconds) == "b"
    assert report.best_peer({"fastnn": [1.0], "fastnn float64": [2.0]}) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.71251, "0.713"), (1.0, "1.00"), (45.64, "45.6"), (123456.7, "123457"), (0.0123456, "0.0123")],
)
def test_figures_have_three_digits_and_no_exponent(number, text):
    import report

    assert report.digits(number) == text


def test_table_shows_rate_share_of_peak_and_ratio_of_each_cell():
    import report

    own = {"fastnn": [1e-6, 2e-6, 3e-6], "fastnn_float64": [4e-6] * 3}
    cells = [cell(**own, a=[4e-6] * 3), cell(rows=1, **own, a=[1e-6] * 3)]
    text = report.comparison(cells, peak=4e9)
    head, _, first, second = lines_of(text)
    assert head[2:4] == ["fastnn µs", "a µs"]
    assert first == ["n 2-1 relu", "16", "2.00", "4.00", "1.50 … 2.50", "2.00", "50%", "2.00 (a)"]
    assert second[-1] == "0.50 (a)"
    assert "cells: 1.00. Below 1 in 1 of 2. The worst: n 2-1 relu × 1: 0.50 (a); n 2-1 relu × 16: 2.00 (a)." in text
    assert lines_of(report.float64(cells))[2] == ["n 2-1 relu", "16", "4.00", "1.00", "0.50"]
    assert lines_of(report.comparison([cell(**own)], peak=4e9))[2][-2:] == ["50%", "-"]


def test_tables_of_one_row_and_of_threads_divide_the_right_way():
    import report

    times = {"predict(x)": [3e-6], "np.maximum(x, 0)": [1e-6]}
    assert lines_of(report.one_row({"tiny": times}))[2] == ["tiny", "1.00", "3.00"]
    times = {"1": np.array([4e-6]), "2": np.array([2e-6])}
    assert lines_of(report.threads([cell() | {"seconds": times}]))[2] == ["n 2-1 relu", "16", "4.00", "2.00", "2.00"]


def test_point_above_its_neighbours_is_a_multiple_of_the_line_between_them():
    import timing

    assert timing.above_neighbours([1, 2, 4], [1.0, 4.0, 4.0]) == pytest.approx([1, 2, 1])
    assert timing.above_neighbours([1, 3, 9], [2.0, 6.0, 18.0]) == pytest.approx([1, 1, 1])


def test_rounds_take_turns_and_report_each_call():
    import timing

    times = timing.interleaved({"a": Timer("sum(range(9))"), "b": Timer("pass")}, 0.01, fewest=4, most=4, least=1e-5)
    assert {name: each.shape for name, each in times.items()} == {"a": (4,), "b": (4,)}


def test_answers_in_float32_pass_and_in_bfloat16_do_not():
    import networks

    for name, (sizes, activation) in networks.NETWORKS.items():
        weights, x = networks.weights_of(sizes), networks.rows_of(sizes, 8)
        answers, tolerance = networks.expected(weights, activation, x)
        assert networks.wrong_answer(answers.astype(np.float32), answers, tolerance) is None, name
        rounded = [((kernel.view(np.uint32) + 0x8000 & 0xFFFF0000).view(np.float32), bias) for kernel, bias in weights]
        in_bfloat16, _ = networks.expected(rounded, activation, x)
        assert "expected" in networks.wrong_answer(in_bfloat16, answers, tolerance), name


def test_nan_and_another_shape_are_wrong_answers():
    import networks

    answers = np.zeros((4, 2))
    with_nan = answers.copy()
    with_nan[3, 1] = np.nan
    assert networks.wrong_answer(with_nan, answers, answers + 1) == "expected 0 ± 1 from unit 1; received nan"
    assert "shape (4, 2); received (4, 1)" in networks.wrong_answer(answers[:, :1], answers, answers + 1)


SIZES = {  # kind -> smallest and largest inputs, hidden units, outputs, and number of hidden layers
    "tabular": ((4, 200), (16, 512), (1, 20), (1, 4)),
    "policy": ((4, 128), (32, 256), (1, 18), (2, 3)),
    "autoencoder": ((64, 2048), (2, 2048), (64, 2048), (1, 5)),
    "head": ((16, 1024), (1, 0), (1, 16), (0, 0)),
    "deep": ((4, 64), (8, 128), (1, 10), (5, 10)),
    "any": ((1, 1200), (1, 1200), (1, 1200), (1, 4)),
}


def test_networks_of_a_sweep_are_those_of_its_docstring():
    """600 networks come within a quarter of each limit, on the scale of the logarithm that sizes are uniform on."""
    import random_networks

    networks = random_networks.drawn(6 * 600, seed=3)
    assert [kind for kind, _, _ in networks[:6]] == list(SIZES)
    for kind, limits in SIZES.items():
        drawn = [sizes for each, sizes, _ in networks if each == kind]
        assert len(drawn) == 600
        inputs, outputs = [sizes[0] for sizes in drawn], [sizes[-1] for sizes in drawn]
        units, layers = [unit for sizes in drawn for unit in sizes[1:-1]], [len(sizes) - 2 for sizes in drawn]
        for found, (least, most) in zip((inputs, units, outputs), limits[:3], strict=True):
            if found:
                near = max(1.3, (most / least) ** 0.05)
                assert least <= min(found) <= near * least, kind
                assert most / near <= max(found) <= most, kind
        assert (min(layers), max(layers)) == limits[3], kind
        if kind == "policy":
            assert all(len(set(sizes[1:-1])) == 1 for sizes in drawn)
        if kind == "autoencoder":
            assert all(sizes == sizes[::-1] and sizes[len(sizes) // 2] <= 128 for sizes in drawn)
            assert 0.4 < sum(count == 1 for count in layers) / 600 < 0.6
    chosen = [activation for _, _, activation in networks]
    for activation, share in {"relu": 0.5, "tanh": 0.25, "sigmoid": 0.25}.items():
        assert chosen.count(activation) / len(chosen) == pytest.approx(share, abs=0.03)


def test_equal_seeds_draw_equal_networks_and_fewer_are_the_first_of_more():
    import random_networks

    assert random_networks.drawn(12, seed=1) == random_networks.drawn(13, seed=1)[:12]
    assert random_networks.drawn(12, seed=1) != random_networks.drawn(12, seed=2)


def test_summary_of_a_sweep_counts_where_fastnn_is_slower_and_lists_the_worst():
    import report

    ratios = {"a": (4.0, 0.9), "b": (0.97,)}
    cells = [
        cell(fastnn=[1e-6] * 3, slow=[9e-6] * 3, best=[ratio * 1e-6] * 3) | {"kind": kind}
        for kind, each in ratios.items()
        for ratio in each
    ]
    lines = lines_of(report.sweep(cells, peak=8e9))
    assert lines[2:5] == [
        ["a", "2", "1 (50%)", "1", "0.90", "1.90"],
        ["b", "1", "1 (100%)", "0", "0.97", "0.97"],
        ["all", "3", "2 (67%)", "1", "0.90", "1.52"],
    ]
    assert lines[7] == ["a", "n 2-1 relu", "16", "1.00", "0.900 (best)", "50%", "0.90"]
    assert [line[-1] for line in lines[7:]] == ["0.90", "0.97", "4.00"]


def test_quick_sweep_prints_and_writes_tables(tmp_path):
    file = tmp_path / "table.md"
    options = ["--networks", "1", "--rows", "1", "--seconds", "0.001", "--engines", "numpy", "--markdown", file]
    done = run("sweep.py", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text()
    lines = lines_of(done.stdout)
    assert [line[:2] for line in lines[2:4]] == [["tabular", "1"], ["all", "1"]]
    assert lines[6][0] == "tabular"
    assert lines[6][4].endswith(" (numpy)")
    assert "Seed 0. Interleaved rounds, 0.001 s for a cell, at least 5; medians. fastnn " in done.stdout


def test_engine_that_does_not_run_a_network_is_named_and_left_out_of_a_sweep():
    fails = "def fails(*arguments):\n    raise RuntimeError('Layout\\nrank')\n"
    program = f"import sweep, engines\n{fails}engines.ENGINES['torch'] = (fails, ['numpy'])\n"
    options = ["--networks", "1", "--rows", "1", "--seconds", "0.001", "--engines", "numpy,torch"]
    done = run("-c", program + f"raise SystemExit(sweep.main({options}))")
    assert done.returncode == 0, done.stderr
    lines = lines_of(done.stdout)
    assert [line[:2] for line in lines[2:4]] == [["tabular", "1"], ["all", "1"]]
    assert lines[6][4].endswith(" (numpy)")
    assert re.search(r"^torch does not run .+ × 1: Layout rank$", done.stdout, re.MULTILINE), done.stdout
    done = run("-c", program + f"raise SystemExit(sweep.main({[*options[:-1], 'torch']}))")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("sweep.py: no other engine runs any of the networks: torch ")


@pytest.mark.parametrize(
    "program", ["compare.py", "growth.py", "sweep.py", "train.py", "reproducibility.py", "scale_out.py"]
)
def test_help_is_printed(program):
    done = run(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"python bench/{program}" in done.stdout


def test_quick_comparison_prints_and_writes_tables(tmp_path):
    file = tmp_path / "table.md"
    done = run("compare.py", *QUICK, "--markdown", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text()
    assert [line[0] for line in lines_of(done.stdout)].count("lecture 10-100-100-1 relu") == 3
    assert "fastnn µs | numpy µs" in done.stdout


def test_wrong_answer_ends_the_comparison_with_one_line_and_code_2():
    wrong = "lambda weights, activation, x: lambda x: np.zeros((len(x), 1), np.float32)"
    program = f"import compare, engines, numpy as np; engines.ENGINES['numpy'] = ({wrong}, ['numpy'])\n"
    done = run("-c", program + f"raise SystemExit(compare.main({QUICK}))")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("compare.py: numpy gives a wrong answer for lecture × 1: expected "), done.stderr


MISTAKES = {
    "compare.py": [
        "--networks nonsense",
        "--engines nonsense",
        "--rows 0",
        "--rows many",
        "--threads 1,1025",
        "--threads 0",
        "--threads 1,,2",
        "--json nowhere/x.json",
        "--markdown .",
    ],
    "growth.py": [
        *(f"--seconds={seconds}" for seconds in ("nan", "0", "-1", "inf", "soon")),
        *(f"--most={most}" for most in ("1", "2", "1e3", "1048577")),
        "--plot nowhere/x.png",
    ],
    "sweep.py": [
        *(f"--seed={seed}" for seed in ("-1", "4294967296", "today")),
        *(f"--networks={number}" for number in ("0", "1001", "lecture")),
        *(f"--seconds={seconds}" for seconds in ("0", "nan", "soon")),
        "--rows 0",
        "--rows 1,,2",
        "--engines fastnn",
        "--engines nonsense",
        "--markdown .",
        "--json nowhere/x.json",
    ],
}


@pytest.mark.parametrize(
    ("program", "arguments"), [(program, each) for program, mistakes in MISTAKES.items() for each in mistakes]
)
def test_mistake_in_the_command_gives_one_sentence_and_code_2(program, arguments):
    done = run(program, *arguments.split())
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    option = arguments.replace("=", " ").split()[0]
    assert re.fullmatch(rf"{program}: error: argument {option}: expected .+; received .+", last), done.stderr
    assert "Traceback" not in done.stderr


def test_growth_reports_points_as_its_exit_code_says():
    done = run("growth.py", "--most", "3", "--seconds", "0.001")
    last = done.stdout.splitlines()[-1]
    assert last.endswith("cliffs among 18 points"), done.stderr
    assert done.returncode == (not last.startswith("0 "))


def test_scale_out_compares_two_workers_with_one_process():
    for package in ("distributed", "onnx", "onnxruntime", "sklearn"):
        pytest.importorskip(package)
    done = run("scale_out.py", "--rows", "40000", timeout=300)  # six processes begin
    assert done.returncode == 0, done.stderr
    assert len(lines_of(done.stdout)) == 2 + 8
    assert done.stdout.endswith("answers, weights and losses have the bits of one process.\n")


@pytest.mark.parametrize(
    "program", ["compare.py --quick --rows 1 --networks lecture --engines fastnn", "growth.py --most 3 --seconds 0.01"]
)
def test_output_that_nobody_reads_or_no_disk_takes_ends_a_program_without_a_traceback(program):
    command = f"{sys.executable} {program}"
    for end, code in ((" | true", 1), (" > /dev/full", 2)):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command + end], cwd=BENCH, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr

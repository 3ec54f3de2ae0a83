"""The benchmarks of training: their arithmetic, that they run, that they refuse wrong weights. No time is asserted."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
QUICK = ["--quick", "--engines", "fastnn", "--networks", "digits"]


@pytest.fixture(autouse=True)
def beside_bench(monkeypatch):
    """Let tests import what stands in bench/ as the programs there do."""
    monkeypatch.syspath_prepend(str(BENCH))


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=BENCH, capture_output=True, text=True, timeout=60)


def cell(weights=1000, **seconds):
    seconds = {name.replace("_", " "): np.array(each) for name, each in seconds.items()}
    return {"network": "n", "rows": 16, "weights": weights, "flops": 4000, "peak": 4e9, "seconds": seconds}


def lines_of(table):
    return [[entry.strip() for entry in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]


@pytest.fixture
def small():
    """Return a task whose training is right only if every kind of gradient is."""
    from tasks import Task

    return Task("small", (5, 8, 7, 3), "tanh", "cross-entropy", batch=4, steps=6)


def trained_by(name, task, shuffle=False):
    from trainers import TRAINERS

    train, weights = TRAINERS[name][0](task, shuffle)
    train(1)
    return weights()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
def test_gradients_of_the_float64_answer_are_those_of_the_loss(small, activation, loss):
    import tasks

    task = replace(small, activation=activation, loss=loss)
    weights = [array.astype(np.float64) for pair in task.weights for array in pair]

    def loss_of():
        x = task.x.astype(np.float64)
        for layer, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True), 2):
            x = x @ kernel + bias
            if layer < len(task.sizes):
                x = np.maximum(x, 0) if activation == "relu" else np.tanh(x)
        if loss == "mse":
            return np.mean((x - task.y) ** 2)
        return np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(len(x)), task.y])

    for weight, gradient in zip(weights, tasks._gradients(task, weights, task.x, task.y), strict=True):
        first, step = weight.flat[0], 1e-6
        ends = []
        for weight.flat[0] in (first + step, first - step):
            ends.append(loss_of())
        weight.flat[0] = first
        assert gradient.flat[0] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-9)


def test_weights_of_fastnn_are_right_and_those_of_other_training_are_not(small):
    import tasks

    for task in (small, replace(small, activation="relu", loss="mse"), tasks.TASKS["online"].first(10)):
        assert tasks.off_course(task, trained_by("fastnn", task)) is None, task
        assert "off" in tasks.off_course(task, task.weights)
    others = {
        "shuffled": trained_by("fastnn", small, shuffle=True),
        "another activation": trained_by("fastnn", replace(small, activation="relu")),
        "fewer steps": trained_by("fastnn", small.first(5)),
        "other batches": trained_by("fastnn", replace(small, batch=8, steps=3)),
    }
    for name, weights in others.items():
        assert re.match(r"expected .+; received others, .+% of the way off", tasks.off_course(small, weights)), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scikit-learn", "torch", "keras-jax", "jax-step", "jax-scan"])
def test_weights_of_peers_are_right(name):
    """In a process of its own, since libraries read the limits of their threads once."""
    program = (
        "import engines, trainers, tasks\n"
        f"if trainers.installed()[{name!r}] is None: raise SystemExit(77)\n"
        "for task in [*tasks.random_tasks(2, 0), tasks.TASKS['online']]:\n"
        "    task = task.first(6)\n"
        f"    train, weights = trainers.TRAINERS[{name!r}][0](task, shuffle=False)\n"
        "    train(1)\n"
        "    assert (wrong := tasks.off_course(task, weights())) is None, (task.title, wrong)\n"
    )
    done = run("-c", program)
    if done.returncode == 77:
        pytest.skip(f"{name} is not installed")
    assert done.returncode == 0, done.stderr


def test_operations_of_a_step_leave_out_the_deltas_of_the_inputs():
    from tasks import Task

    assert Task("n", (10, 20, 3), "relu", "mse", batch=2).flops == 2 * (4 * 10 * 20 + 6 * 20 * 3)
    assert Task("n", (10, 20, 3), "relu", "mse", batch=2).parameters == 10 * 20 + 20 + 20 * 3 + 3


def test_random_networks_are_those_of_their_seed_and_within_the_stated_limits():
    from tasks import random_tasks

    found = random_tasks(40, 7)
    assert found[:5] == random_tasks(5, 7)
    assert found != random_tasks(40, 8)
    for task in found:
        inputs, *hidden, outputs = task.sizes
        assert 2 <= inputs <= 512
        assert 1 <= len(hidden) <= 4
        assert all(4 <= units <= 512 for units in hidden)
        assert 1 <= task.batch <= 512
        assert (1 <= outputs <= 8) if task.loss == "mse" else (3 <= outputs <= 20)
    assert {(task.activation, task.loss) for task in found} == {
        (activation, loss) for activation in ("relu", "tanh") for loss in ("mse", "cross-entropy")
    }
    assert all(len(list(pairwise(task.sizes))) == len(task.weights) for task in found)


def test_table_shows_limit_best_peer_and_means_by_size():
    import training_report

    own = {"fastnn": [2e-6, 2e-6, 2e-6]}
    cells = [cell(**own, a=[4e-6] * 3, b=[8e-6] * 3), cell(weights=10**6, **own, a=[1e-6] * 3, b=[8e-6] * 3)]
    text = training_report.steps(cells)
    head, _, first, second, means_head, _, all_cells, small_cells = lines_of(text)
    assert head[2:] == ["fastnn µs", "a µs", "b µs", "limit µs", "% of limit", "best peer ÷ fastnn"]
    assert first == ["n", "16", "2.00", "4.00", "8.00", "1.00", "50%", "2.00 (a)"]
    assert second[-1] == "0.50 (a)"
    assert means_head[1:] == ["a", "b", "best peer"]
    assert all_cells[1:] == ["1.00", "4.00", "1.00"]
    assert small_cells == ["up to 100,000 weights (1)", "2.00", "4.00", "2.00"]
    assert text.endswith("A peer is faster in 1 of 2 networks: n × 16.")


def test_tables_of_dead_units_and_of_memory_divide_the_right_way():
    import training_report

    times = {"dead": np.array([[1e-6, 5e-6, 2e-6]] * 2), "alive": np.array([[1e-6, 5e-6, 1e-6]] * 2)}
    dead, alive = lines_of(training_report.dead_units(times))[2:]
    assert dead[1:] == ["1.00", "2.00", "2.00"]
    assert alive[-1] == "1.00"
    text = training_report.memory([(10, 2**20), (20, 2**20 + 500)])
    assert text.endswith("From fit 10 on: 50.0 bytes a fit.")


MODES = [[], ["--threads", "1,2"], ["--threads-pair"], ["--fits", "20"], ["--random", "1"]]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [*MODES, ["--dead-units"]], ids=" ".join)
def test_quick_training_prints_and_writes_a_table(mode, tmp_path):
    file = tmp_path / "table.md"
    done = run("train.py", *(QUICK[:3] if "--random" in mode else QUICK), *mode, "--markdown", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text()
    assert len(lines_of(done.stdout)) >= 3


def test_wrong_weights_end_the_comparison_with_one_line_and_code_2():
    wrong = "lambda task, shuffle: (lambda epochs: None, lambda: task.weights)"
    program = f"import train, trainers; trainers.TRAINERS['fastnn'] = ({wrong}, ['fastnn-cpu'])\n"
    done = run("-c", program + f"raise SystemExit(train.main({QUICK}))")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("train.py: fastnn trains digits 64-64-10 relu, cross-entropy to wrong weights: expected ")


@pytest.mark.slow
def test_fastnn_has_one_result_for_all_threads_and_instruction_sets(tmp_path):
    file = tmp_path / "table.md"
    done = run("reproducibility.py", "--quick", "--engines", "fastnn", "--markdown", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text()
    line = lines_of(done.stdout)[2]
    assert line[0].startswith("fastnn")
    assert line[-1] == "1"


def test_reproducibility_counts_results_that_differ_within_a_cell_too():
    import reproducibility

    cells = {("avx2", 1): ["a" * 64, "a" * 64], ("avx2", 2): ["a" * 64, "b" * 64]}
    same = {column: ["c" * 64] * 2 for column in cells}
    versions = dict.fromkeys(reproducibility.LIBRARIES) | {"fastnn": "1", "torch": "2"}
    text = reproducibility.markdown({"fastnn": same, "torch": cells}, versions, 100)
    head, _, own, torch = lines_of(text)
    assert head == ["library", "avx2, 1 thread", "avx2, 2 threads", "different results"]
    assert own[-1] == "1"
    assert torch == ["torch 2", "`aaaaaaaa`", "`aaaaaaaa` `bbbbbbbb`", "2"]
    assert "Not installed: scikit-learn, keras-jax, jax-scan." in text


MISTAKES = [
    "train.py --networks nonsense",
    "train.py --engines nonsense",
    "train.py --random 0",
    "train.py --seed -1",
    "train.py --threads 0",
    "train.py --fits many",
    "train.py --seconds nan",
    "train.py --json nowhere/x.json",
    "reproducibility.py --engines nonsense",
    "reproducibility.py --markdown .",
]


@pytest.mark.parametrize("command", MISTAKES)
@pytest.mark.slow
def test_mistake_in_the_command_gives_one_sentence_and_code_2(command):
    program, option, *value = command.split()
    done = run(program, f"{option}={value[0]}")
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"{program}: error: argument {option}: expected .+; received .+", last), done.stderr
    assert "Traceback" not in done.stderr

"""``fastnn bench``: the arithmetic of bounds, what is measured and when it stops, tables and JSON. No test of time."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from conftest import network
from fastnn import _core, benchmark
from fastnn.benchmark import Level, Machine, Times, cache_sizes, layer_bounds, time_calls, time_model
from fastnn.cli import main
from fastnn.layers import Activation
from fastnn.models import Sequential

DIGITS = str(Path(__file__).resolve().parents[1] / "examples/digits.safetensors")
MACHINE = Machine("float32", 1e9, (Level("L1", 1000, 4e9), Level("L2", 10_000, 1e9), Level("memory", None, 1e8)))


@pytest.fixture
def run(capsys):
    """Call the command line: (exit code, stdout, stderr)."""

    def call(*arguments):
        try:
            code = main(["bench", *map(str, arguments)])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return call


def test_probes_measure_something_on_every_instruction_set(isa, dtype):
    assert 0 < _core.fma_rate(dtype, 1e-4) < math.inf
    for size in (1, 512, 513, 100_000):
        assert 0 < _core.read_bandwidth(size, 1e-4) < math.inf


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 61])
def test_probes_refuse_a_time_that_never_ends_or_begins(seconds):
    with pytest.raises(ValueError, match="expected seconds above 0 and at most 60; received"):
        _core.fma_rate("float32", seconds)
    with pytest.raises(ValueError, match="expected seconds above 0 and at most 60; received"):
        _core.read_bandwidth(1000, seconds)


def test_probes_refuse_what_they_cannot_measure():
    with pytest.raises(ValueError, match="expected dtype float32 or float64"):
        _core.fma_rate("float16", 1e-4)
    with pytest.raises(ValueError, match="expected at least 1 byte"):
        _core.read_bandwidth(0, 1e-4)
    with pytest.raises(MemoryError):
        _core.read_bandwidth(2**63, 1e-4)


def test_level_is_the_nearest_that_holds_the_bytes():
    names = [MACHINE.level_of(size).name for size in (0, 1000, 1001, 10_000, 10_001, 2**60)]
    assert names == ["L1", "L1", "L2", "L2", "memory", "memory"]


def test_a_layer_is_bound_by_the_slowest_of_arithmetic_weights_and_rows():
    model = network([2, 30, 40, 300], ["relu"] * 3, "float32")
    weights = Level("L3", 0, 2e9)
    first, middle, last = layer_bounds(model, MACHINE, weights, 1)
    assert (first.weight_bytes, first.flops) == (4 * (2 * 30 + 30), 2 * 2 * 30)
    assert (first.bound, first.seconds) == ("weights from L3", first.weight_bytes / 2e9)
    assert (middle.inputs, middle.units, middle.bound) == (30, 40, "weights from L3")
    assert last.weight_bytes / 2e9 == last.seconds

    first, middle, last = layer_bounds(model, MACHINE, weights, 192)
    assert (middle.bound, middle.seconds) == ("arithmetic", 192 * 2 * 30 * 40 / 1e9)
    assert (last.bound, last.seconds) == ("arithmetic", 192 * 2 * 40 * 300 / 1e9)
    assert first.bound == "arithmetic"
    first, *_ = layer_bounds(network([2, 1], ["relu"], "float32"), MACHINE, weights, 2500)
    assert (first.bound, first.seconds) == ("rows from memory", 2500 * 3 * 4 / 1e8)


@pytest.mark.parametrize(("rows", "passes"), [(1, 1), (96, 1), (97, 2), (960, 10)])
def test_weights_are_read_once_for_each_block_of_rows(rows, passes):
    (bound,) = layer_bounds(network([100, 100], ["relu"], "float64"), MACHINE, Level("L1", 0, 1.0), rows)
    assert (bound.bound, bound.seconds) == ("weights from L1", passes * 8 * (100 * 100 + 100))


def test_a_layer_without_weights_between_others_takes_no_time_by_the_model():
    model = Sequential([*network([2, 3], ["linear"], "float32").layers, Activation("tanh"), Activation("relu")])
    middle = layer_bounds(model, MACHINE, Level("L1", 36, 1e9), 1)[1]
    assert (middle.weight_bytes, middle.flops, middle.bound, middle.seconds) == (0, 0, "-", 0)


def test_cache_sizes_are_whole_and_grow(monkeypatch, tmp_path):
    def ordered(sizes):
        return list(sizes) == sorted(sizes) and list(sizes.values()) == sorted(sizes.values()) and min(sizes.values())

    assert ordered(cache_sizes())
    monkeypatch.setattr(benchmark, "Path", lambda path: tmp_path)
    for index, (kind, level, size) in enumerate([("Data", 1, "48K"), ("Instruction", 1, "32K"), ("Unified", 3, "2M")]):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, value in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{value}\n")
    monkeypatch.setattr(benchmark.os, "sysconf_names", {})
    assert cache_sizes() == {"L1": 48 * 2**10, "L3": 2 * 2**20}
    monkeypatch.setattr(benchmark, "Path", lambda path: tmp_path / "nothing")
    assert ordered(cache_sizes())


def test_times_are_of_five_calls_at_least_after_one_that_is_not_counted():
    calls = []
    times = time_calls(lambda: calls.append(0), 1e-9, 7)
    assert (times.rows, times.calls, len(calls)) == (7, 5, 6)
    assert 0 < times.p50 <= times.p99


def test_measuring_stops_before_rows_that_take_too_long_and_says_so(monkeypatch):
    monkeypatch.setattr(benchmark, "time_calls", lambda call, seconds, rows: Times(rows, 5, rows * 1.0, rows * 1.0))
    model = network([2, 1], ["relu"], "float32")
    *times, note = time_model(model, None, 10)
    assert [each.rows for each in times] == [1, 4, 16]
    assert note == "stopped: 64 rows would take about 3.8e+02 s; ask for them with --rows 64"
    assert [each.rows for each in time_model(model, (64, 1, 1024), 10)] == [64, 1, 1024]


def test_measuring_stops_before_rows_that_fill_the_memory_and_refuses_them_when_asked_for(monkeypatch):
    monkeypatch.setattr(benchmark, "_memory", lambda: 4 * 100)
    model = network([2, 1], ["relu"], "float32")
    *times, note = time_model(model, None, 1e-3)
    assert [each.rows for each in times] == [1, 4]
    assert note == "stopped: 16 rows would take 192.00 B, more than a quarter of this machine's memory"
    for rows in ((16,), (1, 16)):
        with pytest.raises(ValueError, match="expected fewer rows: 16 rows would take 192.00 B, more than a quarter"):
            list(time_model(model, rows, 1e-3))
    monkeypatch.setattr(benchmark, "_memory", lambda: 0)
    with pytest.raises(ValueError, match="expected fewer rows: 1 rows"):
        list(time_model(model, None, 1e-3))


def test_tables_have_a_line_for_each_number_of_rows_and_each_layer(run):
    code, out, err = run(DIGITS, "--seconds", "1e-3", "--rows", "1,16")
    assert (code, err) == (0, "")
    assert re.search(r"^peak of fused multiply-adds in float32, one thread: [\d.e+]+ GFLOP/s$", out, re.M)
    assert re.search(
        r"^read bandwidth, one thread, GB/s: L1 .*, memory [\d.]+; of this model's weights, 25.\d", out, re.M
    )
    assert [line.split()[0] for line in re.findall(r"^ +\d+(?: +[\d.]+){5}$", out, re.M)] == ["1", "16"]
    assert re.findall(r"^What bounds each layer, (\d+ rows?) in a call$", out, re.M) == ["1 row", "16 rows"]
    bounds = re.findall(r"^(\w+) +(\d+ x \d+) .* (arithmetic|(?:weights|rows) from \w+)$", out, re.M)
    assert [each[:2] for each in bounds] == 2 * [("dense_0", "64 x 64"), ("dense_1", "64 x 32"), ("dense_2", "32 x 10")]
    assert len(re.findall(r"^together [\d.]+ µs; measured [\d.]+ µs, [\d.]+ times that$", out, re.M)) == 2


def test_json_holds_the_same_in_seconds_and_bytes(run):
    code, out, err = run(DIGITS, "--seconds", "1e-3", "--rows", "16", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    (times,) = report["times"]
    flops = 16 * 2 * (64 * 64 + 64 * 32 + 32 * 10)
    assert np.isclose(times["flops_per_second"], flops / times["p50"])
    assert np.isclose(times["of_peak"], times["flops_per_second"] / report["machine"]["peak"])
    (bounds,) = report["bounds"]
    assert (bounds["rows"], sum(layer["flops"] for layer in bounds["layers"])) == (16, flops)
    assert (report["isa"], report["weights"]["size"]) == (_core.isa(), flops // 8 + 4 * (64 + 32 + 10))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [DIGITS, "--rows", "0"],
        [DIGITS, "--rows", "1,,2"],
        [DIGITS, "--rows", "many"],
        [DIGITS, "--rows", "1e3"],
        [DIGITS, "--rows", "-1"],
        [DIGITS, "--rows", "1099511627775"],
        [DIGITS, "--rows", "9" * 5000],
        [DIGITS, "--seconds", "0"],
        [DIGITS, "--seconds", "nan"],
        [DIGITS, "--seconds", "61"],
        [DIGITS, "--seconds", "soon"],
        [DIGITS + ".no"],
    ],
)
def test_a_mistake_gives_code_2_and_one_sentence(run, arguments):
    code, _, err = run(*arguments, *(["--seconds", "1e-3"] if "--seconds" not in arguments else []))
    assert (code, len(err.splitlines())) == (2, 1), err
    assert err.startswith("fastnn")

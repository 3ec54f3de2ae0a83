"""``fastnn bench``: the arithmetic of bounds, what is measured and when it stops, tables and JSON. No test of time."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.cli import benchmark, machine
from fastnn.cli.benchmark import Times, layer_bounds, time_calls, time_model
from fastnn.cli.machine import Level, Machine, cache_sizes
from fastnn.cli.main import main
from fastnn.layers import Activation
from fastnn.models import Sequential
from sequentials import network

DIGITS = str(Path(__file__).resolve().parents[2] / "examples/digits.safetensors")
MACHINE = Machine("float32", 1, 1e9, (Level("L1", 1000, 4e9), Level("L2", 10_000, 1e9), Level("memory", None, 1e8)))


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


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_probes_measure_something_on_every_instruction_set(isa, dtype, threads):
    assert 0 < _core.fma_rate(dtype, 1e-4, threads) < math.inf
    for size in (1, 512, 513, 100_000):
        assert 0 < _core.read_bandwidth(size, 1e-4, threads) < math.inf


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
    for threads in (0, _core.most_threads + 1):
        with pytest.raises(ValueError, match=f"expected a number of threads from 1 to 1024; received {threads}$"):
            _core.fma_rate("float32", 1e-4, threads)
        with pytest.raises(ValueError, match=f"expected a number of threads from 1 to 1024; received {threads}$"):
            _core.read_bandwidth(1000, 1e-4, threads)
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


def test_weights_are_read_once_for_each_block_of_rows_of_the_core():
    model = network([100, 100], ["relu"], "float64")
    model.predict(np.zeros((1, 100)))
    for rows in (1, 7, 15, 97, 960):
        (bound,) = layer_bounds(model, MACHINE, Level("L1", 0, 1.0), rows)
        assert (bound.bound, bound.seconds) == ("weights from L1", model._network.blocks(rows) * 8 * (100 * 100 + 100))


def blocks_of(model):
    """The core's count of blocks for so many rows, and the most rows of one block, by trial."""
    model.predict(np.zeros((1, model.input_shape[1])))
    blocks = model._network.blocks
    return blocks, max(rows for rows in range(1, 500) if blocks(rows) == 1)


def test_blocks_are_the_fewest(isa, dtype):
    blocks, tile = blocks_of(network([8, 8], ["relu"], dtype))
    assert blocks(0) == 0
    for rows in (*range(1, 3 * tile + 2), 10**6):
        assert blocks(rows) == -(-rows // tile), rows


def test_blocks_are_those_of_one_thread_whatever_number_is_set(isa):
    blocks, tile = blocks_of(network([8, 8], ["relu"], "float32"))
    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(7)
        assert blocks(1_000_001 * tile) == 1_000_001
    finally:
        fastnn.set_num_threads(before)


def test_blocks_are_fewer_rows_where_more_would_take_more_scratch_than_a_thread_keeps(isa):
    _, tile = blocks_of(network([4_000_000, 1], ["relu"], "float32"))
    assert tile == 2  # and two such rows of 4 bytes a number in each of two buffers are 64 MiB at most


def test_a_layer_without_weights_between_others_takes_no_time_by_the_model():
    model = Sequential([*network([2, 3], ["linear"], "float32").layers, Activation("tanh"), Activation("relu")])
    middle = layer_bounds(model, MACHINE, Level("L1", 36, 1e9), 1)[1]
    assert (middle.weight_bytes, middle.flops, middle.bound, middle.seconds) == (0, 0, "-", 0)


def test_cache_sizes_are_whole_and_grow(monkeypatch, tmp_path):
    def ordered(sizes):
        return list(sizes) == sorted(sizes) and list(sizes.values()) == sorted(sizes.values()) and min(sizes.values())

    assert ordered(cache_sizes())
    monkeypatch.setattr(machine, "Path", lambda path: tmp_path)
    for index, (kind, level, size) in enumerate([("Data", 1, "48K"), ("Instruction", 1, "32K"), ("Unified", 3, "2M")]):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, value in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{value}\n")
    monkeypatch.setattr(machine.os, "sysconf_names", {})
    assert cache_sizes() == {"L1": 48 * 2**10, "L3": 2 * 2**20}
    monkeypatch.setattr(machine, "Path", lambda path: tmp_path / "nothing")
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
    monkeypatch.setattr(benchmark, "memory_size", lambda: 4 * 100)
    model = network([2, 1], ["relu"], "float32")
    *times, note = time_model(model, None, 1e-3)
    assert [each.rows for each in times] == [1, 4]
    assert note == "stopped: 16 rows would take 192.00 B, more than a quarter of this machine's memory"
    for rows in ((16,), (1, 16)):
        with pytest.raises(ValueError, match="expected fewer rows; received 16, which would take 192.00 B, more than"):
            list(time_model(model, rows, 1e-3))
    monkeypatch.setattr(benchmark, "memory_size", lambda: 0)
    with pytest.raises(ValueError, match="expected fewer rows; received 1, which"):
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


def test_several_threads_are_told_measured_together_and_given_back(run, monkeypatch):
    seen = []

    def seen_by(name):
        probe = getattr(_core, name)
        monkeypatch.setattr(_core, name, lambda size, seconds, threads: seen.append(threads) or probe(size, seconds, 1))

    seen_by("fma_rate")
    seen_by("read_bandwidth")
    monkeypatch.setattr(benchmark, "time_calls", lambda *_: seen.append(fastnn.get_num_threads()) or Times(4, 5, 1, 1))
    before = fastnn.get_num_threads()
    code, out, err = run(DIGITS, "--seconds", "1e-3", "--rows", "4", "--threads", before + 2)
    assert (code, err) == (0, "")
    assert set(seen) == {before + 2}
    assert fastnn.get_num_threads() == before
    assert f", threads {before + 2}, " in out.splitlines()[0]
    assert len(re.findall(rf", {before + 2} threads together[:,] ", out)) == 2
    assert "What bounds each layer" not in out
    assert out.endswith("\nthe bounds of each layer are shown with --threads 1 only\n")


def test_json_of_several_threads_has_no_bounds_and_says_so(run):
    code, out, _ = run(DIGITS, "--seconds", "1e-3", "--rows", "4", "--threads", "2", "--json")
    report = json.loads(out)
    assert (code, report["threads"], report["machine"]["threads"], report["bounds"]) == (0, 2, 2, [])
    assert report["notes"] == ["the bounds of each layer are shown with --threads 1 only"]


def test_threads_are_one_unless_told_and_are_given_back_after_a_mistake(run):
    before = fastnn.get_num_threads()
    assert ", threads 1, " in run(DIGITS, "--seconds", "1e-3", "--rows", "4")[1]
    assert fastnn.get_num_threads() == before
    assert run(DIGITS + ".no", "--threads", before + 2)[0] == 2
    assert fastnn.get_num_threads() == before


@pytest.mark.parametrize("threads", ["0", "-1", str(_core.most_threads + 1), "9" * 5000, "two", "1.5", ""])
def test_a_wrong_number_of_threads_gives_one_sentence(run, threads):
    code, _, err = run(DIGITS, f"--threads={threads}")
    expected = f"expected a number of threads from 1 to {_core.most_threads}; received {threads!r:.60}"
    assert (code, err) == (2, f"fastnn bench: argument --threads: {expected}; see fastnn bench --help\n")


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

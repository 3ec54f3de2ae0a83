"""The command ``fastnn bench``: times a model on this machine and compares with what the machine could do at most.

The lower bounds hold for one thread. A layer of a call with r rows takes at least the longest of:

- arithmetic: 2 · r · inputs · units operations, at the peak rate of fused multiply-adds. Activations count nothing.
- weights: the bytes of its weights, once per block of rows. The bandwidth is that of reading as many bytes as all
  weights of the model have, because every block reads all of them. The bound is named after the cache level that holds
  so many bytes.
- rows: the bytes of the first layer's inputs and of the last layer's outputs, at the bandwidth of the level that holds
  them. Outputs between layers stay in the nearest caches and count nothing.

The bound of a network is the sum over its layers. Activations, Python and imperfect kernels add to it. With several
threads, the command reports times, the peak rate and bandwidths, but no bounds.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from fastnn import _core
from fastnn.cli import model_argument
from fastnn.cli.machine import Level, Machine, measure_machine, measure_weights, memory_size
from fastnn.models.sequential import Sequential
from fastnn.text import bytes_text, printable
from fastnn.threads import get_num_threads, set_num_threads

ROWS = tuple(4**i for i in range(9))
_LEAST_CALLS, _MOST_CALLS = 5, 10**6


@dataclass(frozen=True)
class Times:
    """The times of calls with this many rows: their median (p50) and 99th percentile in seconds."""

    rows: int
    calls: int
    p50: float
    p99: float


@dataclass(frozen=True)
class LayerBound:
    """A lower bound on the seconds of a layer; `bound` names the resource that takes them."""

    layer: str
    inputs: int
    units: int
    weight_bytes: int
    flops: int
    bound: str
    seconds: float


def layer_bounds(model: Sequential, machine: Machine, all_weights: Level, rows: int) -> list[LayerBound]:
    """Return the lower bound of each layer for a call with this many rows; the module's docstring defines it."""
    itemsize = np.dtype(model.dtype).itemsize
    inputs, bounds = model.input_shape[1], []
    blocks = (model._network or model._built_network(())).blocks(rows)
    for i, layer in enumerate(model.layers):
        weights = layer.get_weights()
        units = layer.output_units(inputs)
        flops = 2 * rows * weights[0].size if weights else 0
        size = sum(array.nbytes for array in weights)
        outer = rows * itemsize * (inputs * (i == 0) + units * (i == len(model.layers) - 1))
        outer_rows = machine.level_of(outer)
        seconds, bound = max(
            (flops / machine.peak, "arithmetic"),
            (blocks * size / all_weights.bandwidth, f"weights from {all_weights.name}"),
            (outer / outer_rows.bandwidth, f"rows from {outer_rows.name}"),
        )
        bounds.append(LayerBound(layer.name, inputs, units, size, flops, bound if seconds else "-", seconds))
        inputs = units
    return bounds


def time_calls(call: Callable[[], object], seconds: float, rows: int = 1) -> Times:
    """Time call() repeatedly for `seconds`, 5 to a million times, and subtract the time of reading the clock.

    >>> time_calls(lambda: sum(range(100)), 0.01).calls >= 5
    True
    """
    clock = time.perf_counter_ns
    clock_cost = min(-clock() + clock() for _ in range(100))
    call()
    times: list[int] = []
    end = clock() + seconds * 1e9
    while len(times) < _LEAST_CALLS or (clock() < end and len(times) < _MOST_CALLS):
        start = clock()
        call()
        times.append(clock() - start)
    p50, p99 = np.maximum(np.percentile(times, [50, 99]) - clock_cost, 1) / 1e9
    return Times(rows, len(times), float(p50), float(p99))


def time_model(model: Sequential, rows: tuple[int, ...] | None, seconds: float) -> Iterator[Times | str]:
    """Yield the Times of predict for each number of rows, by default 1, 4, 16, … 65536 until a limit.

    If a limit ends the default rows, the last element is a str that says so. The limits are a quarter of the memory for
    the arrays, and 20 · seconds for the least number of calls. Only the first one applies to `rows`; exceeding it
    raises ValueError.
    """
    generator = np.random.default_rng(0)
    inputs, units = model.input_shape[1], model.output_shape[1]
    last: Times | None = None
    for count in rows or ROWS:
        needed = count * (inputs + units) * np.dtype(model.dtype).itemsize
        if needed > memory_size() // 4:
            too_much = f"would take {bytes_text(needed)}, more than a quarter of this machine's memory"
            if rows or last is None:
                raise ValueError(f"expected fewer rows; received {count}, which {too_much}")
            yield f"stopped: {count} rows {too_much}"
            return
        expected = last.p50 * count / last.rows * (_LEAST_CALLS + 1) if last else 0
        if not rows and expected > 20 * seconds:
            yield f"stopped: {count} rows would take about {expected:.2g} s; ask for them with --rows {count}"
            return
        x = generator.random((count, inputs), dtype=np.dtype(model.dtype).type)
        last = time_calls(lambda x=x: model.predict(x), seconds, count)  # type: ignore[misc]
        yield last


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``fastnn bench``."""
    parser.add_argument("--rows", type=_rows, metavar="N,N,…", help="rows per call (default: 1, 4, 16, … 65536)")
    parser.add_argument(
        "--seconds", type=_seconds, default=0.5, metavar="S", help="time per measurement (default: 0.5)"
    )
    parser.add_argument("--threads", type=_threads, default=1, metavar="N", help="threads per call (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, in seconds and bytes, not tables")
    parser.set_defaults(run=run)


def _rows(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(re.fullmatch("[0-9]{1,12}", part) and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"expected numbers of rows from 1, as in 1,16,256; received {text!r:.60}")
    return tuple(map(int, parts))


def _threads(text: str) -> int:
    if not (re.fullmatch("[0-9]{1,12}", text) and 1 <= int(text) <= _core.most_threads):
        raise argparse.ArgumentTypeError(
            f"expected a number of threads from 1 to {_core.most_threads}; received {text!r:.60}"
        )
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise argparse.ArgumentTypeError(f"expected seconds above 0 and at most 60; received {text!r:.60}")
    return seconds


def run(options: argparse.Namespace) -> None:
    """Run the measurements. Prints each table as soon as it is complete, or with --json one object at the end."""
    threads_before = get_num_threads()
    set_num_threads(options.threads)
    try:
        _measure(options)
    finally:
        set_num_threads(threads_before)


def _measure(options: argparse.Namespace) -> None:
    model = model_argument.load(options)
    tell: Callable[[str], object] = (lambda line: None) if options.json else lambda line: print(line, flush=True)
    environment = {
        "fastnn": _core.__version__,
        "isa": _core.isa(),
        "cpus": len(os.sched_getaffinity(0)),
        "threads": options.threads,
        "date": time.strftime("%Y-%m-%d"),
    }
    tell(", ".join(f"{name} {value}" for name, value in environment.items()))
    machine = measure_machine(model.dtype, options.threads, options.seconds)
    weights = measure_weights(model, machine, options.seconds)
    tell(_machine_text(machine, weights))
    flops = sum(bound.flops for bound in layer_bounds(model, machine, weights, 1))
    measured: list[Times] = []
    notes: list[str] = []
    tell(f"\n{'rows':>8}{'µs p50':>12}{'µs p99':>12}{'rows/s':>12}{'GFLOP/s':>10}{'% of peak':>11}")
    for each in time_model(model, options.rows, options.seconds):
        if isinstance(each, str):
            notes.append(each)
            tell(each)
        else:
            measured.append(each)
            tell(_times_line(each, _rates(each, flops, machine.peak)))
    bounds = []
    if options.threads > 1:
        notes.append("the bounds of each layer are shown with --threads 1 only")
        tell(f"\n{notes[-1]}")
    for times in measured[:: max(1, len(measured) - 1)] if options.threads == 1 else ():  # the first and the last
        layers = layer_bounds(model, machine, weights, times.rows)
        bounds.append({"rows": times.rows, "layers": [asdict(layer) for layer in layers]})
        tell(_bounds_text(times, layers))
    if options.json:
        results = [asdict(each) | _rates(each, flops, machine.peak) for each in measured]
        found = {"machine": asdict(machine), "weights": asdict(weights), "times": results, "bounds": bounds}
        print(json.dumps({**environment, **found, "notes": notes}, indent=1))


def _rates(times: Times, flops: int, peak: float) -> dict[str, float]:
    flops_per_second = times.rows * flops / times.p50
    return {
        "rows_per_second": times.rows / times.p50,
        "flops_per_second": flops_per_second,
        "of_peak": flops_per_second / peak,
    }


def _machine_text(machine: Machine, weights: Level) -> str:
    levels = [
        f"{level.name}{'' if level.size is None else f' ({bytes_text(level.size)})'} {level.bandwidth / 1e9:.3g}"
        for level in machine.levels
    ]
    threads = "one thread" if machine.threads == 1 else f"{machine.threads} threads together"
    return (
        f"peak of fused multiply-adds in {machine.dtype}, {threads}: {machine.peak / 1e9:.4g} GFLOP/s\n"
        f"read bandwidth, {threads}, GB/s: {', '.join(levels)}; "
        f"of this model's weights, {bytes_text(weights.size or 0)} in {weights.name}: {weights.bandwidth / 1e9:.3g}"
    )


def _times_line(times: Times, rates: dict[str, float]) -> str:
    return (
        f"{times.rows:>8}{times.p50 * 1e6:>12.2f}{times.p99 * 1e6:>12.2f}{rates['rows_per_second']:>12.0f}"
        f"{rates['flops_per_second'] / 1e9:>10.4g}{100 * rates['of_peak']:>11.1f}"
    )


def _bounds_text(times: Times, bounds: list[LayerBound]) -> str:
    name = max(len("layer"), *(len(printable(bound.layer)) for bound in bounds)) + 2
    lines = [
        f"\nWhat bounds each layer, {times.rows} row{'s' * (times.rows > 1)} in a call",
        f"{'layer':<{name}}{'inputs x units':>16}{'weights':>12}{'MFLOP':>12}{'at least µs':>14}  bound",
    ]
    for bound in bounds:
        size = f"{bound.inputs} x {bound.units}"
        lines.append(
            f"{printable(bound.layer):<{name}}{size:>16}{bytes_text(bound.weight_bytes):>12}{bound.flops / 1e6:>12.4g}"
            f"{bound.seconds * 1e6:>14.3f}  {bound.bound}"
        )
    least = sum(bound.seconds for bound in bounds)
    ratio = f", {times.p50 / least:.2f} times that" if least else ""
    return "\n".join([*lines, f"together {least * 1e6:.3f} µs; measured {times.p50 * 1e6:.3f} µs{ratio}"])

"""Compare fastnn with NumPy, PyTorch, ONNX Runtime, OpenVINO, JAX and LiteRT: float32 arrays, one thread.

    python bench/compare.py --markdown table.md --plot table.png    # at most ten minutes
    python bench/compare.py --quick                                 # less than one: fewer rounds, at most 256 rows
    python bench/compare.py --threads 1,2                           # fastnn alone, with these numbers of threads

`pip install '.[bench]'` installs the other engines; missing ones are named and left out. The outputs of every engine
are checked against float64 before it is timed. Exit code 2 means wrong outputs or a bad command line.
"""

import engines  # isort: skip  (first: it limits the threads of all engines)

import argparse
import importlib.util
import json
import sys
import time
from timeit import Timer

import numpy as np

import fastnn
import report
import timing
from arguments import exit_code, new_file, numbers, one_of
from fastnn import _core
from networks import NETWORKS, TINY, expected, flops, rows_of, title, weights_of, wrong_answer

ROWS = [1, 16, 256, 4096, 32768]
CHECKED_ROWS = 256


class EngineError(Exception):
    """An engine fails or gives wrong outputs."""


class DoesNotRunError(EngineError):
    """An engine fails."""


def engine_call(engine, name, sizes, activation, x):
    """Return call(x), which runs a network on an engine, after checking its outputs."""
    weights = weights_of(sizes)
    try:
        call = engines.ENGINES[engine][0](weights, activation, x)
        y = call(x)
    except Exception as error:
        reason = " ".join(str(error).split())[:400] or type(error).__name__
        raise DoesNotRunError(f"{engine} does not run {name} × {len(x)}: {reason}") from error
    some = slice(None, None, max(1, len(x) // CHECKED_ROWS))
    if wrong := wrong_answer(y[some], *expected(weights, activation, x[some])):
        raise EngineError(f"{engine} gives a wrong answer for {name} × {len(x)}: {wrong}")
    return call


def timer(call, x):
    return Timer("call(x)", globals={"call": call, "x": x})


def measured(names, network, rows, effort):
    """Return the times of one cell of the table: those of each engine, and of fastnn in float64."""
    sizes, activation = NETWORKS[network]
    x = rows_of(sizes, rows)
    timers = {name: timer(engine_call(name, network, sizes, activation, x), x) for name in names}
    in_float64 = [(kernel.astype(np.float64), bias.astype(np.float64)) for kernel, bias in weights_of(sizes)]
    x = x.astype(np.float64)
    timers["fastnn float64"] = timer(engines.fastnn(in_float64, activation, x), x)
    return timing.interleaved(timers, **effort)


def measured_one_row(sizes, effort):
    """Return the times of three ways to predict one row, and of np.maximum(row, 0) for comparison."""
    x = rows_of(sizes, 1)
    predict = engines.fastnn(weights_of(sizes), "relu", x)
    names = {"predict": predict, "model": predict.__self__, "x": x, "y": predict(x), "np": np}
    statements = ["predict(x)", "predict(x, out=y)", "model(x)", "np.maximum(x, 0)"]
    return timing.interleaved({each: Timer(each, globals=names) for each in statements}, **effort)


def measured_threads(counts, network, rows, effort):
    """Return the times of fastnn with each number of threads."""
    sizes, activation = NETWORKS[network]
    x = rows_of(sizes, rows)
    names = {
        "call": engine_call("fastnn", network, sizes, activation, x),
        "x": x,
        "set_num_threads": fastnn.set_num_threads,
    }
    timers = {f"{n}": Timer("call(x)", f"set_num_threads({n})", globals=names) for n in counts}
    times = timing.interleaved(timers, **effort)
    fastnn.set_num_threads(1)
    return times


def cells(options, measure):
    """Return the cells of a table, each with the times from measure(network, rows). Prints progress to stderr."""
    found = []
    for network in options.networks:
        for rows in options.rows:
            print(f"{network} × {rows}", file=sys.stderr)
            times = measure(network, rows)
            work = flops(NETWORKS[network][0]) * rows
            found.append({"network": title(network), "rows": rows, "flops": work, "seconds": times})
    return found


def compare(options):
    """Run all measurements that the options ask for; report.py turns the results into tables and a plot."""
    effort = {"seconds": 0.4, "fewest": 3, "most": 7, "least": 1e-3} if options.quick else {"seconds": 12}
    effort["clock"] = time.process_time if options.cpu_time else time.perf_counter
    results = {"environment": timing.environment(), "quick": options.quick, "cpu time": options.cpu_time}
    if options.threads:
        results["threads"] = cells(options, lambda *cell: measured_threads(options.threads, *cell, effort))
        return results
    results["engines"] = {name: engines.installed()[name] for name in options.engines}
    present = [name for name, version in results["engines"].items() if version is not None]
    peaks = [_core.fma_rate("float32", 0.05)]

    def measure(network, rows):
        times = measured(present, network, rows, effort)
        peaks.append(_core.fma_rate("float32", 0.05))
        return times

    results["cells"] = cells(options, measure)
    results["peak"] = peaks
    one_row = {title("lecture"): NETWORKS["lecture"][0], f"tiny {'-'.join(map(str, TINY))} relu": TINY}
    results["one row"] = {name: measured_one_row(sizes, effort) for name, sizes in one_row.items()}
    return results


def parsed(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=one_of(list(NETWORKS)), default=list(NETWORKS), metavar="NAME,…")
    parser.add_argument("--rows", type=numbers(), metavar="N,…", help="numbers of rows")
    parser.add_argument(
        "--engines", type=one_of(list(engines.ENGINES)), default=list(engines.ENGINES), metavar="NAME,…"
    )
    parser.add_argument(
        "--threads", type=numbers(_core.most_threads), metavar="N,…", help="fastnn alone, with these numbers of threads"
    )
    parser.add_argument("--quick", action="store_true", help="take less than a minute")
    parser.add_argument("--cpu-time", action="store_true", help="measure CPU time, for a machine with other load")
    for kind in ("markdown", "plot", "json"):
        parser.add_argument(f"--{kind}", type=new_file, metavar="FILE")
    options = parser.parse_args(argv)
    options.rows = options.rows or (ROWS[:3] if options.quick else ROWS)
    options.engines = list(dict.fromkeys(["fastnn", *options.engines]))
    if options.plot and options.threads:
        parser.error("--plot shows engines, not --threads; leave one of them out")
    if options.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    if options.cpu_time and options.threads:
        parser.error("--cpu-time adds up the times of all threads; leave it out with --threads")
    return options


def main(argv=None):
    options = parsed(argv)
    try:
        results = compare(options)
    except EngineError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    text = report.markdown(results)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, default=list) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")
    if options.plot:
        report.plot(results, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("compare.py", main))

"""Compare fastnn with other engines on networks drawn at random: float32 arrays, one pinned thread.

    python bench/sweep.py --seed 1 --markdown sweep.md    # 24 networks with 5 numbers of rows, about four minutes

Some of every engine's answers are checked against float64 before it is timed, and all take turns. `pip install
'.[bench]'` installs the other engines; missing ones are named, and so are those that do not run one of the networks.
Exit code 2 means a bad command line, an engine that gives wrong outputs, or that fastnn or all others fail. Training
has a sweep of its own: python bench/train.py --random.
"""

import engines  # isort: skip  (first: it limits the threads of all engines)

import argparse
import json
import sys

import random_networks
import report
import timing
from arguments import between, exit_code, new_file, numbers, one_of
from compare import DoesNotRunError, EngineError, engine_call, timer
from fastnn import _core
from networks import flops, rows_of

ROWS = [1, 8, 64, 1000, 10000]


def calls_of(names, network, sizes, activation, x):
    """Return (name -> call of each engine that runs a network, a sentence for each other one). fastnn must run it."""
    calls, failures = {}, []
    for name in names:
        try:
            calls[name] = engine_call(name, network, sizes, activation, x)
        except DoesNotRunError as error:
            if name == "fastnn":
                raise
            failures.append(str(error))
    return calls, failures


def measured(options):
    """Return a cell for each network and number of rows, as report.py takes them, and what did not run.

    Prints progress to stderr.
    """
    found, left_out = [], []
    for kind, sizes, activation in random_networks.drawn(options.networks, options.seed):
        name = f"{'-'.join(map(str, sizes))} {activation if len(sizes) > 2 else 'linear'}"
        for rows in options.rows:
            print(f"{kind} {name} × {rows}", file=sys.stderr)
            x = rows_of(sizes, rows)
            calls, failures = calls_of(options.present, name, sizes, activation, x)
            left_out += failures
            if len(calls) < 2:
                continue
            times = timing.interleaved(
                {engine: timer(call, x) for engine, call in calls.items()}, options.seconds, fewest=5, least=1e-3
            )
            found.append({"kind": kind, "network": name, "rows": rows, "flops": flops(sizes) * rows, "seconds": times})
    if not found:
        raise EngineError(f"no other engine runs any of the networks: {left_out[-1]}")
    return found, left_out


def parsed(argv):
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n{random_networks.__doc__}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=between(int, 0, 2**32 - 1), default=0, metavar="S", help="of the networks")
    parser.add_argument("--networks", type=between(int, 1, 1000), default=24, metavar="N", help="how many")
    parser.add_argument("--rows", type=numbers(), default=ROWS, metavar="N,…", help="numbers of rows")
    parser.add_argument("--seconds", type=between(float, 0.001, 3600), default=1, metavar="S", help="for a cell")
    peers = [name for name in engines.ENGINES if name != "fastnn"]
    parser.add_argument("--engines", type=one_of(peers), default=peers, metavar="NAME,…", help="without fastnn")
    for kind in ("markdown", "json"):
        parser.add_argument(f"--{kind}", type=new_file, metavar="FILE")
    options = parser.parse_args(argv)
    options.versions = {name: engines.installed()[name] for name in ["fastnn", *options.engines]}
    options.present = [name for name, version in options.versions.items() if version is not None]
    if len(options.present) < 2:
        parser.error("expected an engine to compare with; received none that is installed: pip install '.[bench]'")
    return options


def main(argv=None):
    options = parsed(argv)
    environment = timing.environment() | {"threads": f"1, {timing.pinned()}"}
    peaks = [_core.fma_rate("float32", 0.1)]
    try:
        cells, left_out = measured(options)
    except EngineError as error:
        print(f"sweep.py: {error}", file=sys.stderr)
        return 2
    peaks.append(_core.fma_rate("float32", 0.1))
    versions = ", ".join(f"{name} {version or 'not installed'}" for name, version in options.versions.items())
    text = "\n\n".join(
        [
            "; ".join(f"{name}: {value}" for name, value in environment.items()) + ".",
            f"Seed {options.seed}. Interleaved rounds, {options.seconds:g} s for a cell, at least 5; medians. "
            f"{versions}. {report.fma_peak(peaks)}",
            report.sweep(cells, max(peaks)),
            *left_out,
        ]
    )
    print(text)
    if options.json:
        options.json.write_text(json.dumps(cells, indent=1, default=list) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("sweep.py", main))

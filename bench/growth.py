"""Search for cliffs in time against work: vary rows, units or depth of a network, in float32 on one thread.

    python bench/growth.py --plot docs/growth.png    # about three minutes

A cliff is a point that takes more than 1.5 times as long as the line through its two neighbours predicts, and more than
a microsecond. Cliffs are printed, and then the exit code is 1. All points take turns in rounds. The time of a point is
the 20 % quantile of its rounds, since other programs only add time.
"""

import engines  # isort: skip  (first: it limits the threads of all engines)

import argparse
import importlib.util
import sys
from timeit import Timer

import numpy as np

import timing
from arguments import between, exit_code, new_file
from networks import NETWORKS, flops, rows_of, weights_of

LIMIT = 1.5
LEAST_SECONDS = 1e-6


def around(dense, last, factor):
    """Return 1 … dense, then numbers that grow by a factor up to last, and the neighbours of powers of two to 1024."""
    steps = int(np.log(last / dense) / np.log(factor)) + 1
    coarse = [round(each) for each in np.geomspace(dense, last, steps + 1)]
    edges = [2**i + beside for i in range(1, 11) for beside in (-1, 0, 1)] + [2**i for i in range(11, 21)]
    return sorted({*range(1, dense + 1), *coarse, *(edge for edge in edges if edge <= last)})


# name -> the numbers to try, and a function from such a number to the sizes of the network and the rows
SWEEPS = {
    "rows (10-100-100-1)": (around(40, 2**20, 1.3), lambda n: (NETWORKS["lecture"][0], n)),
    "rows (100-3)": (around(100, 2**20, 1.3), lambda n: ([100, 3], n)),
    "units (two layers), 1 row": (around(20, 4096, 1.2), lambda n: ([n, n, n], 1)),
    "units (two layers), 256 rows": (around(20, 4096, 1.2), lambda n: ([n, n, n], 256)),
    "layers of 64 units, 1 row": (around(8, 100, 1.15), lambda n: ([64] * (n + 1), 1)),
    "layers of 64 units, 256 rows": (around(8, 100, 1.15), lambda n: ([64] * (n + 1), 256)),
}


def timers_of(most):
    """Return (sweep, number) -> timer, without numbers above `most`. Sweeps share networks of equal sizes."""
    timers, networks = {}, {}
    for sweep, (numbers, network_of) in SWEEPS.items():
        for number in numbers:
            sizes, rows = network_of(number)
            if number > most:
                continue
            x = rows_of(sizes, rows)
            if tuple(sizes) not in networks:
                networks[tuple(sizes)] = engines.fastnn(weights_of(sizes), "relu", x)
            timers[sweep, number] = Timer("call(x)", globals={"call": networks[tuple(sizes)], "x": x})
    return timers


def measured(most, seconds):
    """Return sweep -> (numbers, FLOPs, seconds per call)."""
    rounds = timing.interleaved(timers_of(most), seconds, least=5e-4)
    curves = {}
    for sweep, (numbers, network_of) in SWEEPS.items():
        numbers = [number for number in numbers if number <= most]
        work = [flops(sizes) * rows for sizes, rows in map(network_of, numbers)]
        curves[sweep] = numbers, work, np.array([np.quantile(rounds[sweep, number], 0.2) for number in numbers])
    return curves


def cliffs(curves):
    """Return one line of text per cliff."""
    return [
        f"{sweep}: {number}: {time * 1e6:.1f} µs, {above:.2f} times the line through its neighbours"
        for sweep, (numbers, work, times) in curves.items()
        for number, time, above in zip(numbers, times, timing.above_neighbours(work, times), strict=True)
        if above > LIMIT and time > LEAST_SECONDS
    ]


def plot(curves, path):
    """Plot time over the number of each sweep, with a line of constant FLOP/s through the fastest point."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(curves), figsize=(3.4 * len(curves), 3.4), layout="constrained")
    for panel, (sweep, (numbers, work, times)) in zip(panels, curves.items(), strict=True):
        ideal = np.array(work) * np.min(times / work)
        panel.plot(numbers, ideal * 1e6, color="grey", linewidth=1, linestyle=":", label="all at the best rate")
        panel.plot(numbers, times * 1e6, color="black", linewidth=1, marker=".", markersize=3, label="measured")
        high = (timing.above_neighbours(work, times) > LIMIT) & (times > LEAST_SECONDS)
        panel.plot(np.array(numbers)[high], times[high] * 1e6, "o", color="red", fillstyle="none", label="cliff")
        panel.set(xscale="log", yscale="log", xlabel=sweep, ylim=(times.min() * 5e5, times.max() * 2e6))
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("µs a call")
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=new_file, metavar="FILE", help="write a plot to FILE")
    parser.add_argument(
        "--most", type=between(int, 3, 2**20), default=2**20, metavar="N", help="skip numbers above N in every sweep"
    )
    parser.add_argument(
        "--seconds", type=between(float, 0.001, 3600), default=120, metavar="S", help="approximate time to measure"
    )
    options = parser.parse_args(argv)
    if options.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    curves = measured(options.most, options.seconds)
    found = cliffs(curves)
    points = sum(len(numbers) for numbers, *_ in curves.values())
    print("\n".join([*found, f"{len(found)} cliffs among {points} points"]))
    if options.plot:
        plot(curves, options.plot)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(exit_code("growth.py", main))

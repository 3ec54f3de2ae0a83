"""Turn the measurements of compare.py and sweep.py into Markdown tables and a plot."""

import math

import numpy as np

OWN = ("fastnn", "fastnn float64")
WORST = 10  # cells of a sweep that have a line of their own
LEVEL = 0.95  # best peer ÷ fastnn below this is more than the noise of a quiet machine


def digits(number):
    """Return a positive number as text with three significant digits and no exponent."""
    return f"{number:.{max(0, 2 - math.floor(math.log10(number)))}f}"


def microseconds(seconds):
    return digits(float(np.median(seconds)) * 1e6)


def ratio(a, b):
    """Return the median over rounds of a / b, both measured in the same round: how many times as long a takes."""
    return float(np.median(np.asarray(a) / np.asarray(b)))


def best_peer(seconds):
    """Return the engine with the least median, fastnn excluded; None if there is no other."""
    peers = [name for name in seconds if name not in OWN]
    return min(peers, key=lambda name: np.median(seconds[name]), default=None)


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def comparison(cells, peak):
    """Return the table of all engines, followed by the geometric mean of the ratios and the worst cells."""
    names = [name for name in cells[0]["seconds"] if name != "fastnn float64"]
    head = [
        "network",
        "rows",
        *(f"{name} µs" for name in names),
        "quartiles",
        "GFLOP/s",
        "% of peak",
        "best peer ÷ fastnn",
    ]
    lines, ratios = [], {}
    for cell in cells:
        seconds = cell["seconds"]
        rate = cell["flops"] / float(np.median(seconds["fastnn"]))
        low, high = np.quantile(seconds["fastnn"], [0.25, 0.75]) * 1e6
        best = best_peer(seconds)
        if best:
            ratios[f"{cell['network']} × {cell['rows']}"] = best, ratio(seconds[best], seconds["fastnn"])
        lines.append(
            [
                cell["network"],
                cell["rows"],
                *(microseconds(seconds[name]) for name in names),
                f"{digits(low)} … {digits(high)}",
                digits(rate / 1e9),
                f"{rate / peak:.0%}",
                f"{ratio(seconds[best], seconds['fastnn']):.2f} ({best})" if best else "-",
            ]
        )
    return table(head, lines) + ("\n\n" + summary(ratios) if ratios else "")


def summary(ratios):
    """Summarise the ratios: cell -> (best peer, its time ÷ that of fastnn)."""
    mean = geometric_mean([each for _, each in ratios.values()])
    behind = sum(each < 1 for _, each in ratios.values())
    worst = sorted(ratios.items(), key=lambda item: item[1][1])[: max(5, behind)]
    text = "; ".join(f"{cell}: {each:.2f} ({best})" for cell, (best, each) in worst)
    return (
        f"Best peer ÷ fastnn, geometric mean over the table's cells: {mean:.2f}. "
        f"Below 1 in {behind} of {len(ratios)}. The worst: {text}."
    )


def float64(cells):
    head = ["network", "rows", "fastnn float64 µs", "GFLOP/s", "rate ÷ float32's"]
    lines = []
    for cell in cells:
        seconds = cell["seconds"]
        median = float(np.median(seconds["fastnn float64"]))
        relative = ratio(seconds["fastnn"], seconds["fastnn float64"])
        lines.append(
            [
                cell["network"],
                cell["rows"],
                digits(median * 1e6),
                digits(cell["flops"] / median / 1e9),
                f"{relative:.2f}",
            ]
        )
    return table(head, lines)


def one_row(networks):
    """Return a table of times as multiples of that of np.maximum(x, 0)."""
    unit = "np.maximum(x, 0)"
    calls = [name for name in next(iter(networks.values())) if name != unit]
    lines = [
        [name, microseconds(times[unit]), *(f"{ratio(times[call], times[unit]):.2f}" for call in calls)]
        for name, times in networks.items()
    ]
    return table(["one row of", f"{unit} µs", *(f"{call} ÷ it" for call in calls)], lines)


def threads(cells):
    first, *others = cells[0]["seconds"]
    head = [
        "network",
        "rows",
        f"threads: {first}, µs",
        *(f"{n}, µs" for n in others),
        *(f"{first} ÷ {n}" for n in others),
    ]
    lines = [
        [
            cell["network"],
            cell["rows"],
            *(microseconds(times) for times in cell["seconds"].values()),
            *(f"{ratio(cell['seconds'][first], cell['seconds'][n]):.2f}" for n in others),
        ]
        for cell in cells
    ]
    return table(head, lines)


def sweep(cells, peak):
    """Return two tables: for each kind, the cells where fastnn is slower, and the mean; then the worst cells."""
    places = []
    for cell in cells:
        best = best_peer(cell["seconds"])
        places.append((ratio(cell["seconds"][best], cell["seconds"]["fastnn"]), best, cell))
    lines = []
    for kind in [*dict.fromkeys(cell["kind"] for cell in cells), "all"]:
        ratios = [each for each, _, cell in places if kind in ("all", cell["kind"])]
        behind, below = (sum(each < limit for each in ratios) for limit in (1, LEVEL))
        mean, least = geometric_mean(ratios), min(ratios)
        lines.append(
            [kind, len(ratios), f"{behind} ({behind / len(ratios):.0%})", below, f"{least:.2f}", f"{mean:.2f}"]
        )
    worst = [
        [
            cell["kind"],
            cell["network"],
            cell["rows"],
            microseconds(cell["seconds"]["fastnn"]),
            f"{microseconds(cell['seconds'][best])} ({best})",
            f"{cell['flops'] / np.median(cell['seconds']['fastnn']) / peak:.0%}",
            f"{each:.2f}",
        ]
        for each, best, cell in sorted(places, key=lambda place: place[0])[:WORST]
    ]
    heads = ["kind", "cells", "behind", f"below {LEVEL}", "least", "geometric mean of best peer ÷ fastnn"]
    of_worst = ["kind", "network", "rows", "fastnn µs", "best peer µs", "% of peak", "best peer ÷ fastnn"]
    return "\n\n".join([table(heads, lines), f"The {len(worst)} worst:", table(of_worst, worst)])


def fma_peak(rates):
    low, high = min(rates) / 1e9, max(rates) / 1e9
    return f"FMA peak, float32: {high:.1f} GFLOP/s, the most of {len(rates)} measurements ({low:.1f} … {high:.1f})."


def markdown(results):
    """Return all tables, preceded by the environment of the measurement."""
    parts = ["; ".join(f"{name}: {text}" for name, text in results["environment"].items()) + "."]
    if results["quick"]:
        parts.append("A quick run with few rounds and few cells: rough numbers only.")
    if "threads" in results:
        return "\n\n".join([*parts, "## Threads", threads(results["threads"])])
    versions = [f"{name} {version or 'not installed'}" for name, version in results["engines"].items()]
    clock = ", CPU time" if results["cpu time"] else ""
    parts.append(f"One thread, interleaved rounds, medians{clock}. {', '.join(versions)}. {fma_peak(results['peak'])}")
    parts += ["## float32", comparison(results["cells"], max(results["peak"])), "## float64", float64(results["cells"])]
    return "\n\n".join([*parts, "## One row", one_row(results["one row"])])


def plot(results, path):
    """Plot the rate of each engine over the number of rows, one panel per network, and save the figure."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    networks = list(dict.fromkeys(cell["network"] for cell in results["cells"]))
    figure, panels = pyplot.subplots(
        1, len(networks), figsize=(3.2 * len(networks), 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, network in zip(panels[0], networks, strict=True):
        cells = [cell for cell in results["cells"] if cell["network"] == network]
        for name in cells[0]["seconds"]:
            if name != "fastnn float64":
                rates = [cell["flops"] / np.median(cell["seconds"][name]) / 1e9 for cell in cells]
                own = {"color": "black", "linewidth": 2.5} if name == "fastnn" else {"linewidth": 1}
                panel.plot([cell["rows"] for cell in cells], rates, marker=".", label=name, **own)
        panel.axhline(max(results["peak"]) / 1e9, color="grey", linestyle=":", label="FMA peak")
        panel.set(title=network, xlabel="rows", xscale="log", yscale="log")
        panel.title.set_fontsize(8)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("GFLOP/s")
    panels[0][0].legend(fontsize=7)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)

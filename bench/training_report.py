"""Turn the measurements of train.py into Markdown tables."""

import numpy as np

from report import best_peer, digits, geometric_mean, microseconds, ratio, table

SMALL = 100_000  # weights: larger networks spend most of their time on arithmetic in every library; --quick has none


def steps(cells):
    """Return the table of all libraries, followed by geometric means of their ratios to fastnn."""
    names = list(cells[0]["seconds"])
    peak = max(cell["peak"] for cell in cells)
    head = ["network", "batch", *(f"{name} µs" for name in names), "limit µs", "% of limit", "best peer ÷ fastnn"]
    lines = []
    for cell in cells:
        seconds, limit = cell["seconds"], cell["flops"] / peak
        best = best_peer(seconds)
        lines.append(
            [
                cell["network"],
                cell["rows"],
                *(microseconds(seconds[name]) for name in names),
                digits(limit * 1e6),
                f"{limit / float(np.median(seconds['fastnn'])):.0%}",
                f"{ratio(seconds[best], seconds['fastnn']):.2f} ({best})" if best else "-",
            ]
        )
    note = (
        f"Limit: 4 FLOP per weight and row in the first layer and 6 in the others, at the FMA peak of {peak / 1e9:.1f} "
        f"GFLOP/s, the most of {len(cells)} measurements."
    )
    return "\n\n".join([table(head, lines), note, *means(cells)])


def means(cells):
    """Return a table of geometric means, and a sentence about the networks in which a peer is faster, in a list."""
    peers = [name for name in cells[0]["seconds"] if name != "fastnn"]
    if not peers:
        return []
    groups = {"all networks": cells, f"up to {SMALL:,} weights": [cell for cell in cells if cell["weights"] <= SMALL]}
    lines = []
    for group, members in groups.items():
        if members:
            each = [geometric_mean([_to_own(cell, name) for cell in members]) for name in peers]
            best = geometric_mean([_to_own(cell, best_peer(cell["seconds"])) for cell in members])
            lines.append([f"{group} ({len(members)})", *(f"{mean:.2f}" for mean in each), f"{best:.2f}"])
    head = ["geometric mean of times ÷ fastnn's", *peers, "best peer"]
    behind = [cell for cell in cells if _to_own(cell, best_peer(cell["seconds"])) < 1]
    names = ": " + "; ".join(f"{cell['network']} × {cell['rows']}" for cell in behind) if behind else ""
    return [table(head, lines), f"A peer is faster in {len(behind)} of {len(cells)} networks{names}."]


def _to_own(cell, name):
    return ratio(cell["seconds"][name], cell["seconds"]["fastnn"])


def alternatives(cells):
    """Return a table of what fastnn was timed with, and the ratios of the first to the others."""
    first, *others = cells[0]["seconds"]
    head = ["network", "batch", *(f"{name}, µs" for name in (first, *others)), *(f"{first} ÷ {n}" for n in others)]
    lines = [
        [
            cell["network"],
            cell["rows"],
            *(microseconds(times) for times in cell["seconds"].values()),
            *(f"{ratio(cell['seconds'][first], cell['seconds'][name]):.2f}" for name in others),
        ]
        for cell in cells
    ]
    return table(head, lines)


def dead_units(times):
    """Return a table of the first and last steps, with and without dead units."""
    head = ["10-100-100-1, batch 32", "steps 1 to 300, µs", "steps 2,701 to 3,000, µs", "last ÷ first"]
    names = {"dead": "half of the hidden units dead", "alive": "none dead"}
    lines = [
        [
            names[kind],
            microseconds(each[:, 0]),
            microseconds(each[:, -1]),
            f"{ratio(each[:, -1], each[:, 0]):.2f}",
        ]
        for kind, each in times.items()
    ]
    return table(head, lines)


def memory(points):
    """Return a table of resident memory, and what it grew by since the first point."""
    (first, least), (last, most) = points[0], points[-1]
    lines = [[f"{fits:,}", f"{size / 2**20:.2f}"] for fits, size in points]
    growth = (most - least) / (last - first)
    return table(["fits", "resident MiB"], lines) + f"\n\nFrom fit {first:,} on: {growth:.1f} bytes a fit."


SECTIONS = {
    "steps": ("Microseconds a step", steps),
    "threads": ("Microseconds a step, by threads", alternatives),
    "pairs": ("Microseconds for a step of both of two models", alternatives),
    "dead units": ("Dead units", dead_units),
    "memory": ("Memory of many fits", memory),
}


def markdown(results):
    """Return all tables, preceded by the environment of the measurement."""
    parts = ["; ".join(f"{name}: {text}" for name, text in results["environment"].items()) + "."]
    if results["quick"]:
        parts.append("A quick run with few rounds: rough numbers only.")
    if results["cpu time"]:
        parts.append("CPU time, since the machine has other load.")
    if libraries := results.get("libraries"):
        versions = [f"{name} {version or 'not installed'}" for name, version in libraries.items()]
        parts.append(f"float32, one thread, whole epochs, interleaved rounds, medians. {', '.join(versions)}.")
    for name, (title, section) in SECTIONS.items():
        if name in results:
            parts += [f"## {title}", section(results[name])]
    return "\n\n".join(parts)

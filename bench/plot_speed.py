"""Draw the README's picture from the table in docs/evidence/performance.md.

    python bench/plot_speed.py docs/speed.png

The table holds the times; this file holds none, so that the picture and the table cannot disagree.
"""

import argparse
import re
import sys
from pathlib import Path

from arguments import exit_code, new_file

TABLE = Path(__file__).resolve().parents[1] / "docs/evidence/performance.md"
SHOWN = {"lecture": "small", "tabular": "medium", "mnist": "large"}  # one panel each
COLOURS = {
    "fastnn": "#c8102e",
    "LiteRT": "#1f6fb4",
    "OpenVINO": "#2a9d74",
    "ONNX Runtime": "#8a5fbf",
    "JAX": "#a0a0a0",
    "PyTorch JIT": "#a0a0a0",
    "NumPy": "#a0a0a0",
}
DASHES = {"JAX": (0, (1, 1.2)), "PyTorch JIT": (0, (4, 1.5)), "NumPy": (0, (4, 1.2, 1, 1.2))}  # of the grey lines
TITLE = "Rows per second, by rows per call: higher is faster"
MACHINE = "float32 NumPy arrays in and out, one thread, one virtual AMD Zen 5 core with AVX-512"


def curves(text):
    """Return network -> engine -> [(rows, microseconds a call)], as the page's first table of networks has them."""
    head, found = [], {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.strip("|").split("|")]
        if line.startswith("| network | rows |"):
            head = fields
        elif head and re.match(r"\| \w+ [\d-]+ (relu|tanh) \|", line):
            for engine, microseconds in list(zip(head, fields, strict=True))[2:-2]:
                point = int(fields[1]), float(microseconds)
                found.setdefault(fields[0], {}).setdefault(engine, []).append(point)
        elif head and not line.startswith("|"):
            break
    return found


def plot(networks, path):
    """Draw rows a second over the rows of a call, a panel for each network that is shown."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    pyplot.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    figure, panels = pyplot.subplots(1, len(SHOWN), figsize=(12, 4.8))
    for panel, (name, size) in zip(panels, SHOWN.items(), strict=True):
        network = next(each for each in networks if each.startswith(f"{name} "))
        for engine, colour in reversed(COLOURS.items()):
            rows, microseconds = zip(*networks[network][engine], strict=True)
            rates = [n / time * 1e6 for n, time in zip(rows, microseconds, strict=True)]
            own = engine == "fastnn"
            panel.plot(
                rows,
                rates,
                color=colour,
                linestyle=DASHES.get(engine, "-"),
                linewidth=3 if own else 1.6,
                marker="o",
                markersize=6 if own else 3.5,
                label=engine,
                zorder=3 if own else 2,
            )
        _, sizes, activation = network.split()
        panel.set_title(f"{size}: {sizes}, {activation}", fontsize=12, loc="left")
        panel.set(xscale="log", yscale="log", xlabel="rows per call")
        panel.set_xticks(rows, [f"{n:,}" for n in rows])
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(EngFormatter(sep=" "))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_minor_locator(NullLocator())
        panel.tick_params(length=0)
        panel.tick_params(axis="x", labelsize=9.5)
        panel.grid(color="#e6e6e6", linewidth=0.8)
        panel.set_axisbelow(True)
    panels[0].set_ylabel("rows per second")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.suptitle(TITLE, x=0.012, y=0.98, ha="left", fontsize=16, fontweight="bold")
    figure.text(0.012, 0.885, MACHINE, ha="left", fontsize=10.5, color="#555555")
    figure.legend(handles[::-1], labels[::-1], ncols=7, loc="lower center", frameon=False, handlelength=2.4)
    figure.tight_layout(rect=(0, 0.07, 1, 0.93), w_pad=2)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=new_file, help="where to write it")
    plot(curves(TABLE.read_text()), parser.parse_args(argv).picture)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("plot_speed.py", main))

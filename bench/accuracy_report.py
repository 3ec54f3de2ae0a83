"""Turn the measurements of accuracy.py into Markdown tables."""

from collections import defaultdict

import numpy as np

from predictors import ENSEMBLE, OWN
from report import geometric_mean, table

LIGHTGBM, MLP = "LightGBM", "scikit-learn MLP"  # what RealMLP is to be better than
LARGE = 1000  # rows
DRAWS = 10_000  # of tables, for intervals
BEHIND = 1.25  # times the error of the best method: tables that the report names


class Results:
    """The records by table and method. Errors that are compared are means over the seeds that all methods have."""

    def __init__(self, records):
        self.errors, self.seconds, self.shapes = defaultdict(dict), defaultdict(dict), {}
        for each in records:
            key = each["table"], each["method"]
            self.errors[key][each["seed"]], self.seconds[key][each["seed"]] = each["error"], each["seconds"]
            self.shapes[each["table"]] = each
        self.methods = list(dict.fromkeys(each["method"] for each in records))
        if OWN not in self.methods:
            raise OSError(f"expected results of {OWN}, to compare the others with; received those of {self.methods}")
        self.single = [method for method in self.methods if method != ENSEMBLE]
        self.names = [name for name in self.shapes if self.seeds(name, self.single)]  # all methods were measured on
        if not self.names:
            raise OSError("expected a table that all methods were measured on; received none: let the run go on")

    def of_kind(self, has_classes):
        """Return the names of the tables of classes, or of those of numbers."""
        return [name for name in self.names if self.shapes[name]["has_classes"] == has_classes]

    def with_own(self, own):
        """Return the compared methods, with RealMLP or its ensemble as `own`."""
        return [own if method == OWN else method for method in self.single]

    def seeds(self, name, methods):
        return sorted(set.intersection(*(set(self.errors.get((name, method), ())) for method in methods)))

    def means(self, name, methods):
        """Return the mean error of each method; none if no seed has all methods."""
        seeds = self.seeds(name, methods)
        return [float(np.mean([self.errors[name, method][seed] for seed in seeds])) for method in methods if seeds]

    def ratios(self, names, method, other):
        """Return {table: error of method ÷ error of other}. No error counts as half a row of all that were tested."""
        found = {}
        for name in names:
            if means := self.means(name, [method, other]):
                least = 0.5 / (self.shapes[name]["test_rows"] * len(self.seeds(name, [method, other])))
                found[name] = round(max(means[0], least) / max(means[1], least), 12)  # equal ones are 1
        return found

    def ranks(self, names, methods):
        """Return the ranks (tables, methods) of the errors, 1 for the least; equal ones share the mean of theirs."""
        from scipy.stats import rankdata

        means = [each for each in (self.means(name, methods) for name in names) if each]
        return rankdata(np.round(means, 12), axis=1) if means else np.empty((0, len(methods)))


def interval(values):
    """Return the 95 % interval of the mean of values, one of each table, from tables drawn anew."""
    values = np.asarray(values)
    drawn = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    return np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])


def summary(results, names):
    """Return a table of all methods. The ensemble's rank is the one that it has in RealMLP's place."""
    ranks = dict(zip(results.single, results.ranks(names, results.single).mean(axis=0), strict=True))
    replaced = results.with_own(ENSEMBLE)
    if all(results.seeds(name, [*replaced, OWN]) for name in names):  # the ensemble was measured on all tables
        ranks[ENSEMBLE] = results.ranks(names, replaced).mean(axis=0)[replaced.index(ENSEMBLE)]
    lines = []
    for method in sorted(ranks, key=ranks.get):
        by_table = results.ratios(names, method, OWN)
        ratios = np.array(list(by_table.values()))
        low, high = np.exp(interval(np.log(ratios)))
        seconds = [np.mean(list(results.seconds[name, method].values())) for name in by_table]
        better, equal = (ratios > 1).sum(), (ratios == 1).sum()
        lines.append(
            [
                method,
                f"{ranks[method]:.2f}",
                "1" if method == OWN else f"{geometric_mean(ratios):.3f} ({low:.3f} to {high:.3f})",
                "" if method == OWN else f"{better} / {equal} / {len(ratios) - better - equal}",
                f"{np.median(seconds):.2f}",
                f"{np.max(seconds):.1f}",
            ]
        )
    head = ["method", "mean rank", "error ÷ RealMLP's (95 % interval)", "RealMLP better / equal / worse"]
    return table([*head, "fit s, median", "fit s, most"], lines)


def against(results):
    """Return a table of RealMLP, and of its ensemble in its place, against scikit-learn's MLP and LightGBM."""
    rows = {name: results.shapes[name]["train_rows"] for name in results.names}
    groups = {
        "all": results.names,
        "classes": results.of_kind(True),
        "numbers": results.of_kind(False),
        f"trained on at least {LARGE} rows": [name for name in rows if rows[name] >= LARGE],
        f"on fewer than {LARGE}": [name for name in rows if rows[name] < LARGE],
    }
    lines = []
    for own in (OWN, ENSEMBLE):
        methods = results.with_own(own)
        for group, names in groups.items():
            seeds = [len(results.seeds(name, methods)) for name in names]
            if not names or not min(seeds):
                continue
            ratios = np.array(list(results.ratios(names, own, MLP).values()))
            ranks = results.ranks(names, methods)
            mine, other = (ranks[:, methods.index(method)] for method in (own, LIGHTGBM))
            low, high = interval(mine - other)
            lines.append(
                [
                    own,
                    f"{len(names)} {group}",
                    min(seeds),
                    f"{(ratios < 1).sum()} / {(ratios == 1).sum()} / {(ratios > 1).sum()} ({(ratios < 1).mean():.0%})",
                    f"{mine.mean():.2f}",
                    f"{other.mean():.2f}",
                    f"{(mine - other).mean():+.2f} ({low:+.2f} to {high:+.2f})",
                ]
            )
    versus = f"better / equal / worse than {MLP}"
    ranks = ["mean rank", f"{LIGHTGBM}'s", "difference (95 % interval over tables)"]
    return table(["method", "tables", "seeds, at least", versus, *ranks], lines)


def behind(results):
    """Return the tables on which RealMLP's error is far from the least, the worst first, as a sentence."""
    far = []
    for name in results.names:
        means = results.means(name, results.single)
        best = results.single[int(np.argmin(means))]
        ratio = results.ratios([name], OWN, best)[name]
        far += [(ratio, f"{name} {ratio:.2f} ({best})")] if ratio >= BEHIND else []
    listed = "; ".join(text for _, text in sorted(far, reverse=True)) or "none"
    return f"Tables on which RealMLP has at least {BEHIND} times the error of the best method: {listed}."


def each_table(results, names):
    """Return a table of all errors in percent, and of the ensemble's error divided by RealMLP's for the same seeds."""
    has_ensemble = ENSEMBLE in results.methods
    lines = []
    for name in sorted(names, key=str.lower):
        means, shape = results.means(name, results.single), results.shapes[name]
        shown = [f"{mean * 100:.2f}" for mean in means]
        line = [name, f"{shape['train_rows']} × {shape['columns']}", len(results.seeds(name, results.single))]
        line += [f"**{text}**" if mean == min(means) else text for mean, text in zip(means, shown, strict=True)]
        if has_ensemble:
            ratio = results.ratios([name], ENSEMBLE, OWN)
            line.append(f"{ratio[name]:.3f} ({len(results.seeds(name, [ENSEMBLE, OWN]))})" if ratio else "-")
        lines.append(line)
    last = [f"{ENSEMBLE} ÷ {OWN} (seeds)"] if has_ensemble else []
    return table(["table", "trained on", "seeds", *results.single, *last], lines)


def markdown(head, records):
    """Return all tables, preceded by the environment of the measurement."""
    results = Results(records)
    parts = ["; ".join(f"{name}: {text}" for name, text in head["environment"].items())]
    parts[0] += f". At most {head['rows']} rows to train on."
    if {MLP, LIGHTGBM} <= set(results.methods):
        parts.append(against(results))
    parts += [summary(results, results.names), behind(results)]
    kinds = {"classes": ("wrong ones", True), "numbers": ("RMSE ÷ that of the mean", False)}
    for title, (error, has_classes) in kinds.items():
        if names := results.of_kind(has_classes):
            parts += [f"## {len(names)} tables of {title}", summary(results, names)]
            parts += [f"{error[0].upper()}{error[1:]}, in percent:", each_table(results, names)]
    return "\n\n".join(parts)

"""Compare how long fit() of fastnn.sklearn and of scikit-learn take, with the same settings on the same rows.

    python bench/estimators.py                    # about one minute
    python bench/estimators.py --epochs 100 --rounds 9

Both draw the same first weights and train the same number of epochs, 30 by default, in batches of 200 rows. The last
column is fit() of the fitted estimator's own Sequential. One thread: seconds are those of the process, on which other
load weighs less, and the least of interleaved rounds.
"""

import engines  # noqa: F401  isort: skip  (first: it limits the threads of all libraries)

import argparse
import time
import warnings

from sklearn import neural_network as original
from sklearn.datasets import load_digits, make_classification

import fastnn
from arguments import exit_code
from fastnn import sklearn as ours

TABLES = {
    "digits, 1797 x 64": lambda: (load_digits().data / 16, load_digits().target),
    "table, 10000 x 20": lambda: make_classification(10000, 20, n_informative=10, random_state=0),
}
SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "adam, early_stopping": {"early_stopping": True},
    "adam, three layers": {"hidden_layer_sizes": (64, 64, 32)},
}


def seconds(function):
    started = time.process_time()
    result = function()
    return time.process_time() - started, result


def compare(x, y, settings, epochs, rounds):
    """Return the least seconds of scikit-learn, fastnn and a Sequential, and the steps of each."""
    given = {"max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs, "random_state": 0} | settings
    times = {name: [] for name in ("scikit-learn", "fastnn", "Sequential")}
    for _ in range(rounds):
        times["scikit-learn"].append(seconds(lambda: original.MLPClassifier(**given).fit(x, y))[0])
        taken, estimator = seconds(lambda: ours.MLPClassifier(**given).fit(x, y))
        times["fastnn"].append(taken)
        rows = estimator.t_ // estimator.n_iter_
        model = estimator.model_
        model.classes = None
        call = {"batch_size": 200, "epochs": epochs, "verbose": 0}
        times["Sequential"].append(seconds(lambda: model.fit(x[:rows], y[:rows], **call))[0])  # noqa: B023
    return {name: min(each) for name, each in times.items()}, -(-rows // 200) * epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # of convergence
    print(f"fastnn {fastnn.__version__}, {fastnn.isa()}, {fastnn.get_num_threads()} thread(s)\n")
    print("| rows, solver | dtype | steps | scikit-learn s | fastnn s | scikit-learn µs/step | fastnn µs/step | "
          "Sequential.fit µs/step | ratio |\n" + "| --- " * 9 + "|")  # fmt: skip
    for title, table in TABLES.items():
        x, y = table()
        for kind, settings in SETTINGS.items():
            for dtype in ("float64", "float32"):
                found, steps = compare(x.astype(dtype), y, settings, chosen.epochs, chosen.rounds)
                theirs, own, model = found.values()
                each = " | ".join(f"{time / steps * 1e6:.0f}" for time in (theirs, own, model))
                print(f"| {title}, {kind} | {dtype} | {steps} | {theirs:.3f} | {own:.3f} | {each} | "
                      f"{theirs / own:.1f} |", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code("estimators.py", main))

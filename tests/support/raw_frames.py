"""Frames with text, gaps and categories, and scikit-learn's encoders of their columns."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("pandas", reason="pandas is not installed")

import pandas
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

NUMBERS, TEXTS, WHOLE = ["age", "income", "height"], ["city", "size"], ["zip", "paid"]


def frame(seed, rows=60, unknown=True, gaps=True):
    """Rows with text, whole numbers and booleans; of `unknown`, with values that other frames lack."""
    random = np.random.default_rng(seed)
    made = pandas.DataFrame({
        "id": [f"row {i}" for i in range(rows)],
        "age": random.normal(40, 12, rows),
        "income": random.lognormal(10, 1, rows),
        "height": random.normal(1.7, 0.1, rows),
        "city": random.choice(["Rome", "Oslo", "Bern", "Graz"] + ["Paris"] * unknown, rows),
        "size": random.choice(["s", "m", "l"] + ["xl"] * unknown, rows),
        "zip": random.choice([1010, 4020, -7] + [8] * unknown, rows),
        "paid": random.choice([True, False], rows),
    })  # fmt: skip
    for name in ("age", "income", "city") if gaps else ():
        made.loc[random.random(rows) < 0.2, name] = np.nan
    return made


TRAINING, NEW, KNOWN = frame(1, unknown=False), frame(2), frame(3, unknown=False, gaps=False)
LABELS = np.arange(60) % 3
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
CONSTANT = SimpleImputer(strategy="constant", fill_value="none")
MOST_FREQUENT = SimpleImputer(strategy="most_frequent")
INFREQUENT = OneHotEncoder(min_frequency=16, handle_unknown="infrequent_if_exist")


def of_columns(branches, **options):
    return make_column_transformer(*branches, sparse_threshold=0, **options)

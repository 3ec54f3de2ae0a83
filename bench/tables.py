"""Time what a FeatureSpace adds to a prediction: 100,000 rows of 10 numbers and 5 columns of text of 50 values each.

`python bench/tables.py` prints the median milliseconds of space(table), model.predict(table) and model.predict(encoded
rows), for each kind of table that is installed. The model is 265-256-256-1.
"""

import sys
from timeit import Timer

import numpy as np

import fastnn
from fastnn import FeatureSpace
from fastnn.layers import Dense
from fastnn.models import Sequential
from timing import interleaved

ROWS, NUMBERS, TEXTS, VALUES = 100_000, 10, 5, 50


def columns():
    rng = np.random.default_rng(0)
    words = np.array([f"value {i}" for i in range(VALUES)], object)
    numbers = {f"number {i}": rng.normal(size=ROWS) for i in range(NUMBERS)}
    return numbers, {f"text {i}": words[rng.integers(0, VALUES, ROWS)] for i in range(TEXTS)}


def tables():
    numbers, texts = columns()
    lists = {name: column.tolist() for name, column in texts.items()}
    made = {"dict of arrays and lists": numbers | lists}
    try:
        import pandas

        for dtype in ("object", "str", "category"):
            made[f"pandas, {dtype}"] = pandas.DataFrame(numbers | texts).astype(dict.fromkeys(texts, dtype))
    except ImportError:
        pass
    try:
        import pyarrow

        made["pyarrow, string"] = pyarrow.table(numbers | lists)
    except ImportError:
        pass
    try:
        import polars

        made["polars, String"] = polars.DataFrame(numbers | lists)
    except ImportError:
        pass
    return made


def main(seconds):
    made = tables()
    space = FeatureSpace.infer(made["dict of arrays and lists"]).adapt(made["dict of arrays and lists"])
    model = Sequential([space, Dense(256, "relu"), Dense(256, "relu"), Dense(1, "sigmoid")])
    rows = space(made["dict of arrays and lists"])
    timers = {"rows": Timer(lambda: model.predict(rows))}
    for name, table in made.items():
        timers[f"space {name}"] = Timer(lambda table=table: space(table))
        timers[f"predict {name}"] = Timer(lambda table=table: model.predict(table))
    times = {name: np.median(each) * 1e3 for name, each in interleaved(timers, seconds).items()}
    threads = fastnn.get_num_threads()
    print(f"{ROWS} rows of {NUMBERS} numbers and {TEXTS} texts, {space.width} columns encoded, {threads} threads; ms")
    print(f"predict(encoded rows): {times['rows']:.0f}")
    for name in made:
        print(f"{name}: space {times[f'space {name}']:.0f}, predict {times[f'predict {name}']:.0f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)

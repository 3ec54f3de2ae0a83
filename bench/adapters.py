"""Time what Arrow, Polars and DuckDB add to a prediction: 1,000,000 rows of 10 columns through 10-100-100-1, relu.

`python bench/adapters.py` prints the median milliseconds for the rows as an array of float64, as float32, as an Arrow
table, as columns of a lazy frame of Polars and in SQL of DuckDB. It needs `pip install duckdb polars pyarrow`.
"""

import sys
from timeit import Timer

import duckdb
import numpy as np
import polars as pl

import fastnn.duckdb
import fastnn.polars
from fastnn.layers import Dense
from fastnn.models import Sequential
from timing import interleaved

ROWS, COLUMNS = 1_000_000, 10


def main(seconds):
    names = [f"x{i}" for i in range(COLUMNS)]
    model = Sequential([Dense(100, "relu", input_shape=(COLUMNS,)), Dense(100, "relu"), Dense(1)])
    model.feature_names = names
    x = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    frame = pl.DataFrame(x, schema=names)
    table, lazy, small = frame.to_arrow(), frame.lazy().select(fastnn.polars.predict(model)), x.astype("float32")
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS FROM frame")
    fastnn.duckdb.register(connection, model, "answer")
    query = f"SELECT answer({', '.join(names)}) AS prediction FROM t"

    ways = {
        "array of float64": lambda: model.predict(x)[:, 0],
        "array of float32": lambda: model.predict(small)[:, 0],
        "Arrow table": lambda: model.predict(table)[:, 0],
        "Polars, lazy": lambda: lazy.collect()["prediction"],
        "Polars, streaming": lambda: lazy.collect(engine="streaming")["prediction"],
        "DuckDB": lambda: connection.sql(query).to_arrow_table()["prediction"],
    }
    wanted = model.predict(x)[:, 0]
    for name, way in ways.items():
        assert np.array_equal(np.asarray(way()), wanted), f"{name} gives other bits"
    times = interleaved({name: Timer(way) for name, way in ways.items()}, seconds)
    print(f"{ROWS} rows, {fastnn.get_num_threads()} threads of fastnn; ms")
    for name, each in times.items():
        print(f"{name}: {np.median(each) * 1e3:.0f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)

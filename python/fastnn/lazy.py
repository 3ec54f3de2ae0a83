"""Collections that hold no rows yet: those of Dask, Polars, DuckDB, Spark and Ray, and Arrow's readers.

NumPy would pull a cluster's data into this process's memory, or fail. The packages are not imported: a collection is
recognized by its class.
"""

from functools import lru_cache
from typing import Any

# The package and the class -> what to do. Dask's collections have a method that tells.
_ADVICE = {
    ("polars", "LazyFrame"): "use x.with_columns(fastnn.polars.predict(model)), or give x.collect()",
    ("duckdb", "DuckDBPyRelation"): (
        "use SQL after fastnn.duckdb.register(connection, model, name), or give x.to_arrow_table()"
    ),
    ("pyspark", "DataFrame"): (
        "use x.withColumn('prediction', fastnn.spark.predict_udf(model)(*columns)), or give x.toPandas()"
    ),
    ("ray", "Dataset"): "use x.map_batches(fastnn.ray.Predictor, fn_constructor_args=(model,)), or give x.to_pandas()",
    ("pyarrow", "RecordBatchReader"): "give its batches one by one, or x.read_all()",
    ("pyarrow", "Dataset"): "give the batches of x.to_batches() one by one, or x.to_table()",
}
_DASK_ADVICE = "use fastnn.dask.predict or fastnn.dask.train, or give x.compute()"


def refuse_lazy(x: Any) -> None:
    """Raise TypeError if x is a lazy collection. The message names the adapter that predicts its rows.

    >>> refuse_lazy([1, 2])
    """
    cls = type(x)
    if cls is list:  # a row as a list takes 2.4 us in all
        return
    advice = _advice(cls)  # type: ignore[arg-type]  # mypy does not know that classes are hashable
    # xarray's arrays have the method too; it returns None if they are in memory.
    if advice is not None and (advice is not _DASK_ADVICE or x.__dask_graph__() is not None):
        package = _package(cls)
        raise TypeError(
            f"expected rows in memory; received a {cls.__name__} of {package}, which computes them later: {advice}"
        )


@lru_cache(maxsize=256)
def _advice(cls: type) -> str | None:
    for base in cls.__mro__:
        advice = _ADVICE.get((_package(base), base.__name__))
        if advice is not None:
            return advice
    return _DASK_ADVICE if hasattr(cls, "__dask_graph__") else None


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0].lstrip("_")  # DuckDB's is duckdb or _duckdb, by its version

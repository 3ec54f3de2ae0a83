"""The public modules that users import themselves, and the package that each imports."""

OPTIONAL_MODULES = {
    "fastnn.dask": "dask",
    "fastnn.duckdb": "duckdb",
    "fastnn.polars": "polars",
    "fastnn.ray": "ray",
    "fastnn.sklearn": "sklearn",
    "fastnn.spark": "pyspark",
}

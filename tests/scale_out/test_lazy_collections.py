"""Lazy collections are refused in one sentence that names the adapter: their rows are in other processes, or nowhere.

Spark's and Ray's are stood in for by classes of their names, since neither is installed in every run.
"""

import numpy as np
import pytest

from engine_tables import MIXED, NUMBERS, X, of_numbers, of_text
from fastnn import FeatureSpace
from fastnn.arrays import to_array

Y = np.zeros(len(X))


def dask_frame():
    frames = pytest.importorskip("dask.dataframe")
    return frames.from_pandas(pytest.importorskip("pandas").DataFrame(NUMBERS), npartitions=2)


def dask_series():
    return dask_frame()["age"]


def dask_array():
    return pytest.importorskip("dask.array").from_array(X, chunks=(1000, 3))


def polars_frame():
    return pytest.importorskip("polars").DataFrame(NUMBERS).lazy()


def duckdb_relation():
    pytest.importorskip("pyarrow")
    return pytest.importorskip("duckdb").connect().sql("SELECT 1.0 AS age")


def arrow_reader():
    return pytest.importorskip("pyarrow").table(NUMBERS).to_reader()


def arrow_dataset():
    return pytest.importorskip("pyarrow.dataset").dataset(pytest.importorskip("pyarrow").table(NUMBERS))


def stand_in(name, module):
    def pulled(*_):
        raise AssertionError("rows were pulled")

    body = {
        "__module__": module,
        "columns": property(pulled),
        "__array__": pulled,
        "__len__": pulled,
        "iloc": property(pulled),
    }
    return type(name, (type(name, (), {"__module__": module}),), body)


def spark_frame():
    return stand_in("DataFrame", "pyspark.sql.classic.dataframe")()


def ray_dataset():
    return stand_in("Dataset", "ray.data.dataset")()


COLLECTIONS = {
    dask_frame: "fastnn.dask.predict or fastnn.dask.train, or give x.compute()",
    dask_series: "fastnn.dask.predict or fastnn.dask.train, or give x.compute()",
    dask_array: "fastnn.dask.predict or fastnn.dask.train, or give x.compute()",
    polars_frame: "x.with_columns(fastnn.polars.predict(model)), or give x.collect()",
    duckdb_relation: "SQL after fastnn.duckdb.register(connection, model, name), or give x.to_arrow_table()",
    arrow_reader: "give its batches one by one, or x.read_all()",
    arrow_dataset: "give the batches of x.to_batches() one by one, or x.to_table()",
    spark_frame: "x.withColumn('prediction', fastnn.spark.predict_udf(model)(*columns)), or give x.toPandas()",
    ray_dataset: "x.map_batches(fastnn.ray.Predictor, fn_constructor_args=(model,)), or give x.to_pandas()",
}


def trained(model):
    model.compile("adam", "mse")
    return model


CALLS = {
    "predict": lambda x: of_numbers().predict(x),
    "predict of a FeatureSpace": lambda x: of_text().predict(x),
    "predict_classes": lambda x: of_numbers().predict_classes(x),
    "representations": lambda x: of_numbers().representations(x),
    "evaluate": lambda x: trained(of_numbers()).evaluate(x, Y, verbose=0),
    "fit": lambda x: trained(of_numbers()).fit(x, Y, verbose=0),
    "fit without y": lambda x: trained(of_numbers()).fit(x, verbose=0),
    "y of fit": lambda x: trained(of_numbers()).fit(X, x, verbose=0),
    "adapt": lambda x: FeatureSpace({"age": "float"}).adapt(x),
    "infer": lambda x: FeatureSpace.infer(x),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Dask's imports
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda make: make.__name__)
def test_lazy_collections_are_refused_with_the_adapter_to_use(collection, call):
    x = collection()
    with pytest.raises(TypeError) as error:
        call(x)
    name = type(x).__name__
    assert str(error.value).startswith(f"expected rows in memory; received a {name} of ")
    assert str(error.value).endswith(COLLECTIONS[collection])


def test_a_relation_of_earlier_versions_of_duckdb_is_recognized_too():
    with pytest.raises(TypeError, match=r"^expected rows in memory; received a DuckDBPyRelation of duckdb, "):
        of_numbers().predict(stand_in("DuckDBPyRelation", "_duckdb._relation")())


def test_a_column_of_a_table_may_not_be_lazy_either():
    with pytest.raises(TypeError, match="^expected rows in memory; received a Array of dask"):
        of_text().predict(MIXED | {"age": dask_array()[:, 0]})


def test_collections_in_memory_with_dasks_methods_are_taken():
    """As xarray's, whose graph is None unless Dask holds their values."""

    class InMemory:
        def __dask_graph__(self):
            return None

        def __array__(self, dtype=None, copy=None):
            return X

    assert to_array(InMemory()) is X

"""`fastnn.spark.predict_udf` on Spark itself: threads of one process, and executors in processes of their own.

Slow: Spark takes seconds to start. tests/tools/engines.sh runs these where PySpark and Java are.
"""

import shutil
import sys

import numpy as np
import pytest

from arrays import same_bits
from engine_tables import MIXED, NUMBERS, ROWS, X, dying_model, of_numbers, of_text

pytest.importorskip("pyspark")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

from pyspark.sql import SparkSession, functions, types

import fastnn
from fastnn.layers import Activation
from fastnn.models import Sequential
from fastnn.spark import predict_udf

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark"),  # of pandas 3
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

COLUMNS = ("age", "größe", "weight of all")


@pytest.fixture(scope="module", params=["local[2,4]", "local-cluster[2,1,1024]"])
def spark(request):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
            patch.setenv(name, sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        paths = [path for path in sys.path if path.endswith(("tests", "support", "python"))]
        patch.setenv("PYTHONPATH", ":".join(paths))  # of the executors' Python
        options = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "700",
            "spark.log.level": "OFF",
        }
        session = SparkSession.builder.master(request.param).config(map=options).getOrCreate()
        yield session
        session.stop()


TYPES = {"id": "long", "note": "string", "city": "string", "paid": "boolean"}  # the others are double


def rows_of(spark, columns):
    """A frame of eight partitions, some of them empty."""
    names = ", ".join(f"`{name}` {TYPES.get(name, 'double')}" for name in columns)
    values = [np.asarray(column, float if name == "age" else None).tolist() for name, column in columns.items()]
    rows = spark.createDataFrame(list(zip(*values, strict=True)), names).repartition(8, functions.col("id") % 3)
    sizes = rows.groupBy(functions.spark_partition_id().alias("partition")).count().collect()
    assert 1 < len(sizes) < rows.rdd.getNumPartitions() == 8
    return rows


def answers(frame, udf, columns):
    rows = frame.withColumn("prediction", udf(*[f"`{name}`" for name in columns])).orderBy("id").collect()
    assert len(rows) == ROWS
    return [row.prediction for row in rows]


def test_every_row_gets_the_bits_of_one_call(spark):
    made = answers(rows_of(spark, NUMBERS), predict_udf(of_numbers()), COLUMNS)
    assert same_bits(np.array(made, "float32"), of_numbers().predict(X))


def test_text_booleans_and_nulls_of_a_feature_space_are_taken(spark):
    made = answers(rows_of(spark, MIXED), predict_udf(of_text()), ("age", "city", "paid"))
    assert same_bits(np.array(made, "float32"), of_text().predict(MIXED)[:, 0])


def test_a_model_of_one_column_is_taken(spark):
    model = Sequential([Activation("tanh", input_shape=(1,))])
    model.feature_names = ["age"]
    made = answers(rows_of(spark, NUMBERS), predict_udf(model), ["age"])
    assert same_bits(np.array(made, "float32"), model.predict(X[:, :1])[:, 0])


@pytest.mark.parametrize(
    ("classes", "kind"), [(None, types.LongType()), (["a", "b", "c"], types.StringType())], ids=["numbers", "names"]
)
def test_classes_have_their_type_and_are_null_where_an_output_is_nan(spark, classes, kind):
    model, frame = of_numbers(classes=classes), rows_of(spark, NUMBERS)
    udf = predict_udf(model, classes=True)
    assert udf.returnType == kind
    wanted = model.predict_classes(X).tolist()
    frame = frame.selectExpr("id", "`weight of all`", "if(id = 1, NULL, age) AS age", "`größe`")
    assert answers(frame, udf, COLUMNS) == [wanted[0], None, *wanted[2:]]


def test_an_answer_that_is_nan_is_null_since_spark_sorts_nan_above_all_numbers(spark):
    frame = spark.sql("SELECT explode(array(1.0, NULL)) AS a, 1.0 AS b")
    one = frame.select(predict_udf(of_numbers(1, "sigmoid"))("a", "b", "b").alias("y")).selectExpr("y > 0").collect()
    several = frame.select(predict_udf(of_numbers())("a", "b", "b").alias("y")).collect()
    assert [row[0] for row in one] == [True, None]
    assert several[0].y == of_numbers().predict([1, 1, 1]).tolist()
    assert several[1].y == [None] * 3


def test_sql_takes_the_function(spark):
    spark.udf.register("churn", predict_udf(of_numbers(1, "sigmoid")))
    rows_of(spark, NUMBERS).createOrReplaceTempView("t")
    above = spark.sql("SELECT sum(int(churn(age, `größe`, `weight of all`) > 0.5)) AS above FROM t").first().above
    assert above == (of_numbers(1, "sigmoid").predict(X) > 0.5).sum()


def test_a_worker_that_is_killed_is_replaced_and_no_answer_lost(spark, tmp_path):
    marker = tmp_path / "killed"
    made = answers(rows_of(spark, NUMBERS), predict_udf(dying_model(marker)), COLUMNS)
    assert marker.exists()
    assert same_bits(np.array(made, "float32"), of_numbers().predict(X))


def test_spark_gives_each_worker_its_tasks_number_of_threads(spark):
    class Counting(Sequential):
        def predict(self, x):
            return super().predict(x) * 0 + fastnn.get_num_threads()

    threads = set(answers(rows_of(spark, NUMBERS), predict_udf(of_numbers(1, "linear", kind=Counting)), COLUMNS))
    assert threads == {1.0}  # spark.task.cpus


def test_frames_of_spark_are_refused_by_predict(spark):
    with pytest.raises(TypeError, match=r"received a DataFrame of pyspark, .* fastnn\.spark\.predict_udf\(model\)"):
        of_numbers().predict(rows_of(spark, NUMBERS))


def test_another_number_of_columns_is_refused_before_the_job():
    with pytest.raises(ValueError, match="^expected 3 columns, 'age', 'größe', 'weight of all'; received 2$"):
        predict_udf(of_numbers())("age", "größe")

"""A model as a function of columns in Spark."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

try:
    import pandas as pd
    from pyspark.sql import types
    from pyspark.sql.functions import pandas_udf
except ImportError:
    raise ImportError("fastnn.spark needs PySpark, pandas and pyarrow: pip install pyspark pandas pyarrow") from None

from fastnn.answers import Answers, with_none
from fastnn.models.sequential import Sequential

__all__ = ["predict_udf"]

_TYPES = {
    "float32": types.FloatType(),
    "float64": types.DoubleType(),
    "int64": types.LongType(),
    "bool": types.BooleanType(),
    "str": types.StringType(),
}


def predict_udf(model: Sequential, classes: bool = False) -> Callable[..., Any]:
    """Return a function of Spark's columns, in the order that the model names them, to a column of answers.

    model: a Sequential with feature_names or a FeatureSpace; as it is now. It is pickled into the function.
    classes: True for predict_classes().
    The column is of floats, or doubles for a model of float64; of classes it has their type; several outputs are an
    array. NULLs are gaps, as in predict(); an answer that is NaN is NULL.
    Raises ValueError for a model without names and for another number of columns, TypeError for other objects.

    A frame gets the column by ``df.withColumn("prediction", predict_udf(model)(*model.feature_names))``. SQL gets the
    function by ``spark.udf.register("churn", predict_udf(model))``.

    >>> import fastnn.spark
    >>> model = Sequential([Dense(3, "softmax", input_shape=(2,))])
    >>> model.feature_names = ["age", "height"]
    >>> fastnn.spark.predict_udf(model).returnType
    ArrayType(FloatType(), True)
    """
    answers = Answers(model, classes)
    values = _TYPES[answers.kind]

    def predict(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.Series]:
        for columns in batches:  # a single column comes without a tuple
            made = with_none(*answers.of_columns([columns] if isinstance(columns, pd.Series) else columns))
            yield pd.Series(list(made) if answers.units else made)

    udf = pandas_udf(predict, types.ArrayType(values) if answers.units else values)

    @functools.wraps(udf)
    def checked(*columns: Any) -> Any:
        answers.check_count(len(columns))  # here, rather than in the middle of a job
        return udf(*columns)

    return checked


def __dir__() -> list[str]:
    return __all__

"""A model as a function of SQL in DuckDB."""

from __future__ import annotations

from typing import Any

try:
    import duckdb
    import pyarrow as pa
except ImportError:
    raise ImportError("fastnn.duckdb needs DuckDB and pyarrow: pip install duckdb pyarrow") from None

from fastnn.answers import Answers
from fastnn.models.sequential import Sequential

__all__ = ["register"]

_TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "int64": "BIGINT", "bool": "BOOLEAN", "str": "VARCHAR"}


def register(connection: duckdb.DuckDBPyConnection, model: Sequential, name: str, classes: bool = False) -> None:
    """Make a model a function of SQL: name(column, …), with the columns in the order that the model names them.

    model: a Sequential with feature_names or a FeatureSpace; as it is now.
    classes: True for predict_classes().
    The function returns FLOAT, or DOUBLE for a model of float64; of classes their type; of several outputs an array,
    such as FLOAT[3]. NULLs are gaps, as in predict(); an answer that is NaN is NULL. Queries in several threads get the
    bits of one call.
    Raises ValueError for a model without names, TypeError for other objects, DuckDB's error for a name that is taken.

    >>> import duckdb
    >>> import fastnn.duckdb
    >>> model = Sequential([Dense(1, use_bias=False, input_shape=(2,))])
    >>> model.set_weights([[[1], [10]]])
    >>> model.feature_names = ["age", "height"]
    >>> connection = duckdb.connect()
    >>> fastnn.duckdb.register(connection, model, "weight")
    >>> connection.sql("SELECT weight(age, height) FROM (VALUES (1.5, 30), (2.0, 40)) AS t(height, age)").fetchall()
    [(45.0,), (60.0,)]
    """
    answers = Answers(model, classes)
    values = _TYPES[answers.kind]
    arrow_type = pa.type_for_alias(answers.kind)

    def of_columns(*columns: Any) -> Any:
        made, gaps = answers.of_columns(columns)
        flat = pa.array(made.ravel(), arrow_type, mask=gaps.ravel())
        return pa.FixedSizeListArray.from_arrays(flat, answers.units) if answers.units else flat

    returned = f"{values}[{answers.units}]" if answers.units else values
    # Without types of the parameters, columns come as they are: DuckDB casts no BOOLEAN to DOUBLE by itself.
    connection.create_function(name, of_columns, None, returned, type="arrow", null_handling="special")


def __dir__() -> list[str]:
    return __all__

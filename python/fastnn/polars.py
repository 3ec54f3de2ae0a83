"""A model as an expression of Polars: the rows of eager, lazy and streamed frames are predicted by name."""

from __future__ import annotations

try:
    import polars as pl
except ImportError:
    raise ImportError("fastnn.polars needs Polars: pip install polars") from None

from fastnn.answers import Answers
from fastnn.models.sequential import Sequential

__all__ = ["predict"]

_TYPES = {"float32": pl.Float32, "float64": pl.Float64, "int64": pl.Int64, "bool": pl.Boolean, "str": pl.String}


def predict(model: Sequential, classes: bool = False) -> pl.Expr:
    """Return an expression over the columns of a model, named "prediction": what model.predict() answers to each row.

    model: a Sequential with feature_names or a FeatureSpace, whose columns the expression takes; as it is now.
    classes: True for predict_classes().
    Its type is the model's dtype or that of the classes; several outputs are a pl.Array. It runs on frames, LazyFrames
    and in the streaming engine, batch by batch, with the bits of one call. Nulls are gaps, as in predict(); an answer
    that is NaN is null.
    Raises ValueError for a model without names, TypeError for other objects; what predict() raises, when it runs.

    >>> import fastnn.polars
    >>> import polars as pl
    >>> model = Sequential([Dense(1, use_bias=False, input_shape=(2,))])
    >>> model.set_weights([[[1], [10]]])
    >>> model.feature_names = ["age", "height"]
    >>> frame = pl.LazyFrame({"id": [7, 8], "height": [1.5, 2.0], "age": [30, 40]})
    >>> frame.select("id", fastnn.polars.predict(model)).collect().rows()
    [(7, 45.0), (8, 60.0)]
    """
    answers = Answers(model, classes)
    values = _TYPES[answers.kind]
    dtype = pl.Array(values, answers.units) if answers.units else values

    def of_rows(rows: pl.Series) -> pl.Series:
        made, gaps = answers(rows.struct.unnest())
        column = pl.Series(made.ravel(), dtype=values).set(pl.Series(gaps.ravel()), None)
        return column.reshape((len(made), answers.units)) if answers.units else column

    columns = pl.struct(pl.selectors.by_name(answers.names))  # pl.struct() reads "^a.*$" and "*" as patterns
    return columns.map_batches(of_rows, return_dtype=dtype, is_elementwise=True).alias("prediction")


def __dir__() -> list[str]:
    return __all__

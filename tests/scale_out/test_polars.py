"""`fastnn.polars.predict`: an expression that gives the bits of model.predict on eager, lazy and streamed frames."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from arrays import same_bits
from engine_tables import MIXED, NAMES, NUMBERS, ROWS, X, of_numbers, of_text

pl = pytest.importorskip("polars")
from fastnn.polars import predict  # noqa: E402

FRAME = pl.DataFrame(NUMBERS)
WAYS = {
    "eager": lambda frame, *columns: frame.with_columns(*columns),
    "lazy": lambda frame, *columns: frame.lazy().with_columns(*columns).collect(),
    "streaming": lambda frame, *columns: frame.lazy().with_columns(*columns).collect(engine="streaming"),
    "in chunks": lambda frame, *columns: pl.concat([frame[:9], frame[9:9], frame[9:]], rechunk=False).with_columns(
        *columns
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_engine_of_polars_gives_the_bits_of_one_call(way):
    table = way(FRAME, predict(of_numbers()))
    assert table.columns == [*NUMBERS, "prediction"]
    assert table["prediction"].dtype == pl.Array(pl.Float32, 3)
    assert same_bits(table["prediction"].to_numpy(), of_numbers().predict(X))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_text_and_gaps_of_a_feature_space_are_taken(way):
    prediction = way(pl.DataFrame(MIXED), predict(of_text()))["prediction"]
    assert prediction.dtype == pl.Float32
    assert same_bits(prediction.to_numpy(), of_text().predict(MIXED)[:, 0])


def test_the_streaming_engine_cuts_the_table_and_predicts_it_in_pieces():
    calls = []

    class Counting(type(of_numbers())):
        def predict(self, x):
            calls.append(len(x))
            return super().predict(x)

    wide = pl.concat([FRAME.lazy()] * 40)
    table = wide.select(predict(of_numbers(kind=Counting))).collect(engine="streaming")
    assert len(calls) > 1
    assert sum(calls) == len(table) == 40 * ROWS


def test_the_type_is_known_without_a_row():
    schema = pl.LazyFrame(schema=FRAME.schema).select(
        outputs=predict(of_numbers()),
        double=predict(of_numbers(1, "linear", dtype="float64")),
        number=predict(of_numbers(), classes=True),
        name=predict(of_numbers(classes=["a", "b", "c"]), classes=True),
        flag=predict(of_numbers(1, "sigmoid", classes=[False, True]), classes=True),
    )
    types = [pl.Array(pl.Float32, 3), pl.Float64, pl.Int64, pl.String, pl.Boolean]
    assert schema.collect_schema().dtypes() == types
    assert schema.collect().dtypes == types
    assert len(schema.collect()) == 0


GAP = pl.when(pl.col("id") == 1).then(None).otherwise("age").alias("age")


def test_classes_are_values_and_null_where_an_output_is_nan():
    model = of_numbers(classes=["a", "b", "c"])
    table = FRAME.with_columns(GAP).with_columns(predict(model, classes=True))
    wanted = model.predict_classes(X).tolist()
    assert table["prediction"].to_list() == [wanted[0], None, *wanted[2:]]


def test_an_answer_that_is_nan_is_null_since_polars_sorts_nan_above_all_numbers():
    frame = FRAME[:3].with_columns(GAP)
    one = frame.select(predict(of_numbers(1, "sigmoid")) > 0).to_series()
    several = frame.select(predict(of_numbers())).to_series()
    assert one.to_list() == [True, None, True]
    assert several[1].to_list() == [None] * 3
    assert several[2].to_list() == of_numbers().predict(X[2]).tolist()


def test_labels_that_a_row_has_together_are_an_array():
    model = of_numbers(3, "sigmoid")
    table = FRAME.select(predict(model, classes=True))
    assert table["prediction"].dtype == pl.Array(pl.Int64, 3)
    assert same_bits(table["prediction"].to_numpy(), model.predict_classes(X))


@pytest.mark.parametrize("way", WAYS)
def test_names_that_polars_reads_as_patterns_are_names(way):
    model, names = of_numbers(), ("^a.*$", "*", "")
    model.feature_names = names
    frame = FRAME.rename(dict(zip(NAMES, names, strict=True))).with_columns(a=1)
    assert same_bits(WAYS[way](frame, predict(model))["prediction"].to_numpy(), model.predict(X))


def test_a_missing_column_is_named_before_any_row_is_read():
    frame = FRAME.lazy().drop("größe").with_columns(predict(of_numbers()))
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="größe"):
        frame.collect_schema()


def test_text_where_a_number_is_expected_is_named():
    with pytest.raises(Exception, match="expected real numbers in each column; received 'x' .* in column 'age'"):
        FRAME.with_columns(age=pl.col("note")).with_columns(predict(of_numbers()))


def test_expressions_may_run_in_threads_at_once():
    column = predict(of_numbers())
    with ThreadPoolExecutor(4) as executor:
        made = list(executor.map(lambda _: FRAME.lazy().select(column).collect()["prediction"].to_numpy(), range(8)))
    assert all(same_bits(each, of_numbers().predict(X)) for each in made)

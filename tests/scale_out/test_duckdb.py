"""`fastnn.duckdb.register`: a function of SQL that gives the bits of model.predict, in one thread or several."""

import pytest

from arrays import same_bits
from engine_tables import MIXED, NUMBERS, ROWS, X, of_numbers, of_text

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
from fastnn.duckdb import register  # noqa: E402

COLUMNS = 'age, größe, "weight of all"'


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.register("numbers", pa.table(NUMBERS))
        connection.register("mixed", pa.table(MIXED))
        yield connection


def column(connection, query):
    """The only column of a query's rows, as an Arrow array."""
    return connection.sql(query).to_arrow_table().column(0).combine_chunks()


@pytest.mark.parametrize("threads", [1, 3])
def test_sql_gives_the_bits_of_one_call(connection, threads):
    connection.execute(f"SET threads = {threads}; CREATE TABLE t AS FROM numbers")
    register(connection, of_numbers(), "answer")
    made = column(connection, f"SELECT answer({COLUMNS}) FROM t ORDER BY id")
    assert made.type == pa.list_(pa.float32(), 3)
    assert same_bits(made.flatten().to_numpy().reshape(-1, 3), of_numbers().predict(X))


def test_text_booleans_and_nulls_of_a_feature_space_are_taken(connection):
    register(connection, of_text(), "answer")
    made = column(connection, "SELECT answer(age, city, paid) FROM mixed ORDER BY id")
    assert same_bits(made.to_numpy(), of_text().predict(MIXED)[:, 0])


def test_integers_decimals_booleans_and_null_are_numbers(connection):
    register(connection, model := of_numbers(1, "linear"), "answer")
    made = connection.sql("SELECT answer(3::TINYINT, 1.5::DECIMAL(5, 2), true)").fetchall()
    assert made == [(model.predict([3, 1.5, 1])[0],)]


def test_an_answer_that_is_nan_is_null_since_duckdb_sorts_nan_above_all_numbers(connection):
    register(connection, of_numbers(1, "sigmoid"), "one")
    register(connection, of_numbers(), "several")
    made = connection.sql("SELECT one(3, NULL, 1.0) > 0.5, several(3, NULL, 1.0), one(3, 2, 1) > 0").fetchall()
    assert made == [(None, (None, None, None), True)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (of_numbers(), "BIGINT"),
        (of_numbers(classes=["a", "b", "c"]), "VARCHAR"),
        (of_numbers(classes=[1.5, 2.5, 3.5]), "DOUBLE"),
        (of_numbers(1, "sigmoid", classes=[False, True]), "BOOLEAN"),
    ],
    ids=["numbers", "names", "floats", "booleans"],
)
def test_classes_have_their_type_and_are_null_where_an_output_is_nan(connection, model, expected):
    register(connection, model, "class", classes=True)
    query = 'SELECT class(if(id = 1, NULL, age), größe, "weight of all") AS c FROM numbers ORDER BY id'
    assert connection.sql(query).types == [expected]
    wanted = model.predict_classes(X).tolist()
    assert [row[0] for row in connection.sql(query).fetchall()] == [wanted[0], None, *wanted[2:]]


def test_labels_that_a_row_has_together_are_an_array(connection):
    register(connection, model := of_numbers(3, "sigmoid"), "labels", classes=True)
    made = column(connection, f"SELECT labels({COLUMNS}) FROM numbers ORDER BY id")
    assert same_bits(made.flatten().to_numpy().reshape(-1, 3), model.predict_classes(X))


def test_answers_are_used_as_other_columns_are(connection):
    register(connection, model := of_numbers(1, "sigmoid"), "answer")
    query = f"SELECT count(*), sum((answer({COLUMNS}) > 0.5)::INT) FROM numbers"
    assert connection.sql(query).fetchall() == [(ROWS, (model.predict(X) > 0.5).sum())]
    assert connection.sql(f"SELECT answer({COLUMNS}) FROM numbers WHERE id < 0").fetchall() == []


def test_another_number_of_columns_and_text_are_refused_in_one_sentence(connection):
    register(connection, of_numbers(), "answer")
    with pytest.raises(duckdb.Error, match="expected 3 columns, 'age', 'größe', 'weight of all'; received 2$"):
        connection.sql("SELECT answer(age, größe) FROM numbers").fetchall()
    with pytest.raises(duckdb.Error, match="expected real numbers in each column; received 'x' .* in column 'größe'"):
        connection.sql("SELECT answer(age, note, age) FROM numbers").fetchall()


def test_a_name_that_is_taken_is_refused(connection):
    register(connection, of_numbers(), "answer")
    with pytest.raises(duckdb.Error, match="'answer' is already created"):
        register(connection, of_numbers(), "answer")
    connection.remove_function("answer")
    register(connection, of_numbers(), "answer")

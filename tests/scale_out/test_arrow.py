"""Arrow tables and record batches go straight into predict, by name; so do dicts of columns and rows that are dicts."""

import numpy as np
import pytest

from arrays import same_bits
from engine_tables import MIXED, NAMES, NUMBERS, X, of_numbers, of_text

pa = pytest.importorskip("pyarrow")

KINDS = {
    "table": pa.table,
    "record batch": pa.record_batch,
    "table of three chunks": lambda columns: pa.concat_tables(
        [(table := pa.table(columns))[:9], table[9:9], table[9:]]
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_columns_are_taken_by_name_in_any_order_and_others_ignored(kind):
    assert same_bits(of_numbers().predict(kind(NUMBERS)), of_numbers().predict(X))
    assert same_bits(of_text().predict(kind(MIXED)), of_text().predict(MIXED))


def test_the_batches_of_a_reader_give_the_bits_of_the_whole():
    model = of_numbers()
    batches = pa.table(NUMBERS).to_reader(max_chunksize=777)
    assert same_bits(np.concatenate([model.predict(batch) for batch in batches]), model.predict(X))


def test_training_and_evaluation_take_columns_by_name():
    by_name, by_position = of_numbers(1, "linear"), of_numbers(1, "linear")
    y = X.sum(axis=1)
    for model, x in ((by_name, pa.record_batch(NUMBERS)), (by_position, X)):
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=2, seed=1, verbose=0)
    assert by_name == by_position
    assert by_name.evaluate(pa.table(NUMBERS), y, verbose=0) == by_position.evaluate(X, y, verbose=0)


def test_an_empty_batch_has_no_answers():
    assert of_numbers().predict(pa.record_batch(NUMBERS)[:0]).shape == (0, 3)
    assert of_text().predict(pa.record_batch(MIXED)[:0]).shape == (0, 1)


def test_a_missing_column_is_named():
    words = (
        "^expected a column 'größe', one of the model's feature_names; received 'id', 'weight of all', 'age', 'note'$"
    )
    with pytest.raises(ValueError, match=words):
        of_numbers().predict(pa.record_batch(NUMBERS).drop_columns(["größe"]))
    with pytest.raises(ValueError, match="^expected a column 'city'; received 'id', 'paid', 'age'$"):
        of_text().predict(pa.record_batch(MIXED).drop_columns(["city"]))


def test_nulls_are_nan_in_numbers_and_gaps_of_a_feature_space():
    batch = pa.record_batch({"age": [1, None], "größe": [True, None], "weight of all": [0.5, None]})
    assert same_bits(of_numbers().predict(batch), of_numbers().predict([[1, 1, 0.5], [np.nan] * 3]))
    gaps = {"age": pa.nulls(2), "city": pa.nulls(2), "paid": pa.array([None, True])}
    wanted = {"age": [None, None], "city": [None, None], "paid": [None, True]}
    assert same_bits(of_text().predict(pa.table(gaps)), of_text().predict(wanted))


@pytest.mark.parametrize("text", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_every_type_of_text_gives_the_same_bits(text):
    city = pa.array(MIXED["city"])
    city = city.dictionary_encode() if pa.types.is_dictionary(text) else city.cast(text)
    assert same_bits(of_text().predict(pa.table(MIXED | {"city": city})), of_text().predict(MIXED))


def test_the_other_tables_of_a_feature_space_are_taken_by_name_too():
    model = of_numbers()
    wanted = model.predict(X)
    assert same_bits(model.predict(NUMBERS), wanted)
    assert same_bits(model.predict([dict(zip(NAMES, row, strict=True)) for row in X.tolist()]), wanted)
    structured = np.empty(len(X), [(name, "f8") for name in reversed(NAMES)])
    for i, name in enumerate(NAMES):
        structured[name] = X[:, i]
    assert same_bits(model.predict(structured), wanted)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"age": [1], "größe": [2]}, "^expected a column 'weight of all'; received 'age', 'größe'$"),
        (dict.fromkeys(NAMES, 3.0), r"^expected column 'age' to be a list .*received 3\.0 .* write \[value\]$"),
        (dict(zip(NAMES, ([1], [1, 2], [3]), strict=True)), "^expected columns of the same length; received 1 values"),
        (dict(zip(NAMES, ([1], ["x"], [3]), strict=True)), "^expected real numbers in each column; received 'x'"),
    ],
    ids=["missing", "numbers", "lengths", "text"],
)
def test_a_dict_that_is_no_table_of_the_model_is_refused(table, words):
    with pytest.raises((TypeError, ValueError), match=words):
        of_numbers().predict(table)


def test_a_dict_for_a_model_without_names_is_refused():
    model = of_numbers()
    model.feature_names = None
    with pytest.raises(TypeError, match="received dict"):
        model.predict(NUMBERS)

"""What FeatureSpace refuses, in one sentence that names the column, and the types that infer() finds."""

import datetime

import numpy as np
import pytest

from fastnn import FeatureSpace
from frames import FRAMES

# -- inferred types


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3, 4], "float_normalized"),
        ([1.5, None, 3, True], "float_normalized"),
        ([1, "", "NA", 2.5], "float_normalized"),
        (np.arange(4), "float_normalized"),
        ([True, False, None, True], "boolean"),
        (np.array([True, False, True, True]), "boolean"),
        (["a", "b", "a", "b"], "string_categorical"),
        (["a", None, "", "a"], "string_categorical"),
        (np.array(["x", "x", "y", "y"]), "string_categorical"),
    ],
    ids=repr,
)
def test_values_decide_the_type(values, kind):
    assert FeatureSpace.infer({"x": values}).features == {"x": kind}


def test_some_numbers_among_words_and_lists_of_numbers_are_categories():
    table = {"children": ["0", "1", "2", "3+"] * 2, "sizes": ["1, 2", "3, 4", "1, 2", "3, 4"] * 2}
    assert set(FeatureSpace.infer(table).features.values()) == {"string_categorical"}


def test_text_of_a_hundred_values_is_a_category_and_of_more_is_not():
    table = {"x": [f"value {i}" for i in range(100)] * 3}
    assert FeatureSpace.infer(table).features == {"x": "string_categorical"}
    table["x"][0] = "one more"
    with pytest.raises(ValueError, match=r"received 101 different texts in 300 rows, such as 'one more': leave it out"):
        FeatureSpace.infer(table)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            ["a7", "b8", "c9"],
            r"received 3 different texts in 3 rows, such as 'a7': leave it out, drop=\['x'\], or give ",
        ),
        (["1", "2", "1"], "received numbers as text, such as '1': convert them to numbers, or give the type, types="),
        (["1,5", "2", "1,5"], "received numbers with commas, such as '1,5': write decimals with a point, .* types="),
        (["1.234,50"] * 3, "received numbers with commas, such as '1.234,50'"),
        (["?", *map(str, range(21))], r"received '\?' among numbers as text: write a number or, for a gap, nothing"),
        ([1, "a", "a"], r"received 1 \(int\) beside 'a': make all its values numbers or all text, or leave it out"),
        ([None, "", np.nan], r"received only gaps: leave it out: drop=\['x'\]"),
        ([datetime.date(2020, 1, 1)] * 3, r"received datetime.date\(2020, 1, 1\) \(date\): make a number of it"),
        (np.array(["2020-01-01"] * 3, "M8[ns]"), r"received np.datetime64\(.*\(datetime64\): make a number .* drop"),
        (["2020-01-01", "2020-01-02"] * 3, "received dates as text, such as '2020-01-01': make a number of it.* drop"),
        (["2020-01-01 10:00", "2020-01-02T11:30:00Z"] * 3, "received dates as text, such as '2020-01-01 10:00': make"),
        ([b"a", b"a", b"a"], r"received b'a' \(bytes\): make all"),
        ([1j, 1j, 1j], r"received 1j \(complex\): make all"),
    ],
    ids=repr,
)
def test_nothing_is_guessed(values, words):
    with pytest.raises(ValueError, match=f"^expected column 'x' to have numbers, booleans, or text .*; {words}"):
        FeatureSpace.infer({"ok": list(range(len(values))), "x": values})
    assert FeatureSpace.infer({"ok": list(range(len(values))), "x": values}, drop=["x"]).features == {
        "ok": "float_normalized"
    }
    types = {"x": "string_categorical"}
    assert (
        FeatureSpace.infer({"ok": list(range(len(values))), "x": values}, types).features
        == {"ok": "float_normalized"} | types
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"types": {"agee": "float"}}, "name columns of the table; received 'agee'; did you mean 'age'?"),
        ({"drop": ["agee"]}, "name columns of the table; received 'agee'; did you mean 'age'?"),
        ({"drop": "age"}, r"expected drop to be a list of names; received 'age': write \['age'\]"),
    ],
    ids=repr,
)
def test_types_and_drop_name_columns(arguments, words):
    with pytest.raises(ValueError, match=words):
        FeatureSpace.infer({"age": [1, 2]}, **arguments)


# -- refused


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ({}, "expected features to be a dict {name: type}; received {}"),
        (["a"], "expected features to be a dict"),
        ({1: "float"}, "expected names of columns to be strings .*; received 1"),
        ({"a\0": "float"}, "expected names of columns to be strings"),
        (
            {"a": "flaot"},
            "expected the type of column 'a' to be one of float, .*; received 'flaot'; did you mean 'float'",
        ),
        ({"a": None}, "to be one of .*; received None"),
        ({"a": {"type": "float", "scale": 1}}, r"as FeatureSpace.float_rescaled\(\) returns it"),
        ({"a": {"type": "float_rescaled", "scale": "x"}}, "expected scale to be a number; received scale='x'"),
    ],
    ids=repr,
)
def test_types_that_are_none_are_refused(features, words):
    with pytest.raises(ValueError, match=words):
        FeatureSpace(features)


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        ([[1, 2]], TypeError, "^expected a table: a dict of columns, .*; received list$"),
        (5, TypeError, "^expected a table: .*; received int$"),
        ({"a": [1]}, ValueError, "^expected a column 'x'; received 'a'$"),
        ({"x": []}, ValueError, "^expected a table of at least 1 row; received 0 rows$"),
        (
            {"x": 5},
            TypeError,
            r"^expected column 'x' to be a list or a 1-D array of values; received 5 \(int\): for one",
        ),
        ({"x": "abc"}, TypeError, "^expected column 'x' to be a list .*; received 'abc'"),
        ({"x": np.zeros((2, 1))}, TypeError, r"^expected column 'x' to be a list .*; received shape \(2, 1\)$"),
    ],
    ids=repr,
)
def test_tables_that_are_none_are_refused(table, error, words):
    with pytest.raises(error, match=words):
        FeatureSpace({"x": "float"}).adapt(table)


def test_columns_of_different_lengths_are_named():
    with pytest.raises(
        ValueError, match="^expected columns of the same length; received 2 values in column 'a' and 1 in"
    ):
        FeatureSpace({"a": "float", "b": "float"}).adapt({"a": [1, 2], "b": [1]})


def test_a_name_that_two_columns_have_is_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match="^expected one column 'a'; received 2$"):
        FeatureSpace({"a": "float"}).adapt(frame)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (
            "float",
            ["a", 1],
            r"^expected numbers in column 'x'; received 'a' \(str\): make it a number or a gap(, or give.*)?$",
        ),
        ("float", ["1", "2"], r"^expected numbers in column 'x'; received '1' \(str\): convert the column to numbers"),
        ("float", [datetime.date(2020, 1, 1)], r"^expected numbers in column 'x'; received datetime.date\(2020"),
        ("float", [10**400], r"^expected numbers in column 'x'; received 1000"),
        ("float", [[1], [2]], r"^expected numbers or text in column 'x'; received \[1\] \(list\): leave it out$"),
        ("string_categorical", [["a"]], r"^expected numbers or text in column 'x'; received \['a'\] \(list\): leave"),
        ("string_categorical", ["a", 1], r"^expected text in column 'x'; received 1 \(int\): give the column another"),
        (
            "integer_categorical",
            [1, 2.5],
            r"^expected integers of at most 64 bits in column 'x'; received 2.5 \(float\)",
        ),
        ("integer_categorical", [1, 2**70], "^expected integers of at most 64 bits in column 'x'; received 118059"),
        ("integer_categorical", ["07"], "^expected integers .*; received '07' .*, or give it the type 'string_categ"),
        ("integer_categorical", [float("inf")], "^expected integers of at most 64 bits in column 'x'; received inf"),
    ],
    ids=repr,
)
def test_values_of_another_type_are_named(kind, values, words):
    for act in (FeatureSpace({"x": kind}).adapt, FeatureSpace({"x": kind}).adapt({"x": good(kind)})):
        with pytest.raises(TypeError, match=words):
            act({"x": values})


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_of_lists_are_named(frame):
    for make in (FeatureSpace({"x": "float"}).adapt, FeatureSpace.infer):
        with pytest.raises(TypeError, match="^expected numbers or text in column 'x'; received .*: leave it out$"):
            make(frame({"x": [[1], [2]]}))


def good(kind):
    return ["a"] if kind.startswith("string") else [1]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (
            "float",
            ["2", "oops"],
            r"^expected numbers in column 'x'; received 'oops' \(str\): make it a number or a gap$",
        ),
        ("float", ["2", "3"], r"^expected numbers in column 'x'; received '2' \(str\): convert the column to numbers$"),
        ("boolean", [1, 2], "^expected booleans, 0 or 1 in column 'x'; received 2.0: make it 0, 1 or a gap$"),
        ("float", [1, -np.inf], "^expected finite numbers in column 'x'; received -inf: make it a gap$"),
        ("float_normalized", [1e300], r"^expected finite numbers in column 'x'; received 1e\+300: make it a gap$"),
    ],
)
def test_an_adapted_column_advises_no_other_type_and_names_the_word_among_numbers(kind, values, words):
    space = FeatureSpace({"x": kind}).adapt({"x": [0, 1]})
    with pytest.raises((ValueError, TypeError), match=words):
        space({"x": values})


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("float", [None, None], "^expected finite numbers in column 'x'; received only gaps: leave it out$"),
        ("float", [1, np.inf], "^expected finite numbers in column 'x'; received infinity: make it a gap$"),
        (
            "float_normalized",
            [1e308, -1e308],
            "^expected numbers of at most 1e150 in column 'x'; received larger ones$",
        ),
        ("string_categorical", ["", None], "^expected values .* in column 'x'; received only gaps: leave it out$"),
        ("string_categorical", ["a\0"], "^expected values of Unicode characters but NUL in column 'x'; received"),
        ("boolean", [0, 2], "^expected booleans, 0 or 1 in column 'x'; received 2.0: give the column another type$"),
    ],
    ids=repr,
)
def test_columns_that_nothing_can_be_learned_of_are_named(kind, values, words):
    with pytest.raises(ValueError, match=words):
        FeatureSpace({"x": kind}).adapt({"x": values})


def test_names_that_would_be_those_of_two_columns_are_refused():
    space = FeatureSpace({"a": "string_categorical", "a=b": "float"})
    with pytest.raises(ValueError, match="^expected columns of different names; received 'a=b' twice: rename one$"):
        space.adapt({"a": ["b"], "a=b": [1]})


@pytest.mark.parametrize(
    "use", [lambda s: s({"x": [1]}), lambda s: s.width, lambda s: s.columns], ids=["call", "w", "c"]
)
def test_a_space_that_knows_no_rows_says_what_to_do(use):
    with pytest.raises(ValueError, match=r"call space.adapt\(table\) first$"):
        use(FeatureSpace({"x": "float"}))


COLUMN = {"name": "x", "type": "float", "fill": 1.0, "indicator": False}
TEXT = {"name": "x", "type": "string_categorical", "values": ["a"], "gap": False}


@pytest.mark.parametrize(
    "columns",
    [
        *(5, [], [5], [{}], [COLUMN, COLUMN], [COLUMN | {"more": 1}], [COLUMN | {"type": "text"}]),
        *([COLUMN | {"name": 3}], [COLUMN | {"fill": "x"}], [COLUMN | {"fill": float("nan")}]),
        *([COLUMN | {"indicator": 1}], [COLUMN | {"type": "float_normalized"}]),
        [COLUMN | {"type": "float_normalized", "mean": 0.0, "variance": -1.0}],
        *([TEXT | {"values": []}], [TEXT | {"values": ["a", "a"]}], [TEXT | {"values": [1]}], [TEXT | {"gap": None}]),
        *([TEXT | {"unknown": 0}], [COLUMN | {"unknown": False}]),
        *([TEXT | {"type": "integer_categorical"}], [TEXT | {"type": "integer_categorical", "values": [True]}]),
        [TEXT | {"type": "integer_categorical", "values": [2**63]}],
    ],
    ids=repr,
)
def test_malformed_configs_are_refused(columns):
    with pytest.raises(ValueError, match="expected"):
        FeatureSpace.from_config({"features": {"x": "float"}, "columns": columns})

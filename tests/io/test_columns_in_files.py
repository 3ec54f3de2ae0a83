"""The columns of a model file: malformed ones are refused in one sentence, by C++ and so by Python."""

import copy
import json

import pytest

from model_bytes import CONFIG, F, L, U, load, metadata, model_bytes, with_columns

NUMBER = {"name": "age", "type": "float_normalized", "fill": 40.5, "indicator": False, "mean": 40.5, "variance": 9.0}
CITY = {"name": "city", "type": "string_categorical", "values": ["Oslo"], "gap": False}
ZIP = {"name": "city", "type": "integer_categorical", "values": [-7], "gap": False}


def number(**changes):
    return with_columns([NUMBER | changes, CITY])


def city(base=CITY, **changes):
    return with_columns([NUMBER, base | changes])


def lacking(column, key):
    kept = {name: value for name, value in column.items() if name != key}
    return with_columns([kept, CITY] if column is NUMBER else [NUMBER, kept])


MALFORMED = {
    "no array": (
        with_columns({}),
        F,
        "the config has an object as 'columns'; expected an array of at least one column",
    ),
    "no columns": (with_columns([]), F, "the config has an empty array as 'columns'"),
    "null": (with_columns(None), F, "the config has null as 'columns'"),
    "a number": (with_columns([5]), F, "column 0: expected an object; received a whole number"),
    "an array": (with_columns([NUMBER, []]), F, "column 1: expected an object; received an array"),
    "an empty object": (with_columns([{}]), F, "column 0: expected the keys"),
    **{f"no {key}": (lacking(NUMBER, key), F, f"received no '{key}'") for key in NUMBER},
    **{f"no {key} of text": (lacking(CITY, key), F, f"received no '{key}'") for key in ("values", "gap")},
    "an unknown key": (number(unit="years"), U, "received the unknown key 'unit'"),
    "a key of another type": (number(scale=1.0), U, "received the unknown key 'scale'"),
    "values of numbers": (number(values=[1]), U, "received the unknown key 'values'"),
    "an unknown type": (
        number(type="string_hashed"),
        U,
        "column 0 has the type 'string_hashed'; expected one of",
    ),
    "a type that is a number": (number(type=1), F, "column 0 has a whole number as 'type'; expected a string"),
    "a name that is a number": (number(name=1), F, "column 0 has a whole number as 'name'; expected a string"),
    "a name twice": (number(name="city"), F, "column 1 has the name 'city' of a column before it; expected unique"),
    "a name with NUL": (number(name="a\0"), F, "NUL"),
    "a fill of text": (number(fill="0"), F, "column 0 has a string as 'fill'; expected a finite number"),
    "an unknown of null": (city(unknown=None), F, "column 1 has null as 'unknown'; expected true or false"),
    "an unknown of numbers": (number(unknown=False), U, "received the unknown key 'unknown'"),
    "a mean of null": (number(mean=None), F, "column 0 has null as 'mean'; expected a finite number"),
    "a negative variance": (number(variance=-1.5), F, "has -1.5 as 'variance'; expected a finite number of at least 0"),
    "an indicator of 1": (number(indicator=1), F, "column 0 has a whole number as 'indicator'; expected true or false"),
    "a gap of null": (city(gap=None), F, "column 1 has null as 'gap'; expected true or false"),
    "values of null": (city(values=None), F, "column 1 has null as 'values'; expected an array of strings"),
    "no values at all": (city(values=[]), F, "column 1 has an empty array as 'values'; expected an array of strings"),
    "a value of another type": (city(values=[3]), F, "column 1 has a whole number in 'values'; expected strings"),
    "a value of text": (city(ZIP, values=["3"]), F, "column 1 has a string in 'values'; expected whole numbers of 64"),
    "a value with a point": (city(ZIP, values=[3.0]), F, "in 'values'; expected whole numbers of 64 bits"),
    "a value of 2^63": (city(ZIP, values=[2**63]), F, "in 'values'; expected whole numbers of 64 bits"),
    "a value twice": (city(values=["a", "a"]), F, "column 1 has 'a' twice in 'values'; expected unique values"),
    "a number twice": (city(ZIP, values=[3, 3]), F, "column 1 has '3' twice in 'values'; expected unique values"),
    "too wide": (
        number(indicator=True),
        F,
        "has 'columns' of 4 numbers; expected 3, the inputs in 'build_input_shape'",
    ),
    "too narrow": (with_columns([NUMBER]), F, "has 'columns' of 1 numbers; expected 3, the inputs"),
    "many values": (city(values=[str(i) for i in range(200_000)]), L, "keys and values"),
    "names beside them": (
        with_columns([NUMBER, CITY], feature_names=["a", "b", "c"]),
        F,
        "has 'feature_names' and 'columns'; expected one of them, since columns have names",
    ),
    "names that two have": (
        with_columns([CITY, {"name": "city=Oslo", "type": "float", "fill": 0.0, "indicator": False}]),
        F,
        "expected columns of different names; received 'city=Oslo' twice",
    ),
}


@pytest.mark.parametrize(("content", "error", "words"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_columns_are_refused(path, content, error, words):
    with pytest.raises(error) as raised:
        load(path, content)
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


VALID = {
    "text": [NUMBER, CITY],
    "integers": [NUMBER, ZIP],
    "order": [CITY, NUMBER],
    "refused and kept gaps": [NUMBER | {"fill": None}, CITY | {"unknown": False}],
}


@pytest.mark.parametrize("columns", VALID.values(), ids=VALID)
def test_valid_columns_are_read(path, columns):
    model = load(path, with_columns(columns))
    assert model.feature_space.get_config()["columns"] == columns
    assert model.predict({"age": [40.5], "city": [-7 if ZIP in columns else "Oslo"]}).shape == (1, 2)


def test_readers_that_know_no_columns_name_them(path):
    """What every reader before this one says, of this key as of any other that it does not know."""
    config = copy.deepcopy(CONFIG) | {"kolumns": []}
    with pytest.raises(U, match=r"received the unknown key 'kolumns'$"):
        load(path, model_bytes(meta=metadata(config=json.dumps(config))))

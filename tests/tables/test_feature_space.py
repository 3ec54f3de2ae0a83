"""FeatureSpace: what columns become, against scikit-learn and by hand; gaps; unknown values; every kind of table."""

import copy
import pickle
from decimal import Decimal

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import FeatureSpace
from frames import FRAMES, pandas_frame

TABLE = {
    "age": [20, 40, None, 30],
    "city": ["Rome", "Oslo", "", "Rome"],
    "zip": [4020, 1010, 1010, 1010],
    "paid": [True, False, True, True],
}
TYPES = {"age": "float", "city": "string_categorical", "zip": "integer_categorical", "paid": "boolean"}


def encoded(kind, values, rows=None):
    return FeatureSpace({"x": kind}).adapt({"x": values})({"x": values if rows is None else rows})


def test_a_table_worked_by_hand():
    space = FeatureSpace(TYPES).adapt(TABLE)
    assert space.columns == [
        *("age", "age (missing)"),
        *("city (unknown)", "city=Oslo", "city=Rome", "city (missing)"),
        *("zip (unknown)", "zip=1010", "zip=4020"),
        "paid",
    ]
    assert space.width == 10
    wanted = [
        [20, 0, 0, 0, 1, 0, 0, 0, 1, 1],
        [40, 0, 0, 1, 0, 0, 0, 1, 0, 0],
        [30, 1, 0, 0, 0, 1, 0, 1, 0, 1],
        [30, 0, 0, 0, 1, 0, 0, 1, 0, 1],
    ]
    assert same_bits(space(TABLE), np.array(wanted, "float32"))


# -- numbers


def numbers(rows=200):
    x = uniform(3, rows) ** 3 * 1000 + 7
    return x, uniform(4, rows) * 5000


def test_float_normalized_is_sklearns_standard_scaler():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x, new = numbers()
    scaler = preprocessing.StandardScaler().fit(x[:, None])
    assert np.allclose(encoded("float_normalized", x, new), scaler.transform(new[:, None]), rtol=1e-6, atol=1e-6)
    assert encoded("float_normalized", [0.1] * 3, [0.1, 1.1]).tolist() == [[0.0], [1.0]]  # constant: shifted alone


def test_float_robust_is_sklearns_robust_scaler_with_a_smooth_clip():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x, new = numbers()
    z = preprocessing.RobustScaler().fit(x[:, None]).transform(new[:, None])
    assert np.allclose(encoded("float_robust", x, new), z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-6, atol=1e-6)
    assert np.abs(encoded("float_robust", x, [1e30, -1e30, 1e308, -1e308])).min() > 2.999
    assert encoded("float_robust", x, [np.inf, -np.inf, 1e308]).ravel().tolist() == [3, -3, 3]
    # without a range between the quartiles: 2 / (largest - smallest); of a constant column: 0
    assert np.allclose(encoded("float_robust", [5, 5, 5, 5, 9], [9]), 2 / np.sqrt(1 + 4 / 9))
    assert encoded("float_robust", [5, 5], [9]).tolist() == [[0.0]]


def test_float_rescaled_is_keras_rescaling():
    assert encoded(FeatureSpace.float_rescaled(scale=0.5, offset=-1), [1, 2], [10]).tolist() == [[4.0]]
    assert encoded("float_rescaled", [1, 2], [10]).tolist() == [[10.0]]  # Keras' defaults


@pytest.mark.parametrize(("kind", "strategy"), [("float", "mean"), ("float_robust", "median")])
def test_gaps_are_filled_and_told_as_by_sklearns_simple_imputer(kind, strategy):
    impute = pytest.importorskip("sklearn.impute")
    x = uniform(5, 99)
    x[::7] = np.nan
    wanted = impute.SimpleImputer(strategy=strategy, add_indicator=True).fit_transform(x[:, None])
    found = encoded(kind, x)
    assert np.array_equal(found[:, 1], wanted[:, 1])
    if kind == "float":
        assert np.allclose(found[:, 0], wanted[:, 0], rtol=1e-6)
    else:
        assert (found[np.isnan(x), 0] == 0).all()  # the median is the centre


def test_a_gap_that_the_training_rows_did_not_have_becomes_their_mean():
    assert encoded("float", [1, 3], [None, 5]).tolist() == [[2.0], [5.0]]
    assert encoded("float_normalized", [1, 3], [None, 5]).tolist() == [[0.0], [3.0]]


@pytest.mark.parametrize("gap", [None, float("nan"), "", "NA", "NaN", "null", np.nan, Decimal("nan")], ids=repr)
def test_each_gap_is_one(gap):
    assert encoded("float", [1, gap, 3]).tolist() == [[1, 0], [2, 1], [3, 0]]
    assert encoded("string_categorical", ["a", gap, "b"]).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert encoded("boolean", [True, gap]).tolist() == [[1, 0], [1, 1]]
    assert encoded("integer_categorical", [7, gap]).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_the_gaps_of_pandas_are_gaps():
    pandas = pytest.importorskip("pandas")
    for dtype in ("Int64", "int64[pyarrow]", "Float64"):
        assert encoded("float", pandas.Series([1, None, 3], dtype=dtype)).tolist() == [[1, 0], [2, 1], [3, 0]]
    for dtype in ("str", "string", "string[pyarrow]", "category", object):
        x = pandas.Series(["a", None, "b"], dtype=dtype)
        assert encoded("string_categorical", x).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert encoded("boolean", pandas.Series([True, None], dtype="boolean")).tolist() == [[1, 0], [1, 1]]
    for kind, known in {"string_categorical": ["a", "b"], "integer_categorical": [1, 2], "float": [1, 3]}.items():
        space = FeatureSpace({"x": kind}).adapt({"x": known})
        assert space({"x": [known[0], pandas.NA]}).tolist() == space({"x": [known[0], None]}).tolist()


# -- categories


@pytest.mark.parametrize("kind", ["string_categorical", "integer_categorical"])
def test_categories_are_sklearns_one_hot_encoder_after_a_column_for_unknown_ones(kind):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    values = np.random.default_rng(1).integers(-5, 5, 60)
    values = values if kind.startswith("integer") else values.astype(str).astype(object)
    encoder = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(values[:40, None])
    found = encoded(kind, values[:40], values)
    assert np.array_equal(found[:, 1:], encoder.transform(values[:, None]))
    assert np.array_equal(found[:, 0], found[:, 1:].sum(axis=1) == 0)


def test_an_unknown_category_is_no_error():
    assert encoded("string_categorical", ["a", "b"], ["c", None, "b"]).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert encoded("integer_categorical", [1, 2], [3, None, 2]).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_integers_may_be_floats_as_in_columns_with_gaps():
    assert encoded("integer_categorical", [7.0, np.nan], [7, 7.0]).tolist() == [[0, 1, 0]] * 2


# -- tables


def as_dicts(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def as_arrays(columns):
    return {name: np.array(values, object) for name, values in columns.items()}


@pytest.mark.parametrize("table", [*FRAMES, as_dicts, as_arrays], ids=lambda table: table.__name__)
def test_every_table_gives_the_same_rows_with_columns_in_any_order(table):
    space = FeatureSpace(TYPES).adapt(TABLE)
    other = table({"id": list("wxyz")} | {name: TABLE[name] for name in reversed(TABLE)})
    assert same_bits(space(other), space(TABLE))
    assert same_bits(FeatureSpace(TYPES).adapt(other)(TABLE), space(TABLE))


def test_structured_arrays_are_tables():
    table = np.array([(1.5, "Rome"), (2.5, "Oslo")], [("age", "f8"), ("city", "U9")])
    space = FeatureSpace({"city": "string_categorical", "age": "float"}).adapt(table)
    assert space(table[:1]).tolist() == [[0, 0, 1, 1.5]]


@pytest.mark.parametrize("frame", FRAMES)
def test_categorical_columns_are_taken_by_their_values_not_their_codes(frame):
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    space = FeatureSpace({"city": "string_categorical"}).adapt({"city": ["Oslo", "Rome", None]})
    cities = ["Rome", None, "Oslo", "Rome"]
    column = {
        "pandas_frame": lambda: pandas.Categorical(cities, categories=["x", "Rome", "Oslo"]),
        "polars_frame": lambda: polars.Series(cities, dtype=polars.Categorical),
        "pyarrow_table": lambda: pyarrow.chunked_array(
            [pyarrow.array(each).dictionary_encode() for each in (cities[:2], cities[2:])]
        ),
    }[frame.__name__]()
    assert same_bits(space(frame({"city": column})), space({"city": cities}))


def test_no_rows_are_rows_of_the_right_width():
    space = FeatureSpace(TYPES).adapt(TABLE)
    assert space({name: [] for name in TYPES}).shape == (0, 10)
    assert space(pandas_frame(TABLE).iloc[:0]).shape == (0, 10)


# -- kept


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        lambda space: pickle.loads(pickle.dumps(space)),
        lambda space: FeatureSpace.from_config(space.get_config()),
    ],
    ids=["copy", "deepcopy", "pickle", "config"],
)
def test_copies_encode_alike(again):
    more = {"robust": "float_robust", "scaled": FeatureSpace.float_rescaled(2, 3), "normal": "float_normalized"}
    types, table = TYPES | more, TABLE | {name: [1.5, 2, None, 9] for name in more}
    space = FeatureSpace(types).adapt(table)
    made = again(space)
    assert (made.features, made.columns, repr(made)) == (space.features, space.columns, repr(space))
    assert same_bits(made(table), space(table))
    assert not again(FeatureSpace(types)).adapted


def test_repr_tells_the_columns_and_the_width():
    space = FeatureSpace(TYPES)
    assert repr(space) == "<FeatureSpace features='age', 'city', 'zip', 'paid'>"
    assert repr(space.adapt(TABLE)) == "<FeatureSpace features='age', 'city', 'zip', 'paid', width=10>"


def test_adapting_changes_no_table_and_no_array():
    values = np.array([1.0, np.nan])
    encoded("float", values)
    assert np.isnan(values[1])

"""Frames of pandas, polars and pyarrow: columns that are numbers in the end are taken, others are named."""

from decimal import Decimal

import numpy as np
import pytest

from arrays import same_bits
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential
from frames import FRAMES

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

PEOPLE = pd.DataFrame({"age": [31.0, 45.5, 28.0], "city": ["Ulm", "Oslo", "Ulm"], "weight": [70, 81, 64]})
DUMMIES = pd.get_dummies(PEOPLE)
MODEL = Sequential([Dense(3, "tanh", input_shape=(4,)), Dense(2)])
COPY = Sequential([Activation("linear")])  # answers are the rows themselves
COPY.build((None, 2))


def test_booleans_beside_numbers_give_the_bits_of_one_array():
    wanted = DUMMIES.to_numpy("float32")
    assert same_bits(MODEL.predict(DUMMIES), MODEL.predict(wanted))
    assert same_bits(MODEL(DUMMIES), MODEL.predict(wanted))
    assert same_bits(MODEL.representations(DUMMIES)[0], MODEL.representations(wanted)[0])
    out = np.empty((3, 2), "float32")
    assert same_bits(MODEL.predict(DUMMIES, out=out), MODEL.predict(wanted))


@pytest.mark.filterwarnings("ignore:Allowing arbitrary scalar fill_value:FutureWarning")  # pandas' own, before 3
@pytest.mark.parametrize("sparse", [False, True])
def test_one_row_of_a_frame_is_a_row(sparse):
    frame = pd.get_dummies(PEOPLE, sparse=sparse)
    assert same_bits(MODEL.predict(frame.iloc[1]), MODEL.predict(frame)[1])


KINDS = ["Int64", "UInt8", "Float32", "Float64", "boolean", "object"]
ARROW_KINDS = ["int64[pyarrow]", "double[pyarrow]", "bool[pyarrow]"]


@pytest.mark.parametrize("kind", [*KINDS, *ARROW_KINDS])
def test_missing_numbers_of_every_nullable_column_are_nan(kind):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": pd.Series([1, None, 0], dtype=kind), "b": [0.5, 1.5, 2.5]})
    assert same_bits(COPY.predict(frame), np.array([[1, 0.5], [np.nan, 1.5], [0, 2.5]], "float32"))
    assert same_bits(COPY.predict(frame.iloc[[0, 2]]), np.array([[1, 0.5], [0, 2.5]], "float32"))


def test_nulls_of_pyarrows_dictionaries_are_nan():
    pa = pytest.importorskip("pyarrow")
    column = pa.array([7.5, None, 8.0]).dictionary_encode()
    for given in (column, pa.chunked_array([column])):
        answers = COPY.predict(pa.table({"a": given, "b": [0.5, 1.5, 2.5]}))
        assert same_bits(answers, np.array([[7.5, 0.5], [np.nan, 1.5], [8, 2.5]], "float32"))


COLUMNS = {
    "booleans": ([True, None], [1, np.nan]),
    "integers": ([3, None], [3, np.nan]),
    "floats": ([0.25, None], [0.25, np.nan]),
    "Decimal": ([Decimal("1.5"), None], [1.5, np.nan]),
    "nothing": ([None, None], [np.nan, np.nan]),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("values", "wanted"), COLUMNS.values(), ids=COLUMNS)
def test_every_library_gives_the_same_numbers(frame, values, wanted):
    x = frame({"a": values, "b": [True, False]})
    assert same_bits(COPY.predict(x), np.array([wanted, [1, 0]], "float32").T)


def test_categories_that_are_numbers_are_numbers():
    frame = pd.DataFrame({"a": pd.Categorical([3, 1]), "b": [True, False]})
    assert COPY.predict(frame).tolist() == [[3, 1], [1, 0]]


def test_columns_of_one_name_are_two_columns():
    frame = pd.DataFrame([[1.5, True]], columns=["a", "a"])
    assert COPY.predict(frame).tolist() == [[1.5, 1]]


def test_a_frame_without_rows_has_no_answers():
    assert COPY.predict(pd.DataFrame({"a": [], "b": []}, dtype=object)).shape == (0, 2)
    assert COPY.predict(pl.DataFrame({"a": [], "b": []})).shape == (0, 2)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pl.DataFrame()], ids=["pandas", "polars"])
def test_a_frame_without_columns_has_too_few(frame):
    with pytest.raises(ValueError, match=r"expected input with 2 columns, .* received shape \(0, 0\)"):
        COPY.predict(frame)


def test_a_frame_decides_the_number_of_inputs_of_a_new_model():
    model = Sequential([Dense(2)])
    assert model.predict(DUMMIES).shape == (3, 2)
    assert model.input_shape == (None, 4)


ENCODE = "leave the column out, or encode it"
NUMBER = "make a number of it, such as a year"
NO_NUMBERS = {
    "text": (["Ulm", "Oslo"], "'Ulm'", ENCODE),
    "dates": (np.array(["2020-01-01", "2020-01-02"], "M8[ms]"), "2020-01-01", NUMBER),
    "durations": (np.array([7, 2], "m8[ms]"), "7", NUMBER),
    "lists": ([[1, 2], [3, 4]], "[1, 2]", ENCODE),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("values", "shown", "expected"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_a_column_of_no_numbers_is_named_with_one_value(frame, values, shown, expected):
    with pytest.raises(TypeError, match="^expected real numbers in each column; received ") as error:
        COPY.predict(frame({"a": [0.5, 1.5], "place": values}))
    received, _, advice = str(error.value).partition(" in column 'place'; ")
    assert shown in received
    assert advice.startswith(expected)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_column_of_numbers_as_text_is_told_so(frame):
    with pytest.raises(TypeError, match=r"received '1' \(str\) in column 'place'; the column has numbers as text"):
        COPY.predict(frame({"a": [0.5, 1.5], "place": ["1", "2"]}))


@pytest.mark.parametrize("value", [10**400, Decimal("sNaN"), 1j, b"1", "1"], ids=lambda value: type(value).__name__)
def test_one_object_that_no_float_holds_makes_no_numbers(value):
    frame = pd.DataFrame({"a": [0.5, 1.5], "b": pd.Series([1.5, value], dtype=object)})
    with pytest.raises(TypeError, match="^expected real numbers in each column; received .* in column 'b'; "):
        COPY.predict(frame)


def test_a_column_of_arrays_is_no_column_of_numbers():
    frame = pl.DataFrame({"a": [0.5], "b": pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2))})
    with pytest.raises(TypeError, match=r"received array\(\[1, 2\]\) \(ndarray\) in column 'b'; "):
        COPY.predict(frame)


def test_text_in_a_series_is_shown():
    with pytest.raises(TypeError, match=r"received 'Ulm' \(str\) in the Series; "):
        COPY.predict(pd.Series(["Ulm", "Oslo"]))


# -- numbers that NumPy does not have


def test_bfloat16_of_torch_is_taken_as_rows_and_as_weights():
    torch = pytest.importorskip("torch")
    rows = torch.tensor([[1.5, -2.0], [0.1, 3.0]], dtype=torch.bfloat16)
    assert same_bits(COPY.predict(rows), rows.float().numpy())
    layer = Dense(2, use_bias=False, input_shape=(2,))
    Sequential([layer]).set_weights([rows])
    assert same_bits(layer.get_weights()[0], rows.float().numpy())


@pytest.mark.parametrize("kind", ["bfloat16", "float8_e4m3fn", "int4"])
def test_narrow_numbers_of_ml_dtypes_are_taken(kind):
    dtype = getattr(pytest.importorskip("ml_dtypes"), kind)
    rows = np.array([[1, -2], [0, 3]], dtype)
    assert same_bits(COPY.predict(rows), rows.astype("float32"))

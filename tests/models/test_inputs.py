"""What a model takes for x, and what it refuses: any layout and dtype gives the bits of its contiguous copy."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from arrays import same_bits
from fastnn.layers import Activation, Dense, Flatten
from fastnn.models import Sequential
from sequentials import network

ROWS, INPUTS = 19, 5
MODEL = network([INPUTS, 9, 3], ["tanh", "linear"], "float32")
MODEL64 = network([INPUTS, 9, 3], ["tanh", "linear"], "float64")
# Integers, so that every dtype holds them; halves and signs are added where the dtype has them.
NUMBERS = np.random.default_rng(3).integers(0, 2, (ROWS, INPUTS)) * np.arange(1, INPUTS + 1)


def contiguous(x, dtype="float32"):
    return np.array(np.asarray(x), dtype=dtype, order="C")


def assert_same_as_contiguous(x, model=MODEL):
    """predict(x) has the bits of predict(contiguous copy of x), and x is not modified."""
    before = x.tobytes() if isinstance(x, np.ndarray) else None
    answer = model.predict(x)
    assert same_bits(answer, model.predict(contiguous(x, model.dtype)))
    assert type(answer) is np.ndarray
    assert answer.flags.c_contiguous
    assert answer.flags.writeable
    if before is not None:
        assert x.tobytes() == before


# -- dtypes and layouts


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("given", [*"?bBhHiIlLqQefdg", ">f4", ">f8", ">f2", ">i4", ">u8"])
def test_every_dtype_of_real_numbers_is_converted_once(given, order, dtype):
    x = NUMBERS.astype(given, order=order)
    if x.dtype.kind == "f":
        x /= x.dtype.type(3)
    assert_same_as_contiguous(x, {"float32": MODEL, "float64": MODEL64}[dtype])


@pytest.mark.parametrize("shape", [(400_001, INPUTS), (2, 300_001, INPUTS), (1, 3, 99_999, INPUTS)], ids=str)
@pytest.mark.parametrize("order", "CF")
def test_arrays_of_more_than_a_million_numbers_are_converted_to_the_last(shape, order):
    assert_same_as_contiguous(np.arange(np.prod(shape)).reshape(shape, order=order) % 251)


@pytest.mark.parametrize("given", [*"?bBhHiIlLefd"])
@pytest.mark.parametrize("rows", [1, 2, 2**13 - 1, 2**13, 2**13 + 1])
def test_small_arrays_of_any_bits_have_the_values_of_numpys_astype(given, rows, dtype):
    bits = np.random.default_rng(rows).bytes(4 * rows * np.dtype(given).itemsize)
    whole = np.frombuffer(bits, given).reshape(rows, 4)
    identity = Sequential([Activation("linear")], dtype=dtype)
    for x in (whole[:, :2], whole[::-1, 1:3], np.asfortranarray(whole[:, ::2]), whole[0, 3:1:-1], whole[:, :2].copy()):
        with np.errstate(all="ignore"):
            expected = x.astype(dtype)
        np.testing.assert_array_equal(identity.predict(x), expected)
        assert same_bits(np.signbit(identity.predict(x))[x == 0], np.signbit(expected)[x == 0])


def test_every_float16_is_converted_exactly(dtype):
    x = np.arange(2**16, dtype="u2").view("f2").reshape(-1, 8)
    identity = Sequential([Activation("linear")], dtype=dtype)
    for part in np.split(x, 8):
        np.testing.assert_array_equal(identity.predict(part), part.astype(dtype))


def test_float64_is_rounded_to_float32_once_and_large_integers_are_too():
    identity = Sequential([Activation("linear")])
    x = np.array([1 + 2**-24 + 2**-50, 1 + 2**-24, 2**-149 * 0.75])
    assert same_bits(identity.predict(x), x.astype("float32"))
    integers = np.array([2**24 + 1, 2**63 - 1, -(2**63)])
    assert same_bits(identity.predict(integers), integers.astype("float32"))


@pytest.mark.parametrize("how", ["warn", "raise"])  # a warning is an error here
def test_float64_beyond_float32_is_infinity_or_zero_whatever_numpys_error_state(how):
    identity = Sequential([Activation("linear")])
    with np.errstate(all=how):
        y = identity.predict([1e300, -1e300, 1e-300, -1e-300, 1e39, 1e-40])
        assert np.geterr()["over"] == np.geterr()["under"] == how
    assert same_bits(y, np.array([np.inf, -np.inf, 0.0, -0.0, np.inf, 1e-40], "float32"))


def unaligned(offset):
    memory = np.zeros(ROWS * INPUTS * 4 + 4, np.uint8)
    x = memory[offset : offset + ROWS * INPUTS * 4].view(np.float32).reshape(ROWS, INPUTS)
    x[...] = NUMBERS / 3
    assert x.flags.aligned == (offset == 0)
    return x


def read_only():
    x = np.float32(NUMBERS / 3)
    x.flags.writeable = False
    return x


class Named(np.ndarray):
    """A sub-class, as users make them."""


F32 = np.random.default_rng(4).normal(size=(3 * ROWS, 3 * INPUTS)).astype("float32")
LAYOUTS = {
    "fortran": np.asfortranarray(F32[:, :INPUTS]),
    "transposed": F32[:INPUTS].T,
    "every-3rd-row": F32[::3, :INPUTS],
    "every-3rd-column": F32[:, ::3],
    "every-3rd-of-both": F32[1::3, 2::3],
    "rows-backwards": F32[::-1, :INPUTS],
    "columns-backwards": F32[:, INPUTS - 1 :: -1],
    "both-backwards": F32[::-2, ::-3],
    "one-row-broadcast": np.broadcast_to(F32[0, :INPUTS], (ROWS, INPUTS)),
    "one-column-broadcast": np.broadcast_to(F32[:, :1], (3 * ROWS, INPUTS)),
    "one-number-broadcast": np.broadcast_to(np.float32(0.3), (ROWS, INPUTS)),
    "sliding-window": as_strided(F32.ravel(), (ROWS, INPUTS), (4, 4)),
    "field-of-packed-records": np.ones((ROWS, INPUTS), [("x", "f4"), ("flag", "?")])["x"],
    "real-part": F32[:, : 2 * INPUTS].copy().view("complex64").real,
    "unaligned-by-1": unaligned(1),
    "unaligned-by-2": unaligned(2),
    "unaligned-by-3": unaligned(3),
    "read-only": read_only(),
    "sub-class": F32[:, :INPUTS].view(Named),
    "matrix-sub-class-one-row": F32[:1, :INPUTS].view(Named),
    "masked-array-without-a-mask": np.ma.array(F32[:, :INPUTS]),
    "masked-array-all-false": np.ma.array(F32[:, :INPUTS], mask=np.zeros((3 * ROWS, INPUTS), bool)),
}


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_memory_layout_changes_no_bit(x, isa):
    assert_same_as_contiguous(x)
    assert_same_as_contiguous(x[:3])
    assert_same_as_contiguous(x[0])


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_mapped_files_are_arrays(tmp_path, mode):
    np.save(tmp_path / "x.npy", F32[:, :INPUTS])
    assert_same_as_contiguous(np.load(tmp_path / "x.npy", mmap_mode=mode)[::2])


LISTS = {
    "nested-lists": [[1, 2, 3, 4, 5.5], [0, 0, 0, 0, 0]],
    "tuples": ((1, 2, 3, 4, 5), (True, 0, 0, 0, -1)),
    "list-of-arrays": list(F32[:2, :INPUTS]),
    "one-row": [1, 2, 3, 4, 5],
    "range": range(5),
    "memoryview": memoryview(np.arange(5.0)),
    "array-interface": type("Has", (), {"__array_interface__": F32[0, :INPUTS].__array_interface__})(),
}


@pytest.mark.parametrize("x", LISTS.values(), ids=LISTS)
def test_whatever_asarray_takes_is_taken(x):
    assert_same_as_contiguous(x)


@pytest.mark.parametrize("columns", ["float64", "float32", "int64", "mixed"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_taken(library, columns):
    frames = pytest.importorskip(library)
    kinds = ["float64", "float32", "int64", "uint8", "int16"] if columns == "mixed" else [columns] * INPUTS
    frame = frames.DataFrame({f"c{i}": NUMBERS[:, i].astype(kind) for i, kind in enumerate(kinds)})
    assert_same_as_contiguous(frame)
    assert same_bits(MODEL.predict(frame), MODEL.predict(NUMBERS))


def test_tensors_of_torch_are_taken():
    torch = pytest.importorskip("torch")
    assert_same_as_contiguous(torch.from_numpy(F32[:, :INPUTS]))
    with pytest.raises(RuntimeError, match="requires grad"):
        MODEL.predict(torch.zeros(2, INPUTS, requires_grad=True))


def test_an_array_method_may_call_the_model_itself():
    class Recursive:
        def __array__(self, dtype=None, copy=None):
            return MODEL.predict(F32[:, :INPUTS])[:, [0, 1, 2, 0, 1]]

    wanted = MODEL.predict(MODEL.predict(F32[:, :INPUTS])[:, [0, 1, 2, 0, 1]])
    assert same_bits(MODEL.predict(Recursive()), wanted)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(data=st.data())
def test_any_view_gives_the_bits_of_its_copy(data):
    dimensions = data.draw(st.integers(1, 4), "dimensions")
    steps = data.draw(st.lists(st.sampled_from([1, 2, 3, -1, -2]), min_size=dimensions, max_size=dimensions), "steps")
    sizes = [*data.draw(st.lists(st.integers(0, 6), min_size=dimensions - 1, max_size=dimensions - 1), "sizes"), INPUTS]
    axes = data.draw(st.permutations(range(dimensions)), "axes")
    kind = data.draw(st.sampled_from(["f4", "f8", ">f4", "i2", "f2"]), "kind")

    shape = [size * abs(step) for size, step in zip(sizes, steps, strict=True)]
    memory = np.random.default_rng(5).integers(-9, 9, [shape[a] for a in axes]).astype(kind)
    view = memory.transpose(np.argsort(axes))[tuple(slice(None, None, step) for step in steps)]
    assert view.shape == tuple(sizes)
    assert_same_as_contiguous(view)


# -- shapes


@pytest.mark.parametrize(
    "leading", [(), (0,), (1,), (7,), (2, 3), (1, 1), (4, 1, 3), (0, 3), (3, 0), (2, 0, 3), (2, 1, 2, 3)], ids=str
)
def test_leading_axes_are_kept(leading):
    x = np.random.default_rng(6).normal(size=(*leading, INPUTS))
    answer = MODEL.predict(x)
    assert answer.shape == (*leading, 3)
    assert same_bits(answer.reshape(-1, 3), MODEL.predict(x.reshape(-1, INPUTS)))
    for layer, units in zip(MODEL.representations(x), (9, 3), strict=True):
        assert layer.shape == (*leading, units)
    assert same_bits(MODEL.representations(x)[-1], answer)
    assert same_bits(MODEL(x), answer)


WRONG_SHAPES = {
    "columns": ((3, 4), "received shape (3, 4)"),
    "columns-3d": ((2, 5, 4), "received shape (2, 5, 4)"),
    "transposed": ((5, 19), "received shape (5, 19)"),
    "no-columns": ((3, 0), "received shape (3, 0)"),
    "1d-short": ((4,), "received shape (4,); one row has shape (5,), many rows (rows, 5)"),
    "1d-empty": ((0,), "received shape (0,); one row has shape (5,), many rows (rows, 5)"),
    "images": ((7, 1, 5, 1), "received shape (7, 1, 5, 1); rows are flat: use x.reshape(len(x), -1)"),
    "no-images": ((0, 5, 1), "received shape (0, 5, 1); rows are flat: use x.reshape(len(x), -1)"),
    "one-image": ((5, 1), "received shape (5, 1); for one row use x.reshape(1, -1)"),
    "1d-rows": ((10,), "received shape (10,); for rows of 5 use x.reshape(-1, 5)"),
}


@pytest.mark.parametrize(("shape", "words"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize("call", [MODEL.predict, MODEL.representations, MODEL64], ids=["predict", "layers", "call"])
def test_a_wrong_shape_says_what_was_expected_and_received(call, shape, words):
    with pytest.raises(ValueError, match="expected input with 5 columns, the model's input size; ") as error:
        call(np.zeros(shape))
    assert str(error.value).endswith(words)


def test_one_input_wants_one_column():
    model = Sequential([Dense(2, input_shape=(1,))])
    with pytest.raises(ValueError, match=r"with 1 column, .*\(7,\); for rows of 1 use x.reshape\(-1, 1\)"):
        model.predict(np.zeros(7))
    with pytest.raises(ValueError, match=r"with 1 column, .*; for one row use x.reshape\(1, 1\)"):
        model.predict(3.0)


def test_a_single_number_for_five_inputs_gets_no_advice_that_fails():
    with pytest.raises(ValueError, match=r"expected input with 5 columns, .*received shape \(\)") as error:
        MODEL.predict(3.0)
    assert "reshape(1, 1)" not in str(error.value)


DATES = "make a number of it, such as a year, or the days or seconds since a fixed date"
NAMED = "; a model takes columns by name if it has a FeatureSpace or feature_names"
NOT_NUMBERS = {
    "string": ("text", "<U4"),
    "strings": ([["1", "2", "3", "4", "5"]], "<U1"),
    "bytes": ([b"1"] * 5, "|S1"),
    "objects": (np.zeros((2, 5), object), "object; its objects are numbers: use x.astype('float64')"),
    "objects with text": (
        np.array([[1, 2, 3, 4, "x"]], object),
        "object, such as 'x'; a fastnn.FeatureSpace in front of the layers takes tables with text",
    ),
    "objects with a date": (
        np.array([[1, 2, 3, 4, datetime.date(2026, 12, 1)]], object),
        f"object, such as datetime.date(2026, 12, 1); {DATES}",
    ),
    "dates in a list": ([[datetime.date(2026, 12, 1)] * 5], f"object, such as datetime.date(2026, 12, 1); {DATES}"),
    "none-inside": ([[1, 2, 3, 4, None]], "object, such as None"),
    "huge-integer": ([[1, 2, 3, 4, 2**70]], "object"),
    "complex": (np.zeros((2, 5), complex), "complex128"),
    "datetime": (np.zeros((2, 5), "M8[s]"), f"datetime64[s]; {DATES}"),
    "timedelta": (np.zeros((2, 5), "m8[s]"), f"timedelta64[s]; {DATES}"),
    "structured": (np.zeros((2, 5), [("a", "f4")]), f"[('a', '<f4')]{NAMED}"),
    "void": (np.zeros((2, 5), "V4"), "|V4"),
    "none": (None, "object"),
    "generator": ((i for i in range(5)), "object"),
    "dict": ({"a": 1}, f"object{NAMED}"),
    "set": ({1, 2}, "object"),
}


@pytest.mark.parametrize(("x", "received"), NOT_NUMBERS.values(), ids=NOT_NUMBERS)
def test_what_is_not_real_numbers_is_a_type_error_that_names_the_dtype(x, received):
    with pytest.raises(TypeError, match="^expected an array of real numbers; received .* of dtype ") as error:
        MODEL.predict(x)
    assert str(error.value).endswith(received)


def test_ragged_rows_are_told_with_their_lengths():
    with pytest.raises(ValueError, match=r"^expected rows of the same length; received the lengths 4 and 5$"):
        MODEL.predict([[1, 2, 3, 4, 5], [1, 2, 3, 4]])


LIES = {
    "nothing at 0": {"__array_interface__": {"data": (0, False), "shape": (2, 5), "typestr": "<f4", "version": 3}},
    "negative shape": {"__array_interface__": {"data": (8, False), "shape": (-2, 5), "typestr": "<f4", "version": 3}},
    "no data": {"__array_interface__": {"shape": (2, 5), "typestr": "<f4", "version": 3}},
    "no array": {"__array__": lambda self, dtype=None, copy=None: [1, 2, 3, 4, 5]},
    "DLPack": {"__dlpack__": lambda self, **_: None, "__dlpack_device__": lambda self: (1, 0)},
    "a length": {"__len__": lambda self: 10**9, "__getitem__": lambda self, i: [][0]},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_objects_that_lie_about_an_array_are_numpys_own_error(lie):
    with pytest.raises((ValueError, TypeError)):
        MODEL.predict(type("Lying", (), lie)())


def test_a_sub_class_that_lies_about_itself_is_taken_as_it_is():
    lies = {"shape": (1000, 5), "strides": (0, 4), "ndim": 7, "dtype": np.dtype("f8"), "flags": None}
    lying = type("Lying", (np.ndarray,), {name: property(lambda _, value=value: value) for name, value in lies.items()})
    x, out = F32[:, :INPUTS], np.empty((3 * ROWS, 3), "float32")
    MODEL.predict(x.view(lying), out=out.view(lying))
    assert same_bits(out, MODEL.predict(x))


@pytest.mark.parametrize("mask", ["one", "all"])
def test_masked_values_are_refused_not_guessed(mask):
    x = np.ma.array(np.zeros((4, INPUTS), "float32"), mask=mask == "all")
    x[2, 3] = np.ma.masked
    with pytest.raises(ValueError, match="expected an array without masked values; received some; fill them first"):
        MODEL.predict(x)
    MODEL.predict(x.filled(0))


def test_images_before_a_flatten_are_refused_since_rows_are_flat():
    model = Sequential([Flatten(), Dense(2)])
    with pytest.raises(ValueError, match=r"^expected flat rows, .* shape \(5, 4, 3\); use x.reshape\(len\(x\), -1\)$"):
        model.predict(np.zeros((5, 4, 3)))
    assert model.predict(np.zeros((5, 12))).shape == (5, 2)


# -- training=


def test_a_call_takes_keras_training_none_or_false():
    x = np.ones((2, INPUTS), "float32")
    for training in (None, False):
        assert same_bits(MODEL(x, training=training), MODEL.predict(x))
        assert same_bits(MODEL(x, training), MODEL.predict(x))


@pytest.mark.parametrize(("training", "kind"), [(True, ValueError), (1, TypeError), ("no", TypeError)])
def test_a_call_in_training_is_refused(training, kind):
    with pytest.raises(kind, match="^expected training to be None or False, since a call predicts"):
        MODEL(np.ones((2, INPUTS)), training=training)

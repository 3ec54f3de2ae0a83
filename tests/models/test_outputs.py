"""predict(x, out=y): NumPy's rules, a right answer for every overlap, and no byte written beside y."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from arrays import same_bits
from fastnn.layers import Dense
from fastnn.models import Sequential
from sequentials import network

INPUTS, UNITS = 5, 3
MODEL = network([INPUTS, 9, UNITS], ["tanh", "linear"], "float32")
SQUARE = network([4, 4], ["tanh"], "float32")
X = np.random.default_rng(1).normal(size=(19, INPUTS)).astype("float32")


@pytest.mark.parametrize("leading", [(), (0,), (1,), (19,), (2, 3), (2, 0, 3)], ids=str)
def test_out_is_filled_and_returned_itself(leading, dtype, isa):
    model = network([INPUTS, 9, UNITS], ["tanh", "linear"], dtype)
    x = np.random.default_rng(2).normal(size=(*leading, INPUTS))
    out = np.full((*leading, UNITS), np.nan, dtype)
    assert model.predict(x, out=out) is out
    assert same_bits(out, model.predict(x))


def test_out_may_be_none():
    assert same_bits(MODEL.predict(X, out=None), MODEL.predict(X))


def test_out_works_when_it_builds_the_model():
    model, out = Sequential([Dense(2)]), np.empty((19, 2), "float32")
    assert model.predict(X, out=out) is out
    assert same_bits(out, model.predict(X))


def read_only():
    y = np.zeros((19, UNITS), "float32")
    y.flags.writeable = False
    return y


ZEROS = np.zeros((40, 40), "float32")
REFUSED = {
    "too-few-rows": (ZEROS[:18, :UNITS].copy(), ValueError, "received shape (18, 3)"),
    "too-many-rows": (ZEROS[:20, :UNITS].copy(), ValueError, "received shape (20, 3)"),
    "wrong-columns": (ZEROS[:19, :5].copy(), ValueError, "received shape (19, 5)"),
    "flat": (ZEROS[0, :19].copy(), ValueError, "received shape (19,)"),
    "more-axes": (ZEROS[None, :19, :UNITS].copy(), ValueError, "received shape (1, 19, 3)"),
    "broadcastable": (ZEROS[:1, :UNITS].copy(), ValueError, "received shape (1, 3)"),
    "float64": (np.zeros((19, UNITS)), ValueError, "received dtype dtype('float64')"),
    "int32": (np.zeros((19, UNITS), "i4"), ValueError, "received dtype dtype('int32')"),
    "big-endian": (np.zeros((19, UNITS), ">f4"), ValueError, "received dtype dtype('>f4'), not native or not aligned"),
    "unaligned": (np.zeros(19 * UNITS * 4 + 4, "u1")[1:-3].view("f4").reshape(19, UNITS), ValueError, "not aligned"),
    "read-only": (read_only(), ValueError, "received a read-only array"),
    "broadcast": (np.broadcast_to(np.float32(0), (19, UNITS)), ValueError, "received a read-only array"),
    "no-strides": (as_strided(np.zeros(UNITS, "float32"), (19, UNITS), (0, 4)), ValueError, "received a strided array"),
    "fortran": (np.zeros((19, UNITS), "float32", order="F"), ValueError, "received a strided array"),
    "strided-rows": (ZEROS[:38:2, :UNITS], ValueError, "received a strided array"),
    "strided-columns": (ZEROS[:19, : 2 * UNITS : 2], ValueError, "received a strided array"),
    "backwards": (ZEROS[:19, :UNITS].copy()[::-1], ValueError, "received a strided array"),
    "list": ([[0.0] * UNITS] * 19, TypeError, "received list"),
    "bytearray": (bytearray(19 * UNITS * 4), TypeError, "received bytearray"),
    "true": (True, TypeError, "received bool"),
}


@pytest.mark.parametrize(("out", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_an_out_that_does_not_fit_is_refused_and_not_touched(out, error, words):
    before = bytes(np.asarray(out).tobytes())
    expected = r"^expected out to be a writeable, C-contiguous array of shape \(19, 3\) and dtype float32; received "
    with pytest.raises(error, match=expected) as raised:
        MODEL.predict(X, out=out)
    assert words in str(raised.value)
    assert np.asarray(out).tobytes() == before


def test_a_wrong_x_leaves_out_untouched():
    out = np.full((19, UNITS), 7, "float32")
    with pytest.raises(ValueError, match="expected input with 5 columns"):
        MODEL.predict(X[:, :4], out=out)
    with pytest.raises(TypeError, match="real numbers"):
        MODEL.predict(X.astype(complex), out=out)
    assert (out == 7).all()


# -- overlap: memory of 12 by 4 numbers, from which both x and out are views

OVERLAPS = {
    "same-array": lambda m: (m, m),
    "same-memory-transposed": lambda m: (m[:4].T, m[:4]),
    "rows-backwards": lambda m: (m[::-1], m),
    "rows-backwards-of-which-some": lambda m: (m[: len(m) // 4 * 3][::-1], m[len(m) // 4 :]),
    "columns-backwards": lambda m: (m[:, ::-1], m),
    "both-backwards": lambda m: (m[::-1, ::-1], m),
    "out-one-row-later": lambda m: (m[:-1], m[1:]),
    "out-one-row-earlier": lambda m: (m[1:], m[:-1]),
    "out-one-number-later": lambda m: (m.ravel()[:-4].reshape(-1, 4), m.ravel()[1:-3].reshape(-1, 4)),
    "out-one-number-earlier": lambda m: (m.ravel()[3:-1].reshape(-1, 4), m.ravel()[:-4].reshape(-1, 4)),
    "every-second-row": lambda m: (m[::2], m[: len(m) // 2]),
    "one-row-broadcast": lambda m: (np.broadcast_to(m[5], m.shape), m),
    "more-axes": lambda m: (m.reshape(-1, 4, 4), m.reshape(-1, 4, 4)),
    "out-six-rows-later": lambda m: (m[:-6], m[6:]),
    "one-row": lambda m: (m[3], m[3]),
    "few-rows": lambda m: (m[1:4], m[:3]),
    "bytes-of-each-other": lambda m: (m.view("int32"), m),
}


@pytest.mark.parametrize("views", OVERLAPS.values(), ids=OVERLAPS)
@pytest.mark.parametrize("copies", [1, 20], ids=["12-rows", "240-rows"])
def test_out_may_overlap_x_in_any_way(views, copies, isa):
    memory = np.tile(np.random.default_rng(3).normal(size=(12, 4)).astype("float32"), (copies, 1))
    x, out = views(memory)
    wanted = SQUARE.predict(x.copy())
    assert SQUARE.predict(x, out=out) is out
    assert same_bits(out, wanted)


def test_out_may_overlap_x_when_they_differ_in_width():
    memory = np.random.default_rng(4).normal(size=100).astype("float32")
    for start in (0, 1, 7, 20, 45):
        m = memory.copy()
        x, out = m[:95].reshape(19, INPUTS), m[start : start + 55].reshape(-1)[: 18 * UNITS].reshape(18, UNITS)
        wanted = MODEL.predict(x[:18].copy())
        assert same_bits(MODEL.predict(x[:18], out=out), wanted)


# -- canaries


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    rows=st.integers(0, 300),
    units=st.integers(1, 70),
    inputs=st.integers(1, 20),
    kind=st.sampled_from(["float32", "float64"]),
)
def test_no_byte_beside_out_is_written(rows, units, inputs, kind):
    model, canary = network([inputs, units], ["relu"], kind), 128
    memory = np.full(rows * units + 2 * canary, 12345, kind)
    out = memory[canary : canary + rows * units].reshape(rows, units)
    x = np.random.default_rng(5).normal(size=(rows, inputs)).astype(kind)
    model.predict(x, out=out)
    assert same_bits(out, model.predict(x))
    beside = np.concatenate([memory[:canary], memory[-canary:]])
    assert beside.tobytes() == np.full(2 * canary, 12345, kind).tobytes()

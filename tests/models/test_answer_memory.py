"""Memory of answers of 32 MiB and more: that of a dropped one is the next one's (cpp/python/answer_memory.hpp)."""

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from arrays import same_bits
from fastnn.layers import Dense
from fastnn.models import Sequential
from processes import run_python

resource = pytest.importorskip("resource", reason="a module of POSIX")
multiarray = sys.modules["numpy._core.multiarray" if int(np.__version__[0]) >= 2 else "numpy.core.multiarray"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is kept on Linux alone")

UNITS = 1024
LARGE, LARGER, TOO_LARGE = 8192, 12288, 65537  # rows: 32 MiB, 48 MiB, and one row more than 256 MiB


@pytest.fixture(scope="module")
def model():
    model = Sequential([Dense(UNITS, "relu", input_shape=(1,))])
    model.set_weights([np.linspace(-1, 1, UNITS)[None], np.ones(UNITS)])
    return model


@pytest.fixture(scope="module")
def x():
    return np.linspace(-1, 1, TOO_LARGE, dtype=np.float32)[:, None]


def memory_of_next(model, x):
    return model.predict(x).ctypes.data


def address_space():
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def test_the_memory_of_a_dropped_answer_is_the_next_ones(model, x):
    y = model.predict(x[:LARGE])
    assert multiarray.get_handler_name(y) == "fastnn"
    assert multiarray.get_handler_name(model.predict(x[: LARGE - 1])) == "default_allocator"
    memory = y.ctypes.data
    expected = np.empty_like(y)
    model.predict(x[:LARGE], out=expected)
    del y
    y = model.predict(x[:LARGE])
    assert y.ctypes.data == memory
    assert same_bits(y, expected)


def test_kept_memory_serves_answers_from_half_its_size_on_and_is_given_back_for_others(model, x):
    memory = memory_of_next(model, x[: 4 * LARGE])
    assert memory_of_next(model, x[: 2 * LARGE]) == memory
    size = address_space()
    model.predict(x[: 2 * LARGE - 1])
    assert address_space() < size - (60 << 20)  # 128 MiB were kept, less than 64 MiB are now


def test_answers_that_live_have_their_own_memory(model, x):
    first = model.predict(x[:LARGE])
    expected = first.copy()
    part = first[:10]
    second = model.predict(x[1 : LARGE + 1])
    assert not np.may_share_memory(first, second)
    del first
    third = model.predict(x[2 : LARGE + 2])
    assert not np.may_share_memory(part, third)
    assert same_bits(part, expected[:10])
    assert same_bits(second[:-1], expected[1:])


def test_each_array_of_representations_is_an_answer(model, x):
    (y,) = model.representations(x[:LARGE])
    assert multiarray.get_handler_name(y) == "fastnn"
    assert same_bits(y, model.predict(x[:LARGE]))


def test_at_most_256_mib_are_kept(model, x):
    memory = memory_of_next(model, x[:-1])
    assert memory_of_next(model, x[:-1]) == memory
    size = address_space()
    model.predict(x)
    assert address_space() < size - (250 << 20)


def test_other_arrays_have_numpys_memory(model, x):
    model.predict(x[:LARGE])
    assert multiarray.get_handler_name(np.ones((LARGE, UNITS), np.float32)) == "default_allocator"


def test_small_numbers_of_a_resized_answer_do_not_take_the_place_of_kept_memory(model, x):
    y = model.predict(x[:LARGE])
    y.resize((10, UNITS), refcheck=False)
    memory = memory_of_next(model, x[:LARGE])
    del y
    assert memory_of_next(model, x[:LARGE]) == memory


def test_a_handler_of_the_programs_own_is_left_in_charge(model, x):
    """A copy of NumPy's handler under another name, set by NumPy's C functions (NEP 49)."""
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.argtypes, pointer_of.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.argtypes, new_capsule.restype = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p], ctypes.py_object
    functions = ctypes.cast(pointer_of(multiarray._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(functions[304])
    get_handler = ctypes.PYFUNCTYPE(ctypes.py_object)(functions[305])
    copied = ctypes.create_string_buffer(ctypes.string_at(pointer_of(get_handler(), b"mem_handler"), 168), 168)
    copied[:6] = b"other\0"
    before = set_handler(new_capsule(ctypes.addressof(copied), b"mem_handler", None))
    try:
        assert multiarray.get_handler_name(model.predict(x[:LARGE])) == "other"
        assert multiarray.get_handler_name(np.ones(10)) == "other"
    finally:
        set_handler(before)
    assert multiarray.get_handler_name(model.predict(x[:LARGE])) == "fastnn"


@pytest.mark.parametrize("rows", [LARGE // 2, LARGER, TOO_LARGE])
def test_an_answer_can_be_resized_in_place(model, x, rows):
    y = model.predict(x[:LARGE])
    expected = np.zeros((rows, UNITS), np.float32)
    expected[:LARGE] = y[:rows]
    y.resize((rows, UNITS), refcheck=False)
    assert same_bits(y, expected)


def test_kept_memory_does_not_stand_in_the_way_of_a_larger_answer():
    run_python(
        """
        import sys
        import numpy as np
        import pytest
        from fastnn.layers import Dense
        from fastnn.models import Sequential
        from processes import limit_memory

        model, x = Sequential([Dense(1024)]), np.ones((1 << 20, 1), np.float32)
        model.predict(x[:50_000])  # 195 MiB, which are kept
        limit_memory(100 << 20)
        assert model.predict(x[:60_000]).shape == (60_000, 1024)  # 234 MiB
        with pytest.raises(MemoryError):
            model.predict(x)
        assert sys.modules[sys.argv[1]].get_handler_name(np.ones(10)) == "default_allocator"
    """,
        multiarray.__name__,
    )

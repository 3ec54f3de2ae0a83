"""Arrays that another thread resizes, reshapes or writes during a call: refused there, or an answer here; no crash."""

import mmap
import threading
import time
import weakref

import numpy as np
import pytest

from arrays import same_bits
from fastnn.layers import Dense
from fastnn.models import Sequential
from sequentials import network

INPUTS, UNITS, ROWS = 256, 3, 20_000
MODEL = network([INPUTS, 64, UNITS], ["tanh", "linear"], "float32")
X = np.random.default_rng(1).normal(size=(ROWS, INPUTS)).astype("float32")
WANTED = MODEL.predict(X)


def during(call, act, after=0.002):
    """What a call gives and what act() raises on another thread meanwhile, if anything."""
    ready, raised = threading.Barrier(2), []

    def meanwhile():
        ready.wait()
        time.sleep(after)
        try:
            act()
        except (BufferError, ValueError) as error:
            raised.append(error)

    thread = threading.Thread(target=meanwhile)
    thread.start()
    ready.wait()
    try:
        return call(), raised
    except (TypeError, ValueError):  # the act came before
        return None, raised
    finally:
        thread.join()


def two_halves(x):
    """The rows in three axes, of which NumPy can make two by copying alone."""
    return x.reshape(2, -1, INPUTS).swapaxes(0, 1)


def predict_into_itself(x):
    """The answer lies in x's own memory, and x must be copied first."""
    return MODEL.predict(x, out=x.reshape(-1)[-ROWS * UNITS :].reshape(ROWS, UNITS))


def set_weights(kernel):
    layer = Dense(INPUTS, use_bias=False, input_shape=(ROWS,), kernel_initializer="zeros")
    Sequential([layer]).set_weights([kernel])
    return WANTED if same_bits(layer.get_weights()[0], X) else None


CALLS = {
    "x": MODEL.predict,
    "x of representations": lambda x: MODEL.representations(x)[-1],
    "x that is converted": MODEL.predict,
    "x of three axes": lambda x: np.concatenate(MODEL.predict(two_halves(x)).swapaxes(0, 1)),
    "x and out together": predict_into_itself,
    "weights that are converted": set_weights,
    "out": lambda out: MODEL.predict(X, out=out),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_array_in_use_cannot_be_resized(name):
    def resize():  # to one number: the memory is given back
        array.resize((1,), refcheck=False)

    for i in range(200):
        array = WANTED.copy() if name == "out" else X.astype("float64" if "converted" in name else "float32")
        after = 0.0005 * 1.5 ** (i % 16)  # a conversion of sanitizers begins some 0.1 s later
        answer, raised = during(lambda array=array: CALLS[name](array), resize, after)
        if raised:
            break
    assert [type(error) for error in raised] == [ValueError]
    assert same_bits(answer.copy(), WANTED)


def test_an_array_whose_view_is_in_use_cannot_be_resized_either():
    x = X.copy()
    rows, seen = x[:, :], set()

    def look():  # resizing it too early would leave the view in the void
        while ready and 1 not in seen:
            seen.add(weakref.getweakrefcount(x))

    ready = [True]
    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(20):
        assert same_bits(MODEL.predict(rows), WANTED)
    ready.clear()
    thread.join()
    assert seen == {0, 1}
    assert weakref.getweakrefcount(x) == 0


def test_a_shape_that_changes_during_a_call_changes_no_answer():
    for _ in range(10):
        x = X.copy().reshape(2, -1, 2, INPUTS).swapaxes(0, 1)

        def reshape(x=x):
            x.shape = (*x.shape[:-2], 2 * INPUTS)  # half as many answers, were it read now

        answer, _ = during(lambda x=x: MODEL.predict(x), reshape)
        assert answer is None or same_bits(answer.swapaxes(0, 1).reshape(-1, UNITS), WANTED)


def test_numbers_written_during_a_call_decide_those_rows_alone():
    x = X.copy()
    ended = threading.Event()

    def write():
        while not ended.is_set():
            x[::2] = np.nan
            x[::2] = X[::2]

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(10):
            answer = MODEL.predict(x)
            assert same_bits(answer[1::2], WANTED[1::2])
    finally:
        ended.set()
        thread.join()
    assert same_bits(MODEL.predict(x), WANTED)


def test_memory_of_other_objects_cannot_be_taken_away():
    def mapped():
        memory = mmap.mmap(-1, X.nbytes)
        memory.write(X.tobytes())
        return memory

    for make, take in ((lambda: bytearray(X.tobytes()), bytearray.clear), (mapped, mmap.mmap.close)):
        for _ in range(50):  # on a busy machine the other thread may come when the call has ended
            memory = make()
            answer, raised = during(
                lambda memory=memory: MODEL.predict(np.frombuffer(memory, "f4").reshape(X.shape)),
                lambda memory=memory, take=take: take(memory),
            )
            if raised:
                break
        assert [type(error) for error in raised] == [BufferError]
        assert same_bits(answer, WANTED)

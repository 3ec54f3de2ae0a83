"""Very wide models: sizes up to the limit are no crash, and one row takes the memory of one row."""

import sys

import numpy as np
import pytest

from processes import run_python
from sequentials import network


def numbers(code, *arguments, timeout=120):
    """What code prints in a process of its own, so that a crash is seen."""
    return [int(number) for number in run_python(code, *arguments, timeout=timeout).split()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits the address space")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_rows_of_the_widest_model_are_no_rows_and_take_no_memory(dtype):
    code = """
        import sys
        import numpy as np
        from fastnn.layers import Activation
        from fastnn.models import Sequential
        from processes import limit_memory

        widest, dtype = 2**31 - 1, sys.argv[1]
        limit_memory(2**30)  # one row would be 8 GiB
        model = Sequential([Activation("relu"), Activation("softmax")], dtype=dtype)
        model.build((None, widest))
        for x in (np.empty((0, widest), dtype), np.empty((0, widest), "int8"), np.empty((3, 0, widest), dtype)):
            assert model.predict(x).shape == x.shape
            assert model.predict(x, out=np.empty(x.shape, dtype)).shape == x.shape
            assert [y.shape for y in model.representations(x)] == [x.shape] * 2
        unbuilt = Sequential([Activation("relu")], dtype=dtype)
        for call in (
            lambda: model.predict(np.empty((0, widest + 1), dtype)),
            lambda: unbuilt.predict(np.empty((0, widest + 1), dtype)),
            lambda: unbuilt.build((None, widest + 1)),
        ):
            try:
                call()
            except ValueError as error:
                assert str(widest) in str(error), error
            else:
                raise AssertionError("wider than the widest")
        assert not unbuilt.built
    """
    run_python(code, dtype, timeout=120)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("inputs", [4_000_000, 12_000_000])
def test_one_row_takes_the_scratch_of_one_row(inputs):
    code = """
        import re, sys
        import numpy as np
        from fastnn.layers import Activation
        from fastnn.models import Sequential

        def memory(name):
            return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

        model = Sequential([Activation("relu")])
        model.build((None, int(sys.argv[1])))
        model.predict(np.empty((0, int(sys.argv[1])), "float32"))  # builds the network
        x = np.ones((1, int(sys.argv[1])), "float32")
        before = memory("VmHWM")
        assert memory("VmRSS") > before - 2**22  # the peak is now: only what is more than now makes it grow
        model.predict(x)
        peak = memory("VmHWM")
        for _ in range(3):  # until the C library no longer gives and takes
            model.predict(x)
        after = memory("VmRSS")
        for _ in range(10):
            model.predict(x)
        print(peak - before, after - before, memory("VmRSS") - after)
    """
    peak, kept, growth = numbers(code, inputs)
    # The answer and two blocks of scratch are 3 rows; lanes full of rows were 2 * 8 rows or more.
    assert peak <= 6 * inputs * 4
    assert kept <= 72 * 2**20  # a thread keeps 64 MiB for its next call
    assert growth <= 8 * 2**20


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_more_rows_than_an_int_counts():
    code = """
        import re
        import numpy as np
        from fastnn.layers import Dense
        from fastnn.models import Sequential

        available = int(re.search(r"MemAvailable:\\s+(\\d+) kB", open("/proc/meminfo").read())[1]) * 1024
        if available < 12 * 2**30:
            print(-1)
            raise SystemExit
        model = Sequential([Dense(1, input_shape=(2,))])
        model.set_weights([[[1.0], [2.0]], [0.5]])
        rows = 2**31 + 5
        x = np.zeros((rows, 2), "float32")  # 16 GiB of one page of zeros, but for the ends
        x[[0, 1, -2, -1]] = [[1, 0], [0, 1], [3, 0], [0, 3]]
        y = model.predict(x)
        print(*(int(2 * each) for each in y[[0, 1, 2, rows // 2, -3, -2, -1], 0]))
    """
    answers = numbers(code, timeout=3600)
    if answers == [-1]:
        pytest.skip("needs 12 GiB of memory")
    assert answers == [3, 5, 1, 1, 1, 7, 7 + 6]


@pytest.mark.parametrize(
    ("rows", "dtype"), [((2**57,), "float64"), ((2**60,), "float32"), ((2**62,), "int8"), ((2**30, 2**29), "float32")]
)
def test_rows_without_end_of_which_one_is_in_memory_are_numpys_own_error(rows, dtype):
    model = network([1, 9, 3], ["tanh", "linear"], "float32")
    one = np.ones((1,) * len(rows) + (1,), dtype)
    x = np.broadcast_to(one, (*rows, 1))
    for call in (model.predict, model, model.representations, lambda x: model.predict(x, out=one)):
        with pytest.raises((MemoryError, ValueError), match="Unable to allocate|array is too big|received shape"):
            call(x)
    assert model.predict(np.ones((3, 1), dtype)).shape == (3, 3)

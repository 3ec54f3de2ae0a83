"""Work shared out between threads: the same bits for every number of them, and Ctrl-C heeded."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from arrays import same_bits
from fastnn.layers import Activation
from fastnn.models import Sequential
from processes import run_python
from sequentials import network

# sizes, rows: blocks of rows shared, with and without few rows left; units shared for one row, for few, for fewer
# vectors of rows than threads; the last panel narrow; the last layer of 16 chains, of softmax; answers that the tiles
# of several threads write.
SHARED = [
    ([64, 300, 100, 10], 2000, "softmax"),
    ([64, 300, 100, 10], 2003, "softmax"),
    ([100, 100, 1], 5000, "softmax"),
    ([3000, 4001, 3], 1, "softmax"),
    ([3000, 2001, 17], 5, "softmax"),
    ([700, 1500, 900, 20], 17, "softmax"),
    ([1024, 1024, 1024], 50, "softmax"),
    ([128, 100_003], 3, "linear"),
    ([3000, 100, 40], 1000, "relu"),
]


@pytest.mark.parametrize(("sizes", "rows", "last"), SHARED, ids=str)
def test_answers_have_the_same_bits_on_every_number_of_threads(sizes, rows, last, dtype, threads):
    model = network(sizes, ["tanh"] * (len(sizes) - 2) + [last], dtype)
    x = np.random.default_rng(0).normal(size=(rows, sizes[0])).astype(dtype)
    threads(1)
    alone, hidden = model.predict(x), model.representations(x)
    one_by_one = np.concatenate([model.predict(row[None]) for row in x[:3]])
    assert same_bits(alone[:3], one_by_one)
    for count in (2, 3, 8, 64):
        threads(count)
        for _ in range(3):
            out = np.full_like(alone, np.nan)  # new memory may hold the last answers, which would hide a row left out
            assert same_bits(model.predict(x, out=out), alone)
        for some, expected in zip(model.representations(x), hidden, strict=True):
            assert same_bits(some, expected)


def interrupted(model, x, after=0.05):
    """Predict until a KeyboardInterrupt, sent `after` seconds; the time this process worked before it arrived."""
    clock = time.CLOCK_PROCESS_CPUTIME_ID  # a busy machine's other work does not count
    sent = []

    def send():
        time.sleep(after)
        sent.append(time.clock_gettime(clock))
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        model.predict(x)
    arrived = time.clock_gettime(clock)
    sender.join()
    signal.signal(signal.SIGINT, before)
    return arrived - sent[0]


# One call takes a second and more: a signal that is heeded only at its end comes too late. Blocks of rows shared; units
# shared; another dtype.
LONG = {
    "rows": (lambda: network([8, 1000, 1000, 8], ["relu"] * 3, "float32"), (100_000, 8), "float32"),
    "units": (lambda: Sequential([Activation("tanh") for _ in range(1000)]), (3, 1_000_000), "float32"),
    "rows to be converted": (lambda: network([10, 1], ["linear"], "float32"), (40_000_000, 10), "int8"),
    "rows of one table": (lambda: network([10, 1], ["linear"], "float32"), (1, 40_000_000, 10), "int8"),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("make", "shape", "dtype"), LONG.values(), ids=LONG)
@pytest.mark.slow
def test_ctrl_c_ends_a_long_call_and_leaves_the_model_usable(make, shape, dtype, count, threads):
    model, x = make(), np.ones(shape, dtype)
    first = model.predict(x[:1])
    threads(count)
    # 0.1 s is promised, in which each thread works; two of three, as the other hyperthread's work slows this one's.
    assert sorted(interrupted(model, x) for _ in range(3))[1] < 0.1 * count
    assert same_bits(model.predict(x[:1]), first)


@pytest.mark.parametrize("count", [1, 2])
def test_a_signals_handler_may_predict_with_the_model_whose_call_it_interrupts(count, threads):
    model = network([8, 1000, 1000, 8], ["tanh"] * 3, "float32")
    x = np.random.default_rng(0).normal(size=(40_000, 8)).astype("float32")
    expected = model.predict(x)
    answers = []
    threads(count)
    before = signal.signal(signal.SIGALRM, lambda *_: answers.append(model.predict(x[:100])))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        assert same_bits(model.predict(x), expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(answers) > 2  # heeded only before and after the call, signals would be 2 at most
    assert all(same_bits(answer, expected[:100]) for answer in answers)


def test_a_handlers_exception_is_raised_by_the_call(threads):
    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    model, x = LONG["rows"][0](), np.ones(LONG["rows"][1], "float32")
    model.predict(x[:1])
    before = signal.signal(signal.SIGALRM, stop)
    start = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(StopError):
            model.representations(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - start < 1  # the whole call takes several seconds


def test_a_long_call_on_another_thread_does_without_the_gil(threads):
    """Only the main thread runs signals' handlers: others need not ask, and wait for the GIL."""
    threads(1)
    model = network([8, 1000, 1000, 8], ["relu"] * 3, "float32")
    x, out = np.ones((10_000, 8), "float32"), np.full((10_000, 8), np.nan, "float32")
    model.predict(x[:1])
    started, interval = threading.Event(), sys.getswitchinterval()
    thread = threading.Thread(target=lambda: (started.set(), model.predict(x, out=out)))
    sys.setswitchinterval(3600)  # so long this thread keeps the GIL
    try:
        thread.start()
        started.wait()
        deadline = time.monotonic() + 60
        while np.isnan(out[-1, -1]) and time.monotonic() < deadline:
            pass
        assert not np.isnan(out[-1, -1])
    finally:
        sys.setswitchinterval(interval)
        thread.join()


def test_a_forked_child_predicts_on_threads_of_its_own(threads):
    threads(2)
    model = network([64, 300, 100, 10], ["tanh", "tanh", "linear"], "float32")
    x = np.random.default_rng(0).normal(size=(5000, 64)).astype("float32")
    expected = model.predict(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if same_bits(model.predict(x), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_million_rows_into_out_do_not_grow_the_process(threads):
    threads(2)
    model = network([10, 100, 100, 1], ["relu", "relu", "linear"], "float32")
    x, out = np.ones((1_000_000, 10), "float32"), np.ones((1_000_000, 1), "float32")

    def resident():
        status = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024

    model.predict(x[:100_000], out=out[:100_000])
    before = resident()
    for _ in range(2):
        model.predict(x, out=out)
    assert resident() - before < 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits the address space")
@pytest.mark.slow
def test_answers_are_the_same_where_the_system_refuses_threads():
    code = """
import os, resource
import numpy as np, fastnn
from fastnn.layers import Dense
from processes import limit_memory

model = fastnn.Sequential([Dense(300, "tanh", input_shape=(64,)), Dense(10, "softmax")])
x, out = np.random.default_rng(0).normal(size=(5000, 64)), np.empty((5000, 10), "float32")
x = x.astype("float32")
fastnn.set_num_threads(1)
wanted = model.predict(x).tobytes()
fastnn.set_num_threads(8)
limits = limit_memory(2**20)  # less than a thread's stack
threads = lambda: len(os.listdir("/proc/self/task"))
alone = threads()
for _ in range(20):
    out.fill(np.nan)
    assert model.predict(x, out=out).tobytes() == wanted
assert threads() == alone
resource.setrlimit(resource.RLIMIT_AS, limits)
while threads() == alone:  # asks again at times
    assert model.predict(x, out=out).tobytes() == wanted
"""
    run_python(code, timeout=300)

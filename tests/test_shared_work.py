"""Work shared out between threads: the same bits for every number of them, and Ctrl-C heeded."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastnn
from conftest import network, same_bits


@pytest.fixture
def threads():
    """Sets the number of threads, and sets it back."""
    before = fastnn.get_num_threads()
    yield fastnn.set_num_threads
    fastnn.set_num_threads(before)


# sizes, rows: blocks of rows shared, with and without few rows left; units shared for one row, for few, for fewer
# vectors of rows than threads; the last panel narrow; the last layer of 16 chains, of softmax.
SHARED = [
    ([64, 300, 100, 10], 2000),
    ([64, 300, 100, 10], 2003),
    ([100, 100, 1], 5000),
    ([3000, 4001, 3], 1),
    ([3000, 2001, 17], 5),
    ([700, 1500, 900, 20], 17),
    ([1024, 1024, 1024], 40),
]


@pytest.mark.parametrize(("sizes", "rows"), SHARED, ids=str)
def test_answers_have_the_same_bits_on_every_number_of_threads(sizes, rows, dtype, threads):
    model = network(sizes, ["tanh"] * (len(sizes) - 2) + ["softmax"], dtype)
    x = np.random.default_rng(0).normal(size=(rows, sizes[0])).astype(dtype)
    threads(1)
    alone, hidden = model.predict(x), model.representations(x)
    one_by_one = np.concatenate([model.predict(row[None]) for row in x[:3]])
    assert same_bits(alone[:3], one_by_one)
    for count in (2, 3, 8, 64):
        threads(count)
        for _ in range(3):
            assert same_bits(model.predict(x), alone)
        for some, expected in zip(model.representations(x), hidden, strict=True):
            assert same_bits(some, expected)


def over_and_over(call):
    for _ in range(1000):
        call()


def interrupted(model, x, after=0.05):
    """Predict until a KeyboardInterrupt, sent `after` seconds; how long that took to arrive."""
    sent = []

    def send():
        time.sleep(after)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        over_and_over(lambda: model.predict(x))
    arrived = time.perf_counter()
    sender.join()
    return arrived - sent[0]


LONG = {"rows": ([64, 256, 64], 400_000), "units": ([6000, 6000, 6000], 200)}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("sizes", "rows"), LONG.values(), ids=LONG)
def test_ctrl_c_ends_a_long_call_and_leaves_the_model_usable(sizes, rows, count, threads):
    model = network(sizes, ["relu", "linear"], "float32")
    x = np.ones((rows, sizes[0]), "float32")
    first = model.predict(x[:3])
    threads(count)
    # 0.1 s is promised; what waits here for a CPU of a busy machine is not the call.
    assert min(interrupted(model, x) for _ in range(3)) < 0.1
    assert same_bits(model.predict(x[:3]), first)


def test_a_signals_handler_may_predict_with_the_model_whose_call_it_interrupts(threads):
    model = network([64, 256, 64], ["tanh", "tanh"], "float32")
    x = np.random.default_rng(0).normal(size=(100_000, 64)).astype("float32")
    expected = model.predict(x)
    answers = []
    for count in (1, 2):
        threads(count)
        before = signal.signal(signal.SIGALRM, lambda *_: answers.append(model.predict(x[:100])))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            for _ in range(5):
                assert same_bits(model.predict(x), expected)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert answers
    assert all(same_bits(answer, expected[:100]) for answer in answers)


def test_a_handlers_exception_is_raised_by_the_call(threads):
    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    model = network([64, 256, 64], ["relu", "linear"], "float32")
    x = np.ones((400_000, 64), "float32")
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(StopError):
            over_and_over(lambda: model.representations(x))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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

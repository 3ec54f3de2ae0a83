"""Processes by the hundred: forked before, during and after calls, interrupted, ended while threads predict."""

import os
import weakref

import pytest

from calls import repeated
from processes import run_python, run_with_model
from sequentials import network

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

# A hang in a child is the end of it by SIGALRM, and so an error here.
CHILDREN = """
import random, signal, time, traceback

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored

def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(600)
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return child

def status_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
QUIET = ("-W", "ignore::DeprecationWarning")  # Python's own, of forks beside threads


@repeated(40, 1000)
def test_children_forked_by_threads_that_call_give_the_same_bits(times):
    run_with_model(
        CHILDREN
        + f"""
def work():
    assert model.predict(x).tobytes() == wanted
    new = Sequential([Dense(64, "tanh"), Dense(8, "softmax")])
    new.build((None, 64))
    new.set_weights(model.get_weights())
    assert new.predict(x).tobytes() == wanted

statuses = []

def fork_and_call():
    for _ in range({times} // 4):
        child = in_child(work)
        assert model.predict(x).tobytes() == wanted
        statuses.append(status_of(child))

threads = [threading.Thread(target=fork_and_call) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert statuses == [0] * {times}, statuses
""",
        *QUIET,
        timeout=600 + 10 * times,
    )


@pytest.mark.parametrize("milliseconds", [1, 5, 20, 60])
@pytest.mark.parametrize("first_use", ["load_model(__file__)", "fastnn.from_torch"])
def test_a_child_forked_while_another_thread_first_uses_the_importers_can_use_them(first_use, milliseconds):
    run_python(
        CHILDREN
        + f"""
import os, threading
import fastnn
from fastnn.models import load_model

__file__ = fastnn.__file__

def use():
    try:
        {first_use}
    except ValueError:  # it is no model
        pass

def work():
    signal.alarm(20)
    use()

thread = threading.Thread(target=use)
thread.start()
time.sleep({milliseconds / 1000})
assert status_of(in_child(work)) == 0
thread.join()
""",
        options=QUIET,
    )


ONE_CALL_EACH = (
    "multiprocessing.get_context('{method}').Pool(2, maxtasksperchild=1).imap(predict, [model] * {times}, chunksize=1)"
)
EXECUTORS = """(
        bits
        for _ in range({times} // 2)
        for bits in of_executor()
    )"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn", "executor"])
@repeated(4, 250)
def test_a_process_for_each_call_beside_calls_of_threads(tmp_path, method, times):
    pool = (EXECUTORS if method == "executor" else ONE_CALL_EACH).format(method=method, times=times)
    run_with_model(
        f"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def predict(model):
    return model.predict(x).tobytes()

def of_executor():
    # Shut down before Python ends: Python 3.11 may close a pool's pipe while its exit handler writes to it.
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        return list(pool.map(predict, [model] * 2))

def work(stop):
    while not stop.is_set():
        assert model.predict(x).tobytes() == wanted

if __name__ == "__main__":
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=[stop]) for _ in range(3)]
    for thread in threads:
        thread.start()
    answers = list({pool})
    stop.set()
    assert answers == [wanted] * {times}
""",
        *QUIET,
        file=tmp_path / "program.py",
        timeout=600 + 10 * times,
    )


@repeated(40, 1000)
def test_programs_end_in_every_way_while_daemon_threads_predict(times):
    run_with_model(
        CHILDREN
        + f"""
def call(started):
    while True:
        started.release()
        model.predict(random.choice([x[:500], x]))

def end(way):
    if way == 0:
        sys.exit(0)
    if way == 1:
        raise RuntimeError
    if way == 2:
        os._exit(2)
    os.kill(os.getpid(), signal.SIGTERM)

statuses = []
for i in range({times}):
    child = os.fork()
    if child == 0:
        signal.alarm(600)
        random.seed(i)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the traceback of an error
        started = threading.Semaphore(0)
        for _ in range(3):
            threading.Thread(target=call, args=[started], daemon=True).start()
        for _ in range(6):
            started.acquire()
        time.sleep(random.random() / 200)
        end(i % 4)
    statuses.append(status_of(child))
assert statuses == [0, 1, 2, -signal.SIGTERM] * ({times} // 4), statuses
""",
        timeout=600 + 10 * times,
    )


def test_no_python_code_runs_when_a_model_is_collected_as_an_interrupt_in_it_would_be_dropped():
    model = network([64, 64, 8], ["tanh", "softmax"], "float32")
    model.set_weights(model.get_weights())
    assert [each.__callback__ for each in weakref.getweakrefs(model)] == [None]


@repeated(40, 1000)
def test_an_interrupt_at_any_moment_leaves_files_whole_and_models_usable(tmp_path, path, times):
    network([64, 64, 8], ["tanh", "softmax"], "float32").save(path)
    run_with_model(
        CHILDREN
        + f"""
from pathlib import Path

path, saved = Path({str(path)!r}), Path({str(path.with_name("saved.safetensors"))!r})
content = path.read_bytes()
wanted = fastnn.load_model(path).predict(x).tobytes()

def use():
    loaded = fastnn.load_model(path)
    new = Sequential([Dense(64, "tanh", input_shape=(64,)), Dense(8, "softmax")])
    new.set_weights(loaded.get_weights())
    assert new.predict(x).tobytes() == wanted
    loaded.save(saved)

def work():
    try:
        os.write(ready, b".")
        while True:
            use()
    except KeyboardInterrupt:
        pass
    assert {{each.name for each in path.parent.iterdir()}} <= {{path.name, saved.name}}
    assert not saved.exists() or saved.read_bytes() == content
    use()

statuses = []
for i in range({times}):
    waiting, ready = os.pipe()
    child = in_child(work)
    os.read(waiting, 1)
    time.sleep(random.Random(i).random() / 50)
    os.kill(child, signal.SIGINT)
    statuses.append(status_of(child))
    os.close(waiting)
    os.close(ready)
assert statuses == [0] * {times}, statuses
""",
        timeout=600 + 10 * times,
    )

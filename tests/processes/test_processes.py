"""fastnn and the life of a process: forks, exits while working, unusual interpreters. Many: test_many_processes.py."""

import os

import pytest

from processes import run_python, run_with_model


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_predicts_the_same_bits():
    run_with_model("""
        child = os.fork()
        if child == 0:
            os._exit(0 if model.predict(x).tobytes() == wanted else 3)
        assert os.waitpid(child, 0)[1] == 0
        assert model.predict(x).tobytes() == wanted
    """)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_while_another_thread_changes_weights_can_build_and_predict():
    run_with_model(
        """
        import signal, time

        stop, other = threading.Event(), Sequential([Dense(700, input_shape=(700,))])
        weights = [np.ones((700, 700)), np.ones(700)]  # converted for a while, without the GIL, under the lock

        def work():
            while not stop.is_set():
                other.set_weights(weights)

        def child():
            try:
                new = Sequential([Dense(64, "tanh"), Dense(8, "softmax")])
                new.build((None, 64))
                new.set_weights(model.get_weights())
                other.set_weights(weights)
                os._exit(0 if new.predict(x).tobytes() == model.predict(x).tobytes() == wanted else 3)
            finally:
                os._exit(4)

        def status(pid):
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                done, code = os.waitpid(pid, os.WNOHANG)
                if done:
                    return code
                time.sleep(0.001)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "waits for ever"

        thread = threading.Thread(target=work)
        thread.start()
        codes = []
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                child()
            codes.append(status(pid))
            if codes[-1] != 0:
                break
        stop.set()
        thread.join()
        assert codes == [0] * 20, codes
        """,
        "-W",
        "ignore::DeprecationWarning",  # Python's own, of forks beside threads
    )


@pytest.mark.parametrize("threads", [1, 4])
def test_a_program_may_end_while_daemon_threads_predict(threads):
    run_with_model(f"""
        started = threading.Semaphore(0)

        def work():
            while True:
                started.release()
                model.predict(x)

        for _ in range({threads}):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(20 * {threads}):
            started.acquire()
    """)


@pytest.mark.parametrize(
    "call",
    [
        "model.predict(many[:], out=many[:])",  # overlapping: x is copied first
        "model.predict(many.reshape(2, -1, 4)[:, ::2])",
        "model.representations(many.reshape(2, -1, 4)[:, ::2])",
    ],
)
@pytest.mark.slow
def test_a_program_may_end_while_daemon_threads_copy_rows(call):
    for _ in range(4):
        run_with_model(f"""
            from fastnn.layers import Activation

            started = threading.Semaphore(0)
            model = Sequential([Activation("relu")])
            many = np.ones((2_000_000, 4), "float32")
            model.predict(many)

            def work():
                while True:
                    started.release()
                    {call}

            for _ in range(4):
                threading.Thread(target=work, daemon=True).start()
            for _ in range(20):
                started.acquire()
        """)


def test_a_program_may_end_while_daemon_threads_convert_rows():
    run_with_model("""
        started = threading.Semaphore(0)

        class Slow:
            def __array__(self, dtype=None, copy=None):
                for _ in range(1000):  # a thread of a dying program ends here, in Python called by the core
                    pass
                return x[:1]

        def work():
            while True:
                started.release()
                model.predict(Slow())

        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(80):
            started.acquire()
    """)


def test_models_work_at_exit_and_in_del():
    printed = run_with_model("""
        import atexit

        class Last:
            def __init__(self, model):
                self.model = model

            def __del__(self):
                print("del", self.model.predict(self.x).shape)

        Last.x = x
        last = Last(model)
        atexit.register(lambda: print("exit", model.predict([0.0] * 64).shape))
    """)
    assert printed == "exit (8,)\ndel (2500, 8)\n"


@pytest.mark.parametrize("options", [["-X", "dev"], ["-OO"], ["-I"], ["-X", "utf8=0"]], ids=" ".join)
@pytest.mark.slow
def test_unusual_interpreters_give_the_same_bits(options):
    code = "assert model.predict(x).tobytes() == wanted and len(wanted) == 2500 * 8 * 4"
    run_with_model(code, "-W", "error", *options)


def test_importing_in_two_threads_at_once():
    run_python(
        """
        import threading
        shapes = []

        def work():
            from fastnn import Sequential
            from fastnn.layers import Dense
            shapes.append(Sequential([Dense(2)]).predict([[1, 2]]).shape)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shapes == [(1, 2)] * 8
        """,
    )

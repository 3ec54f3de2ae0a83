"""Surroundings that a library seldom has: tiny stacks, no files open, storms of signals, decimal commas, no /proc."""

import platform
import shutil
import subprocess
import sys

import pytest

from processes import run_python, run_with_model

pytestmark = pytest.mark.slow

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
CALLS = {"x86_64": (203, 204, 437), "aarch64": (122, 123, 437)}  # sched_setaffinity, sched_getaffinity, openat2


def test_threads_with_tiny_stacks_give_the_same_bits():
    """64 KiB each, Python's threads and those of the core."""
    code = """
        import ctypes
        import fastnn

        libc, attributes = ctypes.CDLL(None), ctypes.create_string_buffer(64)
        libc.pthread_attr_init(attributes)
        assert libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(65536)) == 0
        assert libc.pthread_setattr_default_np(attributes) == 0
        threading.stack_size(65536)
        fastnn.set_num_threads(4)
        many, answers = np.concatenate([x] * 20), []
        thread = threading.Thread(target=lambda: answers.append(model.predict(many)))
        thread.start()
        thread.join()
        assert answers[0].tobytes() == 20 * wanted
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("pthread_setattr_default_np is glibc's")
    run_with_model(code)


def test_without_standard_streams_files_are_read_and_written(path):
    """As in a daemon: a model's file then has the number of stdin, stdout or stderr."""
    run_with_model(f"""
        import fastnn

        path = {str(path)!r}
        for number in range(3):
            os.close(number)
        model.save(path)
        if fastnn.load_model(path).predict(x).tobytes() != wanted or open(path, "rb").read(1) == b"":
            os._exit(3)
    """)


@LINUX
def test_a_storm_of_signals_disturbs_no_call(path):
    run_with_model(f"""
        import signal
        import fastnn

        signals = []
        signal.signal(signal.SIGALRM, lambda *_: signals.append(1))
        signal.setitimer(signal.ITIMER_REAL, 2e-4, 2e-4)
        many = np.concatenate([x] * 20)
        for i in range(50):
            model.save({str(path)!r})
            assert fastnn.load_model({str(path)!r}).predict(many).tobytes() == 20 * wanted
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert len(signals) > 50
    """)


@LINUX
def test_a_locale_with_decimal_commas_changes_no_file(path, tmp_path):
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not installed")
    built = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], capture_output=True)
    if not (tmp_path / "de_DE.UTF-8").exists():
        pytest.skip(f"no German locale: {built.stderr.decode()}")
    run_with_model(
        f"""
        import locale
        os.environ["LOCPATH"] = {str(tmp_path)!r}
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
        assert locale.localeconv()["decimal_point"] == ","
        import fastnn
        from fastnn.layers import Activation

        model = fastnn.Sequential([Activation({{"name": "clip", "minimum": -0.25, "maximum": 1e-3}})])
        model.build((None, 2))
        model.save({str(path)!r})
        loaded = fastnn.load_model({str(path)!r})
        assert loaded.layers[0].parameters == {{"minimum": -0.25, "maximum": 1e-3}}
        assert loaded.predict([[-3.5, 3.5]]).tolist() == model.predict([[-3.5, 3.5]]).tolist()
        """
    )


def test_without_proc_sys_and_tmp_all_works(run_with_mounts):
    run_with_mounts(
        """
        import os, subprocess, sys

        for folder in ("/proc", "/sys"):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=True)
        os.chdir("/sys")  # which nobody can write to
        import numpy as np, fastnn, fastnn.saving.formats  # now: they may be installed below /tmp
        from fastnn.layers import Dense

        model = fastnn.Sequential([Dense(300, "tanh", input_shape=(64,)), Dense(10, "softmax")])
        x = np.ones((5000, 64), "float32")
        assert fastnn.get_num_threads() >= 1
        wanted = model.predict(x).tobytes()
        fastnn.set_num_threads(3)
        assert model.predict(x).tobytes() == wanted
        for folder, mode in (("/sys", "rw"), ("/tmp", "ro")):
            subprocess.run(["mount", "-t", "tmpfs", "-o", mode, "tmpfs", folder], check=True)
        model.save("/sys/m.safetensors")
        assert fastnn.load_model("/sys/m.safetensors").predict(x).tobytes() == wanted
        """
    )


@LINUX
def test_a_system_that_tells_no_affinity_is_worked_on(path):
    """As where seccomp forbids the calls: the number of threads is a guess, the bits are the same."""
    if platform.machine() not in CALLS:
        pytest.skip(f"the numbers of {platform.machine()}'s system calls are not in this test")
    run_with_model(f"""
        import ctypes, errno, struct

        steps = [(0x20, 0, 0, 0)]  # load the call's number
        steps += [(0x15, 0, 1, number, 0x06, 0, 0, 0x50000 | errno.EPERM) for number in {CALLS[platform.machine()]}]
        steps += [(0x06, 0, 0, 0x7FFF0000)]  # allow all others
        code = b"".join(struct.pack("<HBBL", *step[i : i + 4]) for step in steps for i in range(0, len(step), 4))
        memory = ctypes.create_string_buffer(code)
        program = struct.pack("@HP", len(code) // 8, ctypes.addressof(memory))
        libc = ctypes.CDLL(None)
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.c_char_p(program)):
            os._exit(0)  # no seccomp here
        try:
            os.sched_getaffinity(0)
            raise AssertionError("it is not forbidden")
        except PermissionError:
            pass
        import fastnn
        from fastnn._core import usable_cpus

        assert 1 <= usable_cpus() <= os.cpu_count()
        model.save({str(path)!r})
        assert fastnn.load_model({str(path)!r}).predict(x).tobytes() == wanted
    """)


@LINUX
def test_cpus_taken_away_between_calls_change_no_bit():
    run_with_model("""
        import fastnn

        fastnn.set_num_threads(4)
        many = np.concatenate([x] * 20)
        for cpu in sorted(os.sched_getaffinity(0)) * 3:
            os.sched_setaffinity(0, [cpu])
            assert model.predict(many).tobytes() == 20 * wanted
    """)


def test_pythons_checking_allocator_finds_nothing():
    run_with_model("""
        import subprocess

        code = (
            "import numpy as np; from fastnn import Sequential; from fastnn.layers import Dense;"
            "model = Sequential([Dense(8, input_shape=(64,))]); x = np.ones((900, 64));"
            "assert model.representations(x)[0].tobytes() == model.predict(x).tobytes()"
        )
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONMALLOC": "debug"}, check=True)
    """)


def test_the_core_under_a_second_name_works_or_is_refused():
    run_with_model("""
        import importlib.util
        from fastnn import _core

        spec = importlib.util.spec_from_file_location("second._core", _core.__file__)
        try:
            second = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(second)
            assert second.isas() == _core.isas()
        except ImportError:
            pass
        assert model.predict(x).tobytes() == wanted
    """)


@pytest.mark.parametrize(
    ("first", "said"), [("import fastnn", ""), ("", "main interpreter")], ids=["after the main one", "alone"]
)
def test_a_sub_interpreter_is_refused(first, said):  # by NumPy, where the main one has loaded it
    interpreters = pytest.importorskip("_xxsubinterpreters")
    run_python(
        f"""
        import os
        import {interpreters.__name__} as interpreters

        {first}
        try:
            interpreters.run_string(interpreters.create(), "import numpy, fastnn")
        except interpreters.RunFailedError as error:
            assert "ImportError" in str(error) and {said!r} in str(error), error
            os._exit(0)  # NumPy may not survive the end of the other one
        raise AssertionError("imported")
        """,
        options=["-W", "ignore"],
    )

"""Programs in processes of their own, which must end well and in time; a limit for the memory of one."""

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path


def run(*command, silent=False, text=True, timeout=600, **options):
    """What a program prints. It must end with 0, in time and, if asked for, silent on stderr."""
    command = [str(part) for part in command]
    shown = " ".join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=text, timeout=timeout, **options)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{shown}\nstill runs after {timeout} s; {error.stdout=}, {error.stderr=}") from None
    assert done.returncode == 0, f"{shown}\nends with {done.returncode}\n{done.stdout}{done.stderr}"
    assert not (silent and done.stderr), f"{shown}\nis not silent:\n{done.stderr}"
    return done.stdout


def run_python(code, *arguments, options=(), file=None, timeout=60, **variables):
    """What Python code prints, run with the environment's variables (None: unset), silent on stderr.

    It may import the modules beside this one, and those of tests/. A file is where it is written to be run.
    """
    code = textwrap.dedent(code)
    if file is not None:
        file.write_text(code)
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | variables
    environment = {name: value for name, value in variables.items() if value is not None}
    program = ["-c", code] if file is None else [file]
    return run(sys.executable, *options, *program, *arguments, silent=True, timeout=timeout, env=environment)


MODEL = """
import os, sys, threading
import numpy as np
import fastnn
from fastnn.layers import Dense
from fastnn.models import Sequential

model = Sequential([Dense(64, "tanh", input_shape=(64,)), Dense(8, "softmax")])
fastnn.set_num_threads(3)
x = np.random.default_rng(0).normal(size=(2500, 64)).astype("float32")  # rows enough for three threads
wanted = model.predict(x).tobytes()
"""


def run_with_model(code, *options, **more):
    """What Python code prints that finds a model, rows x, and the bytes that are wanted of them."""
    return run_python(MODEL + textwrap.dedent(code), options=options, **more)


def limit_memory(more):
    """Let this process have so many bytes of address space more than it has; returns the limits before."""
    import resource  # of POSIX

    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + more, before[1]))
    return before


@contextmanager
def full_disk(room=16):
    """Let no file of this process grow beyond so many bytes, as on a full disk."""
    import resource  # of POSIX

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

"""Soak test, everything at once for as long as you like: python tests/tools/soak.py --minutes 60

It runs operations in random order: batches of all sizes and layouts on any number of threads; building, saving, loading
and converting models; forks, signals and invalid calls. All outputs must have the same bits as at the beginning. The
resident memory must not grow: its median in the last quarter may exceed that of the second quarter by a little only.
"""

import argparse
import copy
import ctypes
import os
import pickle
import signal
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import fastnn
from fastnn._core import reference_dense
from fastnn.layers import Dense
from fastnn.models import Sequential, load_model

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))  # modules that the tests share
from arrays import same_bits, uniform
from calls import together
from sequentials import network
from stored_models import FILES, MODELS, stored

MOST_ROWS = 3000
M_ARENA_MAX = -8  # malloc.h
SIZES = [([10, 100, 100, 1], ["relu", "tanh", "linear"]), ([64, 300, 10], ["gelu", "softmax"]), ([5, 3], ["sigmoid"])]


class InterruptionError(Exception):
    """Raised by the handler of the signal."""


class Soak:
    """The models and their expected outputs. Each method in OPERATIONS runs one operation and checks its result."""

    def __init__(self, folder, seed):
        self.folder, self.rng = folder, np.random.default_rng(seed)
        self.known = []
        for sizes, activations in SIZES:
            for dtype in ("float32", "float64"):
                model = network(sizes, activations, dtype)
                x = uniform(1, (MOST_ROWS, sizes[0]), dtype)
                self.known.append((model, x, model.predict(x)))
        self.converted = {}
        signal.signal(signal.SIGALRM, self.interrupt)

    @staticmethod
    def interrupt(*_):
        raise InterruptionError

    def size(self, most):
        """Return a random integer from 0 to `most`, uniform in its logarithm."""
        return int(most ** self.rng.random()) - (self.rng.random() < 0.1)

    def some_rows(self, rng):
        model, x, wanted = self.known[rng.integers(len(self.known))]
        rows = int(MOST_ROWS ** rng.random())
        first = rng.integers(MOST_ROWS - rows + 1)
        return model, x[first : first + rows], wanted[first : first + rows]

    def batch(self, rng=None):
        rng = rng or self.rng
        model, x, wanted = self.some_rows(rng)
        layout = rng.integers(6)
        if layout == 0:
            assert same_bits(model.predict(x[::-2]), np.ascontiguousarray(wanted[::-2]))
        elif layout == 1:
            assert same_bits(model.predict(np.asfortranarray(x)), wanted)
        elif layout == 2:
            assert same_bits(model.predict(x, out=np.empty_like(wanted)), wanted)
        elif layout == 3:
            assert same_bits(model.representations(x[:100])[-1], wanted[:100])
        elif layout == 4:
            assert same_bits(model.predict(x[:20].tolist()), wanted[:20])
        else:
            assert same_bits(model(x), wanted)

    def no_rows(self):
        model, x, _ = self.some_rows(self.rng)
        assert model.predict(x[:0]).size == 0

    def threads(self):
        fastnn.set_num_threads(int(self.rng.integers(1, 9)))

    def instruction_set(self):
        fastnn.set_isa(str(self.rng.choice(fastnn.isas())))

    def callers(self):
        seed = int(self.rng.integers(2**30))
        together(lambda i: self.batch(np.random.default_rng(seed + i)), 4)

    def built(self):
        inputs, units, rows = 1 + self.size(200), 1 + self.size(200), self.size(50)
        dtype = str(self.rng.choice(["float32", "float64"]))
        model = network([inputs, units], ["linear"], dtype, int(self.rng.integers(1000)))
        x = uniform(2, (rows, inputs), dtype)
        assert same_bits(model.predict(x), reference_dense(*model.get_weights(), x))

    def copied(self):
        model, x, wanted = self.some_rows(self.rng)
        assert same_bits(copy.deepcopy(model).predict(x), wanted)
        assert same_bits(pickle.loads(pickle.dumps(model)).predict(x), wanted)

    def saved(self):
        model, x, wanted = self.some_rows(self.rng)
        path = self.folder / "model.safetensors"
        model.save(path)
        loaded = load_model(path)
        assert same_bits(loaded.predict(x), wanted)
        assert loaded == model

    def conversion(self):
        file = str(self.rng.choice(FILES))
        try:
            x, _, _, options = stored(file)
            answer = load_model(MODELS / file, **options).predict(x).tobytes()
        except ImportError:
            return
        assert self.converted.setdefault(file, answer) == answer

    def weights_set(self):
        model = Sequential([Dense(40, "relu", input_shape=(30,)), Dense(7)])
        x, shapes = uniform(3, (200, 30), "float32"), [w.shape for w in model.get_weights()]
        states, answers = [[uniform(i, shape) for shape in shapes] for i in (1, 2)], set()
        for state in states:
            model.set_weights(state)
            answers.add(model.predict(x).tobytes())
        thread = threading.Thread(target=lambda: [model.set_weights(states[i % 2]) for i in range(20)])
        thread.start()
        assert {model.predict(x).tobytes() for _ in range(20)} <= answers
        thread.join()

    def forked(self):
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(600)
                self.batch()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0

    def interrupted(self):
        model, x, wanted = self.known[self.rng.integers(len(self.known))]
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.01 * self.rng.random())
            for _ in range(1000):
                assert same_bits(model.predict(x), wanted)
            raise AssertionError("no signal came")
        except InterruptionError:
            pass

    def mistakes(self):
        model, x, _ = self.some_rows(self.rng)
        for wrong in (lambda: model.predict(x[:, 1:]), lambda: model.predict(x, out=x[0]), lambda: model.add(model)):
            try:
                wrong()
            except (ValueError, TypeError):
                continue
            raise AssertionError("no error")
        content, path = (MODELS / "torch_digits.state_dict.safetensors").read_bytes(), self.folder / "cut.safetensors"
        path.write_bytes(content[: self.rng.integers(len(content))])
        try:
            load_model(path, layers=["relu", "linear", "tanh", "linear"])
        except fastnn.ModelFormatError:
            return
        raise AssertionError("no error")

    OPERATIONS = (
        *(batch, batch, batch, no_rows, threads, instruction_set, callers, built, copied, saved),
        *(conversion, weights_set, forked, interrupted, mistakes),
    )


def resident():
    """Return the resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def mebibytes(size):
    return f"{size / 2**20:.1f} MiB"


def soak(seconds, seed, folder, report):
    """Run operations for `seconds`; return samples of the memory, at least one per second, and the count of each."""
    state, counts, samples = Soak(folder, seed), Counter(), []
    for operation in 3 * Soak.OPERATIONS:  # warm up: imports, caches and threads
        operation(state)
    start = reported = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        if now >= start + len(samples) * min(1, seconds / 100):
            samples.append(resident())
        if now >= reported + report:
            reported = now
            print(f"{(now - start) / 60:.0f} min  {counts.total()} operations  {mebibytes(samples[-1])}", flush=True)
        operation = Soak.OPERATIONS[state.rng.integers(len(Soak.OPERATIONS))]
        try:
            operation(state)
        except BaseException:
            print(f"seed {seed}, after {counts.total()} operations: {operation.__name__}", file=sys.stderr)
            raise
        counts[operation.__name__] += 1
    return samples, counts


def main():
    """Run the soak test; return 0 if nothing failed and the memory did not grow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="default: 60")
    parser.add_argument("--growth", type=float, default=2, help="MiB that memory may grow by; default: 2")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    if sys.platform == "linux":
        # glibc gives threads arenas of their own, and memory that ended threads leave there looks like a leak. So: one
        # arena.
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # from os.fork
    with tempfile.TemporaryDirectory() as folder:
        samples, counts = soak(60 * arguments.minutes, arguments.seed, Path(folder), report=60)
    quarter = len(samples) // 4
    second, last = statistics.median(samples[quarter : 2 * quarter]), statistics.median(samples[-quarter:])
    print(f"seed {arguments.seed}, {counts.total()} operations: {dict(counts.most_common())}")
    print(f"memory in the second quarter {mebibytes(second)}, in the last {mebibytes(last)}; 0 errors")
    return 0 if last <= second + arguments.growth * 2**20 else 1


if __name__ == "__main__":
    sys.exit(main())

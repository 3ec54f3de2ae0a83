"""A table ten times larger than the memory of a worker: predicted and trained by fastnn.dask on two processes.

    pip install 'dask[dataframe]' distributed onnx onnxruntime scikit-learn
    python bench/scale_out.py                     # some minutes: 10 million rows of 100 numbers, 4 GB
    python bench/scale_out.py --rows 500000 --units 512   # a larger network

A worker may take 400 MB, Python and its libraries included, or dask ends it. Rows are drawn in the workers, from seeds,
partition by partition, so no process ever holds the table. Answers are compared by the SHA-256 of those of each
partition, and weights by the model's fingerprint, with what this process alone gets: it predicts each partition with
model.predict, and trains with model.fit on an iterable of the batches. ONNX Runtime and scikit-learn predict in the
same workers. Each process computes on one thread. Memory is the largest resident set of a worker since it started; CPU
is the time of all processes together, which other programs on the machine change less than the time that passes.
"""

import argparse
import functools
import hashlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # as dask sets it for workers

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, get_worker

from arguments import between, exit_code

PARTITION, BATCH, INPUTS = 16384, 65536, 100


def draw(number, rows):
    """Return a partition: rows of numbers from -1 to 1."""
    return np.random.default_rng(number).random((rows, INPUTS), np.float32) * 2 - 1


def targets(rows):
    return rows[:, 0] * rows[:, 1] + np.abs(rows[:, 2]) - rows[:, 3]


def digest(answers):
    return np.frombuffer(hashlib.sha256(np.ascontiguousarray(answers)).digest(), "S32")


def sizes_of(rows):
    return [min(PARTITION, rows - first) for first in range(0, rows, PARTITION)]


def table_of(rows):
    """Return the table as a dask array that is computed partition by partition."""
    sizes = sizes_of(rows)
    numbers = da.arange(len(sizes), chunks=1)
    # Each number is a chunk, which becomes the rows of a partition.
    return numbers.map_blocks(
        lambda number: draw(int(number[0]), sizes[int(number[0])]),
        chunks=(tuple(sizes), (INPUTS,)),
        new_axis=1,
        dtype="float32",
        meta=np.empty((0, 0), "float32"),
    )


def vector_of(function, x):
    """Return the function's number for each row, lazily."""
    return x.map_blocks(function, dtype="float32", drop_axis=1, meta=np.empty(0, "float32"))


def digests_of(answers):
    return answers.map_blocks(digest, dtype="S32", chunks=((1,) * answers.numblocks[0],), meta=np.empty(0, "S32"))


def model_of(units):
    from fastnn.layers import Dense
    from fastnn.models import Sequential

    model = Sequential([Dense(units, "relu", input_shape=(INPUTS,)), Dense(units, "relu"), Dense(1)])
    draws = np.random.default_rng(0)
    model.set_weights([draws.normal(0, len(w) ** -0.5, w.shape) for w in model.get_weights()])
    model.compile("adam", "mse")
    return model


def mlp_of(model):
    """Return scikit-learn's estimator with the weights of a model."""
    from sklearn.neural_network import MLPRegressor

    estimator = MLPRegressor(hidden_layer_sizes=[len(bias) for bias in model.get_weights()[1:-1:2]]).partial_fit(
        np.zeros((2, INPUTS)), np.zeros(2)
    )
    weights = [w.astype(np.float32) for w in model.get_weights()]
    estimator.coefs_, estimator.intercepts_ = weights[::2], weights[1::2]
    return estimator


def load_onnx_runtime(file, dask_worker):
    """Load the model in a worker, so that no phase pays for it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    dask_worker.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def load_scikit_learn(estimator):
    estimator.predict(np.zeros((1, INPUTS), np.float32))


def by_onnx_runtime(rows):
    session = get_worker().session
    return session.run(None, {session.get_inputs()[0].name: rows})[0][:, 0]


def usage():
    """Return the CPU time of this process, and its largest resident set so far, in bytes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


class Phases:
    """Runs phases, and keeps a line of the table of each."""

    def __init__(self, rows):
        self.rows, self.lines = rows, []

    def run(self, name, call, client=None):
        def processes():
            workers = [] if client is None else list(client.run(usage).values())
            return usage()[0] + sum(cpu for cpu, _ in workers), max((memory for _, memory in workers), default=0)

        before, start = processes()[0], time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        cpu, memory = processes()
        speed, cpu = f"{self.rows / seconds / 1e6:.2f}", cpu - before
        line = [name, f"{seconds:.1f}", speed, f"{cpu:.1f}", f"{memory / 1e6:.0f}" if memory else ""]
        print(" | ".join(line), flush=True)
        self.lines.append(line)
        return result


def cluster_of(memory):
    return LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=memory, dashboard_address=":0")


def on_two_workers(phases, options, model):
    """Return the digests of all partitions' answers, and the trained model."""
    from fastnn.dask import predict, train

    x, trained = table_of(options.rows), model_of(options.units)
    with cluster_of(options.memory) as cluster, Client(cluster) as client:
        client.run(predict, model, x[:1])  # no phase pays for imports
        run = functools.partial(phases.run, client=client)
        run("two workers: draw the rows", digests_of(vector_of(targets, x)).compute)
        found = run("two workers: fastnn.dask.predict", digests_of(predict(model, x)).compute)
        run("two workers: fastnn.dask.train", lambda: train(trained, x, vector_of(targets, x), BATCH, verbose=0))
    return found, trained


def others_on_two_workers(phases, options, model):
    """Predict by other engines in map_blocks, each in workers of its own, of any memory."""
    x, estimator = table_of(options.rows), mlp_of(model)
    expected = model.predict(draw(0, sizes_of(options.rows)[0]))[:, 0]
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.onnx")
        model.export(file)
        for name, function, load in (
            ("ONNX Runtime", by_onnx_runtime, functools.partial(load_onnx_runtime, file=file)),
            ("scikit-learn", estimator.predict, functools.partial(load_scikit_learn, estimator)),
        ):
            with cluster_of(None) as cluster, Client(cluster) as client:
                client.run(load)
                y = vector_of(function, x)
                np.testing.assert_allclose(y.blocks[0].compute(), expected, 1e-4, 1e-4)
                phases.run(f"two workers: {name} in map_blocks", digests_of(y).compute, client)


def in_this_process(phases, options, model):
    """Return the same."""
    partitions = list(enumerate(sizes_of(options.rows)))
    trained = model_of(options.units)

    def batches():
        step = BATCH // PARTITION
        for first in range(0, len(partitions), step):
            rows = np.concatenate([draw(*each) for each in partitions[first : first + step]])
            yield rows, targets(rows)

    phases.run("one process: draw the rows", lambda: [digest(targets(draw(*each))) for each in partitions])
    found = phases.run(
        "one process: model.predict",
        lambda: np.concatenate([digest(model.predict(draw(*each))) for each in partitions]),
    )
    phases.run("one process: model.fit", lambda: trained.fit(batches(), verbose=0))
    return found, trained


def main(argv=None):
    import timing
    from report import table

    parser = argparse.ArgumentParser(
        "scale_out.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=between(int, 1, 10**9), default=10_000_000)
    parser.add_argument("--units", type=between(int, 1, 10000), default=100, help="of the two hidden layers")
    parser.add_argument("--memory", default="400MB", help="that a worker may take")
    options = parser.parse_args(argv)
    print("\n".join(f"{name}: {text}" for name, text in timing.environment().items()))
    # Rows that do not fit are not to go to the disk: memory stays flat without that.
    dask.config.set({f"distributed.worker.memory.{each}": False for each in ("target", "spill", "pause")})
    phases, model = Phases(options.rows), model_of(options.units)
    answers, trained = on_two_workers(phases, options, model)
    others_on_two_workers(phases, options, model)
    expected, alone = in_this_process(phases, options, model)
    if answers.tolist() != expected.tolist():
        raise SystemExit("answers differ")
    if trained.fingerprint() != alone.fingerprint() or trained.history.history != alone.history.history:
        raise SystemExit("trainings differ")
    print(table(["", "seconds", "million rows a second", "CPU seconds", "memory of a worker, MB"], phases.lines))
    size = f"{options.rows * INPUTS * 4 / 1e9:.1f} GB of rows, workers of at most {options.memory}"
    print(f"{size}: answers, weights and losses have the bits of one process.")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("scale_out.py", main))

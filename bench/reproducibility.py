"""Train one network in every installed library, on 1 and 2 threads and two instruction sets; count the results.

    python bench/reproducibility.py --markdown table.md    # about three minutes
    python bench/reproducibility.py --quick                # ten steps instead of a hundred, each once

The network is 64-256-256-10 with cross-entropy, of a batch of 256 rows; all runs have the same weights, rows and order,
and 100 steps of Adam. Each run has a process of its own, whose environment variables say how many threads and which
instructions it may use. The SHA-256 of the weights tells whether two runs ended with the same. Exit code 1 means that
fastnn has more than one result.
"""

import argparse
import hashlib
import os
import subprocess
import sys

import timing
from arguments import exit_code, new_file, one_of
from report import table
from tasks import Task
from trainers import TRAINERS, installed

TASK = Task("reproducibility", (64, 256, 256, 10), "relu", "cross-entropy", batch=256, steps=100)
QUICK_STEPS = 10
LIBRARIES = [name for name in TRAINERS if name != "jax-step"]  # its arithmetic is that of jax-scan
REPEATS = 2  # runs of each kind, since some results differ from one to the next


def threads_variables(threads):
    """Return the environment variables that give every library so many threads."""
    names = [f"{each}_NUM_THREADS" for each in ("OMP", "OPENBLAS", "MKL", "FASTNN")]
    return dict.fromkeys([*names, "NPROC"], f"{threads}")  # NPROC: threads of JAX's pools


# What keeps fastnn, NumPy, OpenBLAS, PyTorch, oneDNN, MKL and XLA from AVX-512, each as its manual says.
AVX2 = {
    "FASTNN_ISA": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


def instruction_sets():
    """Return name -> environment variables: the best of this CPU, and AVX2 if that is AVX-512."""
    import fastnn

    best = fastnn.isas()[0]
    return {best: {}} | ({"avx2": AVX2} if best == "avx512" else {})


def digest(name, steps):
    """Train in this process and return the SHA-256 of all weights."""
    train, weights = TRAINERS[name][0](TASK.first(steps), shuffle=False)
    train(1)
    digest = hashlib.sha256()
    for pair in weights():
        for array in pair:
            digest.update(array.tobytes())  # in C's order
    return digest.hexdigest()


def run(name, steps, variables):
    """Return the digest of a process with these environment variables."""
    variables = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    inherited = {key: value for key, value in os.environ.items() if key not in AVX2}
    command = [sys.executable, __file__, "--worker", name, "--steps", f"{steps}"]
    done = subprocess.run(command, env=inherited | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{name} does not train: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.strip()


def results(names, steps, repeats):
    """Return library -> (instruction set, threads) -> digests of the runs. Prints progress to stderr."""
    found = {}
    for name in names:
        print(name, file=sys.stderr)
        found[name] = {
            (isa, threads): [run(name, steps, variables | threads_variables(threads)) for _ in range(repeats)]
            for isa, variables in instruction_sets().items()
            for threads in (1, 2)
        }
    return found


def markdown(found, versions, steps):
    """Return a table with the number of different results of each library, and the first digits of each."""
    columns = list(next(iter(found.values())))
    head = [
        "library",
        *(f"{isa}, {threads} thread{'s' * (threads > 1)}" for isa, threads in columns),
        "different results",
    ]
    lines = []
    for name, cells in found.items():
        texts = [" ".join(f"`{each[:8]}`" for each in dict.fromkeys(cells[column])) for column in columns]
        different = len({each for digests in cells.values() for each in digests})
        lines.append([f"{name} {versions[name]}", *texts, different])
    absent = [name for name in LIBRARIES if versions[name] is None]
    runs = "one run" if len(next(iter(found["fastnn"].values()))) == 1 else f"{REPEATS} runs"
    parts = [
        "; ".join(f"{name}: {text}" for name, text in timing.environment().items()) + ".",
        f"SHA-256 of the weights after {steps} steps, its first digits; {runs} of each.",
        table(head, lines),
    ]
    return "\n\n".join(parts + ([f"Not installed: {', '.join(absent)}."] if absent else []))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", type=one_of(LIBRARIES), default=LIBRARIES, metavar="NAME,…")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps, each run once")
    parser.add_argument("--markdown", type=new_file, metavar="FILE")
    parser.add_argument("--worker", choices=LIBRARIES, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=TASK.steps, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker:
        print(digest(options.worker, options.steps))
        return 0
    steps, repeats = (QUICK_STEPS, 1) if options.quick else (TASK.steps, REPEATS)
    versions = installed()
    names = [name for name in dict.fromkeys(["fastnn", *options.engines]) if versions[name] is not None]
    found = results(names, steps, repeats)
    text = markdown(found, versions, steps)
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")
    different = {each for digests in found["fastnn"].values() for each in digests}
    return 1 if len(different) > 1 else 0


if __name__ == "__main__":
    sys.exit(exit_code("reproducibility.py", main))

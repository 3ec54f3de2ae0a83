"""A prepared model's calls ask nobody for anything: no memory, no lock, no system call (real_time.cpp counts)."""

import re
import subprocess

import pytest

import fastnn
from activations import with_parameters
from compiled import ROOT, compiled, tools
from fastnn import _core
from fastnn.layers import Activation, Input
from fastnn.models import Sequential
from processes import run
from sequentials import every_layer, network

DTYPES = ("float32", "float64")


def activation_alone(name, dtype):
    return Sequential([Input((33,)), Activation(with_parameters(name))], dtype=dtype)


def stored(folder, models):
    paths = []
    for model in models:
        paths.append(folder / f"{len(paths)}.safetensors")
        model.save(paths[-1])
    return paths


def narrow(dtype):
    return network([3, 2, 1], ["tanh", "linear"], dtype)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return stored(
        tmp_path_factory.mktemp("models"), (make(dtype) for make in (every_layer, narrow) for dtype in DTYPES)
    )


@pytest.fixture(scope="module")
def counts(library, models, tmp_path_factory):
    """Counts, by their names, of calls in a mode of the program: all of them for each instruction set."""
    program = compiled(tmp_path_factory.mktemp("real_time"), ROOT / "tests/programs/real_time.cpp", library, "-ldl")

    def count(mode, calls):
        lines = run(program, mode, calls, ROOT / "examples/digits.safetensors", *models).splitlines()
        if "no seccomp" in lines[0]:
            pytest.skip(lines[0])
        return {
            line.split()[0]: {k: int(n) for k, n in re.findall(r"(\w+) (\d+)", line.split(" ", 1)[1])} for line in lines
        }

    return count


@pytest.mark.slow
def test_prepared_calls_allocate_nothing_lock_nothing_and_make_no_system_call(counts):
    nothing = {"allocations": 0, "locks": 0, "system_calls": 0, "wrong": 0}
    best, *others = fastnn.isas()
    assert counts("prepared", 100_000) == {best: {"calls": 100_000, **nothing}} | {
        isa: {"calls": 1_000, **nothing} for isa in others
    }


@pytest.mark.parametrize(
    ("mode", "what"),
    [("malloc", "allocations"), ("lock", "locks"), ("system_call", "system_calls"), ("network", "allocations")],
)
@pytest.mark.slow
def test_what_the_promise_excludes_would_be_counted(counts, mode, what):
    for found in counts(mode, 10_000).values():
        assert found[what] >= 1
        assert sum(found.values()) == found["calls"] + found[what]


@pytest.mark.parametrize("isa", ["avx2", "portable"])  # those that valgrind knows
@pytest.mark.slow
def test_a_call_takes_as_many_instructions_whatever_the_numbers_are(library, models, tmp_path, isa):
    if isa not in fastnn.isas():
        pytest.skip(f"{isa} cannot run here")
    (valgrind,) = tools("valgrind")
    program = compiled(tmp_path, ROOT / "tests/programs/even_calls.cpp", library)
    # So that each activation meets such numbers itself.
    alone = stored(tmp_path, (activation_alone(name, dtype) for name in _core.activations for dtype in DTYPES))

    def instructions(kind):
        command = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", program, kind]
        done = subprocess.run(
            [*command, "20", *models, *alone], capture_output=True, text=True, env={"FASTNN_ISA": isa}
        )
        assert done.returncode == 0, done.stderr
        return int(re.search(r"I +refs: +([\d,]+)", done.stderr)[1].replace(",", ""))

    normal, *others = map(instructions, "0123")
    print(f"{isa}: {normal} instructions; others {others}")
    assert others == [normal] * 3

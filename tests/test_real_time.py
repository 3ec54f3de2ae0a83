"""A prepared model's calls ask nobody for anything: no memory, no lock, no system call (real_time.cpp counts)."""

import re

import pytest

import fastnn
from compiled import ROOT, compiled, run
from conftest import network, with_parameters
from fastnn import _core
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential


def every_activation(dtype):
    activations = [Activation(with_parameters(name)) for name in _core.activations]
    return Sequential([Dense(33, input_shape=(5,)), *activations, Dense(1)], dtype=dtype)


def narrow(dtype):
    return network([3, 2, 1], ["tanh", "linear"], dtype)


@pytest.fixture(scope="module")
def counts(library, tmp_path_factory):
    """Counts, by their names, of calls in a mode of the program: all of them for each instruction set."""
    folder = tmp_path_factory.mktemp("real_time")
    program = compiled(folder, ROOT / "tests/real_time.cpp", library, "-ldl")
    models = []
    for make in (every_activation, narrow):
        for dtype in ("float32", "float64"):
            models.append(folder / f"{make.__name__}_{dtype}.safetensors")
            make(dtype).save(models[-1])

    def count(mode, calls):
        lines = run(program, mode, calls, ROOT / "examples/digits.safetensors", *models).splitlines()
        if "no seccomp" in lines[0]:
            pytest.skip(lines[0])
        return {
            line.split()[0]: {k: int(n) for k, n in re.findall(r"(\w+) (\d+)", line.split(" ", 1)[1])} for line in lines
        }

    return count


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
def test_what_the_promise_excludes_would_be_counted(counts, mode, what):
    for found in counts(mode, 10_000).values():
        assert found[what] >= 1
        assert sum(found.values()) == found["calls"] + found[what]

"""Each allocation fails once: std::bad_alloc or MemoryError, or an answer; nothing leaks, and all works afterwards."""

import re
import sys

import pytest

from compiled import ROOT, compiled, tools
from model_bytes import with_layer
from processes import run
from sequentials import network

TESTS = ROOT / "tests/programs"


@pytest.fixture
def files(tmp_path):
    """A model, a file that is none for a reason deep inside, an empty folder."""
    model, wrong, folder = tmp_path / "model.safetensors", tmp_path / "wrong.safetensors", tmp_path / "folder"
    network([64, 100, 100, 10], ["tanh", "leaky_relu", "softmax"], "float32").save(model)
    wrong.write_bytes(with_layer(2, activation="none"))
    folder.mkdir()
    return model, wrong, folder


def failures(text):
    return {name: int(number) for name, number in re.findall(r"(.+): (\d+)\n", text)}


@pytest.mark.slow
def test_each_allocation_of_the_core_may_fail(library, files, tmp_path):
    program = compiled(tmp_path, TESTS / "allocation_failures.cpp", TESTS / "failing_new.cpp", library)
    counts = failures(run(program, *files))
    assert counts["load"] > 100
    assert counts["forward on four"] > 4
    assert counts["build a trainer"] > 10
    assert counts["step on one thread"] > 1
    assert counts["step on four"] > 4


@pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
@pytest.mark.slow
def test_each_allocation_of_the_module_may_fail(files, tmp_path):
    (compiler,) = tools("c++")
    shim = tmp_path / "failing_new.so"
    run(compiler, "-std=c++17", "-O1", "-shared", "-fPIC", TESTS / "failing_new.cpp", "-o", shim)
    command = [sys.executable, ROOT / "tests/support/failing_calls.py", shim, *files]
    counts = failures(run("env", f"LD_PRELOAD={shim}", *command))
    assert min(counts[name] for name in ("predict", "load", "save", "build", "wrong file", "fit")) > 0

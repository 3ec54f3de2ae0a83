"""Fixtures: instruction sets, the command line, the C++ package, mounts."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import compiled
import fastnn
from fastnn import _core
from fastnn.cli.main import main
from package import packaged

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; programs of tests inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


fastnn.utils.set_random_seed(1)  # for what test files draw when they are imported


@pytest.fixture(autouse=True)
def seeded(monkeypatch):
    """What a test draws without a seed of its own is the same in every run: its failure can be repeated."""
    fastnn.utils.set_random_seed(1)
    monkeypatch.setattr("secrets.randbelow", random.randrange)  # the seed of `fastnn train`


@pytest.fixture(params=[*fastnn.isas(), *_core.unsupported_isas()])
def isa(request):
    """Each instruction set of this build; those that this CPU cannot run appear as skips."""
    if request.param not in fastnn.isas():
        pytest.skip(f"this CPU cannot run {request.param}")
    before = fastnn.isa()
    fastnn.set_isa(request.param)
    yield request.param
    fastnn.set_isa(before)


@pytest.fixture
def threads():
    """Sets the number of threads, and sets it back."""
    before = fastnn.get_num_threads()
    yield fastnn.set_num_threads
    fastnn.set_num_threads(before)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def run(capsys):
    """Call the command line: (exit code, stdout, stderr)."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def run_with_mounts():
    """Run Python where it may mount what nobody else sees; a skip where the system forbids that."""
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        probe = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if shutil.which("unshare") and subprocess.run(probe, capture_output=True).returncode == 0:
            return lambda code, *arguments: compiled.run(
                *command, sys.executable, "-c", textwrap.dedent(code), *arguments
            )
    return pytest.skip("needs Linux' unshare, and to be allowed to mount a tmpfs")


@pytest.fixture
def frequent_switches():
    """Let Python change threads as often as it can: every race gets its chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Where CMake has built the C++ library: FASTNN_BUILD, or a folder where that takes a minute."""
    if "FASTNN_BUILD" in os.environ:
        return Path(os.environ["FASTNN_BUILD"])
    return compiled.built(compiled.ROOT, tmp_path_factory.mktemp("build"), "fastnn")


@pytest.fixture(scope="session")
def prefix(build, tmp_path_factory):
    """Where `cmake --install` has put the C++ package."""
    prefix = tmp_path_factory.mktemp("prefix")
    compiled.run("cmake", "--install", build, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def library(request):
    """The path of libfastnn.a: the one that pip has installed, or else one built here."""
    folder = packaged()
    package = request.getfixturevalue("prefix") if folder is None else folder.parents[2]
    return next(package.rglob("libfastnn.a"))

"""What tests share: instruction sets, networks whose numbers never change, the C++ package, threads that meet."""

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import compiled
import fastnn
from fastnn import _core
from fastnn.cli import main
from fastnn.configuration import cmake_dir
from fastnn.layers import Activation, Affine, Dense, LayerNormalization, PReLU
from fastnn.models import Sequential


@pytest.fixture(params=[*fastnn.isas(), *_core.unsupported_isas()])
def isa(request):
    """Each instruction set of this build; those that this CPU cannot run appear as skips."""
    if request.param not in fastnn.isas():
        pytest.skip(f"this CPU cannot run {request.param}")
    before = fastnn.isa()
    fastnn.set_isa(request.param)
    yield request.param
    fastnn.set_isa(before)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def uniform(seed, shape, dtype="float64"):
    """Numbers in [-1, 1) with 24 bits, exact in either dtype; PCG64's raw stream never changes."""
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return ((raw >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape).astype(dtype)


PARAMETERS = {
    "leaky_relu": {"negative_slope": 0.2},
    "clip": {"minimum": -0.25, "maximum": 0.5},
    "elu": {"alpha": 0.7},
    "celu": {"alpha": 0.7},
}


def with_parameters(activation):
    """An activation as layers take it; those that need parameters get these."""
    return {"name": activation, **PARAMETERS[activation]} if activation in PARAMETERS else activation


def every_layer(dtype):
    """A model of each layer and activation, with parameters that a file's decimals do not hold exactly."""
    layers = [Dense(40, "tanh", input_shape=(5,)), PReLU(), Affine(), LayerNormalization(epsilon=0.1)]
    layers += [Activation({"name": "leaky_relu", "negative_slope": 0.9 + i / 1000}) for i in range(50)]
    for name in sorted(_core.activations, key="step".__eq__):  # which leaves too little to those behind it
        layers += [Dense(33), Activation(with_parameters(name))]
    model = Sequential([*layers, Dense(3, "sigmoid")], dtype=dtype)
    model.set_weights([uniform(i, w.shape) / 4 for i, w in enumerate(model.get_weights())])
    return model


def network(sizes, activations, dtype, seed=1, use_bias=True):
    """A model of the given sizes (inputs first) and activations, its weights scaled to keep the sums around 1."""
    model = Sequential(dtype=dtype)
    for i, (inputs, units, activation) in enumerate(zip(sizes, sizes[1:], activations, strict=False)):
        layer = Dense(units, with_parameters(activation), use_bias=use_bias, input_shape=(inputs,))
        model.add(layer)
        weights = [uniform(seed + 2 * i, (inputs, units)) * 2 / np.sqrt(inputs), uniform(seed + 2 * i + 1, units)]
        layer.set_weights(weights[: 1 + use_bias])
    return model


def activation_model(activation, units, dtype):
    """A model that is one activation alone."""
    model = Sequential(
        [Activation(with_parameters(activation) if isinstance(activation, str) else activation)], dtype=dtype
    )
    model.build((None, units))
    return model


def same_bits(a, b):
    """Whether two arrays are the same to the last bit: NaNs and signs of zero too."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


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


def packaged():
    """The C++ package's folder with fastnnConfig.cmake beside the Python module; None where nobody has installed it.

    A wheel must hold it: where fastnn comes from one, FileNotFoundError.
    """
    try:
        return Path(cmake_dir())
    except FileNotFoundError:
        if {"site-packages", "dist-packages"}.isdisjoint(Path(_core.__file__).parts):
            return None
        raise


@pytest.fixture(scope="session")
def library(request):
    """The path of libfastnn.a: the one that pip has installed, or else one built here."""
    folder = packaged()
    package = request.getfixturevalue("prefix") if folder is None else folder.parents[2]
    return next(package.rglob("libfastnn.a"))


def repeated(few, many):
    """Gives a test its number of `times`: few every day, many with -m exhaustive."""
    return pytest.mark.parametrize("times", [few, pytest.param(many, marks=pytest.mark.exhaustive)])


def together(function, threads):
    """Call function(0) … function(threads - 1) in as many threads, all released at once; return the results."""
    barrier = threading.Barrier(threads)

    def call(i):
        barrier.wait()
        return function(i)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, range(threads)))

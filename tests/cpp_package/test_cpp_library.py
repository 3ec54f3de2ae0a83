"""The C++ library as a program gets it, from an install prefix or the Python package: Python's bits, Python's words."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from activations import with_parameters
from arrays import same_bits, uniform
from compiled import ROOT, built, compiled
from fastnn import configuration
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, Dropout, LayerNormalization, PReLU, ReLU
from fastnn.models import Sequential
from package import packaged
from processes import run
from sequentials import network

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples/cpp"
MODEL = ROOT / "examples/digits.safetensors"


@pytest.fixture(scope="module", params=["prefix of cmake --install", "Python package"])
def package(request):
    """The folder with fastnnConfig.cmake."""
    if request.param == "Python package":
        return packaged() or pytest.skip("fastnn is not installed by pip")
    return next(request.getfixturevalue("prefix").rglob("fastnnConfig.cmake")).parent


@pytest.fixture(scope="module")
def digits(package, tmp_path_factory):
    return built(EXAMPLE, tmp_path_factory.mktemp("digits"), settings=[f"-Dfastnn_DIR={package}"]) / "digits"


def test_example_gives_the_bits_of_python(digits):
    x = np.loadtxt(ROOT / "examples/digits.csv", delimiter=",", skiprows=1, usecols=range(64))
    text = "\n".join(" ".join(map(str, row)) for row in x)
    done = subprocess.run([digits, MODEL], input=text, capture_output=True, text=True, check=True)
    y = np.loadtxt(done.stdout.splitlines(), dtype=np.float32)
    assert same_bits(y, fastnn.load_model(MODEL).predict(x))
    assert y.shape == (360, 10)


def test_example_of_training_learns_digits_with_the_bits_of_python(digits):
    assert len((EXAMPLE / "on_device.cpp").read_text().splitlines()) < 60
    table = np.loadtxt(ROOT / "examples/digits.csv", delimiter=",", skiprows=1)
    text = "\n".join(" ".join(map(str, row)) for row in table)
    program = digits.with_name("on_device")
    said = subprocess.run([program, MODEL], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    model = fastnn.load_model(MODEL)
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit(table[:, :64], table[:, 64], epochs=5, shuffle=False, verbose=0).history["loss"]
    assert said[:-1] == [f"pass {i}: loss {loss:.4f}" for i, loss in enumerate(losses, 1)]
    right = int((model.predict_classes(table[:, :64]) == table[:, 64]).sum())
    assert said[-1] == f"right: 348 of 360 before, {right} after"


def test_example_says_what_python_says_of_a_wrong_file(digits, tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(MODEL.read_bytes()[:-1])
    with pytest.raises(fastnn.ModelFormatError) as caught:
        fastnn.load_model(path)
    done = subprocess.run([digits, path], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"digits: {caught.value}\n")


def test_example_is_a_whole_program_of_less_than_40_lines():
    assert len((EXAMPLE / "digits.cpp").read_text().splitlines()) < 40


def test_a_build_without_a_compiler_says_what_to_install(tmp_path):
    command = ["cmake", "-S", ROOT, "-B", tmp_path, "-G", "Ninja"]
    done = subprocess.run(command, env=os.environ | {"CXX": "no-such-compiler"}, capture_output=True, text=True)
    said = done.stderr.split("Error at ", 1)[1].splitlines()[1:]
    assert done.returncode != 0
    assert said[0].strip().startswith("fastnn needs gcc or clang with C++17; CMake found no C++ compiler.")
    assert "    Debian, Ubuntu: sudo apt install g++" in said
    assert "    Fedora, RHEL: sudo dnf install gcc-c++" in said
    assert len("".join(said)) < 350


def test_package_asks_for_no_other_library_and_knows_no_path_of_its_build(package):
    text = "".join(path.read_text() for path in package.glob("*.cmake"))
    assert "nlohmann" not in text
    assert str(ROOT) not in text
    assert "Threads::Threads" in text


def every_layer(dtype):
    layers = [Dense(70, "tanh", input_shape=(5,)), PReLU(), Affine(), LayerNormalization(), Dense(3)]
    layers += [BatchNormalization(scale=False), ReLU(6), Dropout(0.5)]
    model = Sequential([*layers, Activation(with_parameters("leaky_relu"))], dtype=dtype)
    model.set_weights([abs(uniform(i, w.shape)) for i, w in enumerate(model.get_weights())])  # no negative variance
    return model


def narrow(dtype):
    return network([3, 2, 1], ["relu", "sigmoid"], dtype)


@pytest.fixture(scope="module")
def program(library, tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("library"), ROOT / "tests/programs/library.cpp", library)


@pytest.mark.parametrize("make", [every_layer, narrow], ids=lambda make: make.__name__)
def test_library_keeps_the_words_of_its_header(program, make, dtype, path):
    make(dtype).save(path)
    assert run(program, path) == f"{make(dtype).fingerprint()}\n"


def test_command_line_tells_where_the_package_is_or_that_it_is_not():
    done = subprocess.run([sys.executable, "-m", "fastnn", "--cmake-dir"], capture_output=True, text=True)
    if folder := packaged():
        assert (done.returncode, done.stdout) == (0, f"{folder}\n")
        assert (folder / "fastnnConfig.cmake").is_file()
    else:
        with pytest.raises(FileNotFoundError) as error:
            configuration.cmake_dir()
        assert (done.returncode, done.stderr) == (2, f"fastnn: {error.value}\n")

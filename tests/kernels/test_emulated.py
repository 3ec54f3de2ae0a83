"""The same bits on ARM and on older x86-64 CPUs, which qemu emulates: C++ programs of this folder, and the module."""

import hashlib
import itertools
import os
import platform
import re
import sys

import pytest

import fastnn
import golden
import golden_training
from compiled import ROOT, built, compiled, tools
from processes import run

pytestmark = pytest.mark.slow

# CPU -> its instruction sets of fastnn, best first. qemu has no AVX-512.
X86_CPUS = {
    "Nehalem": ["portable"],  # no AVX
    "SandyBridge": ["portable"],  # AVX without AVX2 and FMA
    "Haswell": ["avx2", "portable"],
    "max,-avx2": ["portable"],
    "max,-fma": ["portable"],
    "max,-xsave": ["portable"],  # the system saves none of AVX's registers
}


def x86(cpu):
    """The command that runs this machine's programs on such a CPU."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"programs for x86-64 are emulated; those of this machine are for {platform.machine()}")
    return [*tools("qemu-x86_64"), "-cpu", cpu]


def emulated_python(cpu, program, *arguments):
    """What this Python, with its modules, prints on such a CPU."""
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "tests/support"), *sys.path])
    environment = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("OPENBLAS_CORETYPE", None)  # of this machine's CPU: NumPy's OpenBLAS would run its instructions
    return run(*x86(cpu), sys.executable, "-c", program, *arguments, env=environment)


CHOICE = """
import os, sys, fastnn, numpy
for name in sys.argv[2:]:
    os.environ["FASTNN_ISA"] = name
    try:
        print(fastnn.isa())
    except ValueError as error:
        print(error)
del os.environ["FASTNN_ISA"]
print(*fastnn.isas(), fastnn.isa())
print(fastnn.load_model(sys.argv[1]).predict(numpy.arange(64)).tobytes().hex())
"""


@pytest.mark.parametrize("cpu", X86_CPUS)
def test_module_finds_the_instruction_sets_of_a_cpu_and_refuses_others(cpu):
    isas = X86_CPUS[cpu]
    others = [name for name in ("avx512", "avx2") if name not in isas]
    digits = ROOT / "examples/digits.safetensors"
    *refusals, choice, answer = emulated_python(cpu, CHOICE, digits, *others).splitlines()
    valid = f"expected FASTNN_ISA to be one of this CPU's instruction sets ({', '.join(isas)})"
    assert refusals == [f"{valid}; received '{name}'" for name in others]
    assert choice.split() == [*isas, isas[0]]
    assert answer == fastnn.load_model(digits).predict(range(64)).tobytes().hex()


GOLDEN = """
import fastnn, golden
wrong = [key for key, value in golden.GOLDEN.items() if golden.answers_hash(*key) != value]
print(fastnn.isa(), wrong)
"""


@pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
def test_module_gives_the_bits_it_always_gave_on_a_cpu(cpu):
    assert emulated_python(cpu, GOLDEN).split(maxsplit=1) == [X86_CPUS[cpu][0], "[]\n"]


GOLDEN_TRAININGS = """
import fastnn, golden_training as golden
wrong = [key for key, value in golden.SHORT.items() if golden.training_hash(*key) != value]
print(fastnn.isa(), wrong)
"""


@pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
def test_module_trains_to_the_bits_it_always_had_on_a_cpu(cpu):
    assert emulated_python(cpu, GOLDEN_TRAININGS).split(maxsplit=1) == [X86_CPUS[cpu][0], "[]\n"]


# CPU -> its instruction sets, and how many networks of `shapes` it has time for.
CPUS = {"aarch64": (["neon"], 25), "Nehalem": (X86_CPUS["Nehalem"], 12), "Haswell": (X86_CPUS["Haswell"], 20)}


@pytest.fixture(scope="module")
def on_aarch64(tmp_path_factory):
    """What runs a program of this folder on an emulated aarch64 CPU."""
    qemu, compiler = tools("qemu-aarch64", "aarch64-linux-gnu-g++")
    toolchain = [f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'tests/programs/aarch64.cmake'}", f"-DCMAKE_CXX_COMPILER={compiler}"]
    build = built(ROOT, tmp_path_factory.mktemp("aarch64"), settings=["-DFASTNN_TESTS=ON", *toolchain])
    return lambda name, *arguments, **options: run(qemu, build / "tests/programs" / name, *arguments, **options)


@pytest.fixture(scope="module")
def own_shapes(library, tmp_path_factory):
    """The program `shapes` for this machine."""
    return compiled(tmp_path_factory.mktemp("shapes"), ROOT / "tests/programs/shapes.cpp", library)


@pytest.mark.parametrize("cpu", CPUS)
def test_networks_of_many_shapes_have_the_references_bits_and_those_of_this_cpu(cpu, own_shapes, request):
    isas, networks = CPUS[cpu]
    if cpu == "aarch64":
        got = request.getfixturevalue("on_aarch64")("shapes", networks)
    else:
        got = run(*x86(cpu), own_shapes, networks)
    expected = run(own_shapes, networks).splitlines()[-1]
    assert re.fullmatch(rf"{networks} networks, hash \w{{16}}", expected)
    assert got.splitlines() == [f"{isas[0]} of {' '.join(isas)}", expected]


def test_no_floating_point_mode_of_aarch64_changes_a_bit_or_is_changed(on_aarch64):
    on_aarch64("floating_point_mode")


def test_model_files_give_the_bits_they_always_gave_on_aarch64(tmp_path, on_aarch64):
    paths, sizes = [], []
    for number, key in enumerate(golden.GOLDEN):
        model, x = golden.model_and_rows(*key)
        paths.append(tmp_path / f"{number}.safetensors")
        model.save(paths[-1])
        x.tofile(tmp_path / f"x.{model.dtype}")
        units = [layer.units for layer in model.layers]
        sizes.append((len(x) * sum(units) + 3 * units[-1]) * x.itemsize)
    answers = on_aarch64("answers", tmp_path / "x", *paths, text=False)
    assert len(answers) == sum(sizes)
    ends = itertools.accumulate(sizes)
    hashes = [hashlib.sha256(answers[end - size : end]).hexdigest() for end, size in zip(ends, sizes, strict=True)]
    assert dict(zip(golden.GOLDEN, hashes, strict=True)) == golden.GOLDEN


def test_trainings_have_the_bits_they_always_had_on_aarch64(on_aarch64):
    keys = golden_training.SHORT
    trained = on_aarch64("trainings", input=golden_training.words(keys).encode(), text=False)
    assert golden_training.hashes_of(keys, trained) == keys

"""The same bits on ARM and on older x86-64 CPUs, which qemu emulates: the C++ programs of this folder, and the module.

FASTNN_BUILD names a CMake build folder to use, with FASTNN_TESTS, rather than build this machine's programs here.
"""

import hashlib
import itertools
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import fastnn
import test_golden
from test_objects import tools

ROOT = Path(__file__).resolve().parents[1]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=600, check=False, **options)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout


# CPU -> its instruction sets of fastnn, best first. qemu has no AVX-512.
X86_CPUS = {
    "Nehalem": ["portable"],  # no AVX
    "SandyBridge": ["portable"],  # AVX without AVX2 and FMA
    "Haswell": ["avx2", "portable"],
    "max,-avx2": ["portable"],
    "max,-fma": ["portable"],
    "max,-xsave": ["portable"],  # the system saves none of AVX's registers
}


def emulated_python(cpu, program, *arguments):
    """What this Python, with its modules, prints on such a CPU."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"a Python for x86-64 is emulated; this one is for {platform.machine()}")
    tools("qemu-x86_64")
    paths = os.pathsep.join([str(ROOT / "tests"), *sys.path])
    command = ["qemu-x86_64", "-cpu", cpu, sys.executable, "-c", program, *arguments]
    return run(*command, env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}).decode()


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
import fastnn, test_golden
wrong = [key for key, value in test_golden.GOLDEN.items() if test_golden.answers_hash(*key) != value]
print(fastnn.isa(), wrong)
"""


@pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
def test_module_gives_the_bits_it_always_gave_on_a_cpu(cpu):
    assert emulated_python(cpu, GOLDEN).split(maxsplit=1) == [X86_CPUS[cpu][0], "[]\n"]


@dataclass
class Machine:
    """Where the C++ programs run, and how many networks of `shapes` it has time for."""

    emulator: list
    compiler: str
    isas: list
    networks: int


MACHINES = {
    "aarch64": Machine(["qemu-aarch64"], "aarch64-linux-gnu-g++", ["neon"], 60),
    "Nehalem": Machine(["qemu-x86_64", "-cpu", "Nehalem"], "c++", X86_CPUS["Nehalem"], 12),
    "Haswell": Machine(["qemu-x86_64", "-cpu", "Haswell"], "c++", X86_CPUS["Haswell"], 20),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The folder of the programs that a compiler makes; they are built once."""
    built = {}

    def build(compiler):
        if compiler not in built:
            folder = tmp_path_factory.mktemp(compiler)
            options = ["-DFASTNN_TESTS=ON", f"-DPython_EXECUTABLE={sys.executable}"]
            if compiler.startswith("aarch64"):
                options.append(f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'tests/aarch64.cmake'}")
            elif "FASTNN_BUILD" in os.environ:
                folder, options = Path(os.environ["FASTNN_BUILD"]), []
            run("cmake", "-S", ROOT, "-B", folder, *options)
            run("cmake", "--build", folder, "--parallel", os.cpu_count())
            built[compiler] = folder / "tests"
        return built[compiler]

    return build


@pytest.fixture(params=MACHINES)
def machine(request):
    machine = MACHINES[request.param]
    tools("cmake", machine.emulator[0], machine.compiler)
    if machine.compiler == "c++" and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("c++ is no compiler for x86-64 here")
    return machine


def test_networks_of_many_shapes_have_the_references_bits_and_those_of_this_cpu(machine, programs):
    expected = run(programs("c++") / "shapes", machine.networks).decode().splitlines()[-1]
    assert re.fullmatch(rf"{machine.networks} networks, hash \w{{16}}", expected)
    isas = f"{machine.isas[0]} of {' '.join(machine.isas)}"
    got = run(*machine.emulator, programs(machine.compiler) / "shapes", machine.networks).decode()
    assert got.splitlines() == [isas, expected]


AARCH64 = MACHINES["aarch64"]


def test_no_floating_point_mode_of_aarch64_changes_a_bit_or_is_changed(programs):
    tools("cmake", *AARCH64.emulator, AARCH64.compiler)
    run(*AARCH64.emulator, programs(AARCH64.compiler) / "floating_point_mode")


def test_model_files_give_the_bits_they_always_gave_on_aarch64(tmp_path, programs):
    tools("cmake", *AARCH64.emulator, AARCH64.compiler)
    paths, sizes = [], []
    for number, key in enumerate(test_golden.GOLDEN):
        model, x = test_golden.model_and_rows(*key)
        paths.append(tmp_path / f"{number}.safetensors")
        model.save(paths[-1])
        x.tofile(tmp_path / f"x.{model.dtype}")
        units = [layer.units for layer in model.layers]
        sizes.append((len(x) * sum(units) + 3 * units[-1]) * x.itemsize)
    answers = run(*AARCH64.emulator, programs(AARCH64.compiler) / "answers", tmp_path / "x", *paths)
    assert len(answers) == sum(sizes)
    ends = itertools.accumulate(sizes)
    hashes = [hashlib.sha256(answers[end - size : end]).hexdigest() for end, size in zip(ends, sizes, strict=True)]
    assert dict(zip(test_golden.GOLDEN, hashes, strict=True)) == test_golden.GOLDEN

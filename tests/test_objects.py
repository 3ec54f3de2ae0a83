"""The rules of docs/architecture.md that only what is compiled can show: linkage, libm, flags at the link."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn import _core

ROOT = Path(__file__).resolve().parents[1]

# What a compiler calls on its own, the C library's exact fma, and what position-independent code refers to.
ALLOWED_UNDEFINED = {"memcpy", "memmove", "memset", "fma", "fmaf", "_GLOBAL_OFFSET_TABLE_"}

LIBM = re.compile(
    r"_*(v?s?a?(sin|cos|tan)(h|pi)?|sincos|atan2|exp(2|10|m1)?|log(2|10|1p|b)?|i?logb|pow|sqrt|cbrt|hypot|erfc?|[lt]?gamma"
    r"|fmod|remainder|remquo|ldexp|frexp|scalbl?n|modf|floor|ceil|round(even)?|trunc|l?l?rint|l?l?round|nearbyint|nextafter"
    r"|fmax|fmin|fdim|j[01n]|y[01n])(f|l|f32|f64)?(_finite|_r)?|_ZGV\w+"
)


def tools(*names):
    """The programs' paths; a skip that says which is missing."""
    paths = [os.environ.get("CXX", "c++") if name == "c++" else name for name in names]
    for path in paths:
        if shutil.which(path) is None:
            pytest.skip(f"{path} is not installed")
    return paths


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def build_kernels(root, build, more_flags):
    """The kernels' object files, compiled by the project's own CMakeLists.txt with flags added behind its own."""
    cmake, compiler = tools("cmake", "c++")
    compile_object = f"<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> {more_flags} -o <OBJECT> -c <SOURCE>"
    run(
        cmake,
        "-S",
        root,
        "-B",
        build,
        f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-DCMAKE_CXX_COMPILE_OBJECT={compile_object}",
    )
    run(cmake, "--build", build, "--target", "fastnn_kernels", "--parallel", "2")
    return sorted(build.rglob("*.o"))


def faults_of_object(path):
    """What breaks the rule: a symbol other than local ones, the table, and the undefined ones that are allowed."""
    (nm,) = tools("nm")
    isa, faults, tables = path.name.split(".")[0], [], 0
    for line in run(nm, "-C", path).splitlines():
        kind, name = line[16:].split(maxsplit=1)
        if kind in "WwVvu":
            faults.append(f"{path.name}: weak symbol {name} ({kind}): the linker may pick it for another CPU")
        elif kind == "U":
            faults += [f"{path.name}: calls {name}"] * (name not in ALLOWED_UNDEFINED)
        elif kind.isupper():
            tables += name == f"fastnn::{isa}::kTable"
            faults += [f"{path.name}: external symbol {name} ({kind})"] * (name != f"fastnn::{isa}::kTable")
    return faults + [f"{path.name}: fastnn::{isa}::kTable is missing"] * (tables != 1)


# Not optimised, nothing is hidden by having been inlined; unwinding tables then refer to a weak symbol of the library.
@pytest.mark.parametrize("more_flags", ["", "-O0 -fno-exceptions"], ids=["as shipped", "not optimised"])
def test_kernels_have_internal_linkage_but_for_one_table(tmp_path, more_flags):
    objects = build_kernels(ROOT, tmp_path, more_flags)
    assert {path.name for path in objects} <= {f"{path.name}.o" for path in (ROOT / "cpp/kernels").glob("*.cpp")}
    assert objects
    faults = [fault for path in objects for fault in faults_of_object(path)]
    assert not faults, "\n" + "\n".join(faults)


def libm_of(shared_object):
    """Functions of the C library's mathematics that a shared object calls."""
    (nm,) = tools("nm")
    lines = run(nm, "-D", "--undefined-only", shared_object).splitlines()
    undefined = [line.split()[-1].split("@")[0] for line in lines]
    assert undefined, "nm lists no undefined symbols at all"
    return sorted(name for name in undefined if LIBM.fullmatch(name))


def test_module_calls_nothing_of_libm_but_fma():
    assert set(libm_of(_core.__file__)) <= {"fma", "fmaf"}


@pytest.mark.parametrize("name", ["exp", "expf", "tanhf", "pow", "log1p", "floor", "_ZGVdN8v_expf", "__exp_finite"])
def test_pattern_for_libm_knows(name):
    assert LIBM.fullmatch(name)


def test_subnormals_of_the_program_survive_importing_fastnn():
    """Before gcc 13, -ffast-math at the link flushed them to zero in every program that imported the module."""
    program = """if True:
        import fastnn, numpy
        print(numpy.float32(1e-45) * numpy.float32(1) != 0, numpy.float64(5e-324) * numpy.float64(1) != 0)"""
    assert run(sys.executable, "-c", program).split() == ["True", "True"]

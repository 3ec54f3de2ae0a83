"""The rules of docs/architecture.md that only what is compiled can show: linkage, libm, flags at the link."""

import re
import sys

import pytest

from compiled import ROOT, built, tools
from fastnn import _core
from processes import run

# What a compiler calls on its own, the C library's exact fma, and what position-independent code refers to.
ALLOWED_UNDEFINED = {"memcpy", "memmove", "memset", "fma", "fmaf", "_GLOBAL_OFFSET_TABLE_"}

# Of the objects avx2.cpp.o and avx2_elementwise.cpp.o, likewise of the other instruction sets.
TABLES = {"": "kTable", "elementwise": "kElementwise"}

LOADER = ("ld-linux-x86-64", "ld-linux-aarch64")

LIBM = re.compile(
    r"_*(v?s?a?(sin|cos|tan)(h|pi)?|sincos|atan2|exp(2|10|m1)?|log(2|10|1p|b)?|i?logb|pow|sqrt|cbrt|hypot|erfc?|[lt]?gamma"
    r"|fmod|remainder|remquo|ldexp|frexp|scalbl?n|modf|floor|ceil|round(even)?|trunc|l?l?rint|l?l?round|nearbyint|nextafter"
    r"|fmax|fmin|fdim|j[01n]|y[01n])(f|l|f32|f64)?(_finite|_r)?|_ZGV\w+"
)


@pytest.fixture(params=["as shipped", "not optimised"])
def kernels(request, tmp_path):
    """The kernels' object files. Not optimised, nothing is hidden by having been inlined."""
    if request.param == "as shipped":
        build = request.getfixturevalue("build")
    else:  # without exceptions: unwinding tables would refer to a weak symbol of the library
        # and without always_inline, which would hide functions here too
        flags = "<DEFINES> <INCLUDES> <FLAGS> -O0 -fno-exceptions -Dalways_inline=unused"
        rule = f"-DCMAKE_CXX_COMPILE_OBJECT=<CMAKE_CXX_COMPILER> {flags} -o <OBJECT> -c <SOURCE>"
        build = built(ROOT, tmp_path, "fastnn_kernels", settings=[rule])
    return sorted(build.rglob("fastnn_kernels.dir/**/*.o"))


def faults_of_object(path):
    """What breaks the rule: a symbol other than local ones, the table, and the undefined ones that are allowed."""
    (nm,) = tools("nm")
    isa, _, part = path.name.split(".")[0].partition("_")
    table, faults, tables = f"fastnn::{isa}::{TABLES[part]}", [], 0
    for line in run(nm, "-C", path).splitlines():
        kind, name = line[16:].split(maxsplit=1)
        if kind in "WwVvu":
            faults.append(f"{path.name}: weak symbol {name} ({kind}): the linker may pick it for another CPU")
        elif kind == "U":
            allowed = {*ALLOWED_UNDEFINED, f"fastnn::{isa}::{TABLES['elementwise']}"}
            faults += [f"{path.name}: calls {name}"] * (name not in allowed)
        elif kind.isupper():
            tables += name == table
            faults += [f"{path.name}: external symbol {name} ({kind})"] * (name != table)
    return faults + [f"{path.name}: {table} is missing"] * (tables != 1)


@pytest.mark.slow
def test_kernels_have_internal_linkage_but_for_one_table(kernels):
    assert {path.name for path in kernels} <= {f"{path.name}.o" for path in (ROOT / "cpp/kernels").glob("*.cpp")}
    parts = {tuple(path.name.split(".")[0].partition("_")[::2]) for path in kernels}
    assert parts == {(isa, part) for isa, _ in parts for part in TABLES} != set()
    faults = [fault for path in kernels for fault in faults_of_object(path)]
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


def test_module_asks_for_no_library_but_the_compilers():
    """So it shares no OpenMP and no BLAS with others in the program, and uses whatever allocator they loaded."""
    (readelf,) = tools("readelf")
    needed = re.findall(r"\(NEEDED\).*\[(\S+)\]", run(readelf, "-d", _core.__file__))
    assert needed
    assert {name.split(".")[0] for name in needed} <= {"libstdc++", "libgcc_s", "libm", "libc", "libpthread", *LOADER}


@pytest.mark.parametrize("name", ["exp", "expf", "tanhf", "pow", "log1p", "floor", "_ZGVdN8v_expf", "__exp_finite"])
def test_pattern_for_libm_knows(name):
    assert LIBM.fullmatch(name)


def test_subnormals_of_the_program_survive_importing_fastnn():
    """Before gcc 13, -ffast-math at the link flushed them to zero in every program that imported the module."""
    program = """if True:
        import fastnn, numpy
        print(numpy.float32(1e-45) * numpy.float32(1) != 0, numpy.float64(5e-324) * numpy.float64(1) != 0)"""
    assert run(sys.executable, "-c", program).split() == ["True", "True"]

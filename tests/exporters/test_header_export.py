"""Models as C++ headers: whatever compiler and flags, the same bits as Python; nothing but a computation in them."""

import platform
import re
import shutil
import subprocess

import numpy as np
import pytest

import fastnn
from activations import with_parameters
from arrays import same_bits, uniform
from compiled import ROOT, tools
from fastnn import _core
from fastnn.exporters import header
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, LayerNormalization, PReLU
from fastnn.models import Sequential, load_model
from floating_point import DEFAULT, DENORMALS_ARE_ZERO, FLUSH_TO_ZERO, ROUND_UP, needs_mxcsr
from processes import full_disk

DIGITS = ROOT / "examples/digits.safetensors"
WARNINGS = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
WARNINGS += ["-Wdouble-promotion", "-Wfloat-equal", "-Wold-style-cast", "-Werror"]
OF_GCC = ["-Wuseless-cast"]
UNMASKED = 0  # an invalid operation ends the program
X86_64 = platform.machine() == "x86_64"
# Without the CPU's flags a call asks the CPU whether it has AVX2. The last with what gcc does unless told otherwise: a
# product and a sum become one fma, where the CPU has it.
FLAGS = ["-O0", "-O2", "-O2 -DFASTNN_NO_CPU_DISPATCH", "-O3 -march=native -ffp-contract=fast"]
FLAGS += ["-O2 -march=x86-64-v3"] if X86_64 and "avx2" in fastnn.isas() else []
UNITS = [1, 2, 3, 4, 5, 16, 17, 33, 64, 65, 70, 129]  # every number of chains, panels whole and not


@pytest.fixture(params=["g++", "clang++"])
def compiler(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def of_weights(layers, inputs, dtype):
    model = Sequential(layers, dtype=dtype)
    model.build((None, inputs))
    model.set_weights([uniform(i, w.shape, dtype) for i, w in enumerate(model.get_weights())])
    return model


def special_numbers(dtype):
    """What activations are likely to get wrong, and numbers of every size, so many that they fill rows of 37."""
    kind = np.finfo(dtype)
    sizes = np.geomspace(float(kind.tiny) * 2, float(kind.max) / 2, 300)
    chosen = [
        0,
        kind.smallest_subnormal,
        kind.tiny,
        1,
        3,
        6,
        kind.max,
        np.inf,
        np.nan,
        *sizes,
        *np.linspace(0, 120, 450),
    ]
    numbers = np.array(chosen, dtype)
    numbers = np.concatenate([numbers, -numbers, uniform(5, 500, dtype) * 8])
    return np.resize(numbers, (-(-len(numbers) // 37), 37))


def special_rows(inputs, dtype):
    """Rows of ordinary numbers, and some in which one is not."""
    x = uniform(7, (12, inputs), dtype)
    kind = np.finfo(dtype)
    for row, value in enumerate([np.nan, np.inf, -np.inf, kind.max, kind.smallest_subnormal, -0.0]):
        x[row, row % inputs] = value
    x[6] *= kind.tiny
    return x


def cases(dtype):
    """(model, rows) for every activation and layer alone, and for dense layers of all kinds of sizes."""
    own = [PReLU(), Affine(), LayerNormalization(epsilon=1e-3), BatchNormalization(), BatchNormalization(center=False)]
    for layer in [*(Activation(with_parameters(name)) for name in _core.activations), *own]:
        yield of_weights([layer], 37, dtype), special_numbers(dtype)
    for first, units in ((1, UNITS[::2]), (15, UNITS[1::2]), (70, UNITS[::-3])):
        names = ["relu", "linear", "tanh"]
        layers = [Dense(n, names[i % 3], use_bias=i % 2 == 0) for i, n in enumerate(units)]
        yield of_weights(layers, first, dtype), special_rows(first, dtype)
    strange = Sequential([Dense(20, "relu"), LayerNormalization(), Dense(3, "softmax")], dtype=dtype)
    strange.build((None, 33))
    weights = strange.get_weights()
    kind = np.finfo(dtype)
    weights[0][:6, 0] = [np.nan, np.inf, -np.inf, kind.max, kind.smallest_subnormal, -0.0]
    strange.set_weights(weights)
    yield strange, special_rows(33, dtype)


PROGRAM = """
#include <cstdio>
#include <cstdlib>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
%(includes)s
void digits_elsewhere(const float* x, std::size_t rows, float* y);
template <class T>
void run(void (*predict)(const T*, std::size_t, T*), std::size_t rows, std::size_t inputs, std::size_t outputs) {
  std::vector<T> x(rows * inputs), y(rows * outputs);
  if (std::fread(x.data(), sizeof(T), x.size(), stdin) != x.size()) std::abort();
  predict(x.data(), rows, y.data());
  std::fwrite(y.data(), sizeof(T), y.size(), stdout);
}
// The argument: the floating-point mode of the program, which the calls must leave as it is.
int main([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
#if defined(__x86_64__)
  const unsigned kFlags = 0x3f, mode = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : _mm_getcsr() & ~kFlags;
  _mm_setcsr(mode);
#endif
%(calls)s
#if defined(__x86_64__)
  if ((_mm_getcsr() & ~kFlags) != mode) std::abort();
#endif
}
"""
ELSEWHERE = """
#include "digits.hpp"
#include "normalized.hpp"
void digits_elsewhere(const float* x, std::size_t rows, float* y);
void normalized_elsewhere(const double* x, std::size_t rows, double* y);
void digits_elsewhere(const float* x, std::size_t rows, float* y) { digits::predict(x, rows, y); }
void normalized_elsewhere(const double* x, std::size_t rows, double* y) { normalized::predict(x, rows, y); }
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder of headers and a program that computes with all of them: (folder, what it reads, what it writes)."""
    folder = tmp_path_factory.mktemp("headers")
    calls, given, expected = [], [], []

    def add(model, x, name, function=None):
        model.export(folder / f"{name}.hpp")
        calls.append(f"  run({function or f'{name}::predict'}, {len(x)}, {name}::inputs, {name}::outputs);")
        given.append(x.tobytes())
        expected.append(model.predict(x))

    digits = uniform(3, (20, 64), "float32")
    add(load_model(DIGITS), digits, "digits")
    add(load_model(DIGITS), digits, "digits", "digits_elsewhere")
    normalized = of_weights([LayerNormalization(epsilon=1e-3)], 37, "float64")
    add(normalized, uniform(4, (20, 37), "float64"), "normalized")
    for dtype in ("float32", "float64"):
        for i, (model, x) in enumerate(cases(dtype)):
            add(model, x, f"model{i}_{dtype}")
    names = sorted(path.name for path in folder.glob("*.hpp"))
    includes = "\n".join(f'#include "{name}"' for name in names)
    (folder / "program.cpp").write_text(PROGRAM % {"includes": includes, "calls": "\n".join(calls)})
    (folder / "elsewhere.cpp").write_text(ELSEWHERE)
    return folder, b"".join(given), list(zip(calls, expected, strict=True))


def built(exported, compiler, flags):
    """The program, compiled once for each compiler and flags."""
    folder, _, _ = exported
    program = folder / f"{compiler} {flags}"
    if not program.exists():
        sources = [folder / "program.cpp", folder / "elsewhere.cpp"]
        warnings = WARNINGS + OF_GCC * (compiler == "g++")
        subprocess.run([compiler, *warnings, *flags.split(), *sources, "-o", program], check=True)
    return program


def expect_bits_of_python(exported, *command):
    _, given, expected = exported
    out = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
    for call, y in expected:
        received = np.frombuffer(out[: y.nbytes], y.dtype).reshape(y.shape)
        assert same_bits(received, y), f"{call}: {np.argwhere(received.view(np.uint8) != y.view(np.uint8))[:5]}"
        out = out[y.nbytes :]
    assert out == b""


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.slow
def test_every_compiler_computes_the_bits_of_python(exported, compiler, flags):
    expect_bits_of_python(exported, built(exported, compiler, flags))


@needs_mxcsr
@pytest.mark.parametrize("flags", [FLAGS[1], FLAGS[3]])
@pytest.mark.slow
def test_no_floating_point_mode_changes_a_bit_or_is_changed(exported, compiler, flags):
    program = built(exported, compiler, flags)
    for mode in (DEFAULT | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO, DEFAULT | ROUND_UP, UNMASKED):
        expect_bits_of_python(exported, program, str(mode))


@pytest.mark.slow
def test_a_cpu_without_fma_computes_the_bits_of_python(exported, compiler):
    (emulator,) = tools("qemu-x86_64")
    expect_bits_of_python(exported, emulator, "-cpu", "Nehalem", built(exported, compiler, "-O2"))


@pytest.mark.skipif(not X86_64, reason="elsewhere clang cannot be told")
@pytest.mark.slow
def test_clangs_flags_that_show_in_no_macro_change_no_bit(exported):
    (clang,) = tools("clang++")
    # Together -funsafe-math-optimizations, but for the linker's part in that: a mode without subnormal numbers.
    flags = "-O2 -march=native -fassociative-math -fno-signed-zeros -fno-trapping-math -freciprocal-math"
    expect_bits_of_python(exported, built(exported, clang, flags))


@pytest.mark.skipif(not X86_64, reason="elsewhere no call asks the CPU")
@pytest.mark.slow
def test_instructions_of_avx2_are_in_the_functions_for_it_and_no_others(exported, compiler):
    """At -O0, where every function is compiled. gcc forgets the flags of a region for some kinds of functions."""
    tools("objdump")
    source, compiled = exported[0] / "program.cpp", exported[0] / "program.o"
    subprocess.run([compiler, "-std=c++17", "-O0", "-c", source, "-o", compiled], check=True)
    command = ["objdump", "-d", "--no-show-raw-insn", compiled]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seen = {True: 0, False: 0}
    for function in re.split(r"\n\n(?=[0-9a-f]+ <)", code)[1:]:
        name = function[: function.index("\n")]
        instructions = set(re.findall(r"\t(v?)(?:add|sub|mul|div|sqrt|ucomi|comi|mova?u?|cvt\w\w2)[sp][sd] ", function))
        for_avx2 = "4avx2" in name
        assert ("" if for_avx2 else "v") not in instructions, name
        seen[for_avx2] += bool(instructions)
    assert min(seen.values()) > 100


def test_functions_of_a_header_are_local_to_each_file(exported, compiler):
    """So that files which are compiled for different CPUs share none."""
    tools("nm")
    source, compiled = exported[0] / "elsewhere.cpp", exported[0] / "elsewhere.o"
    subprocess.run([compiler, "-std=c++17", "-O0", "-c", source, "-o", compiled], check=True)
    symbols = subprocess.run(["nm", "-C", compiled], capture_output=True, text=True, check=True).stdout
    functions = re.findall(r"^[0-9a-f]+ ([TtWwi]) (.*\(.*)$", symbols, re.M)
    shared = {name.split("(")[0] for kind, name in functions if kind != "t"}
    assert shared == {"digits_elsewhere", "normalized_elsewhere"}


def test_a_header_calls_nothing_but_what_moves_memory_and_mathematics(exported, compiler):
    tools("nm")
    source, compiled = exported[0] / "elsewhere.cpp", exported[0] / "elsewhere.o"
    flags = ["-O2", "-fno-exceptions", "-fno-rtti", "-c", source, "-o", compiled]  # as for micro-controllers
    subprocess.run([compiler, *WARNINGS, *flags], check=True)
    symbols = subprocess.run(["nm", "-u", compiled], capture_output=True, text=True, check=True).stdout
    allowed = {"U", "memcpy", "memset", "fmaf", "fma", "sqrtf", "sqrt", "__stack_chk_fail"}
    of_the_compiler = {"__cpu_model", "_GLOBAL_OFFSET_TABLE_"}  # what the CPU has, in every program
    assert set(symbols.split()) <= allowed | of_the_compiler


def test_a_headers_only_macro_is_its_guard(exported):
    text = (exported[0] / "digits.hpp").read_text()
    assert set(re.findall(r"# *(?:define|undef) (\w+)", text)) == {"FASTNN_HEADER_digits"}
    assert set(re.findall(r"FASTNN_\w+", text)) == {"FASTNN_HEADER_digits", "FASTNN_NO_CPU_DISPATCH"}


def test_the_same_model_gives_the_same_bytes_and_a_failed_export_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "digits.hpp"
    load_model(DIGITS).export(path)
    first = path.read_bytes()
    load_model(DIGITS).export(path)
    assert path.read_bytes() == first
    assert first.isascii()

    with full_disk(), pytest.raises(OSError, match="too large"):
        of_weights([Dense(3)], 2, "float32").export(path)
    assert path.read_bytes() == first
    assert [each.name for each in tmp_path.iterdir()] == ["digits.hpp"]


def test_what_cannot_be_exported_gets_one_sentence(tmp_path, monkeypatch):
    model = of_weights([Dense(3)], 2, "float32")
    with pytest.raises(ValueError, match="expected filepath to end in .onnx, .hpp or .h"):
        model.export(tmp_path / "model.cpp")
    with pytest.raises(ValueError, match="expected name only with a filepath that ends in .hpp or .h"):
        model.export(tmp_path / "model.onnx", name="model")
    with pytest.raises(ValueError, match="received 'float'; choose another with name"):
        model.export(tmp_path / "float.hpp")
    with pytest.raises(ValueError, match="expected a model that knows its number of inputs"):
        Sequential([Dense(3)]).export(tmp_path / "model.hpp")
    with pytest.raises(FileNotFoundError):
        model.export(tmp_path / "missing" / "model.hpp")
    with pytest.raises(fastnn.LimitError, match="at most 262144 bytes of a header's stack.*the model's take 264256"):
        of_weights([Activation("tanh"), Dense(4)], 2**16 + 500, "float32").export(tmp_path / "model.hpp")
    monkeypatch.setattr(header, "_MOST_WEIGHTS", 8)
    with pytest.raises(fastnn.LimitError, match="expected at most 8 weights in a header; the model has 9"):
        model.export(tmp_path / "model.hpp")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_either_kind(run, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
    assert run("export", DIGITS, tmp_path / "model.onnx") == (0, "", "")
    assert load_model(tmp_path / "model.onnx") == load_model(DIGITS)
    assert run("export", DIGITS, tmp_path / "model.hpp", "--name", "digits") == (0, "", "")
    assert "namespace digits {" in (tmp_path / "model.hpp").read_text()


def test_the_command_refuses_in_one_line(run, tmp_path):
    model = tmp_path / "model.hpp"  # a model is known by its content
    model.write_bytes(DIGITS.read_bytes())
    for arguments, what in (
        ((model, model), "expected an output that is not the model itself"),
        ((model, tmp_path / "out.txt"), "expected OUT to end in .onnx, .hpp or .h"),
        ((model, tmp_path / "out.h", "--name", "new"), "received 'new'"),
    ):
        code, out, err = run("export", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert what in err
    assert model.read_bytes() == DIGITS.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("flags", FLAGS)
def test_its_products_are_rounded_and_its_fma_is_right_without_an_instruction(tmp_path, compiler, flags):
    program = tmp_path / "scalar"
    source = ROOT / "tests/programs/scalar.cpp"
    subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", *flags.split(), source, "-o", program], check=True
    )
    done = subprocess.run([program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("flags", ["-x c++ -std=c++14", "-x c++ -std=c++11", "-x c"])
def test_older_languages_get_one_sentence(exported, compiler, flags):
    command = [compiler, *flags.split(), "-fsyntax-only", exported[0] / "digits.hpp"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert [
        line.split("error: ")[1].removeprefix("#error ") for line in done.stderr.splitlines() if "error: " in line
    ] == ['"expected C++17 or later; compile with -std=c++17 or, MSVC, /std:c++17"']


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast", "-ffinite-math-only", "-fsingle-precision-constant"])
def test_flags_that_change_arithmetic_are_refused(exported, compiler, flag):
    if "single" in flag and "clang" in compiler:
        pytest.skip("clang has no such flag")
    command = [compiler, "-std=c++17", flag, "-fsyntax-only", exported[0] / "elsewhere.cpp"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert re.search("expected (IEEE arithmetic|double literals); compile without -f", done.stderr)

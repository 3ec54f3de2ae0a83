"""Names of and in exported headers: what C++ cannot take is refused, and models of one name are never confused."""

import subprocess

import numpy as np
import pytest

from arrays import uniform
from compiled import compiled, tools
from fastnn.layers import Dense
from fastnn.models import Sequential
from processes import run

ELSEWHERE = """
#include "%s/model.hpp"
void %s(const float* x, float* y) { model::predict(x, 4, y); }
"""
PROGRAM = """
#include <cstdio>
void first(const float* x, float* y);
void second(const float* x, float* y);
int main() {
  float x[4 * 5], y[2][4 * 3];
  if (std::fread(x, sizeof x, 1, stdin) != 1) return 1;
  first(x, y[0]);
  second(x, y[1]);
  std::fwrite(y, sizeof y, 1, stdout);
}
"""


def model_of(seed):
    """Models of other weights, but alike."""
    model = Sequential([Dense(16, "relu"), Dense(3)])
    model.build((None, 5))
    model.set_weights([uniform(seed + i, w.shape, "float32") for i, w in enumerate(model.get_weights())])
    return model


@pytest.fixture
def folder(tmp_path):
    """Headers of one name: first/model.hpp, again/model.hpp of the same model, second/model.hpp of another."""
    for name, seed in (("first", 1), ("again", 1), ("second", 11)):
        (tmp_path / name).mkdir()
        model_of(seed).export(tmp_path / name / "model.hpp")
    return tmp_path


def test_models_of_one_name_in_a_program_each_give_their_own_answers(folder):
    sources = {"program": PROGRAM, **{name: ELSEWHERE % (name, name) for name in ("first", "second")}}
    for name, text in sources.items():
        (folder / f"{name}.cpp").write_text(text)
    program = compiled(folder, *(folder / f"{name}.cpp" for name in sources))
    x = uniform(3, (4, 5), "float32")
    out = subprocess.run([program], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    received = np.frombuffer(out, "float32").reshape(2, 4, 3)
    np.testing.assert_array_equal(received, [model_of(seed).predict(x) for seed in (1, 11)], strict=True)


@pytest.mark.parametrize(("second", "refused"), [("again", False), ("second", True)])
def test_another_model_of_one_name_in_a_file_is_refused(folder, second, refused):
    (compiler,) = tools("c++")
    (folder / "both.cpp").write_text(f'#include "first/model.hpp"{ELSEWHERE % (second, "both")}')
    command = [compiler, "-std=c++17", "-fsyntax-only", folder / "both.cpp"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode != 0) == refused, done.stderr
    assert ("expected one model of the name model in a file" in done.stderr) == refused


@pytest.mark.parametrize(
    ("file", "name", "namespace"),
    [("digits.hpp", None, "digits"), ("my model-2.h", None, "my_model_2"), ("a.hpp", "digits_2", "digits_2")],
)
def test_the_namespace_is_the_files_name_or_the_one_given(tmp_path, file, name, namespace):
    model_of(1).export(tmp_path / file, name=name)
    assert f"\nnamespace {namespace} {{\n" in (tmp_path / file).read_text()


@pytest.mark.parametrize("name", ["", "2nd", "_model", "a__b", "a-b", "a::b", "é", "class", "xor_eq", "std", "fastnn"])
def test_what_is_no_name_in_cpp_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"expected the name of a C\\+\\+ namespace.*received {name!r}$"):
        model_of(1).export(tmp_path / "model.hpp", name=name)
    assert list(tmp_path.iterdir()) == []


def test_a_macros_name_is_an_error_that_says_so(tmp_path):
    (compiler,) = tools("c++")
    model_of(1).export(tmp_path / "linux.hpp")
    command = [compiler, "-std=c++17", "-Dlinux=1", "-fsyntax-only", "-x", "c++", tmp_path / "linux.hpp"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "expected a name that is no macro; linux is one" in done.stderr
    assert done.stderr.count("error: ") == 1


def test_names_in_a_header_may_be_its_own(tmp_path):
    (compiler,) = tools("c++")
    names = ["detail", "predict", "inputs", "weights", "Vector", "T", "x", "a", "tanh_", "timer", "sigmoid", "MNIST"]
    for name in names:
        model_of(1).export(tmp_path / f"{name}.hpp")
    calls = "".join(f"  {name}::predict(x, {name}::outputs - 2, x);\n" for name in names)
    text = "".join(f'#include "{name}.hpp"\n' for name in names) + f"void call(float* x) {{\n{calls}}}\n"
    (tmp_path / "all.cpp").write_text(text)
    run(compiler, "-fsyntax-only", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", tmp_path / "all.cpp")


PRINTED = """
#include <cstdio>
#include "%s/model.hpp"
void print_%s() {
  for (const char* each : model::classes) std::printf("%%s\\n", each);
  for (const char* each : model::feature_names) std::printf("%%s\\n", each);
}
"""


def test_files_print_the_classes_and_feature_names_of_their_own_header(tmp_path):
    names = {"first": ["plain", "Köln", '"a\\b"'], "second": ["??/", "tab\there", "9"]}
    features = [f"column {i}" for i in range(5)]
    for folder, classes in names.items():
        (tmp_path / folder).mkdir()
        model = model_of(1)  # of the same weights, so that both have one fingerprint
        model.classes, model.feature_names = classes, features
        model.export(tmp_path / folder / "model.hpp")
        (tmp_path / f"{folder}.cpp").write_text(PRINTED % (folder, folder))
    calls = "void print_first();\nvoid print_second();\nint main() {\n  print_first();\n  print_second();\n}\n"
    (tmp_path / "main.cpp").write_text(calls)
    program = compiled(tmp_path, *(tmp_path / f"{name}.cpp" for name in ("main", *names)))
    assert run(program).splitlines() == [*names["first"], *features, *names["second"], *features]


def test_a_header_of_a_model_without_names_has_none(folder):
    content = (folder / "first/model.hpp").read_text()
    assert "classes[]" not in content
    assert "feature_names[]" not in content

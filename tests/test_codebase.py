"""The rules of docs/architecture.md, read off the source text; test_objects.py reads the others off what is compiled.

Each rule is a function of the tree's root that returns what breaks it, as "file:line: what", so that it can be tried
on a broken copy.
"""

import ast
import re
import subprocess
import sys
import tomllib

import pytest

import fastnn
from source import CPP, ROOT, files

LONGEST_FILE = 400  # lines; a longer file is likely to hold two ideas


def without_comments(text):
    """C++ with comments and the insides of string literals blanked, line numbers kept."""

    def blank(match):
        return match[0] if match[0].startswith("#") else re.sub(r"[^\n]", " ", match[0])

    pattern = r"^[ \t]*#[ \t]*include[^\n]*|//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\""
    return re.sub(pattern, blank, text, flags=re.S | re.M)


def find(root, pattern, paths, what, clean=without_comments):
    """Every match of a pattern, as a broken rule."""
    return [
        f"{path.relative_to(root)}:{number}: {what}: {line.strip()}"
        for path in paths
        for number, line in enumerate(clean(path.read_text()).splitlines(), 1)
        if re.search(pattern, line)
    ]


def unchanged(text):
    return text


def files_touched_outside_io(root):
    calls = r"\b(fopen|freopen|fdopen|open|openat|creat|mmap|popen|rename|unlink)\s*\(|\b([io]?fstream|filebuf)\b"
    outside = files(root, ("cpp/core", "cpp/kernels", "cpp/single_header", "cpp/python", "cpp/include"), CPP)
    return find(root, rf"{calls}|\bFILE\b|filesystem::", outside, "only cpp/io touches files")


def python_outside_its_folder(root):
    outside = files(root, ("cpp/core", "cpp/kernels", "cpp/single_header", "cpp/io", "cpp/include"), CPP)
    return find(root, r"pybind|\bPy[A-Z_]\w*|\bpy::", outside, "only cpp/python knows Python")


def build_texts(root):
    names = ("CMakeLists.txt", "pyproject.toml")
    return [p for p in files(root) if p.name in names or p.suffix == ".cmake" or ".ci" in p.parts]


def flags_that_change_arithmetic(root):
    flags = (
        r"-Ofast|-ffast-math|-funsafe-math|-fassociative-math|-freciprocal-math|-ffinite-math|-fno-signed-zeros|"
        r"-fno-rounding-math|-fno-trapping-math|-fcx-limited|-ffp-contract=(?!off)|-mfpmath|-mdaz-ftz|"
        r"-mrecip|-flto|INTERPROCEDURAL_OPTIMIZATION|fp:fast"
    )
    broken = find(
        root, flags, build_texts(root), "changes results or moves code", clean=lambda text: re.sub(r"#.*", "", text)
    )
    sources = files(root, ("cpp",), CPP)
    pragmas = r"#\s*pragma\s+(GCC|clang|STDC)\s+(optimize|target|fp|FP_|attribute)|attribute__\s*\(\((optimize|target)"
    broken += find(root, pragmas, sources, "changes flags inside a file")
    cmake = re.sub(r"#.*", "", (root / "CMakeLists.txt").read_text())
    if not re.search(r"^add_compile_options\([^)]*-ffp-contract=off -fno-fast-math", cmake, re.M):
        broken.append("CMakeLists.txt:1: add_compile_options must hold -ffp-contract=off -fno-fast-math")
    return broken


def instruction_sets_outside_the_kernels(root):
    def only_other_statements(text):
        text = re.sub(r"#.*", "", text)
        kernels = r"set_source_files_properties\((\s*cpp/kernels/\w+\.cpp)+\s[^)]*\)"
        return re.sub(kernels, lambda match: re.sub(r"[^\n]", " ", match[0]), text)

    return find(
        root,
        r"-m(arch|cpu|tune|avx|fma|sse|f16c|bmi)",
        build_texts(root),
        "only files in cpp/kernels are compiled for an instruction set",
        only_other_statements,
    )


def libm_in_the_data_path(root):
    names = (
        r"a?(sin|cos|tan)h?|atan2|exp2?|expm1|log(2|10|1p|b)?|pow|sqrt|cbrt|hypot|erfc?|[lt]gamma|fmod|remainder|"
        r"ldexp|frexp|floor|ceil|round|trunc|rint|nearbyint|lrint|fmax|fmin|fdim|fma"
    )
    paths = files(root, ("cpp/kernels", "cpp/single_header", "cpp/core", "cpp/include", "cpp/python"), CPP)
    files_of_headers = [root / "cpp/single_header/compiler.hpp", root / "cpp/single_header/scalar.hpp"]
    exact = [root / "cpp/core/reference.hpp", *files_of_headers]
    broken = find(
        root,
        rf"\bstd::({names})[fl]?\s*\(|<c?math(\.h)?>",
        [p for p in paths if p not in exact],
        "the C library's mathematics",
    )
    broken += find(root, rf"\bstd::(?!(fma|sqrt)\b)({names})[fl]?\s*\(", exact, "only std::fma and sqrt are exact")
    return broken + find(
        root, rf"\b__builtin_(?!(fma|sqrt)f?\b)({names})[fl]?\s*\(", paths, "the C library's mathematics"
    )


def long_files(root):
    sources = [p for p in files(root) if p.suffix in (*CPP, ".py", ".pyi") or p.name == "CMakeLists.txt"]
    lengths = {p.relative_to(root).as_posix(): len(p.read_text().splitlines()) for p in sources}
    return [
        f"{file}:{lines}: longer than {LONGEST_FILE} lines: does it hold two ideas?"
        for file, lines in lengths.items()
        if lines > LONGEST_FILE
    ]


def unfinished_work(root):
    return find(root, r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b", files(root), "finish it or delete it", unchanged)


def paths_of_one_machine(root):
    pattern = r"(?<![\w.<}\])])(/(home|Users|work|root|mnt|tmp|opt)/\w|[A-Z]:\\\\?[A-Z]\w)"
    return find(root, pattern, files(root), "a path of one machine", unchanged)


def tracked(root, *options):
    done = subprocess.run(["git", "ls-files", "-z", *options], cwd=root, capture_output=True, check=True, text=True)
    return done.stdout.split("\0")[:-1]


def binaries_and_build_products_in_git(root):
    if not (root / ".git").exists():
        pytest.skip("not a git repository")
    ignored = tracked(root, "--cached", "--ignored", "--exclude-standard")
    broken = [f"{file}:1: is made by a build, by .gitignore" for file in ignored]
    for file in tracked(root):
        known = re.fullmatch(r"docs/\w+\.png|examples/\w+\.safetensors|tests/data/[\w./]+", file)
        if not known and (root / file).is_file() and b"\0" in (root / file).read_bytes():
            broken.append(f"{file}:1: is not text")
    return broken


def missing_docstrings(root):
    broken = []
    for path in files(root, ("python",), (".py",)):

        def visit(node, path=path):
            for child in node.body:
                if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
                    if ast.get_docstring(child) is None:
                        broken.append(f"{path.relative_to(root)}:{child.lineno}: {child.name} has no docstring")
                    if isinstance(child, ast.ClassDef):
                        visit(child)

        module = ast.parse(path.read_text())
        if ast.get_docstring(module) is None:
            broken.append(f"{path.relative_to(root)}:1: the file does not say what it is for")
        visit(module)
    return broken


def values_with_two_homes(root):
    """The same name for the same value at the top of two Python files, where one could import it from the other.

    Two modules may offer users the same names.
    """
    broken, first = [], {}
    for path in files(root, ("python",), (".py",)):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                value = ast.unparse(target), ast.unparse(node.value)
                home = first.setdefault(value, path)
                if home is not path and value[0] != "__all__":
                    file = path.relative_to(root)
                    broken.append(f"{file}:{node.lineno}: import {value[0]} from {home.relative_to(root)}")
    return broken


def errors_of_another_form(root):
    """Errors say what was expected, then after a semicolon what was received."""
    return find(
        root,
        r"\bReceived: |\.[ \"]+received ",
        files(root, ("python", "cpp"), (".py", *CPP)),
        "write '; received'",
        unchanged,
    )


def ulps_that_are_not_explained(root):
    """One page says what an ulp is; every other page that counts some links to it."""
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    counting = [page for page in pages if re.search(r"\bulps?\b", page.read_text()) and page.name != "numerics.md"]
    links = ("numerics.md#ulp" in page.read_text() for page in counting)
    return [
        f"{page.relative_to(root)}:1: link numerics.md#ulp" for page, ok in zip(counting, links, strict=True) if not ok
    ]


RULES = [
    files_touched_outside_io,
    python_outside_its_folder,
    flags_that_change_arithmetic,
    instruction_sets_outside_the_kernels,
    libm_in_the_data_path,
    long_files,
    unfinished_work,
    paths_of_one_machine,
    binaries_and_build_products_in_git,
    missing_docstrings,
    values_with_two_homes,
    errors_of_another_form,
    ulps_that_are_not_explained,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no(rule):
    broken = rule(ROOT)
    assert not broken, "\n" + "\n".join(broken)


def test_version_is_the_same_in_project_module_changelog_and_citation():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None, "CHANGELOG.md has no heading '## version'"
    assert (fastnn.__version__, newest[1]) == (version, version)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("command", [("ruff", "check", "."), ("mypy",)], ids=lambda command: command[0])
def test_linter_passes(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

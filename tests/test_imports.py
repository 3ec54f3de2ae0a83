"""Who may include whom in C++, and import whom in Python: the rings and rooms of docs/architecture.md.

Each rule is a function of the tree's root that returns what breaks it, as "file:line: what", so that it can be tried
on a broken copy.
"""

import ast
import re

import pytest

from source import CPP, ROOT, files

# Folder -> what its files may include: folders of cpp/ (its own among them), and other headers, as patterns.
STD = r"[a-z_0-9]+"
PURE_STD = r"(?!fstream$|iostream$|filesystem$|cstdio$)[a-z_0-9]+"
POSIX = r"fcntl\.h|sched\.h|unistd\.h|sys/[a-z]+\.h"
INTRINSICS = r"immintrin\.h|arm_neon\.h"
MAY_INCLUDE = {
    "kernels": (
        ["kernels", "include", "core/chains.hpp", "core/kernel_table.hpp"],
        rf"cstddef|cstdint|utility|{INTRINSICS}",
    ),
    "single_header": (
        ["single_header", "kernels", "core/chains.hpp"],
        "cfloat|cmath|cstddef|cstdint|cstring|limits",
    ),  # any compiler's
    "core": (["core", "include"], PURE_STD),
    "io": (["io", "include", "core/floating_point_mode.hpp"], rf"{STD}|{POSIX}|nlohmann/json\.hpp"),
    "include": (["include"], PURE_STD),
    "python": (
        ["python", "core", "include", "io"],
        rf"(?!fstream$|iostream$|cstdio$){STD}|pybind11/[a-z_0-9]+\.h",
    ),
}
# Files with a rule of their own: all they may include.
MAY_INCLUDE_IN_FILE = {
    "cpp/core/kernel_table.hpp": (
        ["core/chains.hpp", "core/training_kernels.hpp", "include/fastnn/layers.hpp"],
        "cstddef|cstdint",
    ),
    "cpp/core/training_kernels.hpp": (
        ["include/fastnn/losses.hpp", "include/fastnn/optimizers.hpp"],
        "cstddef",
    ),
    "cpp/core/chains.hpp": ([], "cstddef"),  # the kernels see it too, as the next
    "tests/programs/scalar.cpp": (["single_header/scalar.hpp"], STD),
    "tests/programs/square_roots.cpp": (["kernels/update.hpp"], STD),  # no kernel's table has a root by itself
    "cpp/include/fastnn/activation.hpp": ([], "cstddef|cstdint"),
    "cpp/include/fastnn/layers.hpp": (["include/fastnn/activation.hpp"], "cstddef|cstdint"),
    "cpp/include/fastnn/losses.hpp": (["include/fastnn/activation.hpp"], "cstddef|cstdint"),
    "cpp/core/floating_point_mode.hpp": ([], f"cstdint|{INTRINSICS}"),
    "cpp/core/machine.cpp": (["core", "include"], rf"{PURE_STD}|unistd\.h"),  # the size of a cache: not in std
    "cpp/core/memory.hpp": (["include"], rf"{PURE_STD}|sys/mman\.h"),  # huge pages: not in std
    "cpp/core/random.cpp": (["core"], f"{PURE_STD}|{INTRINSICS}"),  # one instruction that gcc does not find
    "cpp/core/thread_pool.cpp": (["core", "include"], rf"{PURE_STD}|pthread\.h|signal\.h"),  # fork, signals: not in std
    "cpp/python/gil.hpp": (
        ["include", "core/floating_point_mode.hpp"],
        r"pybind11/pybind11\.h|unistd\.h|cxxabi\.h|chrono",
    ),  # of a dying program
    "cpp/python/object.hpp": ([], r"pybind11/pybind11\.h|memory|cxxabi\.h"),  # the same thread, on its way out
}


def includes(root):
    """(file, line number, spelled in quotes or brackets, name, the file of this tree or None) for every #include."""
    for path in files(root, ("cpp", "bench", "tests", "examples"), CPP):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", line):
                places = [path.parent / match[2]] * (match[1] == '"') + [root / "cpp/include" / match[2]]
                target = next((place.resolve() for place in places if place.is_file()), None)
                yield path, number, match[1], match[2], target


def includes_pointing_outward(root):
    broken = []
    for path, number, _, name, target in includes(root):
        file = path.relative_to(root).as_posix()
        folder = path.relative_to(root).parts[1] if file.startswith("cpp/") else "elsewhere"
        if folder != "elsewhere" and folder not in MAY_INCLUDE:
            broken.append(f"{file}:{number}: cpp/{folder} is not in this test's list of folders")
            continue
        inside, others = MAY_INCLUDE_IN_FILE.get(file) or MAY_INCLUDE.get(folder, (["core", "io", "include"], ".*"))
        if target is None:
            allowed = re.fullmatch(others, name) is not None
        else:
            to = target.relative_to((root / "cpp").resolve()).as_posix() if "cpp" in target.parts else "elsewhere/"
            allowed = any(to == each or to.startswith(each + "/") for each in [*inside, "elsewhere"])
        if not allowed:
            broken.append(f"{file}:{number}: may not include {name}")
    return broken


def cycles(graph, root, verb):
    """Each edge (file -> [(file, line)]) that closes a circle."""
    broken, done = [], set()

    def visit(file, trail):
        for target, number in graph.get(file, ()):
            if target in trail:
                broken.append(f"{file.relative_to(root)}:{number}: {verb} {target.name}, which {verb} it")
            elif target not in done:
                visit(target, [*trail, target])
        done.add(file)

    for file in graph:
        visit(file, [file])
    return broken


def include_cycles(root):
    graph = {}
    for path, number, _, _, target in includes(root):
        if target is not None:
            graph.setdefault(path.resolve(), []).append((target, number))
    return cycles(graph, root.resolve(), "includes")


# Python's rooms, each of which may import from those before it; a file of the package's top folder is a room too.
ROOMS = (
    *(
        "_core",
        "text",
        "arguments",
        "locks",
        "names",
        "strict",
        "warning",
        "floating_point",
        "files",
        "lazy",
        "arrays",
        "tables",
        "arithmetic",
        "by_name",
        "regularizers",
        "constraints",
        "schedules",
        "initializers",
        "layers",
        "optimizers",
        "losses",
        "metrics",
        "callbacks",
        "exporters",
        "saving.native",
    ),
    *("models", "importers", "saving", "threads", "instruction_sets", "configuration", "utils", "sklearn", "cli"),
    *("answers", "dask", "duckdb", "polars", "ray", "spark"),
)


def imports(root):
    """(file, line, imported file) for every import within the Python package, those inside functions too."""
    package = root / "python/fastnn"
    for path in files(root, ("python",), (".py",)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fastnn":
                base = package.joinpath(*node.module.split(".")[1:])
                for alias in node.names:
                    places = (base / f"{alias.name}.py", base / alias.name / "__init__.py", base.with_suffix(".py"))
                    target = next((p for p in (*places, base / "__init__.py") if p.is_file()), None)
                    if target is not None and not (alias.name == "_core" and base == package):
                        yield path, node.lineno, target


def import_circles(root):
    graph = {}
    for path, number, target in imports(root):
        graph.setdefault(path, []).append((target, number))
    return cycles(graph, root, "imports")


def imports_pointing_upward(root):
    """Imports from a later room of ROOMS, and from a package's __init__, which offers its names to users alone."""
    package = root / "python/fastnn"

    def room(path):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:2])
        return ROOMS.index(name if name in ROOMS else parts[0])

    broken = []
    for path, number, target in imports(root):
        if path.name in ("__init__.py", "__main__.py"):
            continue
        file = f"{path.relative_to(root)}:{number}"
        if target.name == "__init__.py":
            broken.append(f"{file}: import from the file that defines the name, not from {target.parent.name}")
        elif room(target) > room(path):
            broken.append(f"{file}: may not import {target.relative_to(package)}")
    return broken


@pytest.mark.parametrize(
    "rule",
    [includes_pointing_outward, include_cycles, import_circles, imports_pointing_upward],
    ids=lambda rule: rule.__name__,
)
def test_no(rule):
    broken = rule(ROOT)
    assert not broken, "\n" + "\n".join(broken)


def test_the_rules_look_at_files():
    """A renamed folder must not make the rules above pass by finding nothing."""
    for folder in ("cpp/kernels", "cpp/single_header", "cpp/core", "cpp/io", "cpp/python", "cpp/include/fastnn"):
        assert files(ROOT, (folder,), CPP), f"{folder} has no C++ files"
    assert len(list(includes(ROOT))) > 50

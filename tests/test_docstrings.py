"""Every public name has a docstring with an example, and every example of the package runs.

An example sees the names of its own file, numpy as np, and the classes and functions of fastnn.layers and
fastnn.models. It runs in an empty folder, to which it may write.
"""

import doctest
import importlib
import importlib.util
import inspect
import io
import os
import pkgutil
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import fastnn
from optional_modules import OPTIONAL_MODULES

os.environ.setdefault("KERAS_BACKEND", "torch")

GUIDE = Path(__file__).parents[1] / "docs/python.md"
MODULES = [
    "fastnn",
    *(found.name for found in pkgutil.walk_packages(fastnn.__path__, "fastnn.") if "._" not in found.name),
]
VOCABULARY = {"np": np, "fastnn": fastnn} | {
    name: getattr(module, name) for module in (fastnn.layers, fastnn.models) for name in module.__all__
}
OPTIONAL = ("dask", "h5py", "keras", "onnx", "pyarrow", "sklearn", "threadpoolctl", "torch")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def own_names(module):
    """Return the functions and classes that a module defines."""
    defined = {
        name: value for name, value in vars(module).items() if inspect.isroutine(value) or inspect.isclass(value)
    }
    return {name: value for name, value in defined.items() if value.__module__ == module.__name__}


def doctests(module):
    """Return the examples of a module, one DocTest for each docstring."""
    names = VOCABULARY | vars(module)
    found = doctest.DocTestFinder(recurse=False).find(module, globs=names)
    for name, value in own_names(module).items():  # DocTestFinder itself overlooks decorated functions
        found += doctest.DocTestFinder().find(
            inspect.unwrap(value), f"{module.__name__}.{name}", module=False, globs=names
        )
    return found


def missing_packages(test):
    imported = {name for each in test.examples for name in re.findall(r"\b(?:import|from|,) (\w+)", each.source)}
    if "keras" in imported:
        imported.add(os.environ["KERAS_BACKEND"])
    return {name for name in imported.intersection(OPTIONAL) if importlib.util.find_spec(name) is None}


def run(tests):
    """Run examples; return what failed, as text, and the packages that some need and that are missing."""
    runner, report, missing = doctest.DocTestRunner(verbose=False, optionflags=FLAGS), io.StringIO(), set()
    for test in tests:
        needed = missing_packages(test)
        missing |= needed
        for example in test.examples:
            if doctest.SKIP in example.options:
                report.write(f"{test.name}: write an example that runs; received +SKIP: {example.source}")
        if not needed:
            runner.run(test, out=report.write)
    return report.getvalue(), missing


@pytest.fixture(autouse=True)
def process_as_before(tmp_path, monkeypatch):
    """An empty folder to write to; afterwards the number of threads and the instruction set of before."""
    monkeypatch.chdir(tmp_path)
    threads, isa = fastnn.get_num_threads(), fastnn.isa()
    yield
    fastnn.set_num_threads(threads)
    fastnn.set_isa(isa)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch 2.13
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    if (needed := OPTIONAL_MODULES.get(".".join(name.split(".")[:2]))) is not None:
        pytest.importorskip(needed)
    failed, missing = run(doctests(importlib.import_module(name)))
    assert not failed, failed
    if missing:
        pytest.skip(f"the other examples run; some need {', '.join(sorted(missing))}")


def public_names(module):
    """Return name -> definitions for all that a module offers. Those that a method overrides come after it."""
    names = getattr(module, "__all__", own_names(module))
    found = {}
    for name, value in ((name, getattr(module, name)) for name in names):
        full = f"{module.__name__}.{name}"
        found[full] = [value]
        if isinstance(value, ModuleType):
            found |= public_names(value)
        elif inspect.isclass(value):
            found |= members(value)
    return found


def members(cls):
    """Return the public methods and properties of a class and of its bases in fastnn, as name -> definitions."""
    found = {}
    for base in (each for each in cls.__mro__ if each.__module__.startswith("fastnn.")):
        for name, value in vars(base).items():
            if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
                found.setdefault(name, []).append((base, value))
    return {
        f"{definitions[0][0].__module__}.{definitions[0][0].__name__}.{name}": [value for _, value in definitions]
        for name, definitions in found.items()
    }


def without_docstring(names, guide):
    """Name what has no docstring or no example. A guide documents data and exceptions, which cannot have them."""
    broken = []
    for name, definitions in names.items():
        value, short = definitions[0], name.rpartition(".")[2]
        texts = [inspect.getdoc(each) or "" for each in definitions]
        if not (callable(value) or isinstance(value, (ModuleType, property, classmethod))) or (
            inspect.isclass(value) and issubclass(value, Exception)
        ):
            if f"`{short}`" not in guide:
                broken.append(f"{name} is not in {GUIDE.name}")
        elif not texts[0]:
            broken.append(f"{name} has no docstring")
        elif not any(">>> " in text for text in texts) and not isinstance(value, ModuleType):
            broken.append(f"{name} has no example")
    return broken


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_public_names_have_docstrings_with_examples():
    names = public_names(fastnn)
    for name in (
        "fastnn.load_model",
        "fastnn.initializers.Zeros",
        "fastnn.Conversion",
        "fastnn.models.stack.Stack.pop",
    ):
        assert name in names
    for name in (name for name, needed in OPTIONAL_MODULES.items() if importlib.util.find_spec(needed) is not None):
        found = public_names(importlib.import_module(name))
        # Without what scikit-learn adds, and methods of some settings alone, whose examples tests/estimators runs.
        names |= {name: each for name, each in found.items() if not type(each[0]).__module__.startswith("sklearn")}
    broken = without_docstring(names, GUIDE.read_text())
    assert not broken, "\n".join(broken)


class Sample:
    """A class.

    >>> Sample().number
    1
    """

    @property
    def number(self):
        """Wrong.

        >>> Sample().number
        3
        """
        return 1

    def skipped(self):
        """Skip.

        >>> Sample().skipped()  # doctest: +SKIP
        """

    def without_example(self):
        """Say nothing more."""

    def without_docstring(self):
        pass


def test_examples_without_their_package_are_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    failed, missing = run(doctests(fastnn.threads))
    assert (failed, missing) == ("", {"threadpoolctl"})


def test_what_is_wrong_is_noticed(monkeypatch):
    monkeypatch.setattr(Sample, "__module__", "fastnn.sample")
    sample = SimpleNamespace(__name__="sample", __all__=["Sample", "limit"], Sample=Sample, limit=3)
    assert without_docstring(public_names(sample), "") == [
        "fastnn.sample.Sample.without_example has no example",
        "fastnn.sample.Sample.without_docstring has no docstring",
        f"sample.limit is not in {GUIDE.name}",
    ]
    failed, missing = run(doctest.DocTestFinder().find(Sample, module=False, globs={"Sample": Sample}))
    assert "Expected:\n    3\nGot:\n    1" in failed
    assert "write an example that runs" in failed
    assert not missing

"""What users see of the package: its names, their types and help, and what it says to names that it does not have."""

import ast
import builtins
import collections.abc
import copy
import dataclasses
import importlib
import inspect
import pickle
import re
import runpy
import textwrap
import traceback
import typing
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import fastnn
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential
from optional_modules import OPTIONAL_MODULES
from processes import run_python


def public_modules(module=fastnn):
    """The modules that users reach by names alone."""
    yield module
    for value in (getattr(module, name) for name in module.__all__):
        if isinstance(value, ModuleType):
            yield from public_modules(value)


def public_callables():
    """Every function, class and method that users see, by name; exceptions have no signatures of their own."""
    for module in public_modules():
        for name in module.__all__:
            value = getattr(module, name)
            if not isinstance(value, ModuleType) and not (inspect.isclass(value) and issubclass(value, Exception)):
                yield f"{module.__name__}.{name}", value
            if inspect.isclass(value) and not issubclass(value, Exception):
                for member, inner in inspect.getmembers(value):
                    if not member.startswith("_") and inspect.isroutine(inner):
                        yield f"{module.__name__}.{name}.{member}", inner


TAKING_ANY = "fastnn.metrics.MeanMetricWrapper"  # arguments of any name, those of the user's function
CALLABLES = {name: value for name, value in public_callables() if callable(value)}


@pytest.mark.parametrize("name", OPTIONAL_MODULES)
def test_dir_of_optional_modules_shows_the_public_names_alone(name):
    pytest.importorskip(OPTIONAL_MODULES[name])
    module = importlib.import_module(name)
    assert dir(module) == module.__all__


@pytest.mark.parametrize("module", list(public_modules()), ids=lambda module: module.__name__)
def test_dir_and_completion_show_the_public_names_alone(module):
    assert sorted(dir(module)) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


def test_importing_fastnn_imports_no_importer_before_one_is_used():
    code = """
        import sys, fastnn
        heavy = [f"importers.{each}" for each in ("keras", "onnx", "torch", "sklearn_estimators")] + ["saving.formats"]
        loaded = lambda: [name for name in heavy if f"fastnn.{name}" in sys.modules]
        print(loaded(), hasattr(fastnn, "from_torch"), loaded(), fastnn.from_torch is fastnn.from_torch)
    """
    assert run_python(textwrap.dedent(code)) == "[] True ['importers.torch'] True\n"


def test_names_that_are_imported_later_are_those_that_type_checkers_see():
    tree = ast.parse(Path(fastnn.__file__).read_text())
    (branch,) = (each for each in tree.body if isinstance(each, ast.If))
    seen = {alias.name: node.module for node in branch.body for alias in node.names}
    assert {name: getattr(fastnn, name).__module__ for name in seen} == seen
    (later,) = (each for each in ast.walk(branch) if isinstance(each, ast.Dict))
    assert ast.literal_eval(later) == seen


def test_the_public_modules_alone_have_all():
    """Only they are for users. In others an underscore says which names are the file's own; see the next test."""
    package = Path(fastnn.__file__).parent
    having = {path for path in package.rglob("*.py") if re.search(r"^__all__\b", path.read_text(), re.M)}
    names = [package / name.removeprefix("fastnn.") for name in OPTIONAL_MODULES]
    optional = {name / "__init__.py" if name.is_dir() else name.with_suffix(".py") for name in names}
    assert having == optional | {Path(module.__file__) for module in public_modules()}


def test_names_without_an_underscore_are_used_by_other_files():
    root = Path(__file__).parents[1]
    texts = {
        path: path.read_text() for folder in ("python", "tests", "bench") for path in (root / folder).rglob("*.py")
    }
    words = {path: set(re.findall(r"\w+", text)) for path, text in texts.items()}
    unused = []
    for path, text in texts.items():
        if path.is_relative_to(root / "python"):
            given = re.findall(r"^(?:def ([a-z]\w*)|([A-Z][A-Z_0-9]+)\b.* = )", text, re.M)
            names = {function or constant for function, constant in given}
            unused += [f"{path}: {name}" for name in names if not any(name in words[p] for p in words if p != path)]
    assert not unused


def test_the_public_modules_are_these():
    names = {module.__name__ for module in public_modules()}
    of_training = {
        "callbacks",
        "constraints",
        "losses",
        "metrics",
        "optimizers",
        "optimizers.schedules",
        "regularizers",
        "schedules",
    }
    others = {"initializers", "layers", "models", "utils"}
    assert names == {"fastnn", *(f"fastnn.{name}" for name in of_training | others)}


def test_completion_of_objects_shows_no_name_that_an_attribute_error_answers():
    model = Sequential([Dense(3, input_dim=2)])
    for thing in (model, model.layers[0], Input((2,)), fastnn.initializers.HeNormal()):
        shown = [name for name in dir(thing) if not name.startswith("_")]
        assert shown
        for name in shown:
            assert hasattr(thing, name)


@pytest.mark.parametrize("value", list(CALLABLES.values()), ids=CALLABLES)
def test_help_begins_with_a_signature_that_can_be_read(value):
    signature = str(inspect.signature(value))
    assert not any(part in signature for part in ("_array_like", "numpy.dtype", "pybind11", "Unpack"))
    assert "**" not in signature or value is CALLABLES[TAKING_ANY]
    assert len(signature) < 700
    known = {"Array", *dir(builtins), *dir(typing), *dir(collections.abc), *dir(np), *dir(np.typing)}
    known |= {name for module in public_modules() for name in module.__all__}
    types = " ".join(re.findall(r"(?:: |-> )'?([^'=]*)'?", signature))  # what stands after a colon or an arrow
    words = re.sub(r"\b(os|np|npt|collections\.abc)\.|<[^>]*>", "", types)
    words = set(re.findall(r"[A-Za-z_][\w.]*", words)) - set(inspect.signature(value).parameters)
    assert words - known <= {"PathLike"}


def test_conversion_is_a_public_class():
    weights = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3)}
    model = fastnn.from_torch_state_dict(weights, ["relu"], check=([[1, 2]], [[3, 3, 3]]))
    assert type(model.conversion) is fastnn.Conversion
    assert type(model.conversion.difference) is fastnn.Difference
    assert Sequential().conversion is None


def test_a_typed_program_runs():
    """mypy checks its types, in test_codebase.py."""
    runpy.run_path(str(Path(__file__).parent / "typed_program.py"))


def test_regularizers_and_constraints_may_be_none_as_in_keras():
    options = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")
    assert Dense(1, name="a", **dict.fromkeys(options)).get_config() == Dense(1, name="a").get_config()
    fastnn.layers.BatchNormalization(beta_regularizer=None, gamma_constraint=None)
    fastnn.layers.PReLU(alpha_regularizer=None)
    for make in (Sequential, Input, lambda **named: Dense(1, **named), fastnn.initializers.Zeros):
        with pytest.raises(TypeError, match="got an unexpected keyword argument"):
            make(kernl_regularizer=None)


@pytest.mark.parametrize("remade", [lambda x: x, copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_attributes_that_do_not_exist_are_refused(remade):
    model = remade(Sequential([Dense(1, input_dim=2)]))
    for thing in (model, model.layers[0], remade(Input((2,))), remade(fastnn.initializers.Zeros())):
        with pytest.raises(AttributeError, match=r"has no attribute 'foo' to set$"):
            thing.foo = 1
        assert not hasattr(thing, "foo")
    with pytest.raises(AttributeError, match=r"has no attribute 'clases' to set; did you mean 'classes'\?$"):
        model.clases = ["a", "b"]
    model.classes = ["a", "b"]
    model.conversion = None


def test_a_users_subclass_may_set_its_own_attributes():
    class Mine(Sequential):
        limit = 0

        def __init__(self, threshold):
            super().__init__([Dense(1, input_dim=2)], name="mine")
            self.threshold = threshold

    model = Mine(threshold=3)
    model.threshold, model.limit, model._cache = 4, 5, 6
    assert (model.threshold, model.limit, model._cache, model.name) == (4, 5, 6, "mine")
    with pytest.raises(AttributeError, match="name of .* cannot be changed"):
        model.name = "other"


@pytest.mark.parametrize(
    ("make", "suggestion"),
    [
        (lambda: Dense(1, activaton="relu"), "activation"),
        (lambda: Dense(1, unit=3), "units"),
        (lambda: Dense(1, kernel_initialiser="zeros"), "kernel_initializer"),
        (lambda: Dense(1, input_shap=(3,)), "input_shape"),
        (lambda: fastnn.layers.BatchNormalization(momentun=0.9), "momentum"),
        (lambda: Activation("relu", nam="a"), "name"),
        (lambda: Input(shap=(3,)), "shape"),
        (lambda: fastnn.optimizers.SGD(lr=0.1), "learning_rate"),  # an argument of Keras 2
        (lambda: fastnn.layers.LeakyReLU(alpha=0.1), "negative_slope"),
        (lambda: Sequential(layer=[]), "layers"),
        (lambda: fastnn.initializers.HeNormal(sed=1), "seed"),
        (lambda: Activation({"name": "leaky_relu", "negative_slop": 1}), "negative_slope"),
        (lambda: Sequential.from_config({"layers": [], "nam": "a"}), "name"),
        (lambda: fastnn.load_model("model.onnx", output="y"), "outputs"),
        (lambda: fastnn.from_torch(None, verfy=False), "verify"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_misspelt_name_is_answered_with_the_right_one(make, suggestion):
    with pytest.raises((TypeError, ValueError), match=rf"; did you mean '{suggestion}'\?$"):
        make()


@pytest.mark.parametrize(
    ("make", "suggestion"),
    [
        (lambda: Dense(1, "rellu"), "relu"),
        (lambda: Dense(1, "Relu"), "relu"),
        (lambda: Dense(1, "sigmod"), "sigmoid"),
        (lambda: Dense(1, "LeakyReLU"), "leaky_relu"),
        (lambda: Dense(1, kernel_initializer="he_norml"), "he_normal"),
        (lambda: Sequential.from_config({"layers": [{"class_name": "Dens", "config": {"units": 1}}]}), "Dense"),
        (lambda: Sequential([Dense(1, name="hidden")]).get_layer("hiden"), "hidden"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_suggestion_comes_before_the_list_of_names(make, suggestion):
    with pytest.raises(ValueError, match=rf"^[^,]*; did you mean '{suggestion}'\? (Expected|Existing)"):
        make()


TAKING_NAMES = {
    name: value
    for name, value in CALLABLES.items()
    if not dataclasses.is_dataclass(value)
    and not inspect.isabstract(value)
    and name != TAKING_ANY
    and name.rpartition(".")[2] != "predict"  # a suggestion would take a quarter of the time of a call of one row
    and [each for each in inspect.signature(value).parameters if each not in ("self", "args", "x")]
}
NEEDED = {"units": 1, "rate": 0.5, "stddev": 1, "scale": 1, "activation": "relu"}  # by constructors, before the rest


@pytest.mark.parametrize("value", TAKING_NAMES.values(), ids=TAKING_NAMES)
def test_every_function_and_method_suggests_the_argument_that_was_meant(value):
    arguments = inspect.signature(value).parameters
    *_, last = arguments
    needed = {name: NEEDED[name] for name in NEEDED if name in arguments and arguments[name].default is inspect._empty}
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{last}x'; did you mean '{last}'\?$"):
        value(**{f"{last}x": 1}, **needed)


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("fastnn.Dense", "use fastnn.layers.Dense"),
        ("from fastnn import Dense", "use fastnn.layers.Dense"),
        ("fastnn.model_from_json", "use fastnn.models.model_from_json"),
        ("fastnn.set_random_seed", "use fastnn.utils.set_random_seed"),
        ("from fastnn.layers import Sequential", "use fastnn.Sequential"),
        ("from fastnn.layers import Dense, Dence", r"did you mean 'Dense'\?"),
        ("fastnn.layers.Dence", r"did you mean 'Dense'\?"),
        ("fastnn.Dence", r"did you mean 'fastnn.layers.Dense'\?"),
        ("from fastnn.initializers import HeNorml", r"did you mean 'HeNormal'\?"),
        ("from fastnn.models import Model", r"Sequential is the only kind of model; .*"),
        ("fastnn.activations", r"name an activation by a string, as in Dense\(8, 'relu'\)"),
        ("from fastnn.layers import Embedding", r"fastnn has layers of dense networks alone; .*"),
        ("fastnn.saving.load_model", "use fastnn.load_model"),
        ("fastnn.utils.to_categories", r"did you mean 'to_categorical'\?"),
        ("fastnn.utils.mixed_precision", r"dir\(fastnn.utils\) lists its names"),  # not metrics.Precision
        ("fastnn.from_onnx", r"load_model\(path\) reads .onnx files"),
        ("fastnn.layers.banana", r"dir\(fastnn.layers\) lists its names"),
    ],
)
def test_a_name_that_a_module_does_not_have_is_told_where_it_lives(statement, advice):
    kind = ImportError if "import" in statement else AttributeError
    with pytest.raises(kind, match=f"^(module|cannot import name) '.*'; {advice}$") as error:
        exec(statement, {"fastnn": fastnn})
    assert "Did you mean" not in "".join(traceback.format_exception(error.value))  # Python's own, a second time


def test_modules_answer_questions_for_names_as_others_do():
    assert not hasattr(fastnn, "Dense")
    assert getattr(fastnn.layers, "Dence", None) is None
    exec("from fastnn import cli")  # a folder that no other module imports
    with pytest.raises(ModuleNotFoundError):
        exec("import fastnn.layer")


@pytest.mark.parametrize("of_function", [{}, {"module": "builtins", "registered_name": "function"}], ids=["2", "3"])
def test_an_activation_in_keras_serialized_form_is_read(of_function):
    assert Dense(1, of_function | {"class_name": "function", "config": "swish"}).activation == "silu"


def test_a_layer_in_keras_serialized_form_is_refused_in_one_sentence():
    given = {"module": "keras.layers", "class_name": "LeakyReLU", "config": {"negative_slope": 0.3}}
    with pytest.raises(ValueError, match="received Keras' serialized form of 'LeakyReLU'; give the layer itself, or"):
        Dense(1, given)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dense(1, banana=1),
        lambda: Dense(1, "banana"),
        lambda: Dense(1, kernel_initializer="banana"),
        lambda: Sequential.from_config({"layers": [{"class_name": "LSTM", "config": {}}]}),
    ],
)
def test_nonsense_gets_no_suggestion(make):
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert "did you mean" not in str(error.value)

"""What users see of the package: its names, their types and help, and what it says to names that it does not have."""

import copy
import inspect
import pickle
import runpy
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import fastnn
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential


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


CALLABLES = {name: value for name, value in public_callables() if callable(value)}


@pytest.mark.parametrize("module", list(public_modules()), ids=lambda module: module.__name__)
def test_dir_and_completion_show_the_public_names_alone(module):
    assert sorted(dir(module)) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


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
    assert not any(part in str(inspect.signature(value)) for part in ("_array_like", "numpy.dtype", "pybind11"))
    assert len(str(inspect.signature(value))) < 500


def test_conversion_is_a_public_class():
    weights = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3)}
    model = fastnn.from_torch_state_dict(weights, ["relu"], check=([[1, 2]], [[3, 3, 3]]))
    assert type(model.conversion) is fastnn.Conversion
    assert type(model.conversion.difference) is fastnn.Difference
    assert Sequential().conversion is None


def test_a_typed_program_runs():
    """mypy checks its types, in test_codebase.py."""
    runpy.run_path(str(Path(__file__).parent / "typed_program.py"))


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
        (lambda: Sequential(layer=[]), "layers"),
        (lambda: fastnn.initializers.HeNormal(sed=1), "seed"),
        (lambda: Dense(1, "Relu"), "relu"),
        (lambda: Dense(1, "sigmod"), "sigmoid"),
        (lambda: Dense(1, "LeakyReLU"), "leaky_relu"),
        (lambda: Activation({"name": "leaky_relu", "negative_slop": 1}), "negative_slope"),
        (lambda: Dense(1, kernel_initializer="he_norml"), "he_normal"),
        (lambda: Sequential.from_config({"layers": [{"class_name": "Dens", "config": {"units": 1}}]}), "Dense"),
        (lambda: Sequential([Dense(1, name="hidden")]).get_layer("hiden"), "hidden"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_misspelt_name_is_answered_with_the_right_one(make, suggestion):
    with pytest.raises((TypeError, ValueError), match=rf"; did you mean '{suggestion}'\?$"):
        make()


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

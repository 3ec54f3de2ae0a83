"""What every adapter asks of a model, and says where it cannot be used; no engine is imported by `import fastnn`."""

import sys

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from engine_tables import NAMES, NUMBERS, X, of_numbers, of_text
from fastnn.answers import Answers, with_none
from fastnn.layers import Dense
from fastnn.models import Sequential
from processes import run_python

ENGINES = {
    "fastnn.duckdb": ("duckdb", "pip install duckdb pyarrow"),
    "fastnn.polars": ("polars", "pip install polars"),
    "fastnn.ray": ("ray.data", r"pip install 'ray\[data\]'"),
    "fastnn.spark": ("pyspark.sql", "pip install pyspark pandas pyarrow"),
}


def test_import_fastnn_imports_no_engine():
    engines = {"dask", "duckdb", "polars", "pyarrow", "pyspark", "ray"}
    assert run_python(f"import sys, fastnn; print({engines} & set(sys.modules))") == "set()\n"


@pytest.mark.parametrize("module", ENGINES)
def test_a_module_that_is_not_imported_is_told_as_one_to_import(module, monkeypatch):
    name = module.removeprefix("fastnn.")
    monkeypatch.delattr(fastnn, name, raising=False)
    with pytest.raises(
        AttributeError, match=rf"^module 'fastnn' has no attribute '{name}'; import {module}, which needs "
    ):
        getattr(fastnn, name)


@pytest.mark.parametrize("module", ENGINES)
def test_a_missing_engine_is_answered_with_what_to_install(module, monkeypatch):
    engine, advice = ENGINES[module]
    monkeypatch.setitem(sys.modules, engine, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ImportError, match=rf"^{module} needs .*: {advice}$"):
        __import__(module)


def test_columns_are_those_that_the_model_names():
    assert Answers(of_numbers()).names == NAMES
    assert Answers(of_text()).names == ("age", "city", "paid")


@pytest.mark.parametrize(
    ("model", "classes", "kind", "units"),
    [
        (of_numbers(), False, "float32", 3),
        (of_numbers(1, "linear"), False, "float32", None),
        (of_numbers(1, "linear", dtype="float64"), False, "float64", None),
        (of_numbers(), True, "int64", None),
        (of_numbers(1, "sigmoid"), True, "int64", None),
        (of_numbers(3, "sigmoid"), True, "int64", 3),  # labels that a row may have together
        (of_numbers(classes=["a", "b", "c"]), True, "str", None),
        (of_numbers(classes=["a", "b" * 300, "c"]), True, "str", None),  # an array of objects, for its length
        (of_numbers(classes=[1.5, 2.5, 0.0]), True, "float64", None),
        (of_numbers(1, "sigmoid", classes=[False, True]), True, "bool", None),
    ],
)
def test_the_type_of_answers_is_known_before_any_row(model, classes, kind, units):
    answers = Answers(model, classes)
    assert (answers.kind, answers.units) == (kind, units)
    made, gaps = answers(NUMBERS)
    wanted = model.predict_classes(X) if classes else model.predict(X)
    assert same_bits(made, wanted if units or classes else wanted[:, 0])
    assert same_bits(gaps, np.zeros(made.shape, bool))


def test_an_answer_that_is_nan_is_a_gap_and_chooses_no_class():
    rows = {name: [np.nan, 0.5] if name == "age" else [0.5, 0.5] for name in NAMES}
    for model, classes, shape in (
        (of_numbers(), False, (2, 3)),
        (of_numbers(1, "linear"), False, (2,)),
        (of_numbers(), True, (2,)),
        (of_numbers(3, "sigmoid"), True, (2, 3)),
    ):
        made, gaps = Answers(model, classes)(rows)
        assert made.shape == gaps.shape == shape
        assert gaps[0].all()
        assert not gaps[1].any()
        objects = with_none(made, gaps)
        assert objects.tolist()[1] == made.tolist()[1]
        assert set(np.ravel(objects[0])) == {None}
        assert with_none(made, gaps & False) is made


def test_later_changes_of_the_model_do_not_reach_its_answers():
    model = of_numbers()
    answers, wanted = Answers(model), model.predict(X)
    model.set_weights([weights * 0 for weights in model.get_weights()])
    model.feature_names = None
    assert same_bits(answers(NUMBERS)[0], wanted)


@pytest.mark.parametrize(
    ("model", "classes", "error", "words"),
    [
        ("model.onnx", False, TypeError, "^expected a Sequential of fastnn; received str$"),
        (
            Sequential([Dense(1, input_shape=(2,))]),
            False,
            ValueError,
            r"^expected a model that names its columns; received one without feature_names .* set model.feature_names",
        ),
        (of_numbers(1, "linear"), True, ValueError, "^expected a model of classes: .*; received one of linear$"),
        (of_numbers(classes=[1, "1", 2]), True, ValueError, "^expected classes of one type, .* received 1, '1', 2$"),
        (of_numbers(classes=["1", 1, 2]), True, ValueError, "^expected classes of one type, .* received '1', 1, 2$"),
        (of_numbers(classes=[1, 2, 2**63]), True, ValueError, "^expected classes of one type, .* 64-bit integers"),
    ],
    ids=["no model", "no names", "no classes", "mixed classes", "text first", "a class beyond 64 bits"],
)
def test_a_model_that_no_engine_can_use_is_refused_before_any_row(model, classes, error, words):
    with pytest.raises(error, match=words):
        Answers(model, classes)


def test_another_number_of_columns_is_refused_with_the_names_of_all():
    with pytest.raises(ValueError, match="^expected 3 columns, 'age', 'größe', 'weight of all'; received 2$"):
        Answers(of_numbers()).of_columns([[1.0], [2.0]])

"""Parameters and data that cannot be used are refused in one sentence when fit() begins."""

import doctest
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastnn.sklearn import MLPClassifier, MLPRegressor

X, Y = np.eye(4), [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "adm"}, "expected solver to be one of .*; received solver='adm'; did you mean 'adam'?"),
        ({"learning_rate": "fast"}, "expected learning_rate to be one of .*; received learning_rate='fast'"),
        ({"hidden_layer_sizes": (3, 0)}, r"expected hidden_layer_sizes to be integers .*; received .*=\(3, 0\)"),
        ({"hidden_layer_sizes": 2.5}, "expected hidden_layer_sizes to be integers .*; received .*=2.5"),
        ({"alpha": -1}, "expected alpha to be at least 0; received alpha=-1"),
        ({"batch_size": 0}, "expected batch_size to be 'auto' or an integer of at least 1; received batch_size=0"),
        ({"max_iter": 1.5}, "expected max_iter to be an integer of at least 1; received max_iter=1.5"),
        ({"beta_1": 1}, "expected beta_1 to be at least 0 and below 1; received beta_1=1"),
        ({"warm_start": 1}, "expected warm_start to be True or False; received warm_start=1"),
        ({"n_iter_no_change": 0}, "expected n_iter_no_change to be an integer of at least 1"),
        ({"activation": ["relu"], "hidden_layer_sizes": (3, 3)}, "expected a value of activation for each of 2 hidden"),
        ({"activation": "rellu"}, "did you mean 'relu'?"),
        ({"dropout": 1.0}, "expected dropout to be at least 0 and below 1; received dropout=1.0"),
        ({"loss": "hubber"}, "did you mean 'huber'?"),
        ({"loss": (3,)}, r"name the layers: hidden_layer_sizes=\(3,\)"),
        ({"loss": None}, "expected a loss, by its name or as an object of fastnn.losses; received loss=None"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "expected layers without random numbers.* for LBFGS"),
    ],
    ids=str,
)
def test_parameter(parameters, message):
    for kind in (MLPClassifier, MLPRegressor):
        with pytest.raises(ValueError, match=message):
            kind(**parameters).fit(X, Y)


def test_nothing_is_validated_before_fit():
    assert MLPClassifier(solver="adm").solver == "adm"


def test_a_misspelt_argument_is_answered_with_the_right_one():
    with pytest.raises(TypeError, match="did you mean 'hidden_layer_sizes'?"):
        MLPClassifier(hiden_layer_sizes=(3,))
    with pytest.raises(TypeError, match="did you mean 'eval_set'?"):
        MLPRegressor().fit(X, Y, evalset=None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sample_weight": [0, 0, 0, 0]}, "zero"),
        ({"sample_weight": [1, -1, 1, 1]}, "[Nn]egative"),
        ({"eval_set": X}, r"expected eval_set to be \(X, y\)"),
        ({"eval_set": (X, [0, 1])}, "expected a target for each row; received 4 rows and 2 targets"),
        ({"eval_set": (X[:, :2], Y)}, "X has 2 features"),
    ],
    ids=str,
)
def test_data(data, message):
    for kind in (MLPClassifier, MLPRegressor):
        with pytest.raises(ValueError, match=message):
            kind((3,) if kind is MLPClassifier else "squared_error").fit(X, Y, **data)


def test_eval_set_of_unknown_classes_is_refused():
    with pytest.raises(ValueError, match=r"expected y of the classes \[0, 1\].*received 2"):
        MLPClassifier().fit(X, Y, eval_set=(X, [0, 1, 2, 0]))


def test_a_large_batch_is_warned_of_and_cut():
    with pytest.warns(UserWarning, match="expected a batch_size of at most 4.*received batch_size=99"):
        MLPClassifier(batch_size=99, tol=9.0, n_iter_no_change=1).fit(X, Y)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name", ["partial_fit", "predict_proba", "predict_log_proba"])
def test_examples_of_methods_that_only_some_settings_have(kind, name):
    """test_docstrings.py does not find them."""
    method = getattr(kind, name, None)
    if method is None:
        assert kind is MLPRegressor
        return
    globs = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
    [test] = doctest.DocTestFinder(recurse=False).find(method, name, globs=globs, module=False)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_of_fastnn_leaves_scikit_learn_alone():
    assert run("import sys, fastnn; print('sklearn' in sys.modules)") == "False\n"


def test_a_missing_scikit_learn_is_named():
    code = """
import sys
sys.modules["sklearn"] = None
try:
    import fastnn.sklearn
except ImportError as error:
    print(error)
"""
    assert run(code) == "fastnn.sklearn needs scikit-learn 1.6 or later: pip install scikit-learn\n"

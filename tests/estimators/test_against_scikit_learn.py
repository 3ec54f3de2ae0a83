"""scikit-learn's networks are the oracle: same parameters, attributes, weights after some steps, and scores."""

import inspect
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network as original
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits().data / 16
DIGIT = load_digits().target
TARGETS = {
    "MLPClassifier": {"two": DIGIT > 4, "ten": DIGIT, "labels": np.stack([DIGIT > 4, DIGIT % 2 == 0], 1).astype(int)},
    "MLPRegressor": {"one": DIGIT / 9, "several": np.stack([DIGIT / 9, DIGIT**2 / 81, DIGIT > 4], 1)},
}
CASES = [(name, kind) for name, kinds in TARGETS.items() for kind in kinds]


def both(name, **parameters):
    return [getattr(module, name)(**parameters) for module in (original, ours)]


def distance(one, other):
    """The largest difference between the weights of two estimators."""
    pairs = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


@pytest.mark.parametrize("name", TARGETS)
def test_parameters_and_defaults_are_the_same_and_in_the_same_order(name):
    theirs, own = (inspect.signature(getattr(module, name)).parameters for module in (original, ours))
    assert list(own)[: len(theirs)] == list(theirs)
    for each, parameter in theirs.items():
        assert (own[each].default, own[each].kind) == (parameter.default, parameter.kind)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes_have_the_same_names_types_and_shapes(name, kind, solver, early_stopping):
    y = TARGETS[name][kind]
    given = {"solver": solver, "max_iter": 3, "early_stopping": early_stopping}
    theirs, own = both(name, hidden_layer_sizes=(5, 4), random_state=0, **given)  # L-BFGS stops early at some weights
    theirs.fit(DIGITS, y), own.fit(DIGITS, y)
    names = [each for each in vars(theirs) if each.endswith("_") and not each.startswith("_")]
    assert [each for each in names if not hasattr(own, each)] == []
    for each in names:
        expected, received = getattr(theirs, each), getattr(own, each)
        assert np.shape(received) == np.shape(expected) if each not in ("coefs_", "intercepts_") else True
        assert isinstance(received, type(expected)) or np.isscalar(expected), each
    for each in ("coefs_", "intercepts_"):
        assert [(a.shape, a.dtype) for a in getattr(own, each)] == [(a.shape, a.dtype) for a in getattr(theirs, each)]
    for each in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "t_", "n_iter_"):
        assert getattr(own, each) == getattr(theirs, each), each


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "activation": "logistic", "alpha": 1.0},
        {"solver": "sgd", "nesterovs_momentum": False, "activation": "tanh"},
        {"solver": "sgd", "momentum": 0.0, "activation": "identity", "learning_rate_init": 0.01},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 9},
        {"solver": "adam", "early_stopping": True, "validation_fraction": 1 / 3, "batch_size": 1797 // 3 * 2 // 2},
    ],
    ids=str,
)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_weights_losses_and_scores_are_the_same_without_shuffling(name, kind, settings):
    """All batches are of 599 rows: a short last one has another penalty in scikit-learn."""
    y = TARGETS[name][kind]
    given = {"batch_size": 599, "max_iter": 4} | settings
    theirs, own = both(name, hidden_layer_sizes=(20, 10), shuffle=False, random_state=1, **given)
    theirs.fit(DIGITS, y), own.fit(DIGITS, y)
    assert distance(theirs, own) < 1e-13
    # Of several targets the loss is computed with the penalty at the end of the epoch.
    tolerance = 1e-4 if kind == "several" else 1e-12
    np.testing.assert_allclose(own.loss_curve_, theirs.loss_curve_, rtol=tolerance)
    np.testing.assert_allclose(own.loss_, own.loss_curve_[-1])
    if own.early_stopping:
        np.testing.assert_allclose(own.validation_scores_, theirs.validation_scores_, rtol=1e-12)
        assert own.best_validation_score_ == max(own.validation_scores_)
    else:
        np.testing.assert_allclose(own.best_loss_, theirs.best_loss_, rtol=tolerance)
    assert own.score(DIGITS, y) == pytest.approx(theirs.score(DIGITS, y), abs=1e-12)
    np.testing.assert_array_equal(own.predict(DIGITS).dtype, theirs.predict(DIGITS).dtype)


def test_poisson_is_the_same_but_for_the_epsilon_of_fastnns_loss():
    theirs, own = both("MLPRegressor", loss="poisson", hidden_layer_sizes=(9,), shuffle=False, random_state=1,
                       solver="sgd", batch_size=599, max_iter=4)  # fmt: skip
    y = np.stack([DIGIT, DIGIT / 9], 1)
    theirs.fit(DIGITS, y), own.fit(DIGITS, y)
    assert distance(theirs, own) < 1e-6
    np.testing.assert_allclose(own.loss_curve_, theirs.loss_curve_, atol=1e-5)


@pytest.mark.parametrize("name", TARGETS)
def test_sample_weight_is_the_same_with_all_rows_in_a_batch(name):
    weights = np.arange(len(DIGIT)) % 4
    y = DIGIT / 9 if name == "MLPRegressor" else DIGIT
    theirs, own = both(name, hidden_layer_sizes=(9,), solver="sgd", shuffle=False, random_state=1, max_iter=4,
                       alpha=0.1, batch_size=len(DIGIT))  # fmt: skip
    theirs.fit(DIGITS, y, weights), own.fit(DIGITS, y, weights)
    assert distance(theirs, own) < 1e-13
    np.testing.assert_allclose(own.loss_curve_, theirs.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("name", TARGETS)
def test_lbfgs_finds_the_same_minimum_of_a_convex_problem(name):
    """Its steps are others, since the line search is."""
    y = DIGIT / 9 if name == "MLPRegressor" else DIGIT
    theirs, own = both(name, hidden_layer_sizes=(), solver="lbfgs", alpha=5.0, tol=1e-7, max_iter=2000, random_state=0)
    theirs.fit(DIGITS, y), own.fit(DIGITS, y)
    assert own.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
    assert distance(theirs, own) < 1e-2


def test_scores_of_shuffled_training_are_the_same_within_the_noise_of_seeds():
    scores = {original: [], ours: []}
    for seed in range(5):
        x, x_test, y, y_test = train_test_split(DIGITS, DIGIT, random_state=seed)
        for module, each in scores.items():
            network = module.MLPClassifier((30,), max_iter=30, learning_rate_init=0.005, random_state=seed).fit(x, y)
            each.append(network.score(x_test, y_test))
    theirs, own = map(np.array, scores.values())
    assert abs((theirs - own).mean()) < 3 * (theirs - own).std(ddof=1) / np.sqrt(5) + 0.002
    assert own.mean() > 0.94


def test_probabilities_and_classes_are_those_of_scikit_learn():
    for kind in ("two", "ten", "labels"):
        y = TARGETS["MLPClassifier"][kind]
        theirs, own = both("MLPClassifier", shuffle=False, random_state=1, batch_size=599, max_iter=3)
        theirs.fit(DIGITS, y), own.fit(DIGITS, y)
        np.testing.assert_allclose(own.predict_proba(DIGITS), theirs.predict_proba(DIGITS), rtol=1e-11)
        np.testing.assert_allclose(own.predict_log_proba(DIGITS), theirs.predict_log_proba(DIGITS), rtol=1e-9)
        np.testing.assert_array_equal(own.classes_, theirs.classes_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_too_few_iterations_are_warned_of_as_in_scikit_learn(solver):
    with pytest.warns(ConvergenceWarning, match=r"(reached|after 2 iterations)"):
        ours.MLPClassifier(max_iter=2, solver=solver).fit(DIGITS, DIGIT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.MLPClassifier(tol=9.0, n_iter_no_change=1, max_iter=9).fit(DIGITS, DIGIT)


def test_verbose_prints_the_lines_of_scikit_learn(capsys):
    lines = []
    for estimator in both("MLPClassifier", verbose=True, shuffle=False, random_state=1, batch_size=599, max_iter=9,
                          tol=10.0, n_iter_no_change=1, solver="sgd", learning_rate="adaptive"):  # fmt: skip
        estimator.fit(DIGITS, DIGIT)
        lines.append(capsys.readouterr().out)
    assert lines[0] == lines[1]
    assert "Setting learning rate to 0.000200" in lines[1]


def test_early_stopping_leaves_the_rows_of_scikit_learn_for_the_batch_and_the_penalty():
    """Of 210 rows it takes 21, so that a batch is of 189 instead of 200."""
    theirs, own = both("MLPClassifier", early_stopping=True, shuffle=False, random_state=1, max_iter=3, alpha=5.0)
    theirs.fit(DIGITS[:210], DIGIT[:210]), own.fit(DIGITS[:210], DIGIT[:210])
    assert distance(theirs, own) < 1e-13
    assert own.t_ == theirs.t_ == 3 * 189


def test_early_stopping_keeps_the_first_of_equally_good_epochs():
    settings = {"early_stopping": True, "random_state": 1, "learning_rate_init": 1e-9}  # too small to change a score
    once, thrice = (ours.MLPClassifier(**settings, max_iter=epochs).fit(DIGITS, DIGIT) for epochs in (1, 3))
    assert len(set(thrice.validation_scores_)) == 1
    assert distance(once, thrice) == 0

"""partial_fit() and warm_start go on with the optimizer's state, also after pickling."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network as original

from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 5))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "shuffle": False,
    "random_state": 3,
    "batch_size": 40,
    "learning_rate_init": 0.01,
}


def weights(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def assert_equal(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_gives_the_weights_of_one_fit(solver):
    whole = MLPClassifier(**SETTINGS, solver=solver, max_iter=6).fit(X, Y)
    parts = MLPClassifier(**SETTINGS, solver=solver)
    for _ in range(6):
        parts.partial_fit(X, Y, classes=[0, 1])
    assert_equal(whole, parts)
    assert (parts.t_, len(parts.loss_curve_), parts.n_iter_) == (720, 6, 1)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_gives_the_weights_of_scikit_learns(solver):
    theirs, own = (each(**SETTINGS, solver=solver) for each in (original.MLPClassifier, MLPClassifier))
    for _ in range(6):
        theirs.partial_fit(X, Y, classes=[0, 1]), own.partial_fit(X, Y, classes=[0, 1])
    for a, b in zip(weights(theirs), weights(own), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_warm_start_keeps_adams_averages_which_scikit_learn_loses():
    whole = MLPClassifier(**SETTINGS, max_iter=6).fit(X, Y)
    warm = MLPClassifier(**SETTINGS, max_iter=3, warm_start=True).fit(X, Y).fit(X, Y)
    assert_equal(whole, warm)
    theirs = original.MLPClassifier(**SETTINGS, max_iter=3, warm_start=True).fit(X, Y).fit(X, Y)
    assert np.abs(theirs.coefs_[0] - whole.coefs_[0]).max() > 1e-3


def test_a_pickled_estimator_goes_on_with_the_bits_of_the_one_it_was_made_of():
    estimator = MLPRegressor(**SETTINGS).partial_fit(X, Y).partial_fit(X, Y)
    copy = pickle.loads(pickle.dumps(estimator))
    assert_equal(estimator.partial_fit(X, Y), copy.partial_fit(X, Y))
    np.testing.assert_array_equal(estimator.predict(X), copy.predict(X))


def test_the_penalty_follows_the_rows_of_a_call():
    """Its strength is alpha / rows, so calls of other sizes have another one, and keep the optimizer's state."""
    settings = SETTINGS | {"batch_size": "auto", "alpha": 1.0}
    theirs, own = (each(**settings) for each in (original.MLPClassifier, MLPClassifier))
    for rows in (120, 60, 90):
        theirs.partial_fit(X[:rows], Y[:rows], classes=[0, 1]), own.partial_fit(X[:rows], Y[:rows], classes=[0, 1])
    for a, b in zip(weights(theirs), weights(own), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_fit_without_warm_start_begins_anew():
    estimator = MLPClassifier(**SETTINGS, max_iter=2).fit(X, Y)
    first = [each.copy() for each in weights(estimator)]
    for a, b in zip(first, weights(estimator.fit(X, Y)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (estimator.t_, len(estimator.loss_curve_)) == (240, 2)


def test_a_network_that_goes_on_keeps_its_layers_and_classes():
    estimator = MLPClassifier(**SETTINGS, max_iter=2, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"expected hidden_layer_sizes=\(8,\).*received hidden_layer_sizes=\(3,\)"):
        estimator.set_params(hidden_layer_sizes=(3,)).fit(X, Y)
    with pytest.raises(ValueError, match=r"expected y of the classes \[0, 1\].*received 2"):
        estimator.set_params(hidden_layer_sizes=(8,)).fit(X, Y + 1)


def test_partial_fit_says_what_it_needs():
    with pytest.raises(ValueError, match="expected classes, all of them, in the first call"):
        MLPClassifier().partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"expected classes to be those of the first call, \[0, 1\]"):
        MLPClassifier().partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y, classes=[0, 2])
    with pytest.raises(ValueError, match="early_stopping"):
        MLPRegressor(early_stopping=True).partial_fit(X, Y)
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


def test_partial_fit_begins_with_rows_of_one_class():
    estimator = MLPClassifier((4,)).partial_fit(X[:10], ["no"] * 10, classes=["yes", "no"])
    estimator.partial_fit(X[10:20], ["yes"] * 10)
    assert estimator.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_interrupted_fit_keeps_the_network_and_warns(solver):
    from fastnn.callbacks import LambdaCallback

    def interrupt(batch, logs=None):
        raise KeyboardInterrupt

    callback = LambdaCallback(on_train_batch_end=interrupt)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator = MLPClassifier(**SETTINGS, solver=solver, callbacks=callback).fit(X, Y)
    assert estimator.predict(X).shape == (120,)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_classes_of_numbers_stay_classes_when_training_goes_on(method):
    """A model with classes of numbers takes targets for classes, not for their places."""
    estimator = MLPClassifier(**SETTINGS, max_iter=40, warm_start=True).fit(X, Y + 1)
    for _ in range(3):
        getattr(estimator, method)(X, Y + 1)
    assert set(estimator.predict(X)) == {1, 2}
    assert estimator.score(X, Y + 1) > 0.8
    assert estimator.model_.classes == (1, 2)


def test_the_best_score_is_of_the_last_call_whose_validation_rows_are_others():
    estimator = MLPClassifier(**SETTINGS, max_iter=2, warm_start=True, early_stopping=True).fit(X, Y)
    estimator.best_validation_score_ = 2.0  # of easier rows
    estimator.fit(X, Y)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_[2:])
    assert len(estimator.validation_scores_) == 4

"""What scikit-learn's networks do not have: layers by list, Dropout, losses, class_weight, eval_set, callbacks."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

import fastnn
from fastnn.callbacks import EarlyStopping
from fastnn.layers import Dense
from fastnn.losses import Quantile
from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 3))
NOISE = RANDOM.exponential(size=400)
Y = X[:, 0] + NOISE
CLASS = (X[:, 0] + 0.5 * RANDOM.normal(size=400) > 1).astype(int)  # 1 is rare


def test_each_hidden_layer_has_the_activation_and_the_dropout_of_its_place_in_a_list():
    estimator = MLPRegressor(hidden_layer_sizes=(4, 3), activation=["tanh", "gelu"], dropout=[0.0, 0.5], max_iter=1)
    model = estimator.fit(X, Y).model_
    assert [layer.name for layer in model.layers] == ["hidden_1", "hidden_2", "dropout_2", "output"]
    assert [layer.activation for layer in model.layers[:2]] == ["tanh", "gelu"]
    assert model.layers[2].rate == 0.5


def test_batch_normalization_comes_before_the_activation():
    model = MLPRegressor(hidden_layer_sizes=4, batch_normalization=True, max_iter=1).fit(X, Y).model_
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "BatchNormalization", "Activation", "Dense"]
    assert model.layers[0].activation == "linear"
    assert np.abs(model.layers[1].get_weights()[2]).max() > 0  # its mean was trained


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("absolute_error", np.median), (Quantile(0.9), lambda y: np.quantile(y, 0.9)), ("squared_error", np.mean)],
)
def test_a_loss_decides_which_number_of_the_noise_is_learnt(loss, expected):
    estimator = MLPRegressor(loss, (), solver="adam", learning_rate_init=0.02, max_iter=300, alpha=0.0,
                             random_state=0, n_iter_no_change=300)  # fmt: skip
    predicted = estimator.fit(X, Y).predict(X) - X[:, 0]
    assert predicted.mean() == pytest.approx(expected(NOISE), abs=0.12)


def test_huber_of_lbfgs_is_between_mean_and_median():
    predicted = MLPRegressor("huber", (), solver="lbfgs", alpha=0.0).fit(X, Y).predict(X) - X[:, 0]
    assert np.median(NOISE) < predicted.mean() < NOISE.mean()


def test_class_weight_balanced_is_the_fit_of_those_sample_weights():
    settings = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0}
    balanced = MLPClassifier(**settings, class_weight="balanced").fit(X, CLASS)
    weights = (400 / 2 / np.bincount(CLASS))[CLASS]
    np.testing.assert_allclose(
        balanced.coefs_[0], MLPClassifier(**settings).fit(X, CLASS, weights).coefs_[0], atol=1e-12
    )
    by_name = MLPClassifier(**settings, class_weight={"rare": 9.0}).fit(X, np.array(["often", "rare"])[CLASS])
    with pytest.raises(ValueError, match="expected class_weight to be at least 0; received {0: -1.0}"):
        MLPClassifier(**settings, class_weight={0: -1.0}).fit(X, CLASS)
    unweighted = MLPClassifier(**settings).fit(X, CLASS)
    assert (by_name.predict(X) == "rare").sum() > unweighted.predict(X).sum()


def test_eval_set_is_evaluated_after_each_epoch():
    estimator = MLPClassifier((4,), max_iter=3, alpha=0.0, random_state=0)
    estimator.fit(X[:300], CLASS[:300], eval_set=(X[300:], CLASS[300:]))
    losses = estimator.model_.history.history["val_loss"]
    assert len(losses) == 3
    assert losses[-1] == pytest.approx(log_loss(CLASS[300:], estimator.predict_proba(X[300:])), rel=1e-9)


def test_early_stopping_scores_eval_set_and_keeps_the_best_weights():
    estimator = MLPClassifier((8,), max_iter=60, early_stopping=True, n_iter_no_change=5, random_state=0,
                              learning_rate_init=0.05)  # fmt: skip
    estimator.fit(X[:300], CLASS[:300], eval_set=(X[300:], CLASS[300:]))
    assert estimator.t_ == 300 * estimator.n_iter_  # all rows were trained on
    assert estimator.n_iter_ < 60
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)
    assert estimator.score(X[300:], CLASS[300:]) == estimator.best_validation_score_


def test_callbacks_see_the_model_and_stop_it():
    callback = EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    estimator = MLPRegressor(hidden_layer_sizes=(30,), max_iter=300, learning_rate_init=0.05, callbacks=callback,
                             random_state=0)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the last epoch was not the last allowed
        estimator.fit(X[:100], Y[:100], eval_set=(X[300:], Y[300:]))
    losses = estimator.model_.history.history["val_loss"]
    assert estimator.n_iter_ == len(losses) < 300
    assert callback.model is estimator.model_
    assert np.argmin(losses) == len(losses) - 3


def test_hinge_of_a_linear_output_has_classes_and_no_probabilities():
    estimator = MLPClassifier((), loss="hinge", output_activation="identity", learning_rate_init=0.05, random_state=0)
    assert estimator.fit(X, CLASS).score(X, CLASS) > 0.85
    assert set(estimator.predict(X)) == {0, 1}
    assert not hasattr(estimator, "predict_proba")


def test_a_loss_of_one_hot_targets_takes_classes():
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    estimator = MLPClassifier((16,), loss="categorical_focal_crossentropy", learning_rate_init=0.02, random_state=0)
    assert estimator.fit(X, y).score(X, y) > 0.95


def test_output_activation_bounds_predictions():
    estimator = MLPRegressor("binary_crossentropy", (4,), output_activation="logistic", max_iter=5)
    predicted = estimator.fit(X, CLASS).predict(X)
    assert 0 < predicted.min() < predicted.max() < 1


def test_float32_rows_make_a_network_of_float32():
    assert MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(X.astype("f4"), Y).model_.dtype == "float32"
    assert MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(X, Y).coefs_[0].dtype == np.float64


def test_model_is_a_sequential_that_can_be_saved_with_its_classes_and_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    estimator = MLPClassifier((4,), max_iter=2).fit(frame, np.array(["often", "rare"])[CLASS])
    estimator.model_.save(tmp_path / "model.safetensors")
    model = fastnn.load_model(tmp_path / "model.safetensors")
    assert (model.classes, model.feature_names) == (("often", "rare"), ("a", "b", "c"))
    np.testing.assert_array_equal(model.predict_classes(frame[["c", "b", "a"]]), estimator.predict(frame))


def test_from_model_predicts_what_the_model_does_and_goes_on_training():
    model = fastnn.Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(3, "softmax")])
    estimator = MLPClassifier.from_model(model, classes=["c", "a", "b"])
    assert estimator.model_ is model
    np.testing.assert_array_equal(estimator.predict_proba(X), model.predict(X))
    np.testing.assert_array_equal(estimator.predict(X), np.array(["c", "a", "b"])[model.predict(X).argmax(1)])
    y = np.array(["c", "a", "b"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    for _ in range(200):
        estimator.set_params(learning_rate_init=0.02).partial_fit(X, y)
    assert estimator.score(X, y) > 0.95
    regressor = MLPRegressor.from_model(fastnn.Sequential([Dense(2, input_shape=(3,))]))
    assert (regressor.predict(X).shape, regressor.n_layers_) == ((400, 2), 2)


@pytest.mark.parametrize("units", [1, 4])
def test_from_model_of_sigmoid_has_two_classes_or_labels(units):
    model = fastnn.Sequential([Dense(units, "sigmoid", input_shape=(3,))])
    estimator = MLPClassifier.from_model(model)
    assert estimator.predict(X).shape == ((400,) if units == 1 else (400, 4))
    assert estimator.predict_proba(X).shape == (400, 2 if units == 1 else 4)
    assert len(estimator.classes_) == max(2, units)


def test_from_model_says_which_models_it_takes():
    with pytest.raises(ValueError, match="expected a last activation 'softmax'.*received 'linear' of 1"):
        MLPClassifier.from_model(fastnn.Sequential([Dense(1, input_shape=(3,))]))
    with pytest.raises(ValueError, match="expected 2 classes, for 1 outputs"):
        MLPClassifier.from_model(fastnn.Sequential([Dense(1, "sigmoid", input_shape=(3,))]), classes=[1, 2, 3])
    with pytest.raises(ValueError, match="expected a Sequential that is built"):
        MLPRegressor.from_model(fastnn.Sequential([Dense(1)]))


def test_coefs_can_be_set_but_not_changed_in_place():
    estimator = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, Y)
    estimator.coefs_, estimator.intercepts_ = [np.ones((3, 1))], [np.zeros(1)]
    np.testing.assert_allclose(estimator.predict(X), X.sum(axis=1))
    with pytest.raises(ValueError, match="read-only"):
        estimator.coefs_[0][0] = 0


def test_a_row_has_the_same_bits_alone_and_among_others_also_in_a_sparse_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    x = load_digits().data.repeat(3, axis=0)  # more rows than one block
    estimator = MLPClassifier((20,), max_iter=2).fit(x[::3] / 16, load_digits().target)
    whole = estimator.predict_proba(x)
    np.testing.assert_array_equal(
        np.concatenate([estimator.predict_proba(x[i : i + 1]) for i in range(50)]), whole[:50]
    )
    for kind in (sparse.csr_matrix, sparse.csc_array):
        np.testing.assert_array_equal(estimator.predict_proba(kind(x)), whole)


def test_class_weight_multiplies_sample_weight():
    weights = RANDOM.uniform(1, 2, 400)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
    both = MLPClassifier(**settings, class_weight={1: 3.0}).fit(X, CLASS, weights)
    product = MLPClassifier(**settings).fit(X, CLASS, weights * np.where(CLASS == 1, 3.0, 1.0))
    np.testing.assert_array_equal(both.coefs_[0], product.coefs_[0])


@pytest.mark.parametrize(
    ("activation", "name"), [("sigmoid", "logistic"), ("softmax", "softmax"), ("linear", "identity"), ("tanh", "tanh")]
)
def test_from_model_names_the_output_as_scikit_learn_does(activation, name):
    kind = MLPClassifier if activation in ("sigmoid", "softmax") else MLPRegressor
    assert kind.from_model(fastnn.Sequential([Dense(2, activation, input_shape=(3,))])).out_activation_ == name

"""scikit-learn's fitted estimators become models that give the same answers."""

import copy
from unittest import mock

import numpy as np
import pytest

from arrays import same_bits
from estimators import LABELS, ROWS, TARGETS, TWO, X, fitted
from fastnn import ModelFormatError
from fastnn.importers.sklearn_estimators.api import from_sklearn

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)


def answers(estimator, x):
    return (
        estimator.predict_proba(x) if hasattr(estimator, "predict_proba") else estimator.predict(x).reshape(len(x), -1)
    )


def assert_same_answers(model, estimator, x=X):
    """Within an ulp of float32 of the largest answer of the row, by float64 arithmetic on both sides.

    That leaves 29 bits for rounding, which a few narrow layers do not use up; a wrong number or order shows.
    """
    assert model.dtype == "float64"
    wanted = answers(estimator, x)
    off = np.abs(model.predict(x) - wanted).max(axis=1)
    assert (off <= np.spacing(np.abs(wanted).max(axis=1).astype("f4"))).all(), off.max()


def a_chain(random):
    """An estimator of random size, activation and task, behind random scalers, and what to fit it on."""
    scalers = [
        StandardScaler(with_mean=bool(random.integers(2)), with_std=bool(random.integers(2))),
        MinMaxScaler((-1, float(random.integers(1, 4))), clip=bool(random.integers(2))),
        MaxAbsScaler(),
        RobustScaler(with_centering=bool(random.integers(2)), with_scaling=bool(random.integers(2))),
        FunctionTransformer(),
        "passthrough",
        make_pipeline(MaxAbsScaler(), StandardScaler()),
    ]
    before = [scalers[i] for i in random.integers(len(scalers), size=random.integers(4))]
    sizes = tuple(int(size) for size in random.integers(1, 20, size=random.integers(4)))
    activation = str(random.choice(["identity", "logistic", "tanh", "relu"]))
    network = {"hidden_layer_sizes": sizes, "activation": activation, "random_state": 1}
    inputs = int(random.integers(1, 9))
    x = random.normal(size=(30, inputs)) * random.uniform(0.1, 10, inputs) + random.normal(size=inputs)
    labels = np.arange(30)
    match random.integers(7):
        case 0:
            last, y = MLPClassifier(**network), labels % 2 == 1
        case 1:
            last, y = MLPClassifier(**network), np.array(["no", "perhaps", "yes"])[labels % 3]
        case 2:
            last, y = MLPClassifier(**network), random.integers(2, size=(30, 3))
        case 3:
            last, y = MLPRegressor(**network), random.normal(size=30)
        case 4:
            last, y = MLPRegressor(**network), random.normal(size=(30, 2))
        case 5:
            last, y = MLPRegressor(loss="poisson", **network), labels % 4
        case _:
            y = random.normal(size=(30, 2)) * 5 + 100
            transformer = [StandardScaler(), MinMaxScaler((1, 3)), RobustScaler(), make_pipeline(*scalers[:2])]
            last = TransformedTargetRegressor(
                MLPRegressor(**network), transformer=transformer[random.integers(4)], check_inverse=False
            )
    return make_pipeline(*before, last), x, y


@pytest.mark.parametrize("first", range(0, 300, 50))
@pytest.mark.slow
def test_300_random_estimators_give_scikit_learns_answers(first):
    for seed in range(first, first + 50):
        random = np.random.default_rng(seed)
        estimator, x, y = a_chain(random)
        fitted(estimator, x, y)
        x = random.normal(size=(50, x.shape[1])) * 5  # also beyond what was seen, where some clip
        for fold in (True, False):
            assert_same_answers(from_sklearn(estimator, fold=fold), estimator, x)


def test_float32_weights_make_a_float32_model_of_the_same_numbers_rounded_once():
    estimator = fitted(make_pipeline(StandardScaler(), MLPClassifier()), X.astype("f4"))
    wide = copy.deepcopy(estimator)
    wide[-1].coefs_ = [array.astype("f8") for array in wide[-1].coefs_]
    wide[-1].intercepts_ = [array.astype("f8") for array in wide[-1].intercepts_]
    with mock.patch("fastnn.importers.fold._FAR", np.inf):  # float32 alone subtracts means first: test_far_from_zero.py
        model, expected = from_sklearn(estimator), from_sklearn(wide)
    assert (model.dtype, expected.dtype) == ("float32", "float64")
    for array, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        assert same_bits(array, other.astype("f4"))


@pytest.mark.parametrize("labels", [
    LABELS, TWO, np.where(TWO, "yes", "no"), np.array(["a", "b", "c"], object)[LABELS], LABELS * 1.0, LABELS - 1,
    np.stack([LABELS > 0, LABELS == 1], axis=1).astype(int),
], ids=["numbers", "booleans", "text", "objects", "floats", "negative", "multilabel"])  # fmt: skip
def test_classes_are_the_estimators(labels):
    estimator = fitted(make_pipeline(StandardScaler(), MLPClassifier()), y=labels)
    model = from_sklearn(estimator)
    assert_same_answers(model, estimator)
    assert model.classes == tuple(estimator.classes_.tolist())
    assert all(type(each) in (str, int, float, bool) for each in model.classes)
    assert (model.predict_classes(X) == estimator.predict(X)).all()


def test_two_classes_have_two_outputs_that_sum_to_one():
    model = from_sklearn(fitted(MLPClassifier(), y=TWO))
    assert model.layers[-1].activation == "softmax"
    assert model.predict(X).shape == (ROWS, 2)
    assert not model.layers[-1].kernel[:, 0].any()


def test_poisson_regression_ends_in_an_exponential():
    estimator = fitted(make_pipeline(StandardScaler(), MLPRegressor(loss="poisson")), y=LABELS)
    assert_same_answers(from_sklearn(estimator), estimator)


def test_a_scaler_is_folded_or_a_layer_of_its_own():
    estimator = fitted(make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,))))
    names = [[type(layer).__name__ for layer in from_sklearn(estimator, fold=fold).layers] for fold in (True, False)]
    assert names == [["Dense", "Dense"], ["Affine", "Dense", "Dense"]]


@pytest.mark.parametrize("scaler", [MinMaxScaler((-2, 2), clip=True), MaxAbsScaler()], ids=["min-max", "max-abs"])
def test_rows_beyond_those_seen_are_clipped_where_the_scaler_does(scaler):
    if "clip" not in scaler.get_params():
        pytest.skip("this scikit-learn has no clip in MaxAbsScaler")
    estimator = fitted(make_pipeline(scaler.set_params(clip=True), MLPRegressor(hidden_layer_sizes=(4,))), y=TARGETS)
    assert_same_answers(from_sklearn(estimator), estimator, X * 7)


def test_the_target_is_scaled_back_also_by_several_scalers():
    transformer = make_pipeline(StandardScaler(), MinMaxScaler((2, 5), clip=True), RobustScaler())
    regressor = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,)))
    estimator = fitted(TransformedTargetRegressor(regressor, transformer=transformer), y=TARGETS)
    model = from_sklearn(estimator)
    assert_same_answers(model, estimator)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense"]


def test_check_compares_with_the_estimators_own_answers():
    estimator = fitted(make_pipeline(StandardScaler(), MLPClassifier()))
    difference = from_sklearn(estimator, check=X).conversion.difference
    assert difference.rows == ROWS
    assert difference.absolute < 1e-12
    other = from_sklearn(estimator, check=(X, estimator.predict_proba(X) + 0.5)).conversion.difference
    assert other.absolute == pytest.approx(0.5)


def test_check_takes_frames_with_the_names_that_were_fitted():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    estimator = fitted(make_pipeline(StandardScaler(), MLPClassifier()), frame)
    assert from_sklearn(estimator, check=frame).conversion.difference.absolute < 1e-12


def test_the_conversion_names_every_step():
    estimator = fitted(
        Pipeline([("scale", StandardScaler()), ("none", None), ("net", MLPRegressor(hidden_layer_sizes=(4,)))])
    )
    told = dict(from_sklearn(estimator).conversion.steps)
    assert told["step 'scale' (StandardScaler)"] == "folded into layer 0"
    assert told["step 'none' (passthrough)"].startswith("nothing")
    assert told["step 'net' (MLPRegressor): coefs_[1]"] == "layer 1: Dense"


ON_A_FRAME = {
    "classifier": lambda: MLPClassifier(hidden_layer_sizes=(3,)),
    "pipeline": lambda: make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(3,))),
    "nothing first": lambda: make_pipeline("passthrough", MinMaxScaler(), MLPRegressor(hidden_layer_sizes=(3,))),
    "scaled target": lambda: TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=(3,)), transformer=StandardScaler()
    ),
}


@pytest.mark.parametrize("estimator", ON_A_FRAME.values(), ids=ON_A_FRAME)
def test_an_estimator_fitted_on_a_frame_takes_columns_by_name(estimator):
    pandas = pytest.importorskip("pandas")
    people = pandas.DataFrame({"age": np.arange(30) % 7 * 0.5, "city": ["Ulm", "Oslo", "Bern"] * 10})
    frame = pandas.get_dummies(people)  # numbers and booleans
    fitted_on_it = fitted(estimator(), frame, np.arange(30) % 2)
    model = from_sklearn(fitted_on_it, check=frame)
    assert model.feature_names == ("age", "city_Bern", "city_Oslo", "city_Ulm")
    assert model.conversion.difference.absolute < 1e-6
    assert_same_answers(model, fitted_on_it, frame)
    assert same_bits(model.predict(frame[frame.columns[::-1]]), model.predict(frame))
    with pytest.raises(ValueError, match="^expected a column 'age', one of the model's feature_names; "):
        model.predict(frame.drop(columns="age"))
    assert from_sklearn(fitted(estimator(), frame.to_numpy("float64"), np.arange(30) % 2)).feature_names is None


def test_names_of_columns_that_do_not_fit_are_refused():
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(3,)), X, TARGETS)
    estimator.feature_names_in_ = np.array(["a"])
    with pytest.raises(
        ModelFormatError, match=r"feature names do not fit the model: .*one for each input; received 1$"
    ):
        from_sklearn(estimator)

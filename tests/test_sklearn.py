"""scikit-learn's fitted estimators become models that give the same answers."""

import copy
import warnings

import numpy as np
import pytest

import fastnn
from conftest import same_bits, uniform
from fastnn.importers.sklearn_estimator import from_sklearn

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

ROWS = 40
X = uniform(1, (ROWS, 5)) * [1, 3, 9, 0.1, 100] + [0, 5, -2, 1, 50]
LABELS = np.arange(ROWS) % 3
TWO = LABELS == 1
TARGETS = np.stack([X[:, 0] * 3 + X[:, 1], X[:, 2] * 50 + 700], axis=1)


def fitted(estimator, x=X, y=LABELS):
    iterations = {name: 3 for name in estimator.get_params() if name.endswith("max_iter")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so few do not converge
        return estimator.set_params(**iterations).fit(x, y)


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
    match random.integers(6):
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
        case _:
            y = random.normal(size=(30, 2)) * 5 + 100
            transformer = [StandardScaler(), MinMaxScaler((1, 3)), RobustScaler(), make_pipeline(*scalers[:2])]
            last = TransformedTargetRegressor(
                MLPRegressor(**network), transformer=transformer[random.integers(4)], check_inverse=False
            )
    return make_pipeline(*before, last), x, y


@pytest.mark.parametrize("first", range(0, 300, 50))
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
    if "exponential" not in fastnn._core.activations:
        pytest.skip("no exponential yet")
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


class OwnClassifier(MLPClassifier):
    def predict_proba(self, x):
        return 1 - super().predict_proba(x)


class OwnScaler(TransformerMixin, BaseEstimator):
    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x * 2


def with_own_method():
    estimator = fitted(MLPClassifier())
    estimator.predict_proba = lambda x: x
    return estimator


def within_itself():
    pipeline = make_pipeline(StandardScaler())
    pipeline.steps.append(("again", pipeline))
    return pipeline


def log_target(transformer=None, **functions):
    return fitted(TransformedTargetRegressor(MLPRegressor(), transformer=transformer, check_inverse=False, **functions),
                  y=np.exp(TARGETS[:, 0] / 99))  # fmt: skip


UNSUPPORTED = {
    "another estimator": (lambda: LogisticRegression(), "^LogisticRegression has no dense network"),
    "a search": (lambda: GridSearchCV(MLPClassifier(), {"alpha": [1]}, cv=2), "GridSearchCV has no dense network"),
    "a subclass": (lambda: fitted(OwnClassifier()), "^OwnClassifier has no dense network"),
    "a method of its own": (with_own_method, "^MLPClassifier has no dense network"),
    "no estimator": (lambda: 5, "^int has no dense network"),
    "a class": (lambda: MLPClassifier, "^ABCMeta has no dense network"),
    "no network at the end": (lambda: make_pipeline(StandardScaler()), "'standardscaler' .* has no dense"),
    "another transformer": (lambda: fitted(make_pipeline(PCA(2), MLPClassifier())), r"step 'pca' \(PCA\) is no layer"),
    "a transformer's subclass": (lambda: fitted(make_pipeline(OwnScaler(), MLPClassifier())), "OwnScaler. is no layer"),
    "a transformer inside": (
        lambda: fitted(make_pipeline(make_pipeline(PowerTransformer()), MLPClassifier())),
        r"step 'pipeline.powertransformer' \(PowerTransformer\) is no layer",
    ),
    "a function": (
        lambda: fitted(make_pipeline(FunctionTransformer(np.abs), MLPClassifier())), "has func=absolute, which is no",
    ),
    "a function of the target": (
        lambda: log_target(func=np.log1p, inverse_func=np.expm1),
        r"step 'transformer_' \(FunctionTransformer\) has func=log1p",
    ),
    "another transformer of the target": (lambda: log_target(PowerTransformer()), "'transformer_' .* is no layer"),
    "one class": (lambda: fitted(MLPClassifier(), y=["a"] * ROWS), "MLPClassifier was fitted on 'a' alone"),
    "itself": (within_itself, "nested too deep, or contains itself"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_no_dense_network_is_refused_by_name(make, words):
    with pytest.raises(fastnn.UnsupportedModelError, match=words):
        from_sklearn(make())


@pytest.mark.parametrize("estimator", [
    MLPClassifier(), make_pipeline(StandardScaler(), MLPRegressor()), TransformedTargetRegressor(MLPRegressor()),
    make_pipeline(StandardScaler(), fitted(MLPRegressor())),
], ids=["network", "pipeline", "target", "scaler"])  # fmt: skip
def test_what_is_not_fitted_is_told(estimator):
    with pytest.raises(ValueError, match="is not fitted; call fit first"):
        from_sklearn(estimator)


def edited(**attributes):
    estimator = fitted(make_pipeline(StandardScaler(), MLPClassifier((4,))))
    for name, value in attributes.items():
        setattr(estimator[0 if name in ("mean_", "scale_") else 1], name, value)
    return estimator


MISFITS = {
    "a kernel of other width": ({"coefs_": [np.ones((5, 4)), np.ones((3, 3))]}, "has 3 inputs; expected 4"),
    "a scaler of other width": ({"mean_": np.ones(6), "scale_": np.ones(6)}, "has 5 inputs; expected 6"),
    "a scaler of two widths": ({"mean_": np.ones(6)}, "expected arrays of one length"),
    "a scaler of two axes": ({"mean_": np.ones((1, 5))}, "mean_: expected 1-D numbers"),
    "no mean": ({"mean_": None}, "mean_: expected 1-D numbers"),
    "objects": ({"coefs_": [np.ones((5, 4), object), np.ones((4, 3))]}, r"coefs_\[0\]: expected 2-D numbers"),
    "complex": ({"coefs_": [np.ones((5, 4), complex), np.ones((4, 3))]}, "complex"),
    "ragged": ({"coefs_": [[[1], [1, 2]], np.ones((4, 3))]}, r"coefs_\[0\]: expected an array"),
    "empty": ({"coefs_": [np.ones((5, 0)), np.ones((0, 3))]}, r"coefs_\[0\]: expected 2-D numbers"),
    "no list": ({"coefs_": np.ones((5, 4))}, "expected coefs_ to be a list"),
    "none": ({"coefs_": []}, "expected coefs_ to be a list"),
    "a bias of other length": ({"intercepts_": [np.ones(4), np.ones(2)]}, r"coefs_\[1\]: expected a kernel"),
    "too few biases": ({"intercepts_": [np.ones(4)]}, "as many coefs_ as intercepts_"),
    "too few classes": ({"classes_": np.arange(2)}, "expected 3 classes_ for 3 outputs of softmax; received 2"),
    "another activation": ({"activation": "gelu"}, "expected activation among identity, logistic"),
    "another output": ({"out_activation_": ["softmax"]}, "expected out_activation_ among logistic, softmax"),
}


@pytest.mark.parametrize(("attributes", "words"), MISFITS.values(), ids=MISFITS)
def test_attributes_that_do_not_fit_are_named(attributes, words):
    with pytest.raises(fastnn.ModelFormatError, match=words):
        from_sklearn(edited(**attributes))


@pytest.mark.parametrize("attribute", ["out_activation_", "classes_", "intercepts_"])
def test_attributes_that_another_version_lacks_are_named(attribute):
    estimator = edited()
    delattr(estimator[1], attribute)
    with pytest.raises(fastnn.UnsupportedModelError, match=f"has no {attribute}"):
        from_sklearn(estimator)


@pytest.mark.parametrize("steps", [[], None, [("a",)], 5])
def test_a_pipeline_without_steps_is_refused(steps):
    estimator = edited()
    estimator.steps = steps
    with pytest.raises(fastnn.ModelFormatError, match="expected steps as"):
        from_sklearn(estimator)


def test_dtypes_no_network_computes_in_become_float64():
    estimator = edited()
    estimator[1].coefs_ = [np.asarray(array, np.longdouble) for array in estimator[1].coefs_]
    assert from_sklearn(estimator).dtype == "float64"

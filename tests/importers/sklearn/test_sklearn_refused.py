"""scikit-learn's estimators that do not become models: each gets one sentence with its name."""

import numpy as np
import pytest

import fastnn
from estimators import LABELS, ROWS, TARGETS, fitted
from fastnn.importers.sklearn_estimators.api import from_sklearn

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier


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


def of_kinds(*estimators):
    one_vs_rest = fitted(OneVsRestClassifier(LogisticRegression()))
    one_vs_rest.estimators_ = [fitted(each, y=LABELS == 1) for each in estimators]
    return one_vs_rest


def target_by_classifier():
    estimator = fitted(TransformedTargetRegressor(Ridge()), y=TARGETS)
    estimator.regressor_ = fitted(LogisticRegression())
    return estimator


def log_target(transformer=None, **functions):
    return fitted(TransformedTargetRegressor(MLPRegressor(), transformer=transformer, check_inverse=False, **functions),
                  y=np.exp(TARGETS[:, 0] / 99))  # fmt: skip


UNSUPPORTED = {
    "a tree": (lambda: fitted(DecisionTreeClassifier()), "^DecisionTreeClassifier has no dense network"),
    "neighbours": (lambda: KNeighborsClassifier(), "^KNeighborsClassifier .* expected an MLP or a linear model"),
    "a kernel": (lambda: make_pipeline(StandardScaler(), SVC()), r"^step 'svc' \(SVC\) has no dense network"),
    "a search": (lambda: GridSearchCV(MLPClassifier(), {"alpha": [1]}, cv=2), "GridSearchCV has no dense network"),
    "a subclass": (lambda: fitted(OwnClassifier()), "^OwnClassifier has no dense network"),
    "a method of its own": (with_own_method, "^MLPClassifier has no dense network"),
    "no estimator": (lambda: 5, "^int has no dense network"),
    "nothing": (lambda: None, "^NoneType has no dense network"),
    "a class": (lambda: MLPClassifier, "^the class MLPClassifier has no .*; make one and fit it"),
    "a path": (lambda: "m.pkl", "^the path 'm.pkl' has no .*; load it first, with joblib.load"),
    "another transformer": (
        lambda: fitted(make_pipeline(PolynomialFeatures(2), MLPClassifier())),
        r"^step 'polynomialfeatures' \(PolynomialFeatures\) is no layer; expected scalers, linear projections .* PCA",
    ),
    "an encoder of columns without names": (
        lambda: fitted(make_pipeline(ColumnTransformer([("city", OneHotEncoder(), [0])]), Ridge())),
        r"^step 'columntransformer' \(Col.*\) encodes columns, .* without names; fit it on a frame, such as pandas",
    ),
    "a network beside another": (
        lambda: fitted(MultiOutputRegressor(MLPRegressor(activation="tanh")), y=TARGETS),
        r"^step 'estimators_\[0\]' \(MLPRegressor\): its activation stands beside other estimators",
    ),
    "several kinds": (
        lambda: of_kinds(LogisticRegression(), RidgeClassifier()), "^OneVsRest.*: expected estimators_ of one kind",
    ),
    "trees one-vs-rest": (
        lambda: fitted(OneVsRestClassifier(DecisionTreeClassifier())), r"^step 'estimators_\[0\]' .* has no dense",
    ),
    "a class of other outputs": (
        lambda: fitted(MultiOutputClassifier(LogisticRegression()), y=np.stack([LABELS, LABELS], axis=1)),
        "^MultiOutputClassifier: expected logistic regressions of outputs 0 and 1; ",
    ),
    "a classifier for a target": (
        lambda: target_by_classifier(), "^Transformed.*: expected a regressor inside; received Logistic",
    ),
    "a transformer's subclass": (lambda: fitted(make_pipeline(OwnScaler(), MLPClassifier())), "OwnScaler. is no layer"),
    "a transformer inside": (
        lambda: fitted(make_pipeline(make_pipeline(PowerTransformer()), MLPClassifier())),
        r"step 'pipeline.powertransformer' \(PowerTransformer\) is no layer",
    ),
    "a function": (
        lambda: fitted(make_pipeline(FunctionTransformer(np.abs), MLPClassifier())), "has func=absolute, which is no",
    ),
    "a function of the target": (
        lambda: log_target(func=np.sqrt, inverse_func=np.square),
        r"step 'transformer_' \(FunctionTransformer\) has inverse_func=square, which is no layer; expected np.exp, ",
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
    make_pipeline(StandardScaler(), fitted(MLPRegressor())), LogisticRegression(), StandardScaler(),
    ColumnTransformer([]), OneVsRestClassifier(Ridge()),
], ids=["network", "pipeline", "target", "scaler", "linear", "scaler alone", "columns", "one-vs-rest"])  # fmt: skip
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


def test_an_estimator_of_a_feature_space_names_its_model():
    from fastnn.sklearn import RealMLPRegressor

    estimator = RealMLPRegressor(max_iter=1).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(fastnn.UnsupportedModelError, match="use its model_, which is a Sequential already"):
        from_sklearn(estimator)

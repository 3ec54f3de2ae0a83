"""Every estimator that scikit-learn has is imported rightly, or refused in one sentence with its name."""

import inspect
import re
import warnings

import numpy as np
import pytest

import fastnn
from estimators import LABELS, TWO, X
from sklearn_answers import assert_same_answers

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Perceptron, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

SMALL = StandardScaler().fit_transform(X)
ALL = dict(all_estimators())
ARGUMENTS = {
    "transformer_list": [("components", PCA(2)), ("scaled", StandardScaler())],
    "transformers": [("components", PCA(2), [0, 3]), ("scaled", StandardScaler(), [1])],
    "steps": [("scaled", StandardScaler()), ("ridge", Ridge())],
    "param_grid": {}, "param_distributions": {}, "dictionary": np.ones((2, 5)), "estimator": LogisticRegression(),
    "estimators": [("a", LogisticRegression()), ("b", Perceptron())], "max_iter": 5, "k": 3, "percentile": 50,
}  # fmt: skip
REGRESSORS = {"estimator": LinearRegression(), "estimators": [("a", Ridge()), ("b", Lasso())]}
# All others are refused.
IMPORTED = {
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "LogisticRegressionCV", "MLPClassifier",
    "MultiOutputClassifier", "OneVsRestClassifier", "PassiveAggressiveClassifier", "Perceptron",
    "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "ARDRegression", "BayesianRidge", "CCA",
    "ElasticNet", "ElasticNetCV", "GammaRegressor", "HuberRegressor", "Lars", "LarsCV", "Lasso", "LassoCV",
    "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR", "MLPRegressor",
    "MultiOutputRegressor", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV",
    "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PLSCanonical", "PLSRegression",
    "PassiveAggressiveRegressor", "PoissonRegressor", "QuantileRegressor", "RANSACRegressor", "Ridge", "RidgeCV",
    "SGDRegressor", "TheilSenRegressor", "TransformedTargetRegressor", "TweedieRegressor", "ColumnTransformer",
    "FactorAnalysis", "FastICA", "FeatureUnion", "FunctionTransformer", "GaussianRandomProjection",
    "GenericUnivariateSelect", "IncrementalPCA", "MaxAbsScaler", "MinMaxScaler", "NeighborhoodComponentsAnalysis",
    "PCA", "PLSSVD", "RFE", "RFECV", "RobustScaler", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe",
    "SelectKBest", "SelectPercentile", "SequentialFeatureSelector", "SparseRandomProjection", "StandardScaler",
    "TruncatedSVD", "VarianceThreshold", "FrozenEstimator", "Pipeline",
}  # fmt: skip

ENCODERS = {"MissingIndicator", "OneHotEncoder", "OrdinalEncoder", "SimpleImputer"}


def made(name):
    """An estimator, fitted if it is one that fastnn takes."""
    arguments = ARGUMENTS | (REGRESSORS if re.search("Regress|RFE|Frozen|Selector|FromModel", name) else {})
    taken = inspect.signature(ALL[name]).parameters
    arguments = {each: value for each, value in arguments.items() if each in taken}
    if "Projection" in name or name in ("CCA", "PLSCanonical", "PLSSVD", "PLSRegression"):
        arguments["n_components"] = 1
    estimator = ALL[name](**arguments)
    if name not in IMPORTED:
        return estimator
    if name == "FrozenEstimator":
        return ALL[name](Ridge().fit(SMALL, LABELS))
    y = LABELS + 1
    if name.startswith("MultiOutput"):
        y = np.stack([TWO, LABELS > 0], axis=1).astype(int)
    elif name.startswith(("MultiTask", "PLS", "CCA")):
        y = np.stack([X[:, 0], X[:, 1] ** 2], axis=1)
    elif name.startswith("SelectF") and name != "SelectFromModel":
        y = SMALL[:, 0] > 0  # which one column tells
    return estimator.fit(SMALL, y)


@pytest.mark.parametrize("name", ALL)
def test_every_estimator_is_imported_rightly_or_refused_by_name(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some do not converge, and that some will go
        estimator = made(name)
        if name in IMPORTED:
            assert_same_answers(estimator, SMALL)
            return
        if name in ENCODERS:  # test_sklearn_frames.py tests them
            with pytest.raises(ValueError, match=f"^{name} is not fitted; call fit first$"):
                fastnn.from_sklearn(estimator)
            return
    with pytest.raises(
        fastnn.UnsupportedModelError, match=rf"^{name} (has no dense network|is no layer)[^.\n]*; "
    ) as caught:
        fastnn.from_sklearn(estimator)
    assert "\n" not in str(caught.value)


def test_the_list_above_names_what_scikit_learn_has():
    """A misspelt name would test nothing. Some are deprecated, and one is new in scikit-learn 1.6."""
    not_in_all = {"PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "FrozenEstimator"}
    assert IMPORTED - set(ALL) <= not_in_all

"""Linear models: the scores x @ coef_.T + intercept_, and what each kind makes of them."""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import attribute, numbers_of
from fastnn.importers.sklearn_estimators.found import Found, classes_of
from fastnn.importers.steps import Product, Scale, Step

REGRESSORS = (
    "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "GammaRegressor", "HuberRegressor", "Lars",
    "LarsCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR",
    "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "PoissonRegressor", "QuantileRegressor", "Ridge",
    "RidgeCV", "SGDRegressor", "TheilSenRegressor", "TweedieRegressor",
)  # fmt: skip
CENTRED_REGRESSORS = ("CCA", "PLSCanonical", "PLSRegression")
CLASSIFIERS = (
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "LogisticRegressionCV",
    "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier",
)  # fmt: skip
_PROBABILITIES = {"log_loss": "one-vs-rest", "log": "one-vs-rest", "modified_huber": "modified_huber"}  # by loss
_LINKS = {"log": "exponential", "identity": None}  # of a TweedieRegressor


def regressor(thing: Any, kind: str, source: str) -> Found:
    """Return the steps of a linear regressor."""
    link = "exponential" if kind in ("PoissonRegressor", "GammaRegressor") else None
    if kind == "TweedieRegressor":
        name = attribute(thing, source, "link")
        if name == "auto":
            name = "identity" if attribute(thing, source, "power") <= 0 else "log"
        if not isinstance(name, str) or name not in _LINKS:
            raise UnsupportedModelError(f"{source}: expected link among auto, log, identity; received {name!r:.60}")
        link = _LINKS[name]
    return Found([_scores(thing, source)], "predict", link=link, source=source)


def centred_regressor(thing: Any, source: str) -> Found:
    """Return the steps of CCA, PLSCanonical or PLSRegression, which subtract the mean of each column first."""
    mean = numbers_of(thing, source, "_x_mean", 1).astype(np.float64)
    centre: Step = Scale(source, np.ones_like(mean), -mean)
    return Found([centre, _scores(thing, source)], "predict")


def classifier(thing: Any, kind: str, source: str) -> Found:
    """Return the scores of a linear classifier, and how probabilities are made of them if it gives some."""
    scores, classes = _scores(thing, source), classes_of(thing, source)
    link = "decision"
    match kind:
        case "LinearDiscriminantAnalysis":
            link = "softmax"
        case "LogisticRegression" | "LogisticRegressionCV":
            link = _logistic(thing, len(classes))
        case "SGDClassifier":
            link = _PROBABILITIES.get(str(attribute(thing, source, "loss")), link)
    if link == "softmax-pair":  # softmax([-d, d])
        signs = np.array([-1.0, 1.0], scores.kernel.dtype)
        bias = None if scores.bias is None else scores.bias * signs
        scores, link = Product(source, scores.kernel * signs, bias), "softmax"
    if link == "modified_huber" and len(classes) > 2:
        raise UnsupportedModelError(
            f"{source} divides each row's numbers by their sum, as its loss modified_huber needs for {len(classes)} "
            "classes, which is no layer; train it with loss='log_loss', or with another loss for decision values"
        )
    method = "decision_function" if link == "decision" else "predict_proba"
    return Found([scores], method, classes, link, source)


def _logistic(thing: Any, classes: int) -> str:
    """Return how a LogisticRegression makes probabilities: scikit-learn before 1.8 has the choice `multi_class`."""
    choice = getattr(thing, "multi_class", "auto")
    if choice in ("ovr", "warn"):
        return "one-vs-rest"
    if choice == "multinomial":
        return "softmax-pair" if classes == 2 else "softmax"
    return "one-vs-rest" if classes == 2 or getattr(thing, "solver", "") == "liblinear" else "softmax"


def _scores(thing: Any, source: str) -> Product:
    coefficients = attribute(thing, source, "coef_")
    kernel = numbers_of(thing, source, "coef_", 1 if getattr(coefficients, "ndim", 2) == 1 else 2)
    kernel = np.atleast_2d(kernel).T
    with refusing(f"{source}: expected intercept_ to be numbers", TypeError, ValueError):
        bias = np.ravel(attribute(thing, source, "intercept_"))
    if bias.dtype.kind not in "biuf" or len(bias) not in (1, kernel.shape[1]):
        raise ModelFormatError(
            f"{source}: expected intercept_ to be a number, or one for each of {kernel.shape[1]} scores; "
            f"received shape {bias.shape}, dtype {bias.dtype}"
        )
    return Product(source, kernel, np.broadcast_to(bias, kernel.shape[1]).astype(np.float64))

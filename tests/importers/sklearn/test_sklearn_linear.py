"""Linear models of scikit-learn become models that give its answers, to a derived bound of float64."""

import functools

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from estimators import LABELS, TARGETS, TWO, X, fitted
from sklearn_answers import answers, assert_same_answers

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn import cross_decomposition, decomposition, linear_model, svm
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

POSITIVE = np.abs(TARGETS[:, 0]) / 40 + 0.1
SMALL = StandardScaler().fit_transform(X)  # on which models of exponentials and steps of gradients stay in range
LOSSES = ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"]

CLASSIFIERS = {
    "logistic": lambda: LogisticRegression(C=10.0),
    "logistic without intercept": lambda: LogisticRegression(fit_intercept=False),
    "logistic of cross-validation": lambda: linear_model.LogisticRegressionCV(Cs=2, cv=2),
    "ridge": lambda: RidgeClassifier(),
    "ridge of cross-validation": lambda: linear_model.RidgeClassifierCV(),
    "perceptron": lambda: linear_model.Perceptron(),
    "support vectors": lambda: svm.LinearSVC(),
    "support vectors of Crammer and Singer": lambda: svm.LinearSVC(multi_class="crammer_singer"),
    "discriminants": lambda: LinearDiscriminantAnalysis(),
    "discriminants by least squares": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
    "one-vs-rest logistic": lambda: OneVsRestClassifier(LogisticRegression()),
    "one-vs-rest log loss": lambda: OneVsRestClassifier(SGDClassifier(loss="log_loss")),
    "one-vs-rest support vectors": lambda: OneVsRestClassifier(svm.LinearSVC()),
    "one-vs-rest pipelines": lambda: OneVsRestClassifier(make_pipeline(MinMaxScaler(clip=True), LogisticRegression())),
    "selected features": lambda: RFE(LogisticRegression(), n_features_to_select=2),
} | {f"loss {loss}": lambda loss=loss: SGDClassifier(loss=loss) for loss in LOSSES}  # fmt: skip


@pytest.mark.parametrize("labels", [LABELS, TWO, np.where(TWO, "yes", "no")], ids=["three", "booleans", "text"])
@pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_linear_classifier_has_a_column_for_each_class_and_scikit_learns_answers(make, labels):
    estimator = fitted(make(), SMALL, labels)
    if getattr(estimator, "loss", "") == "modified_huber" and len(estimator.classes_) == 3:
        with pytest.raises(fastnn.UnsupportedModelError, match=r"^SGDClassifier divides .* its loss modified_huber"):
            fastnn.from_sklearn(estimator)
        return
    model = assert_same_answers(estimator, SMALL * 3)
    assert model.classes == tuple(estimator.classes_.tolist())
    assert model.output_shape == (None, len(model.classes))
    assert (model.predict_classes(SMALL) == estimator.predict(SMALL)).all()


REGRESSORS = {
    name: lambda name=name: getattr(linear_model, name)()
    for name in (
        "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "GammaRegressor", "HuberRegressor", "Lars",
        "LarsCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression",
        "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PoissonRegressor", "QuantileRegressor", "Ridge",
        "RidgeCV", "SGDRegressor", "TheilSenRegressor",
    )
} | {
    "LinearSVR": svm.LinearSVR,
    "no intercept": lambda: Ridge(fit_intercept=False),
    "Tweedie by log": lambda: linear_model.TweedieRegressor(power=1.5),
    "Tweedie by identity": lambda: linear_model.TweedieRegressor(power=0),
    "Tweedie, log of normal": lambda: linear_model.TweedieRegressor(power=0, link="log"),
    "RANSAC": linear_model.RANSACRegressor,
    "PLS": cross_decomposition.PLSRegression,
}  # fmt: skip


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_a_linear_regressor_gives_scikit_learns_answers(make):
    assert_same_answers(fitted(make(), SMALL, POSITIVE), SMALL * 3)


SEVERAL = {
    "ridge": Ridge,
    "Lasso of tasks": linear_model.MultiTaskLasso,
    "elastic net of tasks": linear_model.MultiTaskElasticNet,
    "without intercept": lambda: linear_model.MultiTaskLasso(fit_intercept=False),
    "CCA": lambda: cross_decomposition.CCA(1),
    "canonical PLS": lambda: cross_decomposition.PLSCanonical(1),
    "one for each": lambda: MultiOutputRegressor(make_pipeline(StandardScaler(), linear_model.Lasso())),
    "networks of ReLU": lambda: MultiOutputRegressor(MLPRegressor(hidden_layer_sizes=(3, 2))),
    "counts": lambda: MultiOutputRegressor(linear_model.PoissonRegressor()),
}


@pytest.mark.parametrize("make", SEVERAL.values(), ids=SEVERAL)
def test_several_targets_are_several_outputs(make):
    estimator = fitted(make(), SMALL, np.stack([POSITIVE, POSITIVE**2], axis=1))
    assert assert_same_answers(estimator, SMALL * 2).output_shape == (None, 2)


LABELLED = {
    "ridge": RidgeClassifier,
    "one-vs-rest": lambda: OneVsRestClassifier(LogisticRegression()),
    "one-vs-rest support vectors": lambda: OneVsRestClassifier(svm.LinearSVC()),
    "one for each": lambda: MultiOutputClassifier(LogisticRegression()),
}


@pytest.mark.parametrize("make", LABELLED.values(), ids=LABELLED)
def test_several_labels_have_a_column_each(make):
    estimator = fitted(make(), SMALL, np.stack([TWO, LABELS > 0, X[:, 0] > 0.1], axis=1).astype(int))
    model = assert_same_answers(estimator, SMALL)
    assert model.classes == (0, 1, 2)


TRANSFORMERS = {
    "PCA": lambda: decomposition.PCA(3),
    "whitened PCA": lambda: decomposition.PCA(3, whiten=True),
    "incremental PCA": lambda: decomposition.IncrementalPCA(2, whiten=True),
    "SVD": lambda: decomposition.TruncatedSVD(2),
    "factors": lambda: decomposition.FactorAnalysis(2),
    "ICA": lambda: decomposition.FastICA(3, whiten="unit-variance"),
    "ICA without whitening": lambda: decomposition.FastICA(whiten=False),
    "Gaussian projection": lambda: GaussianRandomProjection(3),
    "sparse projection": lambda: SparseRandomProjection(3),
    "neighbourhood components": lambda: NeighborhoodComponentsAnalysis(2),
    "selected by a model": lambda: SelectFromModel(Ridge()),
    "selected by scores": lambda: SelectKBest(k=2),
    "selected by variance": lambda: VarianceThreshold(0.5),
}


@pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_a_linear_transformer_alone_and_before_a_network_gives_scikit_learns_answers(make):
    assert_same_answers(fitted(make()), X * 2)
    assert_same_answers(fitted(make_pipeline(make(), StandardScaler(), MLPClassifier((4,)))), X * 2)
    model = assert_same_answers(fitted(make_pipeline(StandardScaler(), make(), LogisticRegression())), X * 2)
    assert len(model.layers) <= 2


@pytest.mark.parametrize("first", [
    LinearDiscriminantAnalysis(), LinearDiscriminantAnalysis(solver="eigen", n_components=1),
    cross_decomposition.PLSRegression(), cross_decomposition.CCA(1), cross_decomposition.PLSSVD(1),
], ids=["discriminants", "discriminants by eigenvectors", "PLS", "CCA", "PLS of SVD"])  # fmt: skip
def test_what_predicts_and_transforms_transforms_in_the_middle_of_a_pipeline(first):
    first = fitted(first, X, LABELS if "Discriminant" in type(first).__name__ else TARGETS)
    last = fitted(Ridge(), first.transform(X), TARGETS)
    assert_same_answers(first, X)
    assert_same_answers(make_pipeline(first, last), X)  # scikit-learn fits no pipeline whose transformer takes y


@pytest.mark.parametrize(("forwards", "back"), [
    (np.log, np.exp), (np.log1p, np.expm1), (np.log2, np.exp2), (np.log10, functools.partial(np.power, 10)),
], ids=["exp", "expm1", "exp2", "powers of 10"])  # fmt: skip
@pytest.mark.parametrize("regressor", [Ridge(), MLPRegressor(hidden_layer_sizes=(4,))], ids=["ridge", "network"])
def test_a_logarithm_of_the_target_is_undone(regressor, forwards, back):
    estimator = fitted(TransformedTargetRegressor(regressor, func=forwards, inverse_func=back), SMALL, POSITIVE)
    assert_same_answers(estimator, SMALL)


def test_exp10_of_scipy_is_undone():
    special = pytest.importorskip("scipy.special")
    estimator = TransformedTargetRegressor(Ridge(), func=np.log10, inverse_func=special.exp10)
    assert_same_answers(fitted(estimator, SMALL, POSITIVE), SMALL)


def test_coefficients_of_float32_make_a_float32_model():
    x = SMALL.astype("f4")
    for estimator in (LogisticRegression(), OneVsRestClassifier(LogisticRegression()), Ridge()):
        estimator = fitted(estimator, x)
        model = fastnn.from_sklearn(estimator)
        assert model.dtype == "float32"
        off = np.abs(model.predict(x) - answers(estimator, x))
        assert (off <= 64 * np.finfo("f4").eps).all()


def test_sparse_coefficients_are_those_of_the_dense_estimator():
    dense = fitted(LogisticRegression())
    expected = fastnn.from_sklearn(dense).predict(X)
    assert same_bits(fastnn.from_sklearn(dense.sparsify()).predict(X), expected)


@pytest.mark.skipif("multi_class" not in LogisticRegression().get_params(), reason="scikit-learn >= 1.8 lacks it")
@pytest.mark.parametrize("labels", [LABELS, TWO], ids=["three", "two"])
@pytest.mark.parametrize("multi_class", ["auto", "ovr", "multinomial"])
@pytest.mark.filterwarnings("ignore:.*multi_class.*:FutureWarning")
def test_probabilities_are_those_of_the_choice_multi_class(multi_class, labels):
    assert_same_answers(fitted(LogisticRegression(multi_class=multi_class), SMALL, labels), SMALL * 3)


def test_many_classes_of_one_vs_rest_sum_to_one_far_from_all_boundaries():
    estimator = fitted(OneVsRestClassifier(LogisticRegression(C=1e4)), SMALL)
    x = SMALL * 100
    model = assert_same_answers(estimator, x)
    assert np.abs(model.predict(x).sum(axis=1) - 1).max() < 1e-15 * 8

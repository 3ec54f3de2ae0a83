"""Classifiers and regressors that skl2onnx wrote: the probabilities and labels are scikit-learn's."""

import warnings

import numpy as np
import pytest

from arrays import uniform
from fastnn import ModelFormatError, UnsupportedModelError

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: pip install '.[frameworks]'")
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from skl2onnx import to_onnx
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from fastnn.importers.onnx.file import from_proto
from onnx_graphs import reference

X = uniform(1, (80, 6), "float32") * 3 + 1
LABELS = {
    "two numbers": (X[:, 0] > 1).astype(int),
    "three numbers": np.digitize(X[:, 0], [0, 2]) + 5,
    "two names": np.where(X[:, 0] > 1, "yes", "no"),
    "three names": np.array(["a", "b", "ü"])[np.digitize(X[:, 0], [0, 2])],
}


def fitted(estimator, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def regressor(**options):
    return MLPRegressor(hidden_layer_sizes=(7,), max_iter=30, random_state=0, **options)


def converted(estimator, dtype="float32", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skl2onnx's own
        return to_onnx(estimator, X[:1].astype(dtype), **options)


def ulps_off(model, x, expected):
    y = model.predict(x)
    largest = np.spacing(np.abs(expected).max(axis=-1, keepdims=True).astype(y.dtype))
    return (np.abs(y - expected) / largest).max()


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("labels", LABELS)
def test_classifiers_give_probabilities_and_labels(labels, zipmap):
    classifier = fitted(MLPClassifier((7,), max_iter=30, random_state=0), LABELS[labels])
    model = from_proto(converted(classifier, options={"zipmap": zipmap}))
    assert model.classes == tuple(classifier.classes_.tolist())
    # Sums of at most 7 terms below 8, of which exponentials are taken: 8 * 9 roundings, and 8 more of probabilities.
    assert ulps_off(model, X, classifier.predict_proba(X.astype(np.float64))) <= 100
    sure = np.abs(np.diff(np.sort(classifier.predict_proba(X))[:, -2:])[:, 0]) > 1e-3
    np.testing.assert_array_equal(model.predict_classes(X)[sure], classifier.predict(X)[sure])


def test_several_labels_at_once_are_a_sigmoid():
    y = np.stack([X[:, 0] > 1, X[:, 1] > 0.5, X[:, 2] > 2], axis=1).astype(int)
    classifier = fitted(MLPClassifier((7,), max_iter=30, random_state=0), y)
    model = from_proto(converted(classifier, options={"zipmap": False}))
    assert (model.classes, model.layers[-1].activation) == (None, "sigmoid")
    assert ulps_off(model, X, classifier.predict_proba(X.astype(np.float64))) <= 100


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_regressors_of_one_target_and_of_several(targets, dtype):
    """Skl2onnx 1.20 ends those of several with a Reshape(-1, 1), which is left out."""
    y = X[:, :targets].astype(np.float64) if targets > 1 else X[:, 0]
    trained = fitted(regressor(activation="tanh"), y)
    model = from_proto(converted(trained, dtype))
    assert model.output_shape == (None, targets)
    assert ulps_off(model, X, trained.predict(X.astype(dtype)).reshape(80, targets)) <= 500


LINEAR = {
    "logistic regression": LogisticRegression(),
    "behind a scaler": make_pipeline(StandardScaler(), LogisticRegression()),
    "logistic loss": SGDClassifier(loss="log_loss", random_state=0),
}
DECISIONS = {"a vector machine": LinearSVC(), "a perceptron": Perceptron(), "hinge loss": SGDClassifier(random_state=0)}


# skl2onnx divides three sigmoids of a logistic loss by their sum, which fastnn has no layer for.
PAIRS = [(kind, labels) for kind in LINEAR for labels in LABELS if (kind, labels[:3]) != ("logistic loss", "thr")]


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize(("kind", "labels"), PAIRS)
def test_linear_classifiers_are_one_dense(kind, labels, zipmap):
    classifier = fitted(LINEAR[kind], LABELS[labels])
    model = from_proto(converted(classifier, options={"zipmap": zipmap}))
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]
    assert model.classes == tuple(classifier.classes_.tolist())
    assert ulps_off(model, X, classifier.predict_proba(X.astype(np.float64))) <= 100
    np.testing.assert_array_equal(model.predict_classes(X), classifier.predict(X))


@pytest.mark.parametrize("kind", DECISIONS)
def test_classifiers_without_probabilities_answer_with_their_scores(kind):
    classifier = fitted(DECISIONS[kind], LABELS["three names"])
    model = from_proto(converted(classifier))
    assert ulps_off(model, X, classifier.decision_function(X.astype(np.float64))) <= 100
    np.testing.assert_array_equal(model.predict_classes(X), classifier.predict(X))


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [LinearRegression, Ridge])
def test_linear_regressors_are_one_dense(kind, dtype, targets):
    trained = fitted(kind(), X[:, :targets].astype(np.float64) + X[:, 3:4] if targets > 1 else X[:, 0])
    model = from_proto(converted(trained, dtype))
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]
    assert ulps_off(model, X, trained.predict(X.astype(dtype)).reshape(80, targets)) <= 500


def linear_classifier(rows, transform, labels=2, after=()):
    """Return a LinearClassifier of some rows of coefficients, and what it answers to X."""
    attributes = {"coefficients": np.ravel(rows).tolist(), "intercepts": np.ravel(rows)[: len(rows)].tolist()}
    nodes = [make_node("LinearClassifier", ["x"], ["label", "scores"], "linear", domain="ai.onnx.ml",
                       classlabels_ints=list(range(labels)), post_transform=transform, **attributes)]  # fmt: skip
    nodes += [make_node(op, ["scores"], ["y"], op, domain="ai.onnx.ml", norm="L1") for op in after]
    ends = [make_tensor_value_info(name, 1, None) for name in ("x", nodes[-1].output[-1])]
    ends[0].CopyFrom(make_tensor_value_info("x", 1, ["n", 6]))
    graph = make_graph(nodes, "g", ends[:1], ends[1:])
    return make_model(graph, opset_imports=[make_opsetid("", 20), make_opsetid("ai.onnx.ml", 1)], ir_version=9)


ROWS = uniform(3, (3, 6), "float32")
SCORES = {
    "scores": (ROWS, "NONE", 3),
    "softmax": (ROWS, "SOFTMAX", 3),
    "sigmoids": (ROWS, "LOGISTIC", 3),
    "two sigmoids": (ROWS[:2], "LOGISTIC", 2),
    "a pair": (np.stack([-ROWS[0], ROWS[0]]), "LOGISTIC", 2),
    "a pair in one row": (ROWS[:1], "LOGISTIC", 2),
}


@pytest.mark.parametrize("case", SCORES)
def test_the_scores_of_a_linear_classifier_are_those_of_onnx(case):
    proto = linear_classifier(*SCORES[case])
    np.testing.assert_allclose(from_proto(proto).predict(X), reference(proto, X), rtol=1e-5, atol=1e-6)


REFUSED = {
    "divided by their sum": (ROWS, "LOGISTIC", 3, ["Normalizer"]),
    "two alone divided by their sum": (ROWS[:2], "LOGISTIC", 2, ["Normalizer"]),
    "a softmax of zeros": (ROWS, "SOFTMAX_ZERO", 3),
    "one score of two classes": (ROWS[:1], "NONE", 2),
    "more rows than classes": (ROWS, "SOFTMAX", 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_scores_of_a_linear_classifier_are_refused_by_name(case):
    with pytest.raises(ModelFormatError, match=r"'linear' \(ai.onnx.ml.LinearClassifier|ai.onnx.ml.Normalizer"):
        from_proto(linear_classifier(*REFUSED[case]))


def test_one_classifier_for_each_class_is_refused_with_the_outputs():
    proto = converted(
        fitted(OneVsRestClassifier(LogisticRegression()), LABELS["three numbers"]), options={"zipmap": False}
    )
    with pytest.raises(UnsupportedModelError, match="choose from 'label', 'probabilities'"):
        from_proto(proto)


SCALERS = [StandardScaler(), MinMaxScaler(), MinMaxScaler(clip=True), MaxAbsScaler(), RobustScaler()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_scalers_before_a_network(scaler, dtype):
    pipeline = fitted(make_pipeline(scaler, regressor()), X[:, 0])
    model = from_proto(converted(pipeline, dtype))
    assert np.abs(model.predict(X)[:, 0] - pipeline.predict(X)).max() <= 100 * np.finfo("float32").eps * 10


def test_what_is_not_affine_is_refused_by_name():
    pipeline = fitted(make_pipeline(Normalizer(), regressor()), X[:, 0])
    with pytest.raises(UnsupportedModelError, match="Normalizer"):
        from_proto(converted(pipeline))

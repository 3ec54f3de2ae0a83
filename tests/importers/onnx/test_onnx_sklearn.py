"""Classifiers and regressors that skl2onnx wrote: the probabilities and labels are scikit-learn's."""

import warnings

import numpy as np
import pytest

from arrays import uniform
from fastnn import UnsupportedModelError

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: pip install '.[frameworks]'")
from skl2onnx import to_onnx
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from fastnn.importers.onnx.file import from_proto

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

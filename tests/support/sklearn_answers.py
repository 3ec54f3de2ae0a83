"""scikit-learn's own answers, and how far from them a model's may be."""

import warnings

import numpy as np

from fastnn.importers.sklearn_estimators.api import from_sklearn

# Roundings beside those of a layer's sum: of means and spreads, and of coefficients that fold into one another.
_MORE = 8


def answers(estimator, x):
    """What the docs say that `predict` computes: probabilities, decision values, values or components."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that rows have no names
        if hasattr(estimator, "predict_proba"):
            found = estimator.predict_proba(x)
            return np.stack([each[:, 1] for each in found], axis=1) if isinstance(found, list) else found
        if hasattr(estimator, "decision_function"):
            found = estimator.decision_function(x)
            return found if found.ndim == 2 else np.stack([-found, found], axis=1)
        found = estimator.predict(x) if hasattr(estimator, "predict") else estimator.transform(x)
        return np.asarray(found).reshape(len(x), -1)


def assert_same_answers(estimator, x, fold=True):
    """Within K + 8 roundings of the sizes of K products, through all layers that scikit-learn computes too."""
    model = from_sklearn(estimator, fold=fold)
    assert model.conversion.verification.rows > 18  # of 37; those for which scikit-learn overflows do not count
    own, wanted = model.predict(x), answers(estimator, x)
    assert own.shape == wanted.shape
    assert model.dtype == "float64"
    off = np.abs(own - wanted)
    rows = x if model.feature_space is None else model.feature_space(x)
    allowed = _bound(from_sklearn(estimator, fold=False, verify=False), np.asarray(rows, np.float64))
    assert (off <= allowed).all(), (off / allowed).max()
    return model


def _bound(model, x):
    """The bound of each answer, of layers that are not folded."""
    eps, off = np.finfo(np.float64).eps, np.zeros_like(x)
    for layer, y in zip(model.layers, model.representations(x), strict=True):
        name, x_size = type(layer).__name__, np.abs(x)
        if name in ("Dense", "Affine"):
            first, *shift = (np.abs(array) for array in layer.get_weights())
            size, off = (x_size @ first, off @ first) if name == "Dense" else (x_size * first, off * first)
            off = off + (len(first) + _MORE) * eps * (size + sum(shift, np.zeros(())))
        activation = getattr(layer, "activation", "linear")
        if activation == "exponential":
            off = np.expm1(off) * y
        off, x = off + 8 * eps * np.abs(y), y  # all other activations move their answers no further than their inputs
    return off.max(axis=1, keepdims=True) if "softmax" in str(activation) else off

"""from_sklearn(): a fitted estimator of scikit-learn as a model, verified by the estimator's own answers.

Estimators are recognized by their exact class. scikit-learn is never imported.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers.refusals import refusing
from fastnn.importers.report import convert
from fastnn.importers.sklearn_estimators.attributes import source_of
from fastnn.importers.sklearn_estimators.encoded_frame import EncodedFrame
from fastnn.importers.sklearn_estimators.found import Found, answered, finished
from fastnn.importers.sklearn_estimators.front import FromFrame
from fastnn.importers.sklearn_estimators.predictors import found_in
from fastnn.importers.sklearn_estimators.transformers import feature_names
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting


@suggesting
@default_mode()
def from_sklearn(
    estimator: Any, *, fold: bool = True, check: Any = None, verify: bool = True, name: str | None = None
) -> Sequential:
    """Return the model of a fitted network, linear model or linear transformer of scikit-learn.

    estimator: also a Pipeline, ColumnTransformer, FeatureUnion, TransformedTargetRegressor, OneVsRestClassifier or
        MultiOutputRegressor of them. docs/importing.md lists the classes.
    fold: whether scalers are folded into the Dense beside them, in float64 (default), or stay layers of their own.
    check: rows x, or (x, y) with the estimator's answers y; ``model.conversion.difference`` then compares the two.
    verify: whether the estimator answers some rows, and a model whose answers differ is refused (default).
    name: default "sequential", then "sequential_1", ….

    ``model.predict(x)`` is the first of these that the estimator has: ``predict_proba(x)``; ``decision_function(x)``;
    ``predict(x)``, as (rows, targets); ``transform(x)``. A classifier has a column for each class: two classes have
    [1 - p, p], or [-d, d] for a decision value d. ``model.classes`` are its `classes_`.
    ``model.feature_names`` are the `feature_names_in_` of an estimator that was fitted on a frame. If encoders or
    imputers come first, the model begins with a FeatureSpace instead and takes the raw frame.
    The model computes in float32 if all coefficients are float32 (fitted on float32), else in float64.
    Raises ValueError for an estimator that is not fitted; ModelFormatError (a ValueError) for attributes that do not
    fit; its subclass UnsupportedModelError for other estimators.

    >>> from sklearn.linear_model import LogisticRegression
    >>> model = from_sklearn(LogisticRegression().fit([[0.0], [1.0], [2.0]], ["no", "no", "yes"]))
    >>> model.classes, model.predict([[2.0]]).round(1)
    (('no', 'yes'), array([[0.5, 0.5]]))
    """
    nested = f"{source_of(estimator, '')} is nested too deep, or contains itself"
    with refusing(nested, RecursionError, raises=UnsupportedModelError):
        with np.errstate(all="ignore"):  # spreads may be 0
            parts = found_in(estimator)
        found, frame = _encoded(finished(parts))
        names = feature_names(estimator) if frame is None else None
    answers = _silently(estimator, found.method, parts.link == "one-vs-rest" and len(parts.classes or ()) > 2)
    width = getattr(estimator, "n_features_in_", None) if frame is None else frame.space.width
    has_inputs = any(step.inputs is not None for step in found.steps)
    return convert(
        f"scikit-learn {type(estimator).__name__}",
        found.steps,
        inputs=None if has_inputs or not isinstance(width, int) else width,
        fold=fold,
        name=name,
        classes=found.classes,
        feature_names=names,
        space=None if frame is None else frame.space,
        check=check,
        dtype="float64",
        # Not the converted rows: an estimator that was fitted on named columns expects the names.
        answers=lambda _: answered(estimator, found.method, check),
        reference=_reference(answers, names, frame) if verify else None,
    )


def _encoded(found: Found) -> tuple[Found, EncodedFrame | None]:
    """Return what an estimator computes of the numbers of a FeatureSpace, and what stands for that space, if any."""
    frame = EncodedFrame(found.steps[0]) if found.steps and isinstance(found.steps[0], FromFrame) else None
    steps = found.steps if frame is None else [*frame.steps, *found.steps[1:]]
    for step in steps:
        if isinstance(step, FromFrame):
            raise UnsupportedModelError(
                f"{step.source} stands behind other transformers, where a FeatureSpace fills and encodes the columns "
                "of the frame; put it first"
            )
    return found._replace(steps=steps), frame


def _reference(answers: Callable[[Any], Array], names: Any, frame: EncodedFrame | None) -> Reference:
    if frame is None:
        return Reference("scikit-learn", lambda rows, _: answers(_named(rows, names)))
    return Reference("scikit-learn", lambda rows, _: answers(frame.frame(rows)), valid=frame.valid)


def _silently(estimator: Any, method: str, is_normalized: bool) -> Callable[[Any], Array]:
    """Return the function that answers rows without warnings that they have no column names.

    is_normalized: whether it divides probabilities by their sum.
    """

    def answers(rows: Any) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_normalized:  # a FloatingPointError, if asked for, where all underflow: it then answers 1 / classes
                np.exp(np.minimum(estimator.decision_function(rows).max(axis=1), 0.0))
            return answered(estimator, method, rows)

    return answers


def _named(rows: Array, names: Any) -> Any:
    """Return rows as a frame if the columns have names, by which a ColumnTransformer takes them."""
    if names is None:
        return rows
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return rows
    return pandas.DataFrame(rows, columns=np.asarray(names))

"""What an estimator was found to compute: steps, then what makes its answers of their outputs."""

from typing import Any, NamedTuple

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.sklearn_estimators.attributes import attribute
from fastnn.importers.steps import Function, Product, Scale, Step, clip


class Found(NamedTuple):
    """The steps of an estimator.

    method: of the estimator, which `predict` of the model stands for. classes: of a classifier.
    link: what makes answers of the steps' outputs; None if the steps give the answers. It stands apart until the end,
        since a OneVsRestClassifier or a MultiOutputRegressor has one link for the scores of all its members.
    source: of the link, for reports.
    """

    steps: list[Step]
    method: str
    classes: list[Any] | None = None
    link: str | None = None
    source: str = ""


def classes_of(thing: Any, source: str) -> list[Any]:
    """Return the classes of a classifier as Python's own objects; UnsupportedModelError if there is one alone."""
    classes: list[Any] = np.ravel(attribute(thing, source, "classes_")).tolist()
    if len(classes) == 1:
        raise UnsupportedModelError(f"{source} was fitted on {classes[0]!r} alone, which is always its answer")
    return classes


def finished(found: Found) -> Found:
    """Return the steps with those of the link: a column for each class, also for two.

    One score d of two classes becomes two: [-d, d] as decision values, [0, d] for softmax, whose second answer is
    sigmoid(d).
    """
    source, link = found.source, found.link
    if link is None:
        return found
    *before, last = found.steps
    if not isinstance(last, Product):
        raise ModelFormatError(f"{source}: expected scores by coefficients; received {last.source}")
    units = last.kernel.shape[1]
    is_pair = found.classes is not None and len(found.classes) == 2 and units == 1
    if found.classes is not None and not is_pair and len(found.classes) != units:
        raise ModelFormatError(
            f"{source}: expected {units} classes_, one for each score; received {len(found.classes)}"
        )
    if is_pair:
        last = _pair(last, 0.0 if link in ("softmax", "one-vs-rest") else -1.0)
    own: list[Step] = []
    match link:
        case "exponential" | "sigmoid":
            own = [Function(source, link)]
        case "modified_huber":
            own = [Scale(source, np.array(0.5), np.array(0.5)), clip(source, 0.0, 1.0)]
        case "one-vs-rest" if not is_pair:
            # sigmoid(d) / sum(sigmoid(d)) is softmax(log(sigmoid(d))), and log(sigmoid(d)) is -softplus(-d).
            negative = Scale(source, np.array(-1.0), np.zeros(()))
            own = [negative, Function(source, "softplus"), negative, Function(source, "softmax")]
        case "softmax" | "one-vs-rest":
            own = [Function(source, "softmax")]
    return found._replace(steps=[*before, last, *own], link=None)


def _pair(step: Product, first: float) -> Product:
    """Return the step of [first * d, d] in place of d alone."""
    signs = np.array([first, 1.0], step.kernel.dtype)
    return Product(step.source, step.kernel * signs, None if step.bias is None else step.bias * signs)


def answered(estimator: Any, method: str, rows: Any) -> Array:
    """Return an estimator's answers with the columns of its model: [-d, d] for one decision value d."""
    answers = getattr(estimator, method)(rows)
    if isinstance(answers, list):  # of a MultiOutputClassifier: [1 - p, p] for each label
        return np.stack([np.asarray(each)[:, 1] for each in answers], axis=1)
    answers = np.asarray(answers.toarray() if hasattr(answers, "toarray") else answers)
    if method == "decision_function" and answers.ndim == 1:
        return np.stack([-answers, answers], axis=1)
    return answers

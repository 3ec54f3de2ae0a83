"""Estimators that predict: networks and linear models, alone, behind transformers, or several side by side."""

import os
from typing import Any

from fastnn._core import UnsupportedModelError
from fastnn.importers.live_objects import own_name, received
from fastnn.importers.sklearn_estimators import linear, mlp, trained_here
from fastnn.importers.sklearn_estimators.attributes import attribute, inside, members, source_of
from fastnn.importers.sklearn_estimators.columns import selection
from fastnn.importers.sklearn_estimators.encoders import ENCODERS
from fastnn.importers.sklearn_estimators.found import Found, classes_of, finished
from fastnn.importers.sklearn_estimators.front import drops_columns, from_frame, takes_frame
from fastnn.importers.sklearn_estimators.parallel import side_by_side
from fastnn.importers.sklearn_estimators.transformers import TRANSFORMERS, inverse, is_passed, pipeline, transformed
from fastnn.importers.steps import Step
from fastnn.models.sequential import Sequential

_TAKEN = "expected an MLP or a linear model of scikit-learn itself, or a Pipeline that ends in one"


def found_in(thing: Any, path: str = "") -> Found:
    """Return what an estimator was found to compute: one that predicts, else one that transforms."""
    source = source_of(thing, path)
    if (kind := own_name(thing, "fastnn.sklearn")) in ("MLPClassifier", "MLPRegressor"):
        return trained_here.network(thing, kind == "MLPClassifier", source)
    match own_name(thing, "sklearn"):
        case "MLPClassifier" | "MLPRegressor" as kind:
            return mlp.network(thing, kind == "MLPClassifier", source)
        case "Pipeline":
            *before, (last_path, last) = pipeline(thing, path)
            found = found_in(last, last_path)
            steps = _prepared(before)
            return found._replace(steps=[*steps, *found.steps])
        case "TransformedTargetRegressor":
            return _transformed_target(thing, path, source)
        case "FrozenEstimator":
            return found_in(attribute(thing, source, "estimator"), inside(path, "estimator"))
        case "RANSACRegressor":
            return found_in(attribute(thing, source, "estimator_"), inside(path, "estimator_"))
        case "RFE" | "RFECV":
            columns = selection(thing, source)
            found = found_in(attribute(thing, source, "estimator_"), inside(path, "estimator_"))
            return found._replace(steps=[columns, *found.steps])
        case "OneVsRestClassifier":
            return _one_vs_rest(thing, path, source)
        case "MultiOutputRegressor":
            return _multi_output_regressor(thing, path, source)
        case "MultiOutputClassifier":
            return _multi_output_classifier(thing, path, source)
        case str() as kind if kind in linear.REGRESSORS:
            return linear.regressor(thing, kind, source)
        case str() as kind if kind in linear.CENTRED_REGRESSORS:
            return linear.centred_regressor(thing, source)
        case str() as kind if kind in linear.CLASSIFIERS:
            return linear.classifier(thing, kind, source)
        case kind if kind in (*TRANSFORMERS, *ENCODERS) or (path and is_passed(thing)) or _transforms_alone(thing):
            return Found(_prepared([(path, thing)]), "transform")
    raise _refusal(thing, source)


def _prepared(members: list[tuple[str, Any]]) -> list[Step]:
    """Return the steps of transformers in a row; one from a frame if they encode columns or leave some out, as text."""
    first = next(((path, member) for path, member in members if not is_passed(member)), None)
    if any(takes_frame(member) for _, member in members) or (first is not None and drops_columns(first[1], first[0])):
        return [from_frame(members)]
    return [step for path, member in members for step in transformed(member, path)]


def _transforms_alone(thing: Any) -> bool:
    return hasattr(thing, "transform") and not hasattr(thing, "predict") and not isinstance(thing, type)


def _refusal(thing: Any, source: str) -> UnsupportedModelError:
    advice = "convert its best_estimator_" if hasattr(thing, "best_estimator_") else _TAKEN
    if isinstance(getattr(thing, "model_", None), Sequential):  # of RealMLP
        advice = "use its model_, which is a Sequential already"
    if isinstance(thing, str | os.PathLike | type):
        source, advice = received(thing), "make one and fit it"
        if not isinstance(thing, type):
            advice = "load it first, with joblib.load(path) if you trust the file, and convert the estimator"
    return UnsupportedModelError(f"{source} has no dense network that fastnn knows; {advice}")


def _transformed_target(thing: Any, path: str, source: str) -> Found:
    found = finished(found_in(attribute(thing, source, "regressor_"), inside(path, "regressor_")))
    if found.method != "predict":
        kind = type(thing.regressor_).__name__
        raise UnsupportedModelError(f"{source}: expected a regressor inside; received {kind}")
    transformer = attribute(thing, source, "transformer_")
    return found._replace(steps=[*found.steps, *inverse(transformer, inside(path, "transformer_"))])


def _members(thing: Any, path: str, source: str) -> list[Found]:
    """Return what each of `estimators_` was found to compute; UnsupportedModelError unless all make answers alike."""
    found = [
        found_in(each, inside(path, f"estimators_[{i}]"))
        for i, each in enumerate(members(thing, source, "estimators_"))
    ]
    if len({(each.method, each.link) for each in found}) > 1:
        raise UnsupportedModelError(f"{source}: expected estimators_ of one kind; received several")
    return found


def _scores(thing: Any, found: list[Found], source: str) -> Any:
    return side_by_side(source, [each.steps for each in found], attribute(thing, source, "n_features_in_"))


def _one_vs_rest(thing: Any, path: str, source: str) -> Found:
    found, classes = _members(thing, path, source), classes_of(thing, source)
    link = found[0].link
    is_many = bool(attribute(thing, source, "multilabel_"))
    if link not in ("decision", "one-vs-rest"):
        raise UnsupportedModelError(
            f"{source}: expected linear classifiers with decision values or logistic probabilities; received "
            f"{type(thing.estimators_[0]).__name__}"
        )
    link = "sigmoid" if is_many and link == "one-vs-rest" else link
    return Found(_scores(thing, found, source), found[0].method, classes, link, source)


def _multi_output_regressor(thing: Any, path: str, source: str) -> Found:
    found = _members(thing, path, source)
    if found[0].method != "predict":
        raise UnsupportedModelError(f"{source}: expected regressors; received {type(thing.estimators_[0]).__name__}")
    return Found(_scores(thing, found, source), "predict", link=found[0].link, source=source)


def _multi_output_classifier(thing: Any, path: str, source: str) -> Found:
    """Return the probability of the second class of each output, as MLPClassifier has it for several labels."""
    found = _members(thing, path, source)
    if (found[0].method, found[0].link) != ("predict_proba", "one-vs-rest") or any(
        each.classes != [0, 1] for each in found
    ):
        raise UnsupportedModelError(
            f"{source}: expected logistic regressions of outputs 0 and 1; convert its estimators_ one by one"
        )
    return Found(_scores(thing, found, source), "predict_proba", list(range(len(found))), "sigmoid", source)

"""scikit-learn's fitted networks: MLPClassifier and MLPRegressor, with the scalers of their Pipeline.

Estimators are recognized by their exact class, and read by their public attributes. scikit-learn is never imported.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.floating_point import default_mode
from fastnn.importers.live_objects import own_name, received
from fastnn.importers.refusals import refusing
from fastnn.importers.report import convert
from fastnn.importers.steps import Function, Nothing, Product, Scale, Step, clip
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting

_HIDDEN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_CLASSIFIERS = {"logistic": "sigmoid", "softmax": "softmax"}  # by out_activation_
_REGRESSORS = {"identity": "linear", "exp": "exponential"}
# Scalers that compute (x - center) / spread: each part's attribute, and the parameter that turns it off.
_SCALERS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "StandardScaler": (("mean_", "with_mean"), ("scale_", "with_std")),
    "RobustScaler": (("center_", "with_centering"), ("scale_", "with_scaling")),
    "MaxAbsScaler": (("", ""), ("scale_", "")),
}


@suggesting
@default_mode()
def from_sklearn(
    estimator: Any, *, fold: bool = True, check: Any = None, verify: bool = True, name: str | None = None
) -> Sequential:
    """Return the model of a fitted MLPClassifier or MLPRegressor, also in a Pipeline or a TransformedTargetRegressor.

    estimator: scalers before and around the network may be StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler.
    fold: whether scalers are folded into the Dense beside them, in float64 (default), or stay layers of their own.
    check: rows x, or (x, y) with the estimator's answers y; ``model.conversion.difference`` then compares the two.
    verify: whether the estimator answers some rows, and a model whose answers differ is refused (default).
    name: default "sequential", then "sequential_1", ….

    For a classifier, ``model.predict(x)`` is ``estimator.predict_proba(x)``, (rows, classes) also for two classes, and
    ``model.classes`` are its `classes_`. For a regressor it is ``estimator.predict(x)``, as (rows, targets).
    ``model.feature_names`` are the `feature_names_in_` of an estimator that was fitted on a frame.
    The model computes in float32 if `coefs_` are float32 (fitted on float32), else in float64.
    Raises ValueError for an estimator that is not fitted; ModelFormatError (a ValueError) for attributes that do not
    fit; its subclass UnsupportedModelError for other estimators.

    >>> from sklearn.neural_network import MLPClassifier
    >>> estimator = MLPClassifier((4,), tol=1).fit([[0.0, 1.0], [1.0, 0.0]], ["no", "yes"])
    >>> from_sklearn(estimator).classes
    ('no', 'yes')
    """
    nested = f"{_source(estimator, '')} is nested too deep, or contains itself"
    with refusing(nested, RecursionError, raises=UnsupportedModelError):
        found = _estimator(estimator, "")
    # Not on the converted rows: an estimator that was fitted on named columns expects the names.
    answers = estimator.predict_proba if found.is_classifier else estimator.predict
    return convert(
        f"scikit-learn {type(estimator).__name__}",
        found.steps,
        fold=fold,
        name=name,
        classes=found.classes,
        feature_names=_feature_names(estimator),
        check=check,
        answers=lambda _: answers(check),
        reference=Reference("scikit-learn", lambda rows, _: _answered(answers, rows)) if verify else None,
    )


def _answered(answers: Callable[[Array], Any], rows: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that rows have no column names
        return np.asarray(answers(rows))


class _Found(NamedTuple):
    steps: list[Step]
    is_classifier: bool = False
    classes: list[Any] | None = None


def _source(thing: Any, path: str) -> str:
    return f"step '{path}' ({type(thing).__name__})" if path else type(thing).__name__


def _feature_names(estimator: Any) -> Any:
    """Return the names of the columns that an estimator was fitted on, or None. No step changes or moves a column."""
    members = (member for _, member in getattr(estimator, "steps", ()))  # a pipeline that begins with "passthrough"
    names = (getattr(each, "feature_names_in_", None) for each in (estimator, *members))
    return next((each for each in names if each is not None), None)


def _estimator(thing: Any, path: str) -> _Found:
    """Return the steps of an estimator that predicts."""
    source = _source(thing, path)
    match own_name(thing, "sklearn"):
        case "MLPClassifier" | "MLPRegressor" as kind:
            return _network(thing, kind == "MLPClassifier", source)
        case "Pipeline":
            *before, (last_path, last) = _pipeline(thing, path)
            found = _estimator(last, last_path)
            return found._replace(steps=[*_transformers(before), *found.steps])
        case "TransformedTargetRegressor":
            found = _estimator(_attribute(thing, source, "regressor_"), f"{path}.regressor_".lstrip("."))
            if found.is_classifier:
                raise UnsupportedModelError(f"{source}: expected an MLPRegressor inside; received an MLPClassifier")
            transformer = (f"{path}.transformer_".lstrip("."), _attribute(thing, source, "transformer_"))
            return found._replace(steps=[*found.steps, *_transformers([transformer], inverse=True)])
    advice = "expected an MLPClassifier or an MLPRegressor of scikit-learn itself, or a Pipeline that ends in one"
    if hasattr(thing, "best_estimator_"):
        advice = "convert its best_estimator_"
    if isinstance(getattr(thing, "model_", None), Sequential):  # of fastnn.sklearn
        advice = "use its model_, which is a Sequential already"
    if isinstance(thing, str | os.PathLike | type):
        source, advice = received(thing), "make one and fit it"
        if not isinstance(thing, type):
            advice = "load it first, with joblib.load(path) if you trust the file, and convert the estimator"
    raise UnsupportedModelError(f"{source} has no dense network that fastnn knows; {advice}")


def _pipeline(pipeline: Any, path: str) -> list[tuple[str, Any]]:
    """Return the paths and the members of a pipeline."""
    expected = f"{_source(pipeline, path)}: expected steps as (name, estimator), at least one"
    with refusing(expected, AttributeError, TypeError, ValueError):
        first, *rest = [(f"{path}.{name}".lstrip("."), member) for name, member in pipeline.steps]
    return [first, *rest]


def _transformers(members: list[tuple[str, Any]], inverse: bool = False) -> list[Step]:
    """Return the steps of transformers in a row, or of their inverses in reverse order."""
    steps: list[Step] = []
    for path, thing in reversed(members) if inverse else members:
        source = _source(thing, path)
        if thing is None or (isinstance(thing, str) and thing == "passthrough"):
            steps.append(Nothing(f"step '{path}' (passthrough)"))
            continue
        match own_name(thing, "sklearn"):
            case "Pipeline":
                steps += _transformers(_pipeline(thing, path), inverse)
            case "FunctionTransformer":
                steps.append(_function_transformer(thing, source))
            case "StandardScaler" | "MinMaxScaler" | "MaxAbsScaler" | "RobustScaler" as kind:
                steps += _scaler(thing, kind, source, inverse)
            case _:
                raise UnsupportedModelError(
                    f"{source} is no layer; expected StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler; "
                    "convert the steps after it, and give predict the rows that it has transformed"
                )
    return steps


def _function_transformer(thing: Any, source: str) -> Step:
    for attribute in ("func", "inverse_func"):
        function = _attribute(thing, source, attribute)
        if function is not None:
            called = getattr(function, "__name__", type(function).__name__)
            raise UnsupportedModelError(
                f"{source} has {attribute}={called}, which is no layer; call it outside the model"
            )
    return Nothing(source)


def _scaler(thing: Any, kind: str, source: str, inverse: bool) -> list[Step]:
    center, spread = _SCALERS.get(kind, (("min_", ""), ("scale_", "")))  # MinMaxScaler: x * scale + shift
    shift, scale = _part(thing, source, *center, 0.0), _part(thing, source, *spread, 1.0)
    if scale.ndim == shift.ndim == 0:
        return [Nothing(source)]
    if len({part.shape for part in (scale, shift) if part.ndim > 0}) > 1:
        raise ModelFormatError(f"{source}: expected arrays of one length; received {scale.shape} and {shift.shape}")
    with np.errstate(all="ignore"):
        if kind in _SCALERS:
            scale, shift = 1 / scale, -shift / scale
        if inverse:  # it never clips
            return [Scale(source, np.asarray(1 / scale), np.asarray(-shift / scale))]
    clips = kind in ("MinMaxScaler", "MaxAbsScaler") and getattr(thing, "clip", False)  # which older versions lack
    limits = _attribute(thing, source, "feature_range") if kind == "MinMaxScaler" else (-1.0, 1.0)
    return [Scale(source, np.asarray(scale), np.asarray(shift)), *([_clip(source, limits)] if clips else [])]


def _part(thing: Any, source: str, attribute: str, switch: str, neutral: float) -> Array:
    """Return a center or a spread, as float64; the neutral number if there is none, or if a switch turns it off."""
    if not attribute or (switch and not _attribute(thing, source, switch)):
        return np.asarray(neutral)
    return _array(_attribute(thing, source, attribute), f"{source}: {attribute}", 1).astype(np.float64)


def _clip(source: str, limits: Any) -> Step:
    with refusing(f"{source}: expected two numbers to clip at; received {limits!r:.60}", TypeError, ValueError):
        minimum, maximum = map(float, limits)
    return clip(source, minimum, maximum)


def _network(mlp: Any, is_classifier: bool, source: str) -> _Found:
    kernels, biases = _layers(mlp, source)
    hidden = _activation(mlp, source, "activation", _HIDDEN)
    output = _activation(mlp, source, "out_activation_", _CLASSIFIERS if is_classifier else _REGRESSORS)
    classes = np.ravel(_attribute(mlp, source, "classes_")).tolist() if is_classifier else None
    if classes is not None:
        units = kernels[-1].shape[1]
        if len(classes) == 1:
            raise UnsupportedModelError(f"{source} was fitted on {classes[0]!r} alone, which is always its answer")
        if len(classes) != max(units, 2) or (output == "softmax" and units == 1):
            raise ModelFormatError(
                f"{source}: expected {max(units, 2)} classes_ for {units} outputs of {output}; received {len(classes)}"
            )
        if units == 1:  # softmax([0, z]) = [1 - sigmoid(z), sigmoid(z)]
            kernels[-1], biases[-1] = (np.insert(array, 0, 0, axis=-1) for array in (kernels[-1], biases[-1]))
            output = "softmax"
    steps: list[Step] = []
    for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        steps += [
            Product(f"{source}: coefs_[{i}]", kernel, bias),
            Function(f"{source}: its activation", output if i == len(kernels) - 1 else hidden),
        ]
    return _Found(steps, is_classifier, classes)


def _layers(mlp: Any, source: str) -> tuple[list[Array], list[Array]]:
    """Return the kernels and the biases, all of one dtype: float32 or float64."""
    found: list[list[Array]] = []
    for attribute, dimensions in (("coefs_", 2), ("intercepts_", 1)):
        arrays = _attribute(mlp, source, attribute)
        if not isinstance(arrays, (list, tuple)) or not arrays:
            raise ModelFormatError(f"{source}: expected {attribute} to be a list of arrays")
        found.append([_array(array, f"{source}: {attribute}[{i}]", dimensions) for i, array in enumerate(arrays)])
    kernels, biases = found
    if len(kernels) != len(biases):
        raise ModelFormatError(f"{source}: expected as many coefs_ as intercepts_; received {len(kernels)} and "
                               f"{len(biases)}")  # fmt: skip
    dtype = np.float32 if {array.dtype for array in kernels} == {np.dtype("f4")} else np.float64
    return [kernel.astype(dtype) for kernel in kernels], biases


def _activation(mlp: Any, source: str, attribute: str, known: dict[str, str]) -> str:
    value = _attribute(mlp, source, attribute)
    if not isinstance(value, str) or value not in known:
        raise UnsupportedModelError(f"{source}: expected {attribute} among {', '.join(known)}; received {value!r:.60}")
    return known[value]


def _attribute(thing: Any, source: str, attribute: str) -> Any:
    if hasattr(thing, attribute):
        return getattr(thing, attribute)
    # Fitting makes attributes that end in "_": scikit-learn itself looks for them.
    if attribute.endswith("_") and not any(each[-1:] == "_" != each[:1] for each in vars(thing)):
        raise ValueError(f"{source} is not fitted; call fit first")
    raise UnsupportedModelError(f"{source} has no {attribute}; expected an estimator of scikit-learn 1.0 or newer")


def _array(value: Any, source: str, dimensions: int) -> Array:
    with refusing(f"{source}: expected an array of numbers", TypeError, ValueError):
        array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.ndim != dimensions or array.size == 0:
        raise ModelFormatError(
            f"{source}: expected {dimensions}-D numbers; received shape {array.shape}, dtype {array.dtype}"
        )
    return array

"""Scalers, and functions of a target: element by element, forwards and back."""

import functools
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import array, attribute
from fastnn.importers.steps import Function, Nothing, Scale, Step, clip

# Scalers that compute (x - center) / spread: each part's attribute, and the parameter that turns it off.
_SCALERS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "StandardScaler": (("mean_", "with_mean"), ("scale_", "with_std")),
    "RobustScaler": (("center_", "with_centering"), ("scale_", "with_scaling")),
    "MaxAbsScaler": (("", ""), ("scale_", "")),
}
SCALERS = (*_SCALERS, "MinMaxScaler")


def scaler(thing: Any, kind: str, source: str, inverse: bool = False) -> list[Step]:
    """Return the steps of a scaler, or of its inverse."""
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
    limits = attribute(thing, source, "feature_range") if kind == "MinMaxScaler" else (-1.0, 1.0)
    return [Scale(source, np.asarray(scale), np.asarray(shift)), *([_clip(source, limits)] if clips else [])]


def _part(thing: Any, source: str, name: str, switch: str, neutral: float) -> Array:
    """Return a center or a spread, as float64; the neutral number if there is none, or if a switch turns it off."""
    if not name or (switch and not attribute(thing, source, switch)):
        return np.asarray(neutral)
    return array(attribute(thing, source, name), f"{source}: {name}", 1).astype(np.float64)


def _clip(source: str, limits: Any) -> Step:
    with refusing(f"{source}: expected two numbers to clip at; received {limits!r:.60}", TypeError, ValueError):
        minimum, maximum = map(float, limits)
    return clip(source, minimum, maximum)


def without_function(thing: Any, source: str) -> Step:
    """Return the step of a FunctionTransformer without functions."""
    for name in ("func", "inverse_func"):
        function = attribute(thing, source, name)
        if function is not None:
            raise UnsupportedModelError(
                f"{source} has {name}={_called(function)}, which is no layer; call it outside the model"
            )
    return Nothing(source)


def inverse_function(thing: Any, source: str) -> list[Step]:
    """Return the steps of the inverse of a FunctionTransformer, if an exponential computes it."""
    function = attribute(thing, source, "inverse_func")
    if function is None:
        return [without_function(thing, source)]
    if attribute(thing, source, "inv_kw_args"):
        raise UnsupportedModelError(f"{source} has inv_kw_args, which no layer takes; call {_called(function)} itself")
    base = _base(function)
    if base is None:
        raise UnsupportedModelError(
            f"{source} has inverse_func={_called(function)}, which is no layer; expected np.exp, np.expm1, np.exp2, "
            "scipy.special.exp10 or functools.partial(np.power, 10), or call it outside the model"
        )
    steps: list[Step] = [Function(source, "exponential")]
    if base != np.e:
        steps.insert(0, Scale(source, np.array(np.log(base)), np.zeros(())))
    if function is np.expm1:
        steps.append(Scale(source, np.ones(()), np.array(-1.0)))
    return steps


def _base(function: Any) -> float | None:
    """Return the number of which a function gives powers; None for others."""
    if function is np.exp or function is np.expm1:
        return float(np.e)
    if function is np.exp2:
        return 2.0
    if isinstance(function, np.ufunc) and function.__name__ == "exp10" and function.nin == 1:
        return 10.0
    if isinstance(function, functools.partial) and function.func is np.power and not function.keywords:
        base = function.args[0] if len(function.args) == 1 else None
        if isinstance(base, (int, float)) and not isinstance(base, bool) and 0 < base < np.inf:
            return float(base)
    return None


def _called(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))

"""What compile() was given, as data and back: Keras' get_compile_config() and compile_from_config().

Functions and classes of one's own are data by their names alone; whoever reads them brings them as custom_objects.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from fastnn.losses import lookup as losses
from fastnn.losses.base import FunctionLoss, Loss
from fastnn.losses.functions import RowLosses
from fastnn.metrics import lookup as metrics
from fastnn.metrics.base import MeanMetricWrapper, Metric
from fastnn.models.compiled import Compiled
from fastnn.optimizers import lookup as optimizers
from fastnn.text import did_you_mean

# Arguments of Keras' compile() that change nothing here.
_UNUSED: dict[str, Any] = {"loss_weights": None, "run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
_KEYS = ("optimizer", "loss", "metrics", "weighted_metrics", *_UNUSED)
_FUNCTION = "function"  # the class_name of a function, as in Keras


def as_data(compiled: Compiled) -> dict[str, Any]:
    """Return the arguments of compile() in JSON's types. Raises ValueError for objects that are no data.

    >>> as_data(Compiled("sgd", "mse", ["mae"], None))["metrics"]
    ['mae']
    """
    return {
        "optimizer": optimizers.serialize(compiled.optimizer),
        "loss": _data(compiled.given_loss, losses.serialize),
        "metrics": _data(compiled.given_metrics, metrics.serialize),
        "weighted_metrics": _data(compiled.given_weighted_metrics, metrics.serialize),
        **_UNUSED,
    }


def arguments(config: Any, custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the arguments of compile() that as_data() described.

    custom_objects: functions and classes by their names.
    Raises ValueError for another config, and for names that custom_objects lack.

    >>> arguments({"optimizer": "sgd", "loss": "mse"})
    {'optimizer': 'sgd', 'loss': 'mse'}
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"expected the config of compile(), a dict; received {type(config).__name__}")
    for key in config:
        if key not in _KEYS:
            raise ValueError(f"expected {', '.join(_KEYS)}; received {key!r:.60}{did_you_mean(key, _KEYS)}")
    found: dict[str, Any] = {name: config[name] for name in _UNUSED if name in config}
    makers: dict[str, Callable[[Any], Any]] = {
        "optimizer": optimizers.get,
        "loss": losses.deserialize,
        "metrics": metrics.deserialize,
        "weighted_metrics": metrics.deserialize,
    }
    for name, made in makers.items():
        if name in config:
            found[name] = _object(config[name], custom_objects or {}, made)
    return found


def names_of_functions(config: Any) -> list[str]:
    """Return the names of the functions that a config needs as custom_objects.

    >>> names_of_functions({"loss": {"class_name": "function", "config": "my_loss"}})
    ['my_loss']
    """
    if isinstance(config, list):
        return [name for each in config for name in names_of_functions(each)]
    if not isinstance(config, dict):
        return []
    if config.get("class_name") == _FUNCTION and isinstance(config.get("config"), str):
        return [config["config"]]
    return [name for each in config.values() for name in names_of_functions(each)]


def _data(given: Any, serialize: Callable[[Any], dict[str, Any]]) -> Any:
    """Return what compile() was given as loss or metrics, in JSON's types."""
    if given is None or isinstance(given, (str, dict)):
        return copy.deepcopy(given)
    if isinstance(given, (list, tuple)):
        return [_data(each, serialize) for each in given]
    if isinstance(given, RowLosses):
        given = given.kind
    if isinstance(given, type):
        return _data(given(), serialize)
    if isinstance(given, FunctionLoss):
        config = {"function": _data(given.function, serialize), "reduction": given.reduction, "name": given.name}
        return {"class_name": "FunctionLoss", "config": config}
    if isinstance(given, Loss) and serialize is metrics.serialize:
        return _data(MeanMetricWrapper(given), serialize)
    if type(given) is MeanMetricWrapper:
        inner = losses.serialize if isinstance(given.fn, Loss) else serialize
        config = {"fn": _data(given.fn, inner), "name": given.name}
        return {"class_name": "MeanMetricWrapper", "config": config}
    if isinstance(given, Metric) and not type(given).__module__.startswith("fastnn."):
        return {"class_name": type(given).__name__, "config": given.get_config()}
    if callable(given) and not isinstance(given, (Loss, Metric)):
        return {"class_name": _FUNCTION, "config": getattr(given, "__name__", type(given).__name__)}
    return serialize(given)


def _object(data: Any, custom: Mapping[str, Any], made: Callable[[Any], Any]) -> Any:
    """Return the loss or the metrics that _data() described; strings stay as they are."""
    if isinstance(data, (list, tuple)):
        return [_object(each, custom, made) for each in data]
    if not isinstance(data, dict):
        return data
    kind, config = data.get("class_name"), data.get("config")
    if kind == _FUNCTION:
        if not isinstance(config, str) or not callable(custom.get(config)):
            raise ValueError(f"expected custom_objects={{{config!r:.60}: the function of that name}}; received none")
        return custom[config]
    if kind == "FunctionLoss" and isinstance(config, dict):
        return FunctionLoss(**(config | {"function": _object(config.get("function"), custom, made)}))
    if kind == "MeanMetricWrapper" and isinstance(config, dict):
        return MeanMetricWrapper(**(config | {"fn": _object(config.get("fn"), custom, losses.deserialize)}))
    if isinstance(kind, str) and hasattr(custom.get(kind), "from_config"):
        return custom[kind].from_config(config)
    return made(data)

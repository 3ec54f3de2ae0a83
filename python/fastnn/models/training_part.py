"""The part of a model file that training goes on from: settings as JSON, and tensors (docs/model-format.md).

What is read is checked before the model gets any of it: a file may say anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.callbacks.history import History
from fastnn.models.compile_config import arguments, as_data, names_of_functions
from fastnn.models.trainer import slot_names

Tensors = dict[str, Array]
_MOST_COUNT = 2**53  # of steps; floats hold these exactly
_MOST_METRICS = 1000
_MOST_IN_METRICS = 10**6  # in all, such as thresholds of AUC: what a file may make metrics allocate
_EXCLUDED = "excluded_from_weight_decay"


def part_of(model: Any) -> tuple[str, Tensors]:
    """Return the settings and the tensors of a compiled model. Raises ValueError for objects that are no data.

    >>> model = Sequential([Dense(1, input_shape=(2,))])
    >>> model.compile("sgd", "mse")
    >>> settings, tensors = part_of(model)
    >>> json.loads(settings)["state"], tensors
    (None, {})
    """
    tensors: Tensors = {}
    settings: dict[str, Any] = {"compile": as_data(model._compiled), "state": None, "history": None}
    if excluded := getattr(model.optimizer, "_excluded", ()):
        settings[_EXCLUDED] = list(excluded)
    state = model._state_of_trainer()
    if state is not None and state["shapes"] == _shapes(model):
        settings["state"] = {name: state[name] for name in ("iterations", "accumulated", "seed")}
        tensors |= {name.replace("/", "."): array for name, array in state["slots"].items()}
    if (history := model.history) is not None:
        numbers = _numbers(history)
        params = {name: value for name, value in (history.params or {}).items() if _is_plain(value)}
        settings["history"] = {"names": list(numbers), "seed": history.seed, "params": params}
        tensors |= {f"history.{name}": array for name, array in numbers.items()}
        if history.epoch:
            tensors["epochs"] = np.array(history.epoch, np.float64)
    tensors = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return json.dumps(settings, separators=(",", ":"), ensure_ascii=False, allow_nan=False), tensors


def restore(model: Any, text: str, tensors: Tensors, custom_objects: Mapping[str, Any]) -> None:
    """Compile a model and let it go on from a part_of() an equal model.

    Raises ModelFormatError (a ValueError) for a malformed part; its subclass UnsupportedModelError for what this
    release does not know, and for functions that custom_objects lack.
    """
    settings = json.loads(text)
    _check_keys(settings, ("compile", "state", "history"), (_EXCLUDED,), "the part for training")
    _check_sizes(settings["compile"])
    functions = names_of_functions(settings["compile"])
    if missing := [name for name in functions if not callable(custom_objects.get(name))]:
        raise _core.UnsupportedModelError(
            "expected custom_objects with the functions that compile() was given, as in "
            f"custom_objects={{{missing[0]!r:.60}: function}}, or compile=False to leave training out; "
            f"received {', '.join(map(repr, custom_objects)) or 'none':.100}"
        )
    try:
        model.compile(**arguments(settings["compile"], custom_objects))
        slots, steps = slot_names(model.optimizer), _batches_of_an_update(model.optimizer)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _core.UnsupportedModelError(
            f"the part for training: its compile: {error}; compile=False leaves training out"
        ) from None
    _exclude(model.optimizer, settings.get(_EXCLUDED, []))
    left = dict(tensors)
    state, history = _state(model, settings["state"], left, slots, steps), _history(settings["history"], left)
    if left:
        raise _core.ModelFormatError(
            f"the part for training: tensor 'training.{next(iter(left)):.100}' does not belong to the optimizer "
            f"'{type(model.optimizer).__name__}' or the History"
        )
    model._trainer_state = state
    if state is not None:
        model.optimizer._iterations = state["iterations"] * steps + state["accumulated"]
    if history is not None:
        history.set_model(model)
    model.history = history


def _shapes(model: Any) -> list[dict[str, tuple[int, ...]]]:
    return [{name: array.shape for name, array in layer._state.weights.items()} for layer in model._layers]


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, str))


def _numbers(history: History) -> Tensors:
    """Return the losses and metrics of a History that are numbers, an entry for each epoch."""
    found: Tensors = {}
    for name, values in history.history.items():
        try:
            array = np.array(values, np.float64)
        except (TypeError, ValueError):  # a callback's text
            continue
        if array.size:
            found[name] = array
    return found


def _check_keys(json_object: Any, required: tuple[str, ...], optional: tuple[str, ...], where: str) -> None:
    if not isinstance(json_object, dict):
        raise _core.ModelFormatError(f"{where}: expected an object; received {type(json_object).__name__}")
    for key in required:
        if key not in json_object:
            raise _core.ModelFormatError(f"{where}: expected the keys {', '.join(required)}; received no '{key}'")
    for key in json_object:
        if key not in required + optional:
            raise _core.UnsupportedModelError(
                f"{where}: expected the keys {', '.join(required + optional)}; received the unknown key {key!r:.60}; "
                "compile=False leaves training out"
            )


def _check_sizes(config: Any) -> None:
    """Raise LimitError for more metrics, or larger ones, than a program would have."""
    for name in ("metrics", "weighted_metrics"):
        metrics = config.get(name) if isinstance(config, dict) else None
        if (count := _count(metrics)) > _MOST_METRICS:
            raise _core.LimitError(f"the part for training: has {count} {name}; fastnn reads at most {_MOST_METRICS}")
        if (size := _sum(metrics)) > _MOST_IN_METRICS:
            raise _core.LimitError(
                f"the part for training: has {name} of size {size}; fastnn reads at most {_MOST_IN_METRICS}"
            )


def _count(metrics: Any) -> int:
    return sum(map(_count, metrics)) if isinstance(metrics, list) else 1


def _sum(config: Any) -> int:
    """Return the sum of all whole numbers."""
    if isinstance(config, dict):
        config = list(config.values())
    if isinstance(config, list):
        return sum(map(_sum, config))
    return abs(config) if isinstance(config, int) else 0


def _exclude(optimizer: Any, names: Any) -> None:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise _core.ModelFormatError(f"the part for training: expected {_EXCLUDED} to be an array of names")
    if names:
        optimizer.exclude_from_weight_decay(var_names=names)


def _whole(json_object: dict[str, Any], name: str, most: int, where: str) -> int:
    value = json_object[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise _core.ModelFormatError(f"{where}: expected {name} to be a whole number from 0 to {most}")
    return value


def _batches_of_an_update(optimizer: Any) -> int:
    return int(optimizer._core_settings()[1].get("accumulation_steps", 1))


def _state(model: Any, state: Any, tensors: Tensors, names: list[str], steps: int) -> dict[str, Any] | None:
    """Return the state of the optimizer; takes its tensors out of `tensors`."""
    if state is None:
        return None
    where = "the part for training: its state"
    _check_keys(state, ("iterations", "accumulated", "seed"), (), where)
    shapes, slots = _shapes(model), {}
    for i, weights in enumerate(shapes):
        for weight, shape in weights.items():
            found = [name for name in names if f"{name}.{i}.{weight}" in tensors]
            for name in names if found else ():
                array = tensors.pop(f"{name}.{i}.{weight}", None)
                if array is None or array.shape != shape or array.dtype != model.dtype:
                    received = "none" if array is None else f"{array.dtype} of shape {array.shape}"
                    raise _core.ModelFormatError(
                        f"{where}: expected the tensor 'training.{name}.{i}.{weight}' to be {model.dtype} of shape "
                        f"{shape}, as the weight is; received {received}"
                    )
                slots[f"{name}/{i}/{weight}"] = array
    return {
        "iterations": _whole(state, "iterations", _MOST_COUNT // steps, where),
        "accumulated": _whole(state, "accumulated", steps - 1, where),
        "seed": None if state["seed"] is None else _whole(state, "seed", 2**64 - 1, where),
        "slots": slots,
        "shapes": shapes,
    }


def _history(given: Any, tensors: Tensors) -> History | None:
    """Return the History; takes its tensors out of `tensors`."""
    if given is None:
        return None
    where = "the part for training: its history"
    _check_keys(given, ("names", "seed", "params"), (), where)
    if given["seed"] is not None:
        _whole(given, "seed", 2**64 - 1, where)
    names, params = given["names"], given["params"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise _core.ModelFormatError(f"{where}: expected names to be an array of different strings")
    if not isinstance(params, dict) or not all(map(_is_plain, params.values())):
        raise _core.ModelFormatError(f"{where}: expected params to be an object of whole numbers and strings")
    history = History()
    for name in names:
        array = tensors.pop(f"history.{name}", None)
        if array is None or array.dtype != np.float64 or not array.ndim:
            raise _core.ModelFormatError(
                f"{where}: expected the tensor 'training.history.{name:.100}', float64, with a value for each epoch"
            )
        history.history[name] = array.tolist() if array.ndim == 1 else list(array)
    epochs = tensors.pop("epochs", np.empty(0))
    if epochs.dtype != np.float64 or epochs.ndim != 1 or not all(0 <= e <= _MOST_COUNT and e == int(e) for e in epochs):
        raise _core.ModelFormatError(f"{where}: expected the tensor 'training.epochs' to be whole numbers, float64")
    history.epoch, history.seed, history.params = [int(epoch) for epoch in epochs], given["seed"], params
    return history

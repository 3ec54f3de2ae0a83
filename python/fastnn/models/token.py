"""What tells one model from another for dask, which computes the same function of equal arguments once."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any


def token_of(model: Any) -> tuple[str, ...]:
    """Return strings that are equal for models that predict, train and save alike, apart from names of layers.

    Strings of a model without weights yet, of unknown inputs, are never equal; nor are those of settings that are no
    data.

    >>> models = [Sequential([Dense(1, kernel_initializer="zeros", input_shape=(2,))]) for _ in range(2)]
    >>> token_of(models[0]) == token_of(models[1])
    True
    """
    try:
        answers = model.fingerprint()
        config, training = model.get_config(), model.get_compile_config()
    except (TypeError, ValueError):
        return (uuid.uuid4().hex,)
    config["layers"] = [(layer["class_name"], _without_names(layer["config"])) for layer in config["layers"]]
    config["name"] = None
    # Text, because dask tells values that are one object from equal ones.
    return "fastnn", answers, json.dumps([config, training], sort_keys=True), _text(model._state_of_trainer())


def _text(state: dict[str, Any] | None) -> str:
    """Return the state of a trainer as text, with hashes of its arrays."""
    if state is None:
        return ""
    slots = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in sorted(state["slots"].items())}
    return repr((state["iterations"], state["accumulated"], state["seed"], slots))


def _without_names(config: dict[str, Any]) -> dict[str, Any]:
    """Return a layer's config without its name, and without initializers, whose weights the fingerprint has."""
    return {key: value for key, value in config.items() if key != "name" and not key.endswith("_initializer")}

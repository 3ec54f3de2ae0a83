"""Initializers by their names, and as data."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastnn.initializers import drawn, fixed
from fastnn.initializers.base import Initializer
from fastnn.strict import suggesting
from fastnn.text import did_you_mean

_CLASSES: dict[str, Callable[..., Initializer]] = {
    name: each
    for name, each in sorted((vars(drawn) | vars(fixed)).items())
    if isinstance(each, type) and issubclass(each, Initializer) and each is not Initializer and not name.startswith("_")
}
_NAMES = {re.sub("(?<!^)([A-Z])", r"_\1", name).lower(): each for name, each in _CLASSES.items()}  # he_normal, …
_ALIASES = {"normal": "RandomNormal", "uniform": "RandomUniform", "one": "Ones", "zero": "Zeros"}  # as in Keras
_ALIASES |= {"IdentityInitializer": "Identity", "OrthogonalInitializer": "Orthogonal"}


@suggesting
def get(identifier: object) -> Initializer:
    """Return the initializer that identifier names.

    identifier: a name such as "he_normal" or "HeNormal"; a result of serialize(); or an initializer, which is returned
        as it is, or its class. Raises ValueError for anything else.

    >>> get("glorot_uniform").get_config()
    {'seed': None}
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, type) and identifier in _CLASSES.values():
        identifier = identifier.__name__  # as in Keras
    by_name = _CLASSES | _NAMES
    if isinstance(identifier, str) and (found := by_name.get(_ALIASES.get(identifier, identifier))):
        return found()
    name, known = identifier, by_name
    if isinstance(identifier, dict) and identifier.keys() <= {"class_name", "config"}:
        name, config, known = identifier.get("class_name"), identifier.get("config", {}), _CLASSES
        if isinstance(name, str) and name in _CLASSES and isinstance(config, dict):
            try:
                return _CLASSES[name](**config)
            except TypeError as error:
                raise ValueError(f"{error}; received {identifier!r:.200}") from None
    raise ValueError(
        f"expected an initializer; received {identifier!r:.200}{did_you_mean(name, known) or '.'} "
        f"Expected one from fastnn.initializers, or one of {', '.join(map(repr, _NAMES))}."
    )


@suggesting
def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return a dict of JSON's types from which get() creates an equal initializer.

    Raises ValueError for an initializer of another class than those of fastnn.initializers.

    >>> serialize(fastnn.initializers.GlorotUniform(seed=1))
    {'class_name': 'GlorotUniform', 'config': {'seed': 1}}
    """
    if type(initializer) not in _CLASSES.values():
        raise ValueError(
            f"expected an initializer from fastnn.initializers, no subclass of one; received {initializer!r}"
        )
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}

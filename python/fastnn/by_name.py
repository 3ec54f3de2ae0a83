"""Objects by the names of their classes, and as data: what get(), serialize() and deserialize() of a module share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Generic, Self, TypeVar

from fastnn.strict import Strict
from fastnn.text import did_you_mean

T = TypeVar("T")
_KEYS = {"class_name", "config", "module", "registered_name"}  # of Keras' serialize(); the last two say nothing more


class Configured(Strict):
    """Base class of objects that are their constructor's arguments, in JSON's types."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal object.

        >>> fastnn.regularizers.L2(0.5).get_config()
        {'l2': 0.5}
        """
        return {name: getattr(self, name) for name in self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return an object with the arguments that get_config() returned.

        >>> fastnn.regularizers.L2.from_config({"l2": 0.5}).l2
        0.5
        """
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_config().items())})"


def _in_small_letters(name: str) -> str:
    return re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower()


def _own_name(kind: type) -> str:
    """Return the name of a class as errors show it: that of its own _kind, or of its class in small letters."""
    own = kind.__dict__.get("_kind")
    return own if isinstance(own, str) else _in_small_letters(kind.__name__)


def classes_of(base: type, *modules: ModuleType) -> tuple[type[Any], ...]:
    """Return the public classes that are defined in these modules and derive from base, in their order.

    >>> from fastnn.metrics import auc, base
    >>> [each.__name__ for each in classes_of(base.Metric, auc)]
    ['AUC']
    """
    return tuple(
        each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
        if not name.startswith("_")
    )


class Names(Generic[T]):
    """The classes of one kind by name, for example regularizers.

    kind: as in "a regularizer". module: where users find the classes. classes: all of them. aliases: further names.
    """

    def __init__(
        self, kind: str, module: str, classes: Iterable[type[T]], aliases: Mapping[str, Callable[[], T]] | None = None
    ) -> None:
        self._kind, self._module = kind, module
        self._classes = {each.__name__: each for each in classes}
        words = {_in_small_letters(name): each for name, each in self._classes.items()}
        own = {_own_name(each): each for each in self._classes.values()}
        lower = {name.lower(): each for name, each in self._classes.items()}
        self._shown = list(own)  # in errors
        self._by_name: dict[str, Callable[[], T]] = {**self._classes, **lower, **words, **own, **(aliases or {})}

    def get(self, identifier: object) -> T:
        """Return the object that identifier names: a name, a result of serialize(), or an object of one of the classes.

        Raises ValueError for anything else, subclasses included: what they compute is unknown.
        """
        if type(identifier) in self._classes.values():
            return identifier  # type: ignore[return-value]
        if isinstance(identifier, str):
            made = self._by_name.get(identifier) or self._by_name.get(identifier.lower())
            if made is not None:
                return made()
        elif isinstance(identifier, dict) and "class_name" in identifier and identifier.keys() <= _KEYS:
            return self.deserialize(identifier)
        elif isinstance(identifier, type) and identifier in self._classes.values():
            name = identifier.__name__
            raise ValueError(f"expected {self._kind}; received the class {name}; call it: {name}()")
        if isinstance(identifier, tuple(self._classes.values())):
            raise self._no_subclass(identifier)
        raise self._unknown(identifier, identifier)

    def deserialize(self, config: Any) -> T:
        """Return the object that serialize() described. Raises ValueError for another config."""
        name = config.get("class_name") if isinstance(config, dict) else None
        arguments = config.get("config", {}) if isinstance(config, dict) else None
        made: Any = self._classes.get(name) if isinstance(name, str) else None
        if made is None and isinstance(name, str):
            made = self._by_name.get(name) or self._by_name.get(name.lower())
        if not isinstance(made, type) or not isinstance(arguments, dict) or not config.keys() <= _KEYS:
            raise self._unknown(config, name)
        try:
            return made.from_config(arguments)  # type: ignore[attr-defined, no-any-return]
        except TypeError as error:
            raise ValueError(f"{error}; received {config!r}") from None

    def serialize(self, thing: T) -> dict[str, Any]:
        """Return a dict of JSON's types from which get() makes an equal object. Raises ValueError for other objects."""
        if type(thing) not in self._classes.values():
            raise self._no_subclass(thing)
        return {"class_name": type(thing).__name__, "config": thing.get_config()}  # type: ignore[attr-defined]

    def _no_subclass(self, thing: object) -> ValueError:
        return ValueError(f"expected {self._kind} from {self._module}, no subclass of one; received {thing!r}")

    def _unknown(self, identifier: object, name: object) -> ValueError:
        return ValueError(
            f"expected {self._kind} from {self._module}, or one of {', '.join(map(repr, self._shown))}; "
            f"received {identifier!r}{did_you_mean(name, [*self._classes, *self._shown])}"
        )

"""Objects and functions of other packages, recognized exactly, without importing those packages."""

import os
import sys
import types
from collections.abc import Container
from typing import Any


def own_name(thing: object, package: str, cls: type | None = None, wrapped: Container[str] = ()) -> str | None:
    """Return the name of an object's class, or of a function, if it is the package's own, else None.

    None too for a subclass, and for an object with a method of its own: both may compute something else.
    cls: the class to take, if a subclass is known to compute the same.
    wrapped: methods that the package itself sets on each object.

    >>> from fractions import Fraction
    >>> own_name(Fraction(1, 2), "fractions")
    'Fraction'
    """
    is_function = isinstance(thing, types.FunctionType)
    own: Any = thing if is_function else type(thing) if cls is None else cls
    module, name = str(own.__module__), str(own.__qualname__)
    if module != package and not module.startswith(f"{package}."):
        return None
    if getattr(sys.modules.get(module), name, None) is not own:
        return None
    attributes = () if is_function else getattr(thing, "__dict__", ())
    if any(callable(getattr(own, each, None)) for each in attributes if each not in wrapped):
        return None
    return name


def received(thing: object) -> str:
    """Say what was given in the place of a live object: a path, a class, or an object of another class.

    >>> received("m.pkl"), received(dict), received(3)
    ("the path 'm.pkl'", 'the class dict', 'int')
    """
    if isinstance(thing, str | os.PathLike):
        return f"the path {str(thing)!r:.100}"
    return f"the class {thing.__qualname__}" if isinstance(thing, type) else type(thing).__name__

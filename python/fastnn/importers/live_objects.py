"""Objects of other packages, recognised by their exact class: nothing of those packages is imported for it."""

import sys
from collections.abc import Container


def class_name(thing: object, package: str, cls: type | None = None, wrapped: Container[str] = ()) -> str | None:
    """Return the name of an object's class if it is that package's own, and its methods are those of the class.

    A subclass, which may compute something else, has none; nor has an object that was given a method of its own.
    cls: what to take for the class, where it is known that a subclass computes the same.
    wrapped: methods that the package itself gives each object anew.

    >>> from fractions import Fraction
    >>> class_name(Fraction(1, 2), "fractions")
    'Fraction'
    """
    own = type(thing) if cls is None else cls
    module = str(own.__module__)
    if module != package and not module.startswith(f"{package}."):
        return None
    if getattr(sys.modules.get(module), own.__qualname__, None) is not own:
        return None
    if any(callable(getattr(own, name, None)) for name in getattr(thing, "__dict__", ()) if name not in wrapped):
        return None
    return str(own.__qualname__)

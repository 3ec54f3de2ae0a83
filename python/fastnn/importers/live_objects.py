"""Objects of other packages, recognised by their exact class, without importing those packages."""

import sys
from collections.abc import Container


def class_name(thing: object, package: str, cls: type | None = None, wrapped: Container[str] = ()) -> str | None:
    """Return the name of an object's class if the class is the package's own, else None.

    None too for a subclass, and for an object with a method of its own: both may compute something else.
    cls: the class to take, if a subclass is known to compute the same.
    wrapped: methods that the package itself sets on each object.

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

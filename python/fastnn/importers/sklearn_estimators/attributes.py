"""What an estimator holds, checked: an attribute, an array of numbers, and the words that name it in errors."""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import refusing


def source_of(thing: Any, path: str) -> str:
    """Return the name of an estimator for errors and reports.

    >>> source_of(1.5, "pipeline.scale"), source_of(1.5, "")
    ("step 'pipeline.scale' (float)", 'float')
    """
    return f"step '{path}' ({type(thing).__name__})" if path else type(thing).__name__


def inside(path: str, name: str) -> str:
    """Return the path of a member.

    >>> inside("pipeline", "scale"), inside("", "scale")
    ('pipeline.scale', 'scale')
    """
    return f"{path}.{name}".lstrip(".")


def attribute(thing: Any, source: str, name: str) -> Any:
    """Return an attribute; ValueError if the estimator is not fitted, UnsupportedModelError if it has none."""
    if hasattr(thing, name):
        return getattr(thing, name)
    # Fitting makes attributes that end in "_": scikit-learn itself looks for them.
    if name.endswith("_") and not any(each[-1:] == "_" != each[:1] for each in vars(thing)):
        raise ValueError(f"{source} is not fitted; call fit first")
    raise UnsupportedModelError(f"{source} has no {name}; expected an estimator of scikit-learn 1.0 or newer")


def array(value: Any, source: str, dimensions: int) -> Array:
    """Return numbers as an array of so many dimensions, also those of a sparse matrix; ModelFormatError for others."""
    with refusing(f"{source}: expected an array of numbers", TypeError, ValueError):
        numbers = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if numbers.dtype.kind not in "biuf" or numbers.ndim != dimensions or numbers.size == 0:
        raise ModelFormatError(
            f"{source}: expected {dimensions}-D numbers; received shape {numbers.shape}, dtype {numbers.dtype}"
        )
    return numbers


def numbers_of(thing: Any, source: str, name: str, dimensions: int) -> Array:
    """Return an attribute's numbers: float32 if they are, else float64."""
    numbers = array(attribute(thing, source, name), f"{source}: {name}", dimensions)
    return numbers if numbers.dtype == np.float32 else numbers.astype(np.float64)


def members(thing: Any, source: str, name: str) -> list[Any]:
    """Return the fitted members of an estimator, a list that is not empty."""
    found = attribute(thing, source, name)
    if not isinstance(found, list) or not found:
        raise ModelFormatError(f"{source}: expected {name} to be a list of estimators; received {found!r:.60}")
    return found

"""Validation of arguments that only layers and models have: names, shapes of inputs, arrays of weights."""

import itertools
import math
from collections import defaultdict
from typing import Any

from fastnn.arguments import positive_integer
from fastnn.arrays import Array, is_real, to_array
from fastnn.locks import changes
from fastnn.text import is_text

_counts: defaultdict[str, "itertools.count[int]"] = defaultdict(itertools.count)


def as_weights(weights: Any) -> list[Array]:
    """Return a list of weights as NumPy arrays. Objects with `__array__` may run their own code here.

    Raises ValueError for masked values, TypeError for anything but a list of real numbers.

    >>> as_weights([[1, 2]])
    [array([1, 2])]
    """
    try:
        given = list(weights)
    except TypeError:
        raise TypeError(f"expected a list of weights, as get_weights() returns; received {weights!r}") from None
    arrays = [to_array(array) for array in given]
    for array in arrays:
        if not is_real(array):
            raise TypeError(f"expected weights of real numbers; received dtype {array.dtype}")
    return arrays


def unique_name(prefix: str, name: object) -> str:
    """Return name; if it is None, Keras' automatic name: dense, dense_1, dense_2, … in this process.

    Raises ValueError unless name is a string that a model file can hold, and not empty.

    >>> unique_name("sample", None), unique_name("sample", None), unique_name("sample", "own")
    ('sample', 'sample_1', 'own')
    """
    if name is not None:
        if not isinstance(name, str) or not name or not is_text(name):
            raise ValueError(
                f"expected name to be a string of at least 1 Unicode character, and no NUL; received name={name!r}"
            )
        return name
    with changes:
        number = next(_counts[prefix])
    return f"{prefix}_{number}" if number else prefix


def forget_names() -> None:
    """Let unique_name() begin with the first number again.

    >>> forget_names()
    """
    with changes:
        _counts.clear()


def inputs_of_shape(name: str, shape: object, *, batch: bool = False) -> int:
    """Return the number of inputs in a shape: 4 for (4,), or for (None, 4) if batch. Raises ValueError for others.

    >>> inputs_of_shape("shape", (4,)), inputs_of_shape("shape", (None, 4), batch=True)
    (4, 4)
    """
    form = "(None, inputs)" if batch else "(inputs,)"
    if not isinstance(shape, (tuple, list)) or len(shape) != (2 if batch else 1):
        said = f"expected {name} to be a tuple {form}; received {name}={shape!r}"
        if isinstance(shape, (tuple, list)) and shape and all(isinstance(each, int) and each > 0 for each in shape):
            size = math.prod(shape)
            said += f"; rows are flat: declare ({size},), and predict x.reshape(len(x), {size})"
        raise ValueError(said)
    return positive_integer(f"{name}[{len(shape) - 1}]", shape[-1])


def declared_inputs(input_shape: object, input_dim: object) -> int | None:
    """Return the number of inputs that a layer declares, None if it declares none. Raises ValueError for others.

    >>> declared_inputs((4,), None), declared_inputs(None, 4), declared_inputs(None, None)
    (4, 4, None)
    """
    inputs = None if input_shape is None else inputs_of_shape("input_shape", input_shape)
    if input_dim is None:
        return inputs
    if positive_integer("input_dim", input_dim) != (inputs or input_dim):
        raise ValueError(
            f"expected input_shape or input_dim; received input_shape={input_shape!r}, input_dim={input_dim!r}"
        )
    return int(input_dim)  # type: ignore[call-overload, no-any-return]

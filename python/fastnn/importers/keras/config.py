"""A layer of a Keras model as its config describes it: what it says, checked."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import ModelFormatError, UnsupportedModelError

Array = npt.NDArray[Any]

_DTYPES = {"float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"}


@dataclass(frozen=True)
class KerasLayer:
    """A layer as the model's config describes it.

    weights: reads those that it names, or raises. shape: of a row of its inputs; None where nothing says it.
    keras: the major version that wrote the config.
    """

    class_name: str
    name: str
    config: dict[str, Any]
    weights: Callable[[tuple[str, ...]], dict[str, Array]]
    shape: tuple[int, ...] | None
    keras: int | None

    @property
    def source(self) -> str:
        """Return how errors and reports call it."""
        return f"layer {self.name!r:.60} ({self.class_name:.60})"

    def number(self, key: str, default: float) -> float:
        """Return a number of the config."""
        value = self.config.get(key, default)
        if not isinstance(value, Real) or isinstance(value, bool) or math.isnan(value):
            raise ModelFormatError(f"{self.source} has the {key} {value!r:.60}; expected a number")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return a truth value of the config."""
        value = self.config.get(key, default)
        if not isinstance(value, bool):
            raise ModelFormatError(f"{self.source} has the {key} {value!r:.60}; expected true or false")
        return value

    def axes(self, key: str, default: Any) -> list[int]:
        """Return the axes of the config, the last one as -1."""
        value = self.config.get(key, default)
        axes = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
        if not all(isinstance(axis, Integral) and not isinstance(axis, bool) for axis in axes):
            raise ModelFormatError(f"{self.source} has the {key} {value!r:.60}; expected whole numbers")
        rank = 1 if self.shape is None else len(self.shape)
        return [-1 if axis == rank else int(axis) for axis in axes]

    def refused(self, why: str) -> UnsupportedModelError:
        """Return the error for a layer that cannot be done."""
        return UnsupportedModelError(f"{self.source} {why}")

    def numbers(self, key: str) -> Array | None:
        """Return one number or a list of them; also as Keras writes an array of NumPy's."""
        value = self.config.get(key)
        if isinstance(value, dict) and value.get("class_name") == "__numpy__" and isinstance(value.get("config"), dict):
            value = value["config"].get("value")
        if value is None:
            return None
        try:
            numbers = np.asarray(value)
        except ValueError:
            numbers = np.array("ragged")
        if numbers.dtype.kind not in "iuf" or numbers.ndim > 1 or numbers.size == 0:
            raise ModelFormatError(f"{self.source} has the {key} {value!r:.60}; expected numbers")
        return numbers.astype(np.float64)

    def needs_rows(self) -> None:
        """Refuse rows that are arrays."""
        if self.shape is not None and len(self.shape) != 1:
            raise self.refused(f"gets arrays of shape {self.shape}; expected rows of numbers: put a Flatten before it")

    def needs_last_axis(self) -> None:
        """Refuse other axes than the last one."""
        if (axes := self.axes("axis", -1)) != [-1]:
            raise self.refused(f"works along the axes {axes}; expected the last one, -1")

    def needs_floats(self) -> None:
        """Refuse quantized layers: all but those that compute in floats."""
        policy = self.config.get("dtype")
        if isinstance(policy, dict) and isinstance(policy.get("config"), dict):
            kind, policy = policy.get("class_name"), policy["config"].get("name")
            if kind not in ("DTypePolicy", "Policy", "FloatDTypePolicy"):
                raise self.refused(f"computes by the dtype policy {kind!r:.60}; expected plain floats, not quantized")
        if policy is not None and (not isinstance(policy, str) or policy not in _DTYPES):
            raise self.refused(f"computes in {policy!r:.60}; expected one of {', '.join(sorted(_DTYPES))}")

    def shape_after(self) -> tuple[int, ...] | None:
        """Return the shape of a row of the layer's outputs, where it is known."""
        if self.class_name == "Dense":
            units = self.config.get("units")
            return (units,) if isinstance(units, int) else None
        if self.shape is None or self.class_name not in ("Flatten", "Reshape"):
            return self.shape
        count = math.prod(self.shape)
        return (count,) if self.class_name == "Flatten" else self._reshaped(count)

    def _reshaped(self, count: int) -> tuple[int, ...]:
        target = self.config.get("target_shape")
        if not isinstance(target, list | tuple) or not all(type(each) is int and each >= -1 for each in target):
            raise ModelFormatError(f"{self.source} has the target_shape {target!r:.60}; expected whole numbers")
        rest = math.prod(each for each in target if each != -1)
        shape = tuple(count // max(rest, 1) if each == -1 else each for each in target)
        if list(target).count(-1) > 1 or math.prod(shape) != count:
            raise ModelFormatError(f"{self.source} makes {target!r:.60} of {count} numbers")
        return shape

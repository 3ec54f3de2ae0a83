"""What a few nodes compute together, written one way whichever way they were: a sum of products of functions of x.

Exporters write GELU, layer normalization and others as five to ten nodes, in orders of their own. Multiplied out, they
are the same sum: ``0.5 * x * (1 + erf(x / sqrt(2)))`` and ``x * (erf(x * 0.7071) * 0.5 + 0.5)`` both are
``0.5 x + 0.5 x erf(0.7071 x)``.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_MOST_TERMS = 64
_SAME = 1e-6  # of two numbers: some roundings to float32, 6e-8 each


@dataclass(frozen=True, eq=False)
class Atom:
    """A function of sums, or x itself; numbers: the function's own."""

    name: str
    arguments: "tuple[Sum, ...]" = ()
    numbers: tuple[float, ...] = ()

    @cached_property
    def key(self) -> str:
        """A text that is the same for the same function of the same."""
        return f"{self.name}({'; '.join(each.key for each in self.arguments)}; {self.numbers})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class TooManyTermsError(Exception):
    """A sum is longer than that of any activation."""


class Sum:
    """Coefficients, float64 of shape () or (units,), by the atoms that each is multiplied with."""

    def __init__(self, terms: dict[tuple[Atom, ...], Array]) -> None:
        if len(terms) > _MOST_TERMS:
            raise TooManyTermsError
        self.terms = terms

    @cached_property
    def key(self) -> str:
        """A text that is the same for the same sum."""
        texts = []
        for atoms, number in self.terms.items():
            text = repr(float(number)) if number.ndim == 0 else sha256(number.tobytes()).hexdigest()
            texts.append(f"{text} {' '.join(atom.key for atom in atoms)}")
        joined = " + ".join(sorted(texts))
        return joined if len(joined) < 1000 else sha256(joined.encode()).hexdigest()

    @cached_property
    def outline(self) -> list[list[str]]:
        """The names of the atoms, which the same sum has too."""
        return sorted(sorted(atom.name for atom in atoms) for atoms in self.terms)

    def __add__(self, other: "Sum | float") -> "Sum":
        terms = dict(self.terms)
        for atoms, number in _sum(other).terms.items():
            terms[atoms] = terms[atoms] + number if atoms in terms else number
        if len(terms) > 1 and () in terms and terms[()].ndim == 0 and terms[()] == 0:
            del terms[()]  # x > 0 is x - 0 > 0
        return Sum(terms)

    def __mul__(self, other: "Sum | float") -> "Sum":
        product = Sum({})
        for atoms, number in self.terms.items():
            for more, factor in _sum(other).terms.items():
                if len(atoms) + len(more) > _MOST_TERMS:
                    raise TooManyTermsError
                together = tuple(sorted((*atoms, *more), key=lambda atom: atom.key))
                product += Sum({together: number * factor})
        return product

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Sum":
        return self * -1.0

    def __sub__(self, other: "Sum | float") -> "Sum":
        return self + -_sum(other)

    def __rsub__(self, other: float) -> "Sum":
        return -self + other

    def __truediv__(self, other: "Sum | float") -> "Sum":
        return self * power(_sum(other), -1.0)

    def __rtruediv__(self, other: float) -> "Sum":
        return _sum(other) / self

    @property
    def atom(self) -> Atom | None:
        """The atom that this is, if it is one and nothing else."""
        if len(self.terms) == 1:
            (atoms, number), *_ = self.terms.items()
            if len(atoms) == 1 and number.ndim == 0 and number == 1:
                return atoms[0]
        return None

    @property
    def number(self) -> Array | None:
        """The constant that this is, if it is one."""
        return self.terms[()] if self.terms.keys() == {()} else None


def float64(number: Any) -> Array:
    """Return a number as an array of shape ()."""
    return np.asarray(number, np.float64)


ZERO, ONE = float64(0), float64(1)


def constant(number: Any) -> Sum:
    """Return the sum that is a number, or one for each unit."""
    return Sum({(): float64(number)})


def _sum(value: Sum | float) -> Sum:
    return value if isinstance(value, Sum) else constant(value)


X = Sum({(Atom("x"),): ONE})


def function(name: str, *arguments: Sum | float, numbers: tuple[float, ...] = ()) -> Sum:
    """Return a function of sums, as a sum of one term."""
    return Sum({(Atom(name, tuple(map(_sum, arguments)), numbers),): np.asarray(1.0)})


def power(base: Sum, exponent: float) -> Sum:
    """Return base ** exponent, multiplied out for 1 to 4; that of a power is one power."""
    with np.errstate(all="ignore"):
        if base.number is not None:
            return constant(base.number**exponent)
    if exponent in (1.0, 2.0, 3.0, 4.0):
        result = base
        for _ in range(int(exponent) - 1):
            result *= base
        return result
    if base.atom is not None and base.atom.name == "power" and abs(base.atom.numbers[0]) == 0.5:
        return power(base.atom.arguments[0], base.atom.numbers[0] * exponent)
    return function("power", base, numbers=(exponent,))


def same(a: Sum, b: Sum) -> bool:
    """Return whether two sums are one, but for numbers that were rounded to float32."""
    if a.outline != b.outline:
        return False
    left = list(b.terms.items())
    for atoms, number in a.terms.items():
        for i, (others, other) in enumerate(left):
            if len(atoms) == len(others) and _close(number, other) and _same_atoms(atoms, others):
                del left[i]
                break
        else:
            return False
    return not left


def _close(a: Array, b: Array) -> bool:
    if a.ndim == b.ndim == 0:
        return math.isclose(a, b, rel_tol=_SAME)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=_SAME, atol=0.0, equal_nan=True))


def _same_atoms(some: tuple[Atom, ...], others: tuple[Atom, ...]) -> bool:
    left = list(others)
    for atom in some:
        for i, other in enumerate(left):
            if (
                atom.name == other.name
                and len(atom.arguments) == len(other.arguments)
                and _close(np.asarray(atom.numbers), np.asarray(other.numbers))
                and all(map(same, atom.arguments, other.arguments))
            ):
                del left[i]
                break
        else:
            return False
    return True

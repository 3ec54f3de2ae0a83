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

from fastnn.arrays import Array

_MOST_TERMS = 64
_MOST_FUNCTIONS = 16  # one inside the other
SAME = 1e-6  # of two numbers: some roundings to float32, 6e-8 each


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

    @cached_property
    def depth(self) -> int:
        """How many functions are one inside the other."""
        inner = (atom.depth for each in self.arguments for atoms in each.terms for atom in atoms)
        return 1 + max(inner, default=-1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


Terms = dict[tuple[Atom, ...], Array]


class TooManyTermsError(Exception):
    """A sum is longer, or has more functions inside functions, than that of any activation."""


class Sum:
    """Coefficients, float64 of shape () or (units,), by the atoms that each is multiplied with."""

    def __init__(self, terms: Terms) -> None:
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
    atom = Atom(name, tuple(map(_sum, arguments)), numbers)
    if atom.depth > _MOST_FUNCTIONS:
        raise TooManyTermsError
    return Sum({(atom,): ONE})


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


def multiple(total: Sum, form: Sum) -> tuple[Array, Array] | None:
    """Return the c and d of ``total = c * form + d``; None if there are none, numbers rounded to float32 apart."""
    shift, own_shift = (each.terms.get((), ZERO) for each in (total, form))
    numbers, own = ({atoms: each for atoms, each in sums.terms.items() if atoms} for sums in (total, form))
    ratios = _ratios(numbers, own)
    if not ratios or not all(close(each, ratios[0]) for each in ratios):
        return None
    c = ONE if ratios[0].ndim == 0 and close(ratios[0], ONE) else ratios[0]
    with np.errstate(all="ignore"):
        return c, rounded(shift - c * own_shift, c * own_shift)


def rounded(difference: Array, size: Array) -> Array:
    """Return the difference of two numbers of a size, 0 if it is only their rounding to float32."""
    return np.where(np.abs(difference) <= SAME * np.abs(size), 0.0, difference) if difference.any() else ZERO


def same(a: Sum, b: Sum) -> bool:
    """Return whether two sums are one, numbers rounded to float32 apart."""
    ratios = _ratios(a.terms, b.terms)
    return ratios is not None and all(close(each, ONE) for each in ratios)


def close(a: Array, b: Array) -> bool:
    """Return whether numbers are the same, rounding to float32 apart."""
    if a.ndim == b.ndim == 0:
        return math.isclose(a, b, rel_tol=SAME)
    return bool(np.allclose(a, b, rtol=SAME, atol=0.0, equal_nan=True))


def _ratios(some: Terms, others: Terms) -> list[Array] | None:
    """Return what the numbers of some terms are divided by those of others; None if their functions differ."""
    left, found = dict(some), []
    for atoms, number in others.items():
        own = atoms if atoms in left else next((each for each in left if _same_atoms(each, atoms)), None)
        if own is None:
            return None
        mine = left.pop(own)
        with np.errstate(all="ignore"):
            ratio = np.asarray(np.where(mine == number, 1.0, mine / number))
        if (np.isfinite(mine) & ~np.isfinite(ratio)).any():  # of 0, or of a number that is too small
            return None
        found.append(ratio)
    return None if left else found


def _same_atoms(some: tuple[Atom, ...], others: tuple[Atom, ...]) -> bool:
    left = list(others)
    for atom in some:
        match = next((each for each in left if _same_atom(atom, each)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _same_atom(a: Atom, b: Atom) -> bool:
    return (
        (a.name, len(a.arguments), len(a.numbers)) == (b.name, len(b.arguments), len(b.numbers))
        and all(math.isclose(x, y, rel_tol=SAME) for x, y in zip(a.numbers, b.numbers, strict=True))
        and all(map(same, a.arguments, b.arguments))
    )

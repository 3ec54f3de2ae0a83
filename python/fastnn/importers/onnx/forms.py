"""The activations and normalizations that sums of functions are: ``c * f(a * x + b) + d``, whatever their nodes were.

A form matches a sum only if it equals all of it. Its numbers may stand anywhere, since a sum is multiplied out.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.importers import steps
from fastnn.importers.formulas import SELU_ALPHA, SELU_SCALE
from fastnn.importers.onnx.algebra import (
    ONE,
    SAME,
    ZERO,
    Atom,
    Sum,
    X,
    close,
    float64,
    function,
    multiple,
    power,
    rounded,
    same,
)  # fmt: skip
from fastnn.importers.steps import Bounds, Function, Normalize, Product, Scale, Slopes, Step

Affine = tuple[Array, Array]  # a, b of a * x + b


def _f(name: str) -> Callable[[Sum], Sum]:
    return lambda u: function(name, u)


_exp, _erf, _tanh, _sigmoid, _softplus = map(_f, ("exponential", "erf", "tanh", "sigmoid", "softplus"))
_positive, _not_negative = _f("is_positive"), _f("is_not_negative")


def _sixth(u: Sum) -> Sum:
    return function("clip", u / 6.0 + 0.5, numbers=(0.0, 1.0))


def _relu6(u: Sum) -> Sum:
    return function("clip", u + 3.0, numbers=(0.0, 6.0))


def _cubic(u: Sum) -> Sum:
    return math.sqrt(2 / math.pi) * (u + 0.044715 * u * u * u)


# The ways in which exporters write an activation that has no numbers of its own, and that several nodes make.
FORMS: list[tuple[str, Callable[[Sum], Sum]]] = [
    ("gelu", lambda u: 0.5 * u * (1.0 + _erf(u / math.sqrt(2)))),
    ("gelu_tanh", lambda u: 0.5 * u * (1.0 + _tanh(_cubic(u)))),
    ("gelu_tanh", lambda u: u * _sigmoid(2.0 * _cubic(u))),
    ("silu", lambda u: u * _sigmoid(u)),
    ("silu", lambda u: u / (1.0 + _exp(-u))),
    ("mish", lambda u: u * _tanh(_softplus(u))),
    ("softsign", lambda u: u / (1.0 + function("abs", u))),
    ("softplus", lambda u: function("log", 1.0 + _exp(u))),
    ("sigmoid", lambda u: 1.0 / (1.0 + _exp(-u))),
    ("hard_sigmoid", _sixth),
    ("hard_sigmoid", lambda u: _relu6(u) / 6.0),
    ("hard_swish", lambda u: u * _sixth(u)),
    ("hard_swish", lambda u: u * _relu6(u) / 6.0),
    ("log_softmax", lambda u: function("log", function("softmax", u))),
    ("relu", lambda u: u * function("positive", u)),
    ("step", _f("not_negative")),
    ("step", lambda u: function("where", _not_negative(u), 1.0, 0.0)),
    ("step", lambda u: function("where", _not_negative(u), 1.0, function("where", _positive(-u), 0.0, u))),
]
# exp(u) - 1, as it stands below 0.
_EXPM1: list[Callable[[Sum], Sum]] = [
    lambda u: _exp(u) - 1.0,
    lambda u: function("elu", u, numbers=(1.0,)),
    lambda u: 2.0 * _tanh(u / 2.0) / (1.0 - _tanh(u / 2.0)),
]
# Both probabilities of two classes: [1 - p, p] for p = sigmoid(x) is softmax([0, x]).
_TWO = function("joined", 1.0 - _sigmoid(X), _sigmoid(X))
ZERO_AND_X = np.array([[0.0, 1.0]], np.float32)  # a kernel


def recognized(total: Sum, source: str) -> list[Step] | None:
    """Return the steps of a sum; None if there are none."""
    if (affine := _affine(total)) is not None:
        return _scaled(source, affine)
    if same(total, _TWO):
        return [Product(source, ZERO_AND_X), Function(source, "softmax")]
    if (name := name_of(total)) is not None:
        return [Function(source, name)]
    shift = total.terms.get((), ZERO)
    rest = {atoms: number for atoms, number in total.terms.items() if atoms}
    (atoms, scale), *others = rest.items() or [((), ZERO)]
    if len(atoms) == 1 and not others and (made := _of_atom(atoms[0], source)) is not None:
        return [*made, *_scaled(source, (scale, shift))]
    if (bent := _bent(Sum(rest))) is not None:
        slopes, above = bent
        step = steps.leaky_relu(source, float(slopes)) if slopes.ndim == 0 else Slopes(source, slopes)
        return [step, *_scaled(source, (above, shift))]
    for name, inner, outer in _matches(total):
        return [*_scaled(source, inner), Function(source, name), *_scaled(source, outer)]
    return _normalization(total, source)


def name_of(total: Sum) -> str | None:
    """Return the activation that a sum is, if several nodes make it and no number is around it."""
    exact = (name for name, inner, outer in _matches(total) if not _scaled("", inner) + _scaled("", outer))
    return next(exact, None)


def _matches(total: Sum) -> Iterator[tuple[str, Affine, Affine]]:
    """Yield the activations that a sum is, each with what is before and after it."""
    innermost = list(_innermost(total))
    for name, form in FORMS:
        if (found := _match(total, form, innermost)) is not None:
            yield name, *found


def _affine(total: Sum) -> Affine | None:
    """Return the a and b of ``total = a * x + b``."""
    x, *_ = X.terms
    if x not in total.terms or total.terms.keys() - {x, ()}:
        return None
    return total.terms[x], total.terms.get((), ZERO)


def _scaled(source: str, affine: Affine) -> list[Step]:
    scale, shift = affine
    is_nothing = scale.ndim == shift.ndim == 0 and scale == 1 and shift == 0
    return [] if is_nothing else [Scale(source, scale, shift)]


def _of_atom(atom: Atom, source: str) -> list[Step] | None:
    """Return the steps of one function."""
    if atom.name == "where":
        return _bent_exponential(atom, source) or _softplus_of_torch(atom, source)
    if atom.name == "bounded":
        return _bounded(atom, source)
    inner = _affine(atom.arguments[0]) if len(atom.arguments) == 1 else None
    if atom.name not in _core.activations or inner is None:
        return None
    if atom.name == "clip":
        step: Step = steps.clip(source, *atom.numbers)
    elif atom.name == "leaky_relu":
        step = steps.leaky_relu(source, *atom.numbers)
    else:
        step = Function(source, atom.name, dict(zip(_core.activations[atom.name], atom.numbers, strict=True)))
    return [*_scaled(source, inner), step]


def _bounded(atom: Atom, source: str) -> list[Step] | None:
    """Return the steps of bounds for each unit."""
    x, low, high = atom.arguments
    inner = _affine(x)
    if inner is None or low.number is None or high.number is None:
        return None
    return [*_scaled(source, inner), Bounds(source, low.number, high.number)]


def _bent(total: Sum) -> Affine | None:
    """Return the slopes and the factor of ``factor * (x if x > 0 else slopes * x)``."""
    halves = _halves(total, {})
    if halves is None or not halves[0].all():
        return None
    above, below = halves
    if (above == 1).all():
        return below, ONE
    with np.errstate(all="ignore"):
        slopes = np.asarray(below / above)
    return (slopes, above) if np.isfinite(slopes).all() else None


def _halves(total: Sum, known: dict[Atom, Affine | None]) -> Affine | None:
    """Return what x is multiplied with above 0 and below, if nothing else happens to it.

    known: the answers so far. A sum may contain the same function many times, at every depth.
    """
    above, below = ZERO, ZERO
    for atoms, number in total.terms.items():
        if not atoms and not number.any():
            continue
        if len(atoms) == 1 and atoms[0] not in known:
            known[atoms[0]] = _halves_of(atoms[0], known)
        found = known[atoms[0]] if len(atoms) == 1 else None
        if found is None:
            return None
        above, below = above + number * found[0], below + number * found[1]
    return above, below


def _halves_of(atom: Atom, known: dict[Atom, Affine | None]) -> Affine | None:
    if atom.name == "x":
        return ONE, ONE
    arguments = _branches(atom) if atom.name == "where" else atom.arguments
    match atom.name, [_halves(each, known) for each in arguments or ()]:
        case "relu", [(above, below)]:
            return np.maximum(above, 0.0), np.minimum(below, 0.0)
        case "maximum", [(above, below), (other_above, other_below)]:
            return np.maximum(above, other_above), np.minimum(below, other_below)
        case "where", [(above, _), (_, below)]:
            return above, below
    return None


def _branches(atom: Atom) -> tuple[Sum, Sum] | None:
    """Return what a `where` gives for x above 0 and below."""
    condition, first, second = atom.arguments
    if any(same(condition, each(X)) for each in (_positive, _not_negative)):
        return first, second
    if any(same(condition, each(-X)) for each in (_positive, _not_negative)):
        return second, first
    return None


def _bent_exponential(atom: Atom, source: str) -> list[Step] | None:
    """Return the steps of ``above * x`` for x > 0, else ``factor * (exp(inner * x) - 1)``."""
    if (branches := _branches(atom)) is None or (first := _affine(branches[0])) is None:
        return None
    for form in _EXPM1:
        found = _match(branches[1], form, list(_innermost(branches[1])))
        numbers = None if found is None else [*found[0], *found[1], *first]
        if numbers is None or any(each.ndim for each in numbers):
            continue
        inner, inner_shift, factor, shift, above, above_shift = map(float, numbers)
        if inner_shift or shift or above_shift or inner <= 0 or above == 0 or math.isinf(above / inner):
            continue
        if inner == 1 and np.allclose([above, factor], [SELU_SCALE, SELU_SCALE * SELU_ALPHA], rtol=SAME, atol=0):
            return [Function(source, "selu")]
        if above == 1 and math.isclose(factor * inner, 1.0, rel_tol=SAME):
            name, alpha, inner = ("elu" if inner == 1 else "celu"), factor, 1.0
        else:
            name, alpha = "elu", factor * inner / above
        before, after = (_scaled(source, (float64(each), ZERO)) for each in (inner, above / inner))
        return [*before, Function(source, name, {"alpha": alpha}), *after]
    return None


def _softplus_of_torch(atom: Atom, source: str) -> list[Step] | None:
    """Return PyTorch's softplus, which is x itself from where no difference is left: softplus(20) - 20 = 2e-9."""
    condition, above, below = atom.arguments
    found, limit = _match(below, _softplus, list(_innermost(below))), condition.atom
    if found is None or limit is None or limit.name != "is_positive" or not same(above, X):
        return None
    (scale, inner_shift), (factor, shift) = found
    compared = _affine(limit.arguments[0])
    if compared is None or inner_shift.any() or shift.any() or scale.ndim or not close(scale * factor, ONE):
        return None
    if not close(compared[0], scale) or compared[1].ndim or compared[1] > -15 or scale < 0:
        return None
    return [*_scaled(source, (scale, ZERO)), Function(source, "softplus"), *_scaled(source, (factor, ZERO))]


def _normalization(total: Sum, source: str) -> list[Step] | None:
    """Return the step of (x - mean) / sqrt(variance + epsilon) * gamma + beta."""
    mean = function("mean", X)
    variances = [function("mean", (X - mean) * (X - mean)), function("mean", X * X) - mean * mean]
    variances += [function("relu", each) for each in variances]
    for root in {atom.key: atom for atoms in total.terms for atom in atoms if atom.name == "power"}.values():
        epsilon = root.arguments[0].terms.get((), ZERO)
        for variance in variances if epsilon.ndim == 0 else []:
            found = multiple(total, (X - mean) * power(variance + float(epsilon), -0.5))
            if found is not None:
                return [Normalize(source, *found, float(epsilon))]
    return None


def _match(total: Sum, form: Callable[[Sum], Sum], innermost: list[Atom]) -> tuple[Affine, Affine] | None:
    """Return (a, b) and (c, d) of ``total = c * form(a * x + b) + d``; innermost: the total's functions of x."""
    wanted = _begin(form)
    for atom in innermost:
        inner = _solved(atom.arguments[0], wanted.arguments[0]) if atom.name == wanted.name else None
        if inner is not None:
            outer = multiple(total, form(X * Sum({(): inner[0]}) + Sum({(): inner[1]})))
            if outer is not None:
                return inner, outer
    return None


@cache
def _begin(form: Callable[[Sum], Sum]) -> Atom:
    """Return the first innermost function of a form of x."""
    return next(_innermost(form(X)))


def _innermost(total: Sum, seen: set[Atom] | None = None) -> Iterator[Atom]:
    """Yield the functions of polynomials of x, each once."""
    seen = set() if seen is None else seen
    for atom in (atom for atoms in total.terms for atom in atoms if atom.name != "x"):
        if atom in seen:
            continue
        seen.add(atom)
        if atom.depth == 1:
            yield atom
        for argument in atom.arguments:
            yield from _innermost(argument, seen)


def _solved(given: Sum, wanted: Sum) -> Affine | None:
    """Return (a, b) of ``given(x) = wanted(a * x + b)``, as the two highest powers of x tell them."""
    numbers, own = ({len(atoms): number for atoms, number in sums.terms.items()} for sums in (given, wanted))
    n = max(own)
    if n < 1 or max(numbers, default=0) != n:
        return None
    with np.errstate(all="ignore"):
        ratio = numbers[n] / own[n]
        a = np.asarray(np.sign(ratio) * np.abs(ratio) ** (1 / n))
        a = ONE if close(a, ONE) else a
        if not a.all():  # a function of no x
            return None
        next_own = own.get(n - 1, ZERO)
        b = np.asarray((numbers.get(n - 1, ZERO) / a ** (n - 1) - next_own) / (n * own[n]))
    return a, rounded(b, next_own / own[n])

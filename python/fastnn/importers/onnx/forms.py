"""The sums that are activations or layer normalization, and what others are in steps."""

import math
from collections.abc import Iterator

import numpy as np

from fastnn.importers import steps
from fastnn.importers.onnx.algebra import ONE, ZERO, Array, Atom, Sum, X, float64, function, power, same
from fastnn.importers.onnx.answers import Complemented
from fastnn.importers.steps import Function, Normalize, Scale, Slopes, Step

_NAMED = {  # an atom -> an activation without parameters, of the same name
    *("relu", "tanh", "sigmoid", "softmax", "softsign", "exponential", "softplus", "mish", "hard_swish", "selu"),
    *("gelu", "gelu_tanh", "silu", "log_softmax", "step"),
}  # fmt: skip
_TANH_INNER = math.sqrt(2 / math.pi) * (X + 0.044715 * X * X * X)
_EXP = function("exponential", X)
_SIXTH = function("clip", X / 6.0 + 0.5, numbers=(0.0, 1.0))
_RELU6 = function("clip", X + 3.0, numbers=(0.0, 6.0))
_POSITIVE, _NEGATIVE = function("is_positive", X), function("is_positive", -X)
_NOT_NEGATIVE, _NOT_POSITIVE = function("is_not_negative", X), function("is_not_negative", -X)
_TWO = function("joined", 1.0 - X, X)
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848, 1.0507009873554804934

FORMS: list[tuple[str, Sum]] = [
    ("gelu", 0.5 * X * (1.0 + function("erf", X / math.sqrt(2)))),
    ("gelu_tanh", 0.5 * X * (1.0 + function("tanh", _TANH_INNER))),
    ("gelu_tanh", X * function("sigmoid", 2.0 * _TANH_INNER)),
    ("silu", X * function("sigmoid", X)),
    ("silu", X / (1.0 + function("exponential", -X))),
    ("mish", X * function("tanh", function("softplus", X))),
    ("softsign", X / (1.0 + function("abs", X))),
    ("softplus", function("log", 1.0 + _EXP)),
    ("sigmoid", 1.0 / (1.0 + function("exponential", -X))),
    ("hard_sigmoid", _SIXTH),
    ("hard_sigmoid", _RELU6 / 6.0),
    ("hard_swish", X * _SIXTH),
    ("hard_swish", X * _RELU6 / 6.0),
    ("log_softmax", function("log", function("softmax", X))),
    ("relu", X * function("positive", X)),
    ("relu", function("where", _POSITIVE, X, 0.0)),
    ("step", function("not_negative", X)),
    ("step", function("where", _NOT_NEGATIVE, 1.0, 0.0)),
    ("step", function("where", _NOT_NEGATIVE, 1.0, function("where", _NEGATIVE, 0.0, X))),
]


def recognized(total: Sum, source: str) -> list[Step] | None:
    """Return the steps of a sum; None if there are none."""
    for name, form in FORMS:
        if same(total, form):
            return [Function(source, name)]
    if same(total, _TWO):
        return [Complemented(source)]
    for step_list, form in _candidates(total, source):
        if same(total, form):
            return step_list
    shift = total.terms.get((), ZERO)
    rest = [(atoms, number) for atoms, number in total.terms.items() if atoms]
    if len(rest) != 1 or len(rest[0][0]) != 1:
        return None
    ((atom,), scale), *_ = rest
    made = _function(atom, source)
    if made is None or (scale.ndim == shift.ndim == 0 and scale == 1 and shift == 0):
        return made
    return [*made, Scale(source, scale, shift)]


def is_form(total: Sum) -> bool:
    """Return whether a sum is an activation that several nodes make."""
    return any(same(total, form) for _, form in FORMS)


def _function(atom: Atom, source: str) -> list[Step] | None:
    """Return the steps of a function, those of what it is a function of first."""
    if atom.name == "x":
        return []
    inner = recognized(atom.arguments[0], source) if len(atom.arguments) == 1 else None
    if inner is None:
        return None
    if atom.name in _NAMED:
        return [*inner, Function(source, atom.name)]
    match atom.name, atom.numbers:
        case "leaky_relu", (slope,):
            return [*inner, steps.leaky_relu(source, slope)]
        case "clip", (minimum, maximum):
            return [*inner, steps.clip(source, minimum, maximum)]
        case (("elu" | "celu"), (alpha,)):
            return [*inner, Function(source, atom.name, {"alpha": alpha})]
    return None


def _candidates(total: Sum, source: str) -> Iterator[tuple[list[Step], Sum]]:
    """Yield steps with numbers that stand in the sum, and the sum that these would be."""
    atoms = {atom.key: atom for factors in total.terms for atom in factors}.values()
    for atom in atoms:
        if atom.name == "sigmoid" and (slope := _slope(atom.arguments[0])) not in (None, 0.0):
            yield _scaled(source, slope, Function(source, "silu")), X * function("sigmoid", slope * X)
        if atom.name == "power" and atom.numbers == (-0.5,):
            yield from _normalizations(total, atom, source)
        if atom.name in ("maximum", "where"):
            yield from _bent(atom, source)
    below = function("relu", -X)
    if (slopes := _coefficient(total, below)) is not None:
        yield _sloped(source, -slopes), function("relu", X) + Sum({(): slopes}) * below


def _slope(total: Sum) -> float | None:
    """Return a of a * x."""
    number = _coefficient(total, X)
    return float(number) if number is not None and number.ndim == 0 and len(total.terms) == 1 else None


def _coefficient(total: Sum, of: Sum) -> Array | None:
    return total.terms.get(next(iter(of.terms)))


def _scaled(source: str, scale: float, step: Function) -> list[Step]:
    """Return the steps of step(scale * x) / scale."""
    zero = ZERO
    return [Scale(source, float64(scale), zero), step, Scale(source, float64(1 / scale), zero)]


def _sloped(source: str, slopes: Array) -> list[Step]:
    return [steps.leaky_relu(source, float(slopes)) if slopes.ndim == 0 else Slopes(source, slopes)]


def _bent(atom: Atom, source: str) -> Iterator[tuple[list[Step], Sum]]:
    """Yield what has one form where x > 0 and another where not."""
    if atom.name == "maximum":
        for each in atom.arguments:
            slopes = _coefficient(each, X)
            if slopes is not None and (slopes >= 0).all() and (slopes <= 1).all() and not (slopes == 1).all():
                for pair in ((X, each), (each, X)):
                    yield _sloped(source, slopes), function("maximum", *pair)
        return
    condition, first, second = atom.arguments
    if any(same(condition, each) for each in (_POSITIVE, _NOT_NEGATIVE)):
        above, below = first, second
    elif any(same(condition, each) for each in (_NEGATIVE, _NOT_POSITIVE)):
        above, below = second, first
    else:
        yield from _softplus(atom, source)
        return
    if (slopes := _coefficient(below, X)) is not None and len(below.terms) == 1 and same(above, X):
        yield _sloped(source, slopes), Sum({(atom,): ONE})
    elif (scale := _slope(above)) is not None:
        yield from _exponential_below(atom, scale, below, source)


def _exponential_below(atom: Atom, above: float, below: Sum, source: str) -> Iterator[tuple[list[Step], Sum]]:
    """Yield above * x where x > 0, else below: factor * (exp(inner * x) - 1)."""
    whole = Sum({(atom,): ONE})
    for inner, factor in _exponentials(below):
        if inner == 1.0 and np.allclose([above, factor], [_SELU_SCALE, _SELU_SCALE * _SELU_ALPHA], rtol=1e-6, atol=0):
            yield [Function(source, "selu")], whole
        elif inner == 1.0 and above != 0:
            scale = [] if above == 1 else [Scale(source, float64(above), ZERO)]
            yield [Function(source, "elu", {"alpha": factor / above}), *scale], whole
        elif above == 1.0 and math.isclose(factor * inner, 1.0, rel_tol=1e-6):
            yield [Function(source, "celu", {"alpha": factor})], whole


def _exponentials(total: Sum) -> Iterator[tuple[float, float]]:
    """Yield inner and factor where the sum is factor * (exp(inner * x) - 1), in one of three ways."""
    for factors, number in total.terms.items():
        for each in factors:
            slope = _slope(each.arguments[0]) if each.name in ("elu", "exponential", "tanh") else None
            if slope is None or number.ndim:
                continue
            x = slope * X
            exponential, elu, tanh = function("exponential", x), function("elu", x, numbers=(1.0,)), function("tanh", x)
            if each.name == "tanh" and same(total, float(number) * tanh / (1.0 - tanh)):
                yield 2 * slope, float(number) / 2
            elif any(same(total, float(number) * form) for form in (exponential - 1.0, elu)):
                yield slope, float(number)


def _softplus(atom: Atom, source: str) -> Iterator[tuple[list[Step], Sum]]:
    """Yield PyTorch's softplus, which is x itself from where no difference is left: softplus(20) - 20 = 2e-9."""
    condition, above, below = atom.arguments
    smooth = next((factors[0] for factors in below.terms if len(factors) == 1 and factors[0].name == "softplus"), None)
    limit = condition.atom
    scale = _slope(smooth.arguments[0]) if smooth is not None else None
    if not scale or limit is None or limit.name != "is_positive" or not same(above, X):
        return
    threshold = limit.arguments[0].terms.get((), ZERO)
    form = function("softplus", scale * X) * (1 / scale)
    if threshold.ndim or threshold > -15 or scale < 0:
        return
    if same(limit.arguments[0], scale * X + float(threshold)):
        softplus = Function(source, "softplus")
        made: list[Step] = [softplus] if scale == 1 else _scaled(source, scale, softplus)
        yield made, function("where", condition, X, form)


def _normalizations(total: Sum, root: Atom, source: str) -> Iterator[tuple[list[Step], Sum]]:
    """Yield (x - mean) / sqrt(variance + epsilon) * gamma + beta, root being 1 / sqrt(variance + epsilon)."""
    gamma = _coefficient(total, X * Sum({(root,): ONE}))
    shift, epsilon = (Sum({(): each.terms[()]} if () in each.terms else {}) for each in (total, root.arguments[0]))
    if gamma is None or epsilon.terms.get((), ZERO).ndim:
        return
    mean = function("mean", X)
    variances = [function("mean", (X - mean) * (X - mean)), function("mean", X * X) - mean * mean]
    variances += [function("relu", each) for each in variances]
    for variance in variances:
        form = (X - mean) * power(variance + epsilon, -0.5) * Sum({(): gamma}) + shift
        beta, least = (each.terms.get((), ZERO) for each in (shift, epsilon))
        yield [Normalize(source, gamma, beta, float(least))], form

"""The operations of ONNX that work on each number of a row, or on the row, as sums of functions (algebra.py)."""

import math
from collections.abc import Callable

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.algebra import ONE, Array, Sum, function, power
from fastnn.importers.onnx.graph import Node

Arguments = list[Sum | None]  # None: an input that is left out
_FLOATS, _INTEGERS, _BOOL = {1, 10, 11, 16}, {2, 3, 4, 5, 6, 7, 12, 13}, 9
_NAMED = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softsign": "softsign", "Exp": "exponential",
    "Softplus": "softplus", "Mish": "mish", "HardSwish": "hard_swish", "Abs": "abs", "Erf": "erf", "Log": "log",
}  # fmt: skip


def number(value: float, is_double: bool = False) -> float:
    """Return what an attribute means: 0.01, not 0.0099999998, which is how a float32 holds it."""
    return float(np.float32(value)) if is_double else float(str(np.float32(value)))


def required(node: Node, given: Sum | None) -> Sum:
    """Return an input; ModelFormatError where it was left out."""
    if given is None:
        raise ModelFormatError(f"{node} lacks an input")
    return given


def scalar(node: Node, given: Sum | None, default: float) -> float:
    """Return the number that an input is."""
    if given is None:
        return default
    if given.number is None or given.number.ndim:
        raise UnsupportedModelError(f"{node} has an input that is not one number, known beforehand")
    return float(given.number)


def _two(combine: Callable[[Sum, Sum], Sum]) -> Callable[[Node, Arguments, "Kind"], Sum]:
    def operation(node: Node, given: Arguments, kind: "Kind") -> Sum:
        node.finish(range(2, 3))
        return combine(required(node, given[0]), required(node, given[1]))

    return operation


class Kind:
    """What the meaning of operations depends on: opset, whether the numbers are float64, rank of the rows' array."""

    def __init__(self, opset: int, is_double: bool, rank: int) -> None:
        self.opset, self.is_double, self.rank = opset, is_double, rank


def _named(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(1, 2))
    inner = required(node, given[0])
    if node.op == "Abs" and inner.number is None and inner.atom is None and len(inner.terms) == 1:
        (atoms, factor), *_ = inner.terms.items()  # |-x| = |x|
        if factor.ndim == 0 and factor == -1:
            inner = Sum({atoms: ONE})
    return function(_NAMED[node.op], inner)


def _with(name: str, **defaults: float) -> Callable[[Node, Arguments, Kind], Sum]:
    """Return the operation that is a function with numbers, its attributes."""

    def operation(node: Node, given: Arguments, kind: Kind) -> Sum:
        numbers = tuple(number(node.take(each, default), kind.is_double) for each, default in defaults.items())
        node.finish(range(1, 2))
        return function(name, required(node, given[0]), numbers=numbers)

    return operation


def _selu(node: Node, given: Arguments, kind: Kind) -> Sum:
    alpha, gamma = (
        node.take(name, value) for name, value in (("alpha", 1.6732631921768188), ("gamma", 1.0507010221481323))
    )
    node.finish(range(1, 2))
    x = required(node, given[0])
    if np.allclose([alpha, gamma], [1.6732632423543772, 1.0507009873554805], rtol=1e-6, atol=0):
        return function("selu", x)
    return float(gamma) * function("elu", x, numbers=(alpha,))


def _gelu(node: Node, given: Arguments, kind: Kind) -> Sum:
    approximate = node.take("approximate", "none")
    node.finish(range(1, 2))
    if approximate not in ("none", "tanh"):
        raise ModelFormatError(f"{node} has the attribute approximate {approximate!r:.40}; expected none or tanh")
    return function("gelu" if approximate == "none" else "gelu_tanh", required(node, given[0]))


def _swish(node: Node, given: Arguments, kind: Kind) -> Sum:
    alpha = number(node.take("alpha", 1.0), kind.is_double)
    node.finish(range(1, 2))
    x = required(node, given[0])
    return x * function("sigmoid", alpha * x)


def _hard_sigmoid(node: Node, given: Arguments, kind: Kind) -> Sum:
    alpha, beta = number(node.take("alpha", 0.2), kind.is_double), number(node.take("beta", 0.5), kind.is_double)
    node.finish(range(1, 2))
    return function("clip", alpha * required(node, given[0]) + beta, numbers=(0.0, 1.0))


def _thresholded(node: Node, given: Arguments, kind: Kind) -> Sum:
    alpha = node.take("alpha", 1.0)
    node.finish(range(1, 2))
    if alpha != 0:
        raise UnsupportedModelError(f"{node} has a threshold other than 0, {alpha}, which fastnn has no activation for")
    return function("relu", required(node, given[0]))


def _clip(node: Node, given: Arguments, kind: Kind) -> Sum:
    if kind.opset < 11:
        lowest, highest = -math.inf, math.inf
        bounds = [node.take("min", lowest), node.take("max", highest)]
        bounds = [
            number(each, kind.is_double) if abs(each) < 3.4e38 else math.copysign(math.inf, each) for each in bounds
        ]
        node.finish(range(1, 2))
    else:
        node.finish(range(1, 4))
        given = [*given, None, None]
        bounds = [scalar(node, given[1], -math.inf), scalar(node, given[2], math.inf)]
    return _between(required(node, given[0]), *bounds)


def _between(x: Sum, minimum: float, maximum: float) -> Sum:
    if (minimum, maximum) == (0, math.inf):
        return function("relu", x)
    # One after the other: Min of Max.
    if x.atom is not None and x.atom.name in ("clip", "relu"):
        low, high = x.atom.numbers or (0.0, math.inf)
        if low <= minimum <= high or minimum == -math.inf:
            return _between_new(x.atom.arguments[0], max(low, minimum), min(high, maximum))
    return _between_new(x, minimum, maximum)


def _between_new(x: Sum, minimum: float, maximum: float) -> Sum:
    return function("clip", x, numbers=(minimum, maximum))


def _largest(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(1, 3))
    first, *others = (required(node, each) for each in given)
    for other in others:
        if first.number is not None:
            first, other = other, first
        if other.number is not None:
            bound = scalar(node, other, 0.0)
            first = _between(first, *((bound, math.inf) if node.op == "Max" else (-math.inf, bound)))
        elif node.op == "Max":
            first = function("maximum", first, other)
        else:
            first = -function("maximum", -first, -other)
    return first


def _power(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(2, 3))
    return power(required(node, given[0]), scalar(node, given[1], 1.0))


def _to(exponent: float) -> Callable[[Node, Arguments, Kind], Sum]:
    def operation(node: Node, given: Arguments, kind: Kind) -> Sum:
        node.finish(range(1, 2))
        return power(required(node, given[0]), exponent)

    return operation


def _negative(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(1, 2))
    return -required(node, given[0])


def _where(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(3, 4))
    return function("where", *(required(node, each) for each in given))


def _cast(node: Node, given: Arguments, kind: Kind) -> Sum:
    to, x = node.take("to", 0), required(node, given[0])
    node.take("saturate", 1)
    node.take("round_mode", "up")
    node.finish(range(1, 2))
    if to not in _FLOATS:
        raise UnsupportedModelError(
            f"{node} makes integers of the numbers (type {to}); fastnn computes in floats alone"
        )
    if x.atom is not None and x.atom.name in ("is_positive", "is_not_negative"):  # 1 or 0
        return function(x.atom.name.removeprefix("is_"), *x.atom.arguments)
    return x


def _same(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.finish(range(1, 2))
    return required(node, given[0])


def _dropout(node: Node, given: Arguments, kind: Kind) -> Sum:
    node.take("ratio", 0.5)
    node.take("seed", 0)
    node.finish(range(1, 4))
    if len(given) > 2 and given[2] is not None and scalar(node, given[2], 0.0) != 0:
        raise UnsupportedModelError(f"{node} is in training mode; export the model for inference: model.eval()")
    return required(node, given[0])


def _of_row(name: str) -> Callable[[Node, Arguments, Kind], Sum]:
    """Return softmax, whose axis must be the last. Before opset 13, all from the axis on were one."""

    def operation(node: Node, given: Arguments, kind: Kind) -> Sum:
        axis = node.take("axis", -1 if kind.opset >= 13 else 1)
        node.finish(range(1, 2))
        if axis not in (-1, kind.rank - 1):
            raise UnsupportedModelError(f"{node} works on axis {axis}; expected the last, the units of a row")
        return function(name, required(node, given[0]))

    return operation


def axes(node: Node, given: Array | None, attribute: str = "axes") -> list[int] | None:
    """Return the axes that an operation has as an attribute, or later as an input; None where it has none."""
    listed = node.take(attribute, None)
    if listed is None and given is not None:
        listed = np.asarray(given).reshape(-1).tolist()
    if listed is not None and not (isinstance(listed, list) and all(each in range(-64, 64) for each in listed)):
        raise ModelFormatError(f"{node} has the axes {listed!r:.60}")
    return None if listed is None else [int(each) for each in listed]


def _mean(node: Node, given: Arguments, kind: Kind) -> Sum:
    second = given[1].number if len(given) > 1 and given[1] is not None else None
    listed, keeps = axes(node, second), node.take("keepdims", 1)
    node.take("noop_with_empty_axes", 0)
    node.finish(range(1, 3))
    if listed not in ([-1], [kind.rank - 1]) or not keeps:
        raise UnsupportedModelError(f"{node} is a mean over the axes {listed}; expected the last one, kept")
    return function("mean", required(node, given[0]))


def _concatenated(node: Node, given: Arguments, kind: Kind) -> Sum:
    axis = node.take("axis", 0)
    node.finish(range(2, 3))
    if axis not in (-1, kind.rank - 1):
        raise UnsupportedModelError(f"{node} joins rows (axis {axis}); fastnn has no branches")
    return function("joined", *(required(node, each) for each in given))


OPERATIONS: dict[str, Callable[[Node, Arguments, Kind], Sum]] = {
    **dict.fromkeys(_NAMED, _named),
    "Add": _two(lambda a, b: a + b), "Sub": _two(lambda a, b: a - b), "Mul": _two(lambda a, b: a * b),
    "Div": _two(lambda a, b: a / b), "Neg": _negative, "Pow": _power, "Sqrt": _to(0.5), "Reciprocal": _to(-1.0),
    "Greater": _two(lambda a, b: function("is_positive", a - b)),
    "Less": _two(lambda a, b: function("is_positive", b - a)),
    "GreaterOrEqual": _two(lambda a, b: function("is_not_negative", a - b)),
    "LessOrEqual": _two(lambda a, b: function("is_not_negative", b - a)),
    "Where": _where, "Max": _largest, "Min": _largest, "Clip": _clip,
    "LeakyRelu": _with("leaky_relu", alpha=0.01), "Elu": _with("elu", alpha=1.0), "Celu": _with("celu", alpha=1.0),
    "Selu": _selu, "Gelu": _gelu, "Swish": _swish, "HardSigmoid": _hard_sigmoid, "ThresholdedRelu": _thresholded,
    "Softmax": _of_row("softmax"), "LogSoftmax": _of_row("log_softmax"), "ReduceMean": _mean,
    "Identity": _same, "Dropout": _dropout, "Cast": _cast, "CastLike": _two(lambda a, b: a), "Concat": _concatenated,
}  # fmt: skip

"""The operations of ONNX that work on each number of a row, or on the row, as sums of functions (algebra.py)."""

import math
from collections.abc import Callable

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers import bounds
from fastnn.importers.formulas import SELU_ALPHA, SELU_SCALE
from fastnn.importers.onnx.algebra import ZERO, Atom, Sum, constant, float64, function, power
from fastnn.importers.onnx.graph import Node
from fastnn.importers.onnx.shapes import Rows, axes_of
from fastnn.importers.onnx.tensors import FLOATS


def _number(node: Node, given: Sum | None, default: float) -> float:
    """Return the number that an input is."""
    if given is None:
        return default
    if given.number is None or given.number.ndim:
        raise UnsupportedModelError(f"{node} has an input that is not one number, known beforehand")
    return float(given.number)


def _named(name: str, *attributes: str) -> Callable[[Node, Rows, Sum], Sum]:
    """Return the operation that is a function of its input, with numbers from attributes."""
    return lambda node, rows, x: function(
        name, x, numbers=tuple(rows.number(node.attributes[each]) for each in attributes)
    )


def _of_row(name: str) -> Callable[[Node, Rows, Sum], Sum]:
    def operation(node: Node, rows: Rows, x: Sum) -> Sum:
        rows.check_axis(node, node.attributes["axis"])
        return function(name, x)

    return operation


def _selu(node: Node, _: Rows, x: Sum) -> Sum:
    alpha, gamma = node.attributes["alpha"], node.attributes["gamma"]
    if np.allclose([alpha, gamma], [SELU_ALPHA, SELU_SCALE], rtol=1e-6, atol=0):
        return function("selu", x)
    return float(gamma) * function("elu", x, numbers=(alpha,))


def _gelu(node: Node, _: Rows, x: Sum) -> Sum:
    approximate = node.attributes["approximate"]
    if approximate not in ("none", "tanh"):
        raise ModelFormatError(f"{node} has the attribute approximate {approximate!r:.40}; expected none or tanh")
    return function("gelu" if approximate == "none" else "gelu_tanh", x)


def _clip(node: Node, rows: Rows, x: Sum, *ends: Sum | None) -> Sum:
    if any(each is not None and each.number is not None and each.number.ndim for each in ends):
        raise UnsupportedModelError(
            f"{node} has bounds for each unit; expected one number, or Max and Min in its place"
        )
    low, high = (
        _number(node, each, end) for each, end in zip(ends or (None, None), (-math.inf, math.inf), strict=True)
    )
    if not ends:  # before opset 11
        low, high = (rows.number(node.attributes[each]) for each in ("min", "max"))
        low, high = (math.copysign(math.inf, each) if abs(each) > 3.4e38 else each for each in (low, high))
    return _between(x, float64(low), float64(high))


def _between(x: Sum, minimum: Array, maximum: Array) -> Sum:
    own = None if x.atom is None else _bounds(x.atom)
    if x.atom is not None and own is not None:  # Min of Max, which is one clip
        x, (minimum, maximum) = x.atom.arguments[0], bounds.within(own, (minimum, maximum))
    if minimum.ndim or maximum.ndim:
        return function("bounded", x, constant(minimum), constant(maximum))
    numbers = float(minimum), float(maximum)
    return function("relu", x) if numbers == (0.0, math.inf) else function("clip", x, numbers=numbers)


def _bounds(atom: Atom) -> tuple[Array, Array] | None:
    """Return the numbers that a function keeps x between; None for any other function."""
    match atom.name:
        case "relu":
            return ZERO, float64(math.inf)
        case "clip":
            low, high = map(float64, atom.numbers)
            return low, high
        case "bounded":
            _, lowest, highest = atom.arguments
            if lowest.number is not None and highest.number is not None:
                return lowest.number, highest.number
    return None


def _largest(node: Node, _: Rows, *given: Sum) -> Sum:
    sign = 1.0 if node.op == "Max" else -1.0  # min(a, b) = -max(-a, -b)
    first, *others = sorted(given, key=lambda each: each.number is not None)
    for other in others:
        if other.number is not None:
            none = float64(sign * math.inf)
            first = _between(first, *((other.number, none) if node.op == "Max" else (none, other.number)))
        else:
            first = sign * function("maximum", sign * first, sign * other)
    return first


def _cast(node: Node, _: Rows, x: Sum) -> Sum:
    if (to := node.attributes["to"]) not in FLOATS:
        raise UnsupportedModelError(f"{node} makes integers of the numbers (type {to}); fastnn computes in floats only")
    if x.atom is not None and x.atom.name in ("is_positive", "is_not_negative"):  # 1 or 0
        return function(x.atom.name.removeprefix("is_"), *x.atom.arguments)
    return x


def _dropout(node: Node, _: Rows, x: Sum, ratio: Sum | None = None, training: Sum | None = None) -> Sum:
    if _number(node, training, 0.0) != 0:
        raise UnsupportedModelError(f"{node} is in training mode; export the model for inference: model.eval()")
    return x


def _mean(node: Node, rows: Rows, x: Sum, axes: Sum | None = None) -> Sum:
    listed = axes_of(node, None if axes is None else axes.number)
    if listed is None or len(listed) != 1 or not node.attributes["keepdims"]:
        raise UnsupportedModelError(f"{node} is a mean over the axes {listed}; expected the last one, kept")
    rows.check_axis(node, listed[0])
    return function("mean", x)


def _batch_normalization(node: Node, rows: Rows, x: Sum, *given: Sum) -> Sum:
    rows.check_axis(node, 1)
    if node.attributes.get("training_mode"):
        raise UnsupportedModelError(f"{node} is in training mode; export the model for inference: model.eval()")
    gamma, beta, mean, variance = (each.number for each in given)
    if gamma is None or beta is None or mean is None or variance is None:
        raise UnsupportedModelError(f"{node} has numbers that are no constants")
    with np.errstate(all="ignore"):
        scale = gamma / np.sqrt(variance + rows.number(node.attributes["epsilon"]))
        return x * constant(scale) + constant(beta - mean * scale)


def _layer_normalization(node: Node, rows: Rows, x: Sum, gamma: Sum, beta: Sum | None) -> Sum:
    rows.check_axis(node, node.attributes["axis"])
    centred = x - function("mean", x)
    root = power(function("mean", centred * centred) + rows.number(node.attributes["epsilon"]), -0.5)
    return centred * root * gamma + (0.0 if beta is None else beta)


def _concatenated(node: Node, rows: Rows, *parts: Sum) -> Sum:
    rows.check_axis(node, node.attributes["axis"])
    return function("joined", *parts)


# Each takes a node, the rows before it and its inputs. ONNX's checks of their number were done when it was read.
OPERATIONS: dict[str, Callable[..., Sum]] = {
    "Add": lambda node, rows, a, b: a + b,
    "Sub": lambda node, rows, a, b: a - b,
    "Mul": lambda node, rows, a, b: a * b,
    "Div": lambda node, rows, a, b: a / b,
    "Neg": lambda node, rows, x: -x,
    "Pow": lambda node, rows, x, exponent: power(x, _number(node, exponent, 1.0)),
    "Sqrt": lambda node, rows, x: power(x, 0.5),
    "Reciprocal": lambda node, rows, x: power(x, -1.0),
    "Greater": lambda node, rows, a, b: function("is_positive", a - b),
    "Less": lambda node, rows, a, b: function("is_positive", b - a),
    "GreaterOrEqual": lambda node, rows, a, b: function("is_not_negative", a - b),
    "LessOrEqual": lambda node, rows, a, b: function("is_not_negative", b - a),
    "Where": lambda node, rows, condition, a, b: function("where", condition, a, b),
    "PRelu": lambda node, rows, x, slopes: function("relu", x) - slopes * function("relu", -x),
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "HardSigmoid": lambda node, rows, x: function(
        "clip", x * rows.number(node.attributes["alpha"]) + rows.number(node.attributes["beta"]), numbers=(0.0, 1.0)
    ),
    "ThresholdedRelu": lambda node, rows, x: x * function("positive", x - rows.number(node.attributes["alpha"])),
    "Identity": lambda node, rows, x: x,
    "CastLike": lambda node, rows, x, like: x,
    "Swish": lambda node, rows, x: x * function("sigmoid", rows.number(node.attributes["alpha"]) * x),
    "Relu": _named("relu"), "Tanh": _named("tanh"), "Sigmoid": _named("sigmoid"), "Softsign": _named("softsign"),
    "Exp": _named("exponential"), "Softplus": _named("softplus"), "Mish": _named("mish"), "Erf": _named("erf"),
    "HardSwish": _named("hard_swish"), "Log": _named("log"), "LeakyRelu": _named("leaky_relu", "alpha"),
    "Elu": _named("elu", "alpha"), "Celu": _named("celu", "alpha"), "Abs": _named("abs"), "Selu": _selu, "Gelu": _gelu,
    "Clip": _clip, "Max": _largest, "Min": _largest,
    "Softmax": _of_row("softmax"), "LogSoftmax": _of_row("log_softmax"), "ReduceMean": _mean, "Cast": _cast,
    "Dropout": _dropout, "Concat": _concatenated,
}  # fmt: skip

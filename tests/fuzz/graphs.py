"""Random valid ONNX graphs of the operators that fastnn reads, each made of bytes: every byte is a choice.

Most are networks that fastnn takes. Others combine the same operators into functions that only look like those: what
fastnn takes of them has to be right too.
"""

import numpy as np
import onnx

from arrays import uniform
from onnx_graphs import Chain

NUMBERS = (1.0, 0.5, 2.0, -1.0, 0.0, 3.0, 6.0, 0.1, 0.044715, 1.702, -0.3, 20.0, 1e-3, 0.7978845608, 0.70710678, 1 / 6)
PLAIN = ("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus", "Exp", "Abs", "Neg", "Identity", "Erf", "Selu", "Dropout")
SINCE = {"HardSwish": 14, "Mish": 18, "Gelu": 20, "Swish": 24}  # the opset of a later operator
WITH_ALPHA = ("LeakyRelu", "Elu", "Celu", "ThresholdedRelu", "Swish")
COMPARISONS = ("Greater", "Less", "GreaterOrEqual", "LessOrEqual")


class Graph(Chain):
    """A chain whose next node is the next choice."""

    def __init__(self, data):
        self._data = iter(data)
        self._seed = 0
        inputs, opset = 1 + self.below(5), self.one_of(13, 17, 20, 24, 9, 11, 15, 18, 22, 7)
        shape = self.one_of(None, None, None, [1, inputs], [16, inputs], ["n", 1, inputs], [1, 1, inputs])
        super().__init__(inputs, self.one_of("float32", "float32", "float64"), opset, shape)
        self.rank = 2 if shape is None else len(shape)

    def below(self, count):
        return next(self._data, 0) % count

    def one_of(self, *choices):
        return choices[self.below(len(choices))]

    def numbers(self, *shape):
        """Return random numbers, or the same one everywhere."""
        self._seed += 1
        values = uniform(1000 * self._seed + self.below(4), shape) * self.one_of(1.0, 1.0, 4.0, 0.1)
        values = self.one_of(values, values, np.abs(values) + 0.1, np.full(shape, self.one_of(*NUMBERS)))
        return values.astype(self.dtype)

    def operand(self):
        """Return a constant that meets the units: one number, or one for each."""
        shape = self.one_of((), (), (self.width,), (1,), (1, self.width))
        array = self.numbers(*shape)
        if self.below(4):
            return self.constant(array)
        op = self.one_of("Neg", "Abs", "Exp", "Identity")  # a constant that a node makes
        return self.aside(op, self.constant(array))

    def aside(self, op, *inputs, **attributes):
        """Append a node whose output is not the value."""
        before = self.value
        made = self.add(op, *inputs, **attributes)
        self.value = before
        return made

    def has(self, op):
        return SINCE.get(op, 0) <= self.opset

    def layer(self):
        units = 1 + self.below(5)
        kernel = self.numbers(self.width, units)
        kind, self.width = self.below(4) if self.rank == 2 else 3, units
        if kind == 0:
            return self.then("Gemm", kernel, self.numbers(*self.one_of((units,), (1, units), (), (1,))))
        if kind == 1:
            factors = {"alpha": self.one_of(1.0, 2.0, -0.5), "beta": self.one_of(1.0, 0.5, 0.0)}
            return self.then("Gemm", kernel.T, self.numbers(units), transB=1, **factors)
        if kind == 2 and self.opset >= 11:
            return self.then("Gemm", kernel)
        self.then("MatMul", kernel)
        return self.then("Add", self.operand()) if self.below(2) else self.value

    def function(self, x):
        """Return a function of a value: one node."""
        kind = self.below(8)
        if kind < 3:
            return self.aside(self.one_of(*PLAIN), x)
        if kind == 3 and self.has(op := self.one_of(*WITH_ALPHA)):
            return self.aside(op, x, alpha=self.one_of(*NUMBERS))
        if kind == 4:
            return self.aside(self.one_of("Softmax", "LogSoftmax"), x, axis=self.one_of(-1, 1, self.rank - 1, 0))
        if kind == 5 and self.has(op := self.one_of("HardSwish", "Mish", "Gelu")):
            attributes = {"approximate": self.one_of("none", "tanh")} if op == "Gelu" else {}
            return self.aside(op, x, **attributes)
        if kind == 6:
            return self.clip(x, *sorted((self.one_of(*NUMBERS), self.one_of(*NUMBERS))))
        return self.aside("HardSigmoid", x, alpha=self.one_of(0.2, 1 / 6, 0.5), beta=0.5)

    def clip(self, x, low, high):
        if self.opset < 11:
            return self.aside("Clip", x, min=low, max=high)
        ends = self.constant(low), self.constant(high)
        return self.aside("Clip", x, *self.one_of(ends, ends[:1], ("", ends[1]), ()))

    def expression(self, x, depth):
        """Return a function of a value: several nodes that each take it, constants or one another."""
        if depth == 0:
            return self.one_of(x, x, self.operand())
        kind, deeper = self.below(8), [self.expression(x, depth - 1) for _ in range(2)]
        if kind < 4:
            return self.aside(self.one_of("Add", "Mul", "Sub", "Div", "Max", "Min", "Mul", "Add"), *deeper)
        if kind == 4:
            exponent = self.constant(self.one_of(2.0, 3.0, 0.5, 1.0, -1.0, -0.5))
            return self.aside("Pow", deeper[0], exponent)
        if kind == 5 and self.opset >= 16:
            condition = self.aside(
                self.one_of(*COMPARISONS), *(self.one_of(each, x, self.constant(0.0)) for each in deeper)
            )
            return self.aside("Where", condition, *deeper)
        if kind == 6:
            return self.aside(self.one_of("Sqrt", "Reciprocal", "Log", "Abs", "Exp"), deeper[0])
        return self.function(deeper[0])

    def written_out(self, x):
        """Return an activation or a normalization as exporters write it, perhaps with another number in it."""
        c = lambda number: self.constant(number if self.below(4) else self.one_of(*NUMBERS))  # noqa: E731
        a = self.aside
        match self.below(9):
            case 7 | 8 if self.opset >= 16:  # two halves, or a step
                ends = self.one_of((x, c(0.0)), (c(0.0), x))
                condition = a(self.one_of(*COMPARISONS), *ends)
                bent = a("Mul", x, c(0.1)), a("Sub", a("Exp", x), c(1.0)), a("Elu", x), c(0.0)
                halves = self.one_of((x, self.one_of(*bent)), (self.one_of(*bent), x), (c(1.0), c(0.0)))
                return a("Where", condition, *halves) if self.below(4) else a("Cast", condition, to=1)
            case 0:  # gelu
                inner = a("Erf", a("Div", x, c(2**0.5)))
                return a("Mul", a("Mul", x, a("Add", inner, c(1.0))), c(0.5))
            case 1:  # its approximation
                cubic = a("Mul", a("Add", x, a("Mul", a("Pow", x, c(3.0)), c(0.044715))), c(0.7978845608))
                return a("Mul", a("Mul", x, c(0.5)), a("Add", a("Tanh", cubic), c(1.0)))
            case 2:
                return a("Mul", x, a("Sigmoid", a("Mul", x, c(1.0))))
            case 3:
                return a("Div", a("Mul", x, self.clip(a("Add", x, c(3.0)), 0.0, 6.0)), c(6.0))
            case 4:
                return a("Log", a("Add", a("Exp", x), c(1.0)))
            case 5:
                return a("Mul", x, a("Tanh", a("Softplus", x)))
            case 6:
                return a("Max", a("Mul", x, c(0.1)), x, *self.one_of((), (c(0.0),)))
        axes = {"axes": [-1]} if self.opset < 18 else {}
        mean = lambda value: a("ReduceMean", value, *([] if axes else [np.array([-1])]), **axes)  # noqa: E731
        centred = a("Sub", x, mean(x))
        spread = a("Sqrt", a("Add", mean(a("Pow", centred, c(2.0))), c(1e-3)))
        return a("Add", a("Mul", a("Div", centred, spread), self.operand()), self.operand())

    def normalization(self):
        w, kind = self.width, self.below(3)
        if kind == 0 and self.rank == 2:
            scales = [self.numbers(w) for _ in range(3)]
            return self.then("BatchNormalization", *scales, np.abs(self.numbers(w)), epsilon=self.one_of(1e-5, 1e-3))
        if kind == 1 and self.opset >= 17:
            return self.then(
                "LayerNormalization", self.numbers(w), self.numbers(w), axis=-1, epsilon=self.one_of(1e-5, 0.1)
            )
        if kind == 2 and self.dtype == "float32" and self.rank == 2:
            offset, scale = (self.numbers(w).tolist() for _ in range(2))
            return self.then("Scaler", offset=offset, scale=scale)
        return self.then("PRelu", self.numbers(*self.one_of((w,), (1,), (1, w))))

    def reshape(self):
        """Give the rows another shape, or the same."""
        w, integers = self.width, lambda *sizes: np.array(sizes, np.int64)
        match self.below(6):
            case 0:
                self.then("Reshape", integers(*self.one_of((-1, w), (0, w), (0, -1))))
                self.rank = 2
            case 1:
                self.then("Flatten", axis=1)
                self.rank = 2
            case 2 if w == 1 and self.rank == 2 and self.opset >= 13:  # and back
                self.then("Squeeze", integers(-1))
                self.value = self.function(self.value)
                self.then("Unsqueeze", integers(-1))
            case 3:
                self.then("Transpose", perm=list(range(self.rank)))
            case 4:
                self.then("Cast", to=self.one_of(1, 11) if self.dtype == "float32" else 11)
                self.then("Cast", to=1 if self.dtype == "float32" else 11)
            case _:
                shape = self.aside("Shape", self.value)
                self.then("Reshape", shape)
        return self.value

    def next(self):
        kind = self.below(10)
        if kind < 3:
            self.layer()
        elif kind < 5:
            self.value = self.function(self.value)
        elif kind == 5:
            self.then(self.one_of("Add", "Mul", "Sub", "Div", "Max", "Min"), self.operand())
        elif kind == 6:
            self.value = self.expression(self.value, 1 + self.below(3))
        elif kind == 7:
            self.value = self.written_out(self.value)
        elif kind == 8:
            self.normalization()
        else:
            self.reshape()


def graph_of(data):
    """Return the ModelProto of some bytes; None if ONNX does not allow it."""
    graph = Graph(data)
    for _ in range(2 + graph.below(6)):
        graph.next()
    graph.layer() if graph.below(2) else graph.then("Identity")
    try:
        proto = onnx.shape_inference.infer_shapes(graph.proto(), check_type=True, strict_mode=True, data_prop=True)
        onnx.checker.check_model(proto)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return None
    return proto

"""Models as .onnx files: one graph of opset 20, from "x" (rows, inputs) to "y" (rows, units).

An attribute of ONNX is a float32. So a float64 model has its numbers in tensors, and several nodes for an activation
that ONNX parametrizes by attributes only; importers/onnx/forms.py recognizes these nodes.
"""

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastnn._core import LimitError, __version__
from fastnn.files import WholeFile
from fastnn.layers.description import Description, ModelDescription

_OPSET, _IR = 20, 9  # Gelu is of 20; 9 is the file's version of that time
_MOST_BYTES = 2**31 - 2**20  # of weights: a protobuf message has at most 2^31 - 1 bytes


def to_proto(model: ModelDescription) -> Any:
    """Return the onnx.ModelProto of a model: an input "x" (rows, inputs), an output "y" (rows, units).

    Raises LimitError for more weights than a protobuf message may have, ImportError without the onnx package.
    """
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError:
        raise ImportError("writing .onnx files needs onnx: pip install onnx") from None
    size = sum(array.nbytes for layer in model.layers for array in layer.weights.values())
    if size > _MOST_BYTES:
        raise LimitError(f"expected at most {_MOST_BYTES} bytes of weights in an .onnx file; the model has {size}")
    graph = _Graph(onnx, model.dtype)
    value = "x"
    for i, (name, layer) in enumerate(zip(model.names, model.layers, strict=True)):
        graph.layer, graph.prefix = name, f"{i}."
        value = _LAYERS[layer.class_name](graph, value, layer)
    return graph.proto(value, model)


def export(model: ModelDescription, path: str) -> None:
    """Write a model to an .onnx file, which appears whole or not at all; the same model gives the same bytes.

    load_model() reads it back as the same model, with four differences. An Activation after a Dense without one
    becomes the Dense's. What computes nothing is left out: Activation("linear"), Dropout, Flatten. A BatchNormalization
    becomes affine; its answers are then close, not the same bits. A float32 model's activations have their parameters
    rounded to float32. ``model.classes`` and ``model.feature_names`` are in the metadata; instead of a FeatureSpace,
    the names of the columns that it encodes. ONNX Runtime (1.32) runs every float32 model; it has no softplus, mish and
    gelu of float64.
    Raises ValueError (another extension), LimitError (more than 2 GiB), OSError, ImportError.
    """
    if Path(path).suffix.lower() != ".onnx":
        raise ValueError(f"expected filepath to end in .onnx, .hpp or .h; received filepath={path!r}")
    content = to_proto(model).SerializeToString(deterministic=True)
    with WholeFile(path) as file:
        file.write(content)


class _Graph:
    """Nodes and tensors so far."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self._onnx, self._dtype = onnx, np.dtype(dtype)
        self.is_double = dtype == "float64"
        self.layer = self.prefix = ""
        self._nodes: list[Any] = []
        self._tensors: dict[str, Any] = {}

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        output = f"{self.prefix}{len(self._nodes)}"
        name = f"{self.layer}/{operation}/{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operation, inputs, [output], name, **attributes))
        return output

    def tensor(self, name: str, array: Any, dtype: Any = None) -> str:
        """Add a tensor of this layer, in the model's dtype, and return its name."""
        name = self.prefix + name
        array = np.asarray(array, (dtype or self._dtype).newbyteorder("<"))
        self._tensors[name] = self._onnx.numpy_helper.from_array(array, name)
        return name

    def weights(self, layer: Description) -> list[str]:
        """Add the weights of this layer, those that it does without too, and return their names."""
        return [self.tensor(name, array) for name, array in layer.all_weights().items()]

    def number(self, value: float) -> str:
        """Add a number and return its name."""
        return self.tensor(repr(float(value)), value)

    def last_axis(self) -> str:
        """Add a list with the last axis only, and return its name."""
        return self.tensor("axes", [-1], np.dtype(np.int64))

    def proto(self, value: str, described: ModelDescription) -> Any:
        """Return the model whose graph ends with a value."""
        helper = self._onnx.helper
        if value == "x":
            value = self.add("Identity", value)
        self._nodes[-1].output[0] = "y"
        kind = helper.np_dtype_to_tensor_dtype(self._dtype)
        sizes = (("x", described.inputs), ("y", described.units))
        ends = [helper.make_tensor_value_info(name, kind, ["rows", size]) for name, size in sizes]
        graph = helper.make_graph(self._nodes, "fastnn", ends[:1], ends[1:], list(self._tensors.values()))
        opset = [helper.make_opsetid("", _OPSET)]
        producer = {"producer_name": "fastnn", "producer_version": __version__}
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR, **producer)
        names = {"classes": described.classes, "feature_names": described.feature_names}
        given = {key: json.dumps(each, ensure_ascii=False) for key, each in names.items() if each is not None}
        helper.set_model_props(model, given)
        return model


def _dense(graph: _Graph, x: str, layer: Description) -> str:
    weights = [graph.tensor(name, array) for name, array in layer.weights.items()]
    return _activation(graph, graph.add("Gemm", x, *weights), layer)


def _affine(graph: _Graph, x: str, layer: Description) -> str:
    scale, shift = graph.weights(layer)
    return graph.add("Add", graph.add("Mul", x, scale), shift)


def _prelu(graph: _Graph, x: str, layer: Description) -> str:
    (alpha,) = graph.weights(layer)
    if not graph.is_double:
        return graph.add("PRelu", x, alpha)
    return _below_zero(graph, x, graph.add("Mul", x, alpha))


def _layer_normalization(graph: _Graph, x: str, layer: Description) -> str:
    gamma, beta = graph.weights(layer)
    epsilon = layer.parameters["epsilon"]
    if not graph.is_double:
        return graph.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=epsilon)
    axes = graph.last_axis()
    centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes))
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes)
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.number(epsilon)))
    return graph.add("Add", graph.add("Mul", graph.add("Div", centred, deviation), gamma), beta)


def _batch_normalization(graph: _Graph, x: str, layer: Description) -> str:
    gamma, beta, mean, variance = graph.weights(layer)
    epsilon = layer.parameters["epsilon"]
    if not graph.is_double:
        return graph.add("BatchNormalization", x, gamma, beta, mean, variance, epsilon=epsilon)
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.number(epsilon)))
    quotient = graph.add("Div", graph.add("Sub", x, mean), deviation)
    return graph.add("Add", graph.add("Mul", quotient, gamma), beta)


def _activation(graph: _Graph, x: str, layer: Description) -> str:
    name, numbers = layer.activation, layer.parameters
    if graph.is_double and name in _OF_FLOAT64:
        return _OF_FLOAT64[name](graph, x, **numbers)
    if name in _OPERATIONS:
        return graph.add(_OPERATIONS[name], x)
    return _ACTIVATIONS[name](graph, x, **numbers)


def _clip(graph: _Graph, x: str, minimum: float, maximum: float) -> str:
    bounds = ["" if math.isinf(bound) else graph.number(bound) for bound in (minimum, maximum)]
    return graph.add("Clip", x, *bounds)


def _step(graph: _Graph, x: str) -> str:
    zero = graph.number(0)
    below = graph.add("Where", graph.add("Less", x, zero), zero, x)  # NaN stays NaN
    return graph.add("Where", graph.add("GreaterOrEqual", x, zero), graph.number(1), below)


def _below_zero(graph: _Graph, x: str, below: str, above: str | None = None) -> str:
    return graph.add("Where", graph.add("Less", x, graph.number(0)), below, above or x)


def _leaky_relu(graph: _Graph, x: str, negative_slope: float) -> str:
    return _below_zero(graph, x, graph.add("Mul", x, graph.number(negative_slope)))


def _expm1(graph: _Graph, x: str, inner: float, factor: float) -> str:
    """Add factor * (exp(inner * x) - 1) for x < 0, as 2 t / (1 - t) with t = tanh(inner * x / 2): no digits cancel."""
    t = graph.add("Tanh", graph.add("Mul", x, graph.number(inner / 2)))
    quotient = graph.add("Div", t, graph.add("Sub", graph.number(1), t))
    return graph.add("Mul", quotient, graph.number(2 * factor))


def _selu(graph: _Graph, x: str) -> str:
    alpha, scale = 1.6732632423543772848, 1.0507009873554804934
    return _below_zero(graph, x, _expm1(graph, x, 1.0, scale * alpha), graph.add("Mul", x, graph.number(scale)))


def _sixth(graph: _Graph, x: str) -> str:
    """Add hard_sigmoid."""
    return graph.add("Div", _clip(graph, graph.add("Add", x, graph.number(3)), 0, 6), graph.number(6))


_OPERATIONS = {
    "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax", "softsign": "Softsign",
    "exponential": "Exp", "selu": "Selu", "hard_swish": "HardSwish", "softplus": "Softplus", "mish": "Mish",
    "gelu": "Gelu", "log_softmax": "LogSoftmax",
}  # fmt: skip
_ACTIVATIONS: dict[str, Callable[..., str]] = {
    "linear": lambda graph, x: x,
    "step": _step,
    "relu6": lambda graph, x: _clip(graph, x, 0, 6),
    "hard_tanh": lambda graph, x: _clip(graph, x, -1, 1),
    "clip": _clip,
    "hard_sigmoid": lambda graph, x: graph.add("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "leaky_relu": lambda graph, x, negative_slope: graph.add("LeakyRelu", x, alpha=negative_slope),
    "elu": lambda graph, x, alpha: graph.add("Elu", x, alpha=alpha),
    "celu": lambda graph, x, alpha: graph.add("Celu", x, alpha=alpha),
    "silu": lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "gelu_tanh": lambda graph, x: graph.add("Gelu", x, approximate="tanh"),
}
_OF_FLOAT64: dict[str, Callable[..., str]] = {
    "leaky_relu": _leaky_relu,
    "elu": lambda graph, x, alpha: _below_zero(graph, x, _expm1(graph, x, 1.0, alpha)),
    "celu": lambda graph, x, alpha: _below_zero(graph, x, _expm1(graph, x, 1 / alpha, alpha)),
    "selu": _selu,
    "hard_sigmoid": _sixth,
    "hard_swish": lambda graph, x: graph.add("Mul", x, _sixth(graph, x)),
    "softsign": lambda graph, x: graph.add("Div", x, graph.add("Add", graph.add("Abs", x), graph.number(1))),
}
_LAYERS: dict[str, Callable[[_Graph, str, Description], str]] = {
    "Dense": _dense, "Activation": _activation, "PReLU": _prelu, "Affine": _affine,
    "LayerNormalization": _layer_normalization, "BatchNormalization": _batch_normalization,
}  # fmt: skip

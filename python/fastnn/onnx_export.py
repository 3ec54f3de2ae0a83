"""Models as .onnx files: Gemm and an activation's nodes for each layer, in opset 20.

What ONNX holds as float32 attributes (negative_slope, alpha, epsilon) is rounded to that, also of a float64 model.
"""

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.base import Layer
from fastnn.models import Sequential

_OPSET, _IR_VERSION = 20, 9
_SAME = {
    "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softsign": "Softsign", "exponential": "Exp", "selu": "Selu",
    "hard_swish": "HardSwish", "softplus": "Softplus", "mish": "Mish", "leaky_relu": "LeakyRelu", "elu": "Elu",
    "linear": "Identity",
}  # fmt: skip
_PARAMETERS = {"negative_slope": "alpha"}  # as ONNX calls them, where otherwise
_LIMITS = {"relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}


class _Graph:
    """Nodes so far; the value that the last one gave goes into the next."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self._onnx, self._dtype = onnx, np.dtype(dtype)
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.value = "x"

    def constant(self, name: str, array: npt.ArrayLike) -> str:
        """Return the name of a constant of the model's dtype."""
        self.initializers.append(self._onnx.numpy_helper.from_array(np.array(array, self._dtype), name))
        return name

    def node(self, op: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Append a node, which is called like the value that it gives."""
        self.nodes.append(self._onnx.helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def layer(self, layer: Layer) -> None:
        """Append a layer's nodes, which are called like the layer."""
        weights, name = layer.get_weights(), layer.name
        if layer.activation in _OWN:
            self.value = _OWN[layer.activation](self, self.value, layer, weights)
            return
        if weights:
            parts = [self.constant(f"{name}.{part}", w) for part, w in zip(("kernel", "bias"), weights, strict=False)]
            self.value = self.node("Gemm", name, self.value, *parts)
        if not weights or layer.activation != "linear":
            self.value = self._activation(layer, f"{name}.{layer.activation}" if weights else name)

    def _activation(self, layer: Layer, name: str) -> str:
        x, activation = self.value, layer.activation
        if activation in _SAME:
            attributes = {_PARAMETERS.get(key, key): value for key, value in layer.parameters.items()}
            return self.node(_SAME[activation], name, x, **attributes)
        if activation in ("softmax", "log_softmax"):
            return self.node("Softmax" if activation == "softmax" else "LogSoftmax", name, x, axis=-1)
        if activation in ("gelu", "gelu_tanh"):
            return self.node("Gelu", name, x, approximate="tanh" if activation == "gelu_tanh" else "none")
        if activation == "hard_sigmoid":
            return self.node("HardSigmoid", name, x, alpha=1 / 6, beta=0.5)
        if activation == "silu":
            return self.node("Mul", name, x, self.node("Sigmoid", f"{name}.sigmoid", x))
        if activation == "step":
            return self._step(x, name)
        if activation == "celu":
            return self._celu(x, name, layer.parameters["alpha"])
        limits = _LIMITS.get(activation) or tuple(layer.parameters.values())  # clip's
        names = [self.constant(f"{name}.{i}", limit) if np.isfinite(limit) else "" for i, limit in enumerate(limits)]
        return self.node("Clip", name, x, *names)

    def _step(self, x: str, name: str) -> str:
        """1 where x >= 0, 0 where x < 0, else x, which is NaN."""
        zero, one = self.constant(f"{name}.0", 0), self.constant(f"{name}.1", 1)
        rest = self.node("Where", f"{name}.rest", self.node("Less", f"{name}.less", x, zero), zero, x)
        return self.node("Where", name, self.node("GreaterOrEqual", f"{name}.from", x, zero), one, rest)

    def _celu(self, x: str, name: str, alpha: float) -> str:
        """ONNX's Celu is of float32 alone; alpha · elu(x / alpha) is the same."""
        if self._dtype == np.float32:
            return self.node("Celu", name, x, alpha=alpha)
        constant = self.constant(f"{name}.alpha", alpha)
        inner = self.node("Elu", f"{name}.elu", self.node("Div", f"{name}.div", x, constant))
        return self.node("Mul", name, inner, constant)


def _prelu(graph: _Graph, x: str, layer: Layer, weights: list[Any]) -> str:
    return graph.node("PRelu", layer.name, x, graph.constant(f"{layer.name}.alpha", weights[0]))


def _affine(graph: _Graph, x: str, layer: Layer, weights: list[Any]) -> str:
    scale, shift = (graph.constant(f"{layer.name}.{i}", w) for i, w in zip(("scale", "shift"), weights, strict=True))
    return graph.node("Add", layer.name, graph.node("Mul", f"{layer.name}.mul", x, scale), shift)


def _layer_normalization(graph: _Graph, x: str, layer: Layer, weights: list[Any]) -> str:
    gamma, beta = (graph.constant(f"{layer.name}.{i}", w) for i, w in zip(("gamma", "beta"), weights, strict=True))
    return graph.node("LayerNormalization", layer.name, x, gamma, beta, axis=-1, epsilon=layer.parameters["epsilon"])


_OWN: dict[str, Callable[[_Graph, str, Layer, list[Any]], str]] = {
    "prelu": _prelu,
    "affine": _affine,
    "layer_normalization": _layer_normalization,
}


def to_proto(model: Sequential) -> Any:
    """Return the onnx.ModelProto of a built model: an input "x" (rows, inputs), an output "y" (rows, units)."""
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError:
        raise ImportError("writing .onnx files needs onnx: pip install 'fastnn[onnx]'") from None
    graph = _Graph(onnx, model.dtype)
    for layer in model.layers:
        graph.layer(layer)
    graph.nodes[-1].output[0] = "y"
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(model.dtype))
    x, y = (
        onnx.helper.make_tensor_value_info(name, kind, ["rows", shape[1]])
        for name, shape in (("x", model.input_shape), ("y", model.output_shape))
    )
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, model.name, [x], [y], graph.initializers),
        producer_name="fastnn",
        producer_version=_core.__version__,
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
    )
    if model.classes is not None:
        onnx.helper.set_model_props(proto, {"classes": json.dumps(list(model.classes))})
    return proto


def export(model: Sequential, path: str) -> None:
    """Write the model to an .onnx file, which appears whole or not at all; see Sequential.export()."""
    if Path(path).suffix.lower() != ".onnx":
        raise ValueError(f"expected filepath to end in .onnx. Received: filepath={path!r}")
    model.build()
    try:
        data = to_proto(model).SerializeToString(deterministic=True)
    except ValueError as error:  # protobuf's own limit of 2 GiB
        raise _core.LimitError(f"{path}: the model is larger than an .onnx file may be: {error!s:.100}") from None
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        part.unlink(missing_ok=True)

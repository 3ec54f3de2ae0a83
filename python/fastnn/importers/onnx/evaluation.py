"""onnx's own evaluator as the reference of an imported model: it runs the nodes of the file, in NumPy.

It computes in float64 whatever the file says, so that its roundings do not count; large models in their own types.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.importers.formulas import ACTIVATIONS, erf
from fastnn.importers.onnx import constants
from fastnn.importers.onnx.budget import Budget
from fastnn.importers.onnx.graph import Part
from fastnn.importers.onnx.tensors import DOUBLE, DTYPES, FLOATS
from fastnn.importers.roundings import FLOAT64, precision_for
from fastnn.importers.verification import Reference


class Program:
    """The nodes of a ModelProto, without its initializers, which the importer has read."""

    def __init__(self, model: Any) -> None:
        onnx: Any = importlib.import_module("onnx")
        graph = onnx.GraphProto(name="g")
        graph.node.extend(node for node in model.graph.node if node.op_type != "Constant")
        for node in graph.node:
            node.domain = "" if node.domain == "ai.onnx" else node.domain
        self._model = onnx.ModelProto(graph=graph, functions=model.functions, opset_import=model.opset_import)
        self._types = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}

    def reference(self, part: Part) -> Reference:
        """Return the reference that gives the answers of a part of a graph, which the importer has accepted."""
        graph, target = part.graph, part.target
        values = {node.outputs[0]: constants.made_by(node, [], graph.opset, Budget())[0]
                  for node in graph.nodes if node.op == "Constant" and node.outputs}  # fmt: skip
        values |= graph.constants
        precision = precision_for(values.values())
        is_double = precision == FLOAT64
        if is_double:
            with np.errstate(all="ignore"):  # of a signalling NaN
                values = {name: each.astype("f8") if each.dtype.kind == "f" else each for name, each in values.items()}
        order = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
        nodes = self._leading_to(target, is_double, order)
        value_of = {str(node): node.outputs[0] for node in graph.nodes if node.outputs}
        dtype, shape = DTYPES[self._types[part.input]], part.shape
        dtype = np.dtype("f8") if dtype.kind == "f" and is_double else dtype
        opsets = {"": graph.opset} | {
            each.domain: each.version for each in self._model.opset_import if each.domain != "ai.onnx"
        }

        @cache
        def session() -> Any:
            return _session(nodes, self._model.functions, opsets, part.input, dtype)

        def answers(rows: Array, source: str | None) -> Array:
            name = target
            if source is not None:
                name = next(value for text, value in reversed(value_of.items()) if source.endswith(text))
            given = rows.astype(dtype)
            if shape is not None and len(shape) != 2:  # [5] is one row
                sizes = shape if len(shape) == 1 else [len(rows), *shape[1:]]
                given = given.reshape([-1 if size is None else size for size in sizes])
            (found,) = session().run([name], {**values, part.input: given})
            return np.asarray(found).reshape(len(rows), -1)

        return Reference(
            "onnx's reference evaluator",
            answers,
            has_steps=True,
            batch=None if shape is None else shape[0] if len(shape) > 1 else 1,
            precision=precision,
            largest=None if dtype.kind == "f" else 1 if dtype.kind == "b" else 127,
            operations=max(len(nodes), 1),
        )

    def _leading_to(self, target: str, is_double: bool, order: dict[str, int]) -> list[Any]:
        """Return the nodes that a value needs, in the order of their outputs; in float64, whatever they cast to."""
        needed, found = {target}, []
        nodes = sorted(
            self._model.graph.node, key=lambda node: max((order.get(name, -1) for name in node.output), default=-1)
        )
        for node in reversed(nodes):
            if needed.isdisjoint(node.output):
                continue
            needed.update(node.input)
            found.append(node)
            for attribute in node.attribute if is_double and node.op_type == "Cast" else ():
                if attribute.name == "to" and attribute.i in FLOATS:
                    attribute.i = DOUBLE
        return found[::-1]


def _batch_normalization(_: Any, x: Array, *given: Array, epsilon: float, **__: Any) -> tuple[Array]:
    gamma, beta, mean, variance = (each.reshape(-1, *[1] * (x.ndim - 2)) for each in given)
    return ((x - mean) / np.sqrt(variance + epsilon) * gamma + beta,)


# Operations that onnx's evaluator rounds to float32 (Erf, and Gelu by it), or takes for training before opset 14.
_OWN: dict[str, Callable[..., tuple[Array]]] = {
    "Erf": lambda _, x: (erf(x),),
    "Gelu": lambda _, x, approximate: (ACTIVATIONS["gelu_tanh" if approximate == "tanh" else "gelu"](x),),
    "BatchNormalization": _batch_normalization,
}


def _session(nodes: list[Any], functions: Any, opsets: dict[str, int], given: str, dtype: np.dtype[Any]) -> Any:
    onnx: Any = importlib.import_module("onnx")
    reference: Any = importlib.import_module("onnx.reference")
    operations: Any = importlib.import_module("onnx.reference.op_run")

    own = [type(name, (operations.OpRun,), {"op_domain": "", "_run": run}) for name, run in _OWN.items()]
    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    graph = onnx.GraphProto(node=nodes, input=[onnx.helper.make_tensor_value_info(given, kind, None)])
    imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = onnx.ModelProto(graph=graph, functions=functions, opset_import=imports)
    return reference.ReferenceEvaluator(model, new_ops=own)

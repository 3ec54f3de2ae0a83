"""ONNX graphs for the tests: nodes in a row, by hand, as any exporter might write them."""

import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from arrays import uniform
from fastnn import ModelFormatError
from fastnn.importers.onnx.file import from_proto

KERNEL = uniform(1, (5, 3), "float32")
DOMAINS = {"Scaler", "ZipMap", "ArrayFeatureExtractor", "Binarizer", "Normalizer", "LabelEncoder"}


class Chain:
    """Nodes so far; `value` is what the last one gave."""

    def __init__(self, inputs=5, dtype="float32", opset=20, shape=None):
        self.dtype, self.opset = np.dtype(dtype), opset
        self.shape = ["rows", inputs] if shape is None else shape
        self.nodes, self.tensors, self.value, self.width = [], [], "x", inputs

    def constant(self, array, dtype=None):
        """Add an initializer, of the chain's dtype, and return its name."""
        is_typed = isinstance(array, (np.ndarray, np.generic))
        array = np.asarray(array, dtype or (None if is_typed else self.dtype))
        name = f"c{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def add(self, op, *inputs, **attributes):
        """Append a node of these inputs: names, or numbers that become constants; its output is the value."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        output = f"v{len(self.nodes)}"
        domain = "ai.onnx.ml" if op in DOMAINS else ""
        self.nodes.append(helper.make_node(op, names, [output], f"n{len(self.nodes)}", domain=domain, **attributes))
        self.value = output
        return output

    def then(self, op, *others, **attributes):
        """Append a node of the value and others."""
        return self.add(op, self.value, *others, **attributes)

    def dense(self, units, seed, use_bias=True, scale=1.0):
        """Append a Gemm of random numbers, whose sums are no larger than what goes in."""
        kernel = (uniform(seed, (self.width, units)) * scale / self.width).astype(self.dtype)
        bias = [uniform(seed + 1, units).astype(self.dtype)] if use_bias else []
        self.width = units
        return self.then("Gemm", kernel, *bias)

    def proto(self, outputs=None, **options):
        """Return the ModelProto that ends with the value."""
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        ends = [helper.make_tensor_value_info(name, kind, None) for name in outputs or [self.value]]
        begin = [helper.make_tensor_value_info("x", kind, self.shape)]
        graph = helper.make_graph(self.nodes, "g", begin, ends, self.tensors)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("ai.onnx.ml", 3)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, **options)


def value_of(each, before, made):
    """Return what stands for "x", the value before, and "#0", that of the first node; others are constants."""
    if isinstance(each, str):
        return before if each == "x" else made[int(each[1:])]
    return each


def written(*nodes):
    """Return what appends nodes, which may refer to the value before them, x, and to one another by number."""

    def body(chain):
        before, made = chain.value, []
        for op, *inputs in nodes:
            names = [value_of(each, before, made) for each in inputs]
            attributes = names.pop() if isinstance(names[-1], dict) else {}
            made.append(chain.add(op, *names, **attributes))

    return body


def between(body, dtype="float32", opset=20):
    """Return a graph: Dense, what `body` appends, Dense."""
    chain = Chain(5, dtype, opset)
    chain.dense(6, 1, scale=8.0)
    body(chain)
    chain.dense(3, 3)
    return chain.proto()


def called(proto):
    """Return a graph whose nodes are in a function of the model's own, which it calls."""
    graph, opsets = proto.graph, [*proto.opset_import, helper.make_opsetid("own", 1)]
    names = [each.name for each in (*graph.input, *graph.initializer)]
    outputs = [each.name for each in graph.output]
    function = helper.make_function("own", "Body", names, outputs, graph.node, opsets)
    call = helper.make_node("Body", names, outputs, domain="own")
    made = helper.make_graph([call], graph.name, graph.input, graph.output, graph.initializer)
    return helper.make_model(made, opset_imports=opsets, ir_version=9, functions=[function])


def of_one(op, **attributes):
    return lambda chain: chain.then(op, **attributes)


def reference(proto, x):
    """Return what ONNX's own evaluator answers; with an Erf that does not round to float32."""
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    class Erf(OpRun):
        def _run(self, x):
            return (np.vectorize(math.erf, otypes=[x.dtype])(x),)

    return ReferenceEvaluator(proto, new_ops=[Erf]).run(None, {"x": x})[0]


def refused(proto, match, error=ModelFormatError):
    """Check that a model is refused with one sentence."""
    with pytest.raises(error, match=match) as caught:
        from_proto(proto, source="the model")
    assert str(caught.value).startswith("the model: ")
    assert len(str(caught.value)) < 600


def saved(path, proto, location=None, size=0):
    """Write a model, its tensors in another file where a location is given."""
    if location is None:
        onnx.save(proto, path)
    else:
        onnx.save(proto, path, save_as_external_data=True, location=location, size_threshold=size)
    return path


def tensor(name, array, **fields):
    """Return a TensorProto with some fields of its own."""
    made = numpy_helper.from_array(np.asarray(array), name)
    for field, value in fields.items():
        if isinstance(value, (list, tuple)):
            made.ClearField(field)
            getattr(made, field).extend(value)
        else:
            setattr(made, field, value)
    return made


FLOAT = TensorProto.FLOAT


def dense(**fields):
    """Return a model of one MatMul, and its kernel's TensorProto, with fields of its own."""
    chain = Chain(5)
    chain.add("MatMul", "x", "w")
    proto = chain.proto()
    proto.graph.initializer.append(tensor("w", KERNEL, **fields))
    return proto

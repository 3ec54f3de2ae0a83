"""ONNX graphs that contradict themselves, and what fastnn has not: the first node that is wrong is named."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import LimitError, ModelFormatError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import helper  # noqa: E402

from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import KERNEL, Chain, between, of_one, refused, tensor, written  # noqa: E402


def changed(change):
    proto = between(of_one("Relu"))
    change(proto)
    return proto


def copied(field):
    """Append what is first once more."""
    return lambda proto: getattr(proto.graph, field).append(getattr(proto.graph, field)[0])


def inputs_of(node, *names):
    return lambda proto: proto.graph.node[node].input.__setitem__(slice(None), names)


def extra(op, *inputs, outputs=("z",), **attributes):
    return lambda proto: proto.graph.node.append(helper.make_node(op, inputs, outputs, "extra", **attributes))


def replaced(op, *inputs, outputs=("v1",), **attributes):
    """Put another node in the place of Relu."""
    return lambda proto: proto.graph.node[1].CopyFrom(helper.make_node(op, inputs, outputs, "n1", **attributes))


def opset(*pairs):
    def change(proto):
        proto.ClearField("opset_import")
        proto.opset_import.extend(helper.make_opsetid(*pair) for pair in pairs)

    return change


def output(*names):
    def change(proto):
        proto.graph.ClearField("output")
        proto.graph.output.extend(helper.make_tensor_value_info(name, 1, None) for name in names)

    return change


BROKEN = {
    "a cycle": (inputs_of(1, "v2"), r"node 'n1' \(Relu\) needs its own output; expected a graph without circles"),
    "an input of itself": (inputs_of(1, "v1"), "needs its own output; expected a graph without circles"),
    "a missing input": (inputs_of(1, "nowhere"), "uses 'nowhere', which nothing makes"),
    "an initializer twice": (copied("initializer"), "has two initializers 'c0'"),
    "an input twice": (copied("input"), "two inputs of the same name"),
    "two makers": (extra("Relu", "x", outputs=["v0"]), r"node 'extra' \(Relu\) makes 'v0', which is there already"),
    "a maker of an initializer": (extra("Relu", "x", outputs=["c0"]), "makes 'c0', which is there already"),
    "no output": (output(), "has the outputs"),
    "an output made nowhere": (output("z"), "has the outputs"),
    "an output twice": (output("v2", "v2"), "has the outputs"),
    "an attribute twice": (
        lambda proto: proto.graph.node[0].attribute.extend([helper.make_attribute("alpha", 1.0)] * 2),
        "has the attribute 'alpha' twice",
    ),
    "an attribute of another type": (
        lambda proto: proto.graph.node[0].attribute.append(helper.make_attribute("alpha", 1)),
        "has the attribute alpha 1; expected f",
    ),
    "no opset": (opset(), "expected the version of its operations; found none"),
    "two versions of an opset": (opset(("", 20), ("", 13)), "needs versions 20 and 13 of the operations of ONNX"),
    "two versions by two names": (
        opset(("", 20), ("ai.onnx", 13)),
        "needs versions 20 and 13 of the operations of ONNX",
    ),
    "no attribute where one is needed": (extra("Cast", "x"), r"node 'extra' \(Cast\) lacks the attribute 'to'"),
    "a Concat without its axis": (extra("Concat", "x"), r"\(Concat\) lacks the attribute 'axis'"),
    "too few inputs": (inputs_of(0, "x"), "has 1 inputs; expected 2 to 3"),
    "too many inputs": (inputs_of(1, "v0", "v0"), "has 2 inputs; expected 1 to 1"),
    "too many outputs": (
        lambda proto: proto.graph.node[1].output.append("more"),
        r"node 'n1' \(Relu\) has 2 outputs; expected at most 1",
    ),
    "an initializer of another shape than the input": (
        lambda proto: proto.graph.input.append(helper.make_tensor_value_info("c0", 1, [7, 7])),
        "initializer 'c0' has another shape than the input of that name",
    ),
    "layers that do not fit": (
        lambda proto: proto.graph.initializer[2].CopyFrom(tensor("c2", KERNEL)),
        "is for 5 units; 6 come out before it",
    ),
    "a bias that does not fit": (
        lambda proto: proto.graph.initializer[1].CopyFrom(tensor("c1", KERNEL[0])),
        "has a bias of shape",
    ),
    "inputs that do not fit": (
        lambda proto: setattr(proto.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 4),
        "is for 5 units; 4 come out before it",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_graphs_that_contradict_themselves_are_refused(case):
    change, match = BROKEN[case]
    refused(changed(change), match)


SEQUENCE = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))
BRANCH = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("v0", 1, None)])
UNSUPPORTED = {
    "a future opset": (opset(("", 99)), "needs version 99 of the operations of ONNX; fastnn knows 7 to 28"),
    "an ancient opset": (opset(("", 6)), "needs version 6"),
    "sparse initializers": (lambda proto: proto.graph.sparse_initializer.add(), "sparse initializers"),
    "quantization": (lambda proto: proto.graph.quantization_annotation.add(), "is quantized; expected a model in fl"),
    "a domain of its own": (
        lambda proto: setattr(proto.graph.node[1], "domain", "com.microsoft"),
        r"node 'n1' \(com.microsoft.Relu\) is of the domain 'com.microsoft'",
    ),
    "a subgraph": (
        replaced("If", "v0", then_branch=BRANCH, else_branch=BRANCH),
        r"node 'n1' \(If\) has the attribute '(then|else)_branch', a graph",
    ),
    "a loop": (
        replaced("Loop", "", "", "v0", body=BRANCH),
        r"node 'n1' \(Loop\) has the attribute 'body', a graph",
    ),
    "an input that is one number": (
        lambda proto: proto.graph.input[0].type.tensor_type.shape.ClearField("dim"),
        r"the input 'x' of shape \[\]; expected rows",
    ),
    "a reference": (
        lambda proto: proto.graph.node[0].attribute.add(name="alpha", ref_attr_name="a", type=1),
        "has the attribute 'alpha'",
    ),
    "an unknown operation": (
        lambda proto: setattr(proto.graph.node[1], "op_type", "Sin"),
        r"node 'n1' \(Sin\), opset 20, is no operation that fastnn has",
    ),
    "an unknown attribute": (
        lambda proto: proto.graph.node[1].attribute.append(helper.make_attribute("strange", 1)),
        "has the attribute 'strange', which fastnn does not know",
    ),
    "two inputs": (
        lambda proto: (
            proto.graph.input.append(helper.make_tensor_value_info("more", 1, [1, 3])),
            proto.graph.node.append(helper.make_node("Add", ["v2", "more"], ["end"])),
            output("end")(proto),
        ),
        "has the inputs 'x', 'more'; expected one: .* export the part behind one of them",
    ),
    "no input": (lambda proto: proto.graph.initializer.append(tensor("x", KERNEL.T[:1])), "has the inputs none"),
    "two outputs": (
        output("v1", "v2"),
        r"has several outputs; expected one: choose from 'v1', 'v2', as in load_model\(path, outputs='v1'\)$",
    ),
    "an input of strings": (
        lambda proto: setattr(proto.graph.input[0].type.tensor_type, "elem_type", 8),
        "which is no tensor of numbers",
    ),
    "an input that is a sequence": (
        lambda proto: proto.graph.input[0].type.CopyFrom(SEQUENCE),
        "which is no tensor of numbers",
    ),
    "an output of constants": (output("c0"), "does not depend on the input"),
    "a constant of a sparse tensor": (
        lambda proto: (
            proto.graph.node.insert(0, onnx.NodeProto(
                op_type="Constant", output=["z"], attribute=[onnx.AttributeProto(name="sparse_value", type=11)])),
            proto.graph.node[1].input.__setitem__(1, "z"),
        ),
        "has the attribute 'sparse_value'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_fastnn_cannot_do_is_named(case):
    change, match = UNSUPPORTED[case]
    refused(changed(change), match, UnsupportedModelError)


COLUMN, SQUARE = uniform(2, 6, "float32"), np.eye(6, dtype="f4")
SQUARES = [("Mul", f"#{i}", f"#{i}") for i in range(9)]
NODES = {
    "a residual": ([("Gemm", "x", SQUARE), ("Add", "#0", "x")], r"'v0' is used by node 'n2' \(Add\) too"),
    "the rows squared": ([("MatMul", "x", "x")], "is used by it twice"),
    "a kernel that is computed": ([("Tanh", "x"), ("Gemm", "x", "#0")], "'v1' is used by it twice"),
    "transA": ([("Gemm", "x", SQUARE, {"transA": 1})], "expected rows .* first, transA 0"),
    "rows on the right": ([("MatMul", SQUARE, "x")], r"multiplies \[rows, 6\] with an array .* on the right of rows"),
    "a bias for each row": ([("Gemm", "x", SQUARE, COLUMN[:, None])], "one number for each unit"),
    "an Add for each row": ([("Add", "x", COLUMN[:, None])], "expected one number for each unit"),
    "a kernel of three axes": ([("MatMul", "x", np.ones((1, 6, 6), "f4"))], "expected a matrix"),
    "softmax of the rows": ([("Softmax", "x", {"axis": 0})], r"works on axis 0 of \[rows, 6\]; expected the axis of"),
    "a mean of the rows": ([("ReduceMean", "x", np.int64([0])), ("Sub", "x", "#0")], "works on axis 0"),
    "integers": ([("Cast", "x", {"to": 6})], "makes integers of the numbers"),
    "a cast to an unknown type": ([("Cast", "x", {"to": 99})], "makes integers of the numbers"),
    "a sine": ([("Sin", "x")], r"node 'n1' \(Sin\), opset 20, is no operation that fastnn has"),
    "an unknown function": ([("Abs", "x"), ("Tanh", "#0")], "compute nothing that fastnn has an activation for"),
    "another gelu": (
        [("Div", "x", 1.5), ("Erf", "#0"), ("Add", "#1", 2), ("Mul", "x", "#2"), ("Mul", "#3", 0.5)],
        "compute nothing that fastnn has an activation for",
    ),
    "a threshold": ([("ThresholdedRelu", "x")], r"\(ThresholdedRelu\), opset 20: compute nothing"),
    "training": ([("BatchNormalization", "x", *[COLUMN] * 4, {"training_mode": 1})], "is in training mode"),
    "dropout in training": ([("Dropout", "x", np.float32(0.5), np.bool_(True))], "is in training mode"),
    "transposed rows": ([("Transpose", "x", {"perm": [1, 0]})], r"multiplies \[6, rows\] with an array"),
    "rows no longer rows": ([("Reshape", "x", np.int64([-1, 3]))], "makes the shape"),
    "flattened batches": ([("Flatten", "x", {"axis": 0})], r"makes the shape \[1, -1\] of \[rows, 6\]"),
    "slopes that are no numbers": ([("PRelu", "x", "x")], r"node 'n1' \(PRelu\).*compute nothing"),
    "a comparison as numbers": ([("GreaterOrEqual", "x", 0)], "compute nothing"),
    "joined": ([("Sigmoid", "x"), ("Concat", "x", "#0", {"axis": 1})], "compute nothing"),
    "a sum too long": ([("Add", "x", 1.0), *SQUARES, ("Mul", "#9", "x")], "compute nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", NODES)
def test_nodes_that_fastnn_has_not_are_named(case):
    nodes, match = NODES[case]
    refused(between(written(*nodes)), match, UnsupportedModelError)


FRAMES = np.ones((1, 4, 6), "f4")
ADVICE = {
    "LSTM": ([("LSTM", "x", FRAMES, FRAMES, {"hidden_size": 1})], "fastnn has no recurrent layers; run this"),
    "GRU": ([("GRU", "x", FRAMES, FRAMES, {"hidden_size": 1})], "fastnn has no recurrent layers"),
    "Conv": ([("Unsqueeze", "x", np.int64([1])), ("Conv", "#0", FRAMES)], "no convolutions or pooling; run"),
    "MaxPool": ([("Unsqueeze", "x", np.int64([1])), ("MaxPool", "#0", {"kernel_shape": [2]})], "no convolutions or p"),
    "ArgMax": ([("ArgMax", "x", {"axis": 1})], "return the scores, and take the classes from model.p"),
    "Where": ([("Greater", "x", 1.0), ("Where", "#0", "x", 3.0)], "export the part without the decision"),
    "a residual": ([("Relu", "x"), ("Gemm", "#0", SQUARE), ("Add", "#1", "x")], "without residual connections or"),
    "a skip by Concat": ([("Gemm", "x", SQUARE), ("Concat", "#0", "x", {"axis": 1})], "without residual connections"),
    "two heads joined": (
        [("Gemm", "x", SQUARE), ("Gemm", "x", SQUARE), ("Concat", "#0", "#1", {"axis": 1})], "export a part that is",
    ),
    "quantized": ([("QuantizeLinear", "x", np.float32(1), np.int8(0))], "export the model before its quantization"),
    "random": ([("RandomNormalLike", "x")], "export the model without random numbers"),
    "Sin": ([("Sin", "x")], "expected a dense network: Gemm or MatMul, activations, norm"),
}  # fmt: skip


@pytest.mark.parametrize("case", ADVICE)
def test_refusals_say_what_to_do_instead(case):
    nodes, match = ADVICE[case]
    refused(between(written(*nodes)), match, UnsupportedModelError)


@pytest.mark.parametrize("op", ["TopK", "LSTM", "Dropout", "BatchNormalization"])
def test_a_node_of_which_only_another_output_is_used_is_named(op):
    """Its first output has no name, or is used by nothing."""
    numbers = {"TopK": [np.int64([2])], "LSTM": [FRAMES, FRAMES], "BatchNormalization": [COLUMN] * 4}.get(op, [])
    for first in ("", "unused"):
        chain = Chain(5)
        chain.dense(6, 1)
        chain.then(op, *numbers)
        chain.nodes[-1].output[:] = [first, "second"]
        chain.value = "second"
        chain.then("Relu")
        refused(chain.proto(), rf"node 'n1' \({op}\)", UnsupportedModelError)


PARAMETERS = {
    "Elu": {"alpha": float("nan")}, "LeakyRelu": {"alpha": float("inf")}, "Celu": {"alpha": 0.0},
    "HardSigmoid": {"alpha": float("nan")},
}  # fmt: skip


@pytest.mark.parametrize("op", PARAMETERS)
def test_numbers_that_no_activation_takes_give_a_model_or_one_sentence(op):
    try:
        from_proto(between(of_one(op, **PARAMETERS[op]))).predict(uniform(1, (2, 5)))
    except ModelFormatError as error:
        assert "node 'n1'" in str(error)


def test_bounds_in_the_wrong_order_are_refused():
    refused(between(lambda chain: chain.then("Clip", 1.0, -1.0)), "minimum: expected at most the maximum")


def test_constants_do_not_grow_without_a_limit():
    """Each doubles the one before, or makes a square of it."""
    doubled = [("Concat", np.ones(1000, "f4"), np.ones(1000, "f4"), {"axis": 0})]
    doubled += [("Concat", f"#{i}", f"#{i}", {"axis": 0}) for i in range(40)]
    squared = [("Mul", np.ones((3000, 1), "f4"), np.ones((1, 3000), "f4"))]
    for nodes in (doubled, squared):
        chain = Chain(5)
        written(*nodes, ("MatMul", "x", f"#{len(nodes) - 1}"))(chain)
        refused(
            chain.proto(),
            "the constant of node .* is one too many",
            LimitError,
        )


@pytest.mark.parametrize("width", [2**24, 2**40])
def test_one_number_does_not_become_as_many_as_the_input_is_said_to_have(width):
    chain = Chain(width)
    chain.then("Mul", 2.0)
    refused(chain.proto(), "is one too many: expected a model of about as many numbers as its file stores", LimitError)


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("ReduceMean", {"axes": 1}),
        ("Squeeze", {"axes": [0.5]}),
        ("Scaler", {"offset": 1.0}),
        ("Gelu", {"approximate": "x"}),
    ],
)
def test_attributes_of_another_kind_are_refused(op, attributes):
    refused(between(of_one(op, **attributes)), "node 'n1'")


def test_names_that_break_lines_are_shown_escaped():
    proto = between(of_one("Sin"))
    proto.graph.node[1].name = "a\nb\u202e" + "c" * 10_000
    refused(proto, r"node 'a\\nb\\u202ec+", UnsupportedModelError)

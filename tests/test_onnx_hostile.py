"""Broken and hostile .onnx files: one sentence each, no other file opened, memory as the file's size allows."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from conftest import uniform
from fastnn import LimitError, ModelFormatError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'fastnn[onnx]'")
from onnx import helper  # noqa: E402

from fastnn.importers import onnx_file  # noqa: E402
from fastnn.importers.onnx_file import from_proto, load  # noqa: E402
from onnx_graphs import Chain, between, of_one, saved, tensor, written  # noqa: E402

KERNEL = uniform(1, (5, 3), "float32")


def refused(proto, match, error=ModelFormatError):
    with pytest.raises(error, match=match) as caught:
        from_proto(proto, source="the model")
    assert str(caught.value).startswith("the model: ")
    assert len(str(caught.value)) < 600


def dense(**fields):
    """Return a model of one MatMul, and its kernel's TensorProto, with fields of its own."""
    chain = Chain(5)
    chain.add("MatMul", "x", "w")
    proto = chain.proto()
    proto.graph.initializer.append(tensor("w", KERNEL, **fields))
    return proto


def varint(number):
    """Return a number as protobuf writes it."""
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


NOT_ONNX = {
    "empty": b"",
    "random": np.random.default_rng(0).bytes(1000),
    "zeros": bytes(1000),
    "text": b"hello, world, this is no model\n" * 10,
    "varint of 11 bytes": b"\x08" + b"\xff" * 11,
    "a group": b"\x0b\x0c",
    "a field of 2 GB": b"\x3a\xff\xff\xff\xff\x07abc",
    "a field of 2^63": b"\x3a" + varint(2**63) + b"abc",
    "no graph": onnx.ModelProto(ir_version=9).SerializeToString(),
    "a graph alone": onnx.ModelProto(graph=onnx.GraphProto(name="g")).SerializeToString(),
}


@pytest.mark.parametrize("kind", NOT_ONNX)
def test_what_is_no_model_is_refused(kind, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(NOT_ONNX[kind])
    with pytest.raises(ModelFormatError, match=r"m\.onnx: "):
        load(path)


def test_every_truncated_file_is_refused(tmp_path):
    proto, path = between(of_one("Relu")), tmp_path / "m.onnx"
    del proto.opset_import[1:]  # the last field is needed then
    whole = proto.SerializeToString()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFormatError):
            load(path)


def test_every_flipped_bit_gives_a_model_or_one_sentence(tmp_path):
    whole, path = bytearray(between(of_one("Softmax")).SerializeToString()), tmp_path / "m.onnx"
    for i in range(len(whole)):
        whole[i] ^= 1 << i % 8
        path.write_bytes(whole)
        whole[i] ^= 1 << i % 8
        try:
            load(path).predict(uniform(1, (2, 5)))
        except ValueError as error:
            assert len(str(error)) < 1000


def nested(levels):
    content = b""
    for _ in range(levels):  # a graph in an attribute of a node of a graph
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            content = tag + varint(len(content)) + content if content else tag + b"\0"
    return b"\x08\x09\x42\x04\x0a\x00\x10\x14\x3a" + varint(len(content)) + content


@pytest.mark.parametrize("levels", [1, 30, 100, 1000])
def test_graphs_in_graphs_are_refused(levels, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(nested(levels))
    with pytest.raises(ModelFormatError):
        load(path)


@pytest.mark.parametrize("part", ["node", "initializer", "input", "metadata_props", "dims", "inputs"])
def test_a_small_file_of_very_many_parts_is_refused(part, tmp_path):
    graphs = {
        "node": b"\x0a\0" * 1_000_000,
        "initializer": b"\x2a\0" * 1_000_000,
        "input": b"\x5a\0" * 1_000_000,
        "inputs": b"\x0a" + varint(6_000_000) + b"\x0a\0" * 3_000_000,
        "dims": b"\x2a" + varint(3_000_005) + b"\x0a" + varint(3_000_000) + b"\1" * 3_000_000,
    }
    content = b"\x08\x09" + b"\x72\0" * 1_000_000
    if part in graphs:
        content = b"\x08\x09\x42\x04\x0a\x00\x10\x14\x3a" + varint(len(graphs[part])) + graphs[part]
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(LimitError):
        load(tmp_path / "m.onnx")


def test_very_many_nodes_of_a_proto_are_refused():
    proto = dense()
    proto.graph.node.extend([onnx.NodeProto()] * 100_001)
    refused(proto, "has 100002 nodes; fastnn reads at most 100000", LimitError)


def test_a_file_of_two_gigabytes_is_refused_without_being_read(tmp_path):
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(LimitError, match="has 2147483648 bytes; expected at most 2147483647"):
        load(path)


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "/dev/zero"])
def test_what_is_no_regular_file_is_refused_at_once(kind, tmp_path):
    path = tmp_path / "m.onnx"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    with pytest.raises((OSError, ModelFormatError)):
        load(path if kind != "/dev/zero" else kind)


def test_system_errors_name_the_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx"):
        load(tmp_path / "missing.onnx")


def external(proto, **entries):
    """Move the kernel's numbers to a place of these entries."""
    kernel = proto.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = 1
    for key, value in entries.items():
        kernel.external_data.add(key=key, value=value)
    return proto


LOCATIONS = [
    "../m.data",
    "a/../../m.data",
    "a/./b",
    "a//b",
    "/etc/passwd",
    "C:\\x",
    "C:x",
    "\\\\srv\\x",
    "file://m.data",
]
LOCATIONS += ["", ".", "..", "#../x", "m.data/", "m.data\0x", "/proc/self/mem", "a\\..\\m.data"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_numbers_outside_the_folder_are_not_opened(location, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    for place in (tmp_path, folder.parent):
        (place / "m.data").write_bytes(KERNEL.tobytes())
    path = saved(folder / "m.onnx", external(dense(), location=location))
    opened, really = [], os.open
    monkeypatch.setattr(
        os, "open", lambda name, *args, **options: opened.append(name) or really(name, *args, **options)
    )
    with pytest.raises(ModelFormatError, match=r"initializer 'w' is in the file .*; expected one in the folder"):
        load(path)
    assert opened == [str(path)]


@pytest.mark.parametrize("kind", ["symlink", "folder symlink", "hard link", "fifo", "folder", "device"])
def test_links_and_other_things_than_files_are_refused(kind, tmp_path):
    folder, secret = tmp_path / "model", tmp_path / "secret"
    folder.mkdir()
    secret.mkdir()
    (secret / "m.data").write_bytes(KERNEL.tobytes())
    location = "m.data"
    if kind == "symlink":
        (folder / "m.data").symlink_to(secret / "m.data")
    elif kind == "device":
        (folder / "m.data").symlink_to("/dev/zero")
    elif kind == "folder symlink":
        (folder / "deep").symlink_to(secret)
        location = "deep/m.data"
    elif kind == "hard link":
        os.link(secret / "m.data", folder / "m.data")
    elif kind == "fifo":
        os.mkfifo(folder / "m.data")
    else:
        (folder / "m.data").mkdir()
    with pytest.raises(ModelFormatError, match="regular file"):
        load(saved(folder / "m.onnx", external(dense(), location=location)))


def test_missing_data_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"numbers of the model.*m\.data"):
        load(saved(tmp_path / "m.onnx", external(dense(), location="m.data")))


ENTRIES = [
    {"offset": "-1"}, {"offset": "61"}, {"length": "59"}, {"length": "61"}, {"length": "-60"}, {"offset": "1"},
    {"offset": "9" * 18}, {"offset": "9" * 30}, {"offset": "x"}, {"offset": " 0"}, {"offset": "0x0"}, {"offset": ""},
    {"offset": "\u0660"}, {"offset": "0.0"}, {"strange": "1"}, {"basepath": ".."},
]  # fmt: skip


@pytest.mark.parametrize("entries", ENTRIES, ids=repr)
def test_places_that_do_not_fit_are_refused(entries, tmp_path):
    (tmp_path / "m.data").write_bytes(KERNEL.tobytes())
    with pytest.raises(ModelFormatError, match="initializer 'w' "):
        load(saved(tmp_path / "m.onnx", external(dense(), location="m.data", **entries)))


def test_a_key_twice_is_refused(tmp_path):
    (tmp_path / "m.data").write_bytes(KERNEL.tobytes())
    proto = external(external(dense(), location="m.data"), location="m.data")
    with pytest.raises(ModelFormatError, match="there twice"):
        load(saved(tmp_path / "m.onnx", proto))


def test_data_cannot_be_read_more_often_than_it_is_there(tmp_path):
    """A thousand tensors that overlap would be a thousand times the file in memory."""
    (tmp_path / "m.data").write_bytes(bytes(64))
    proto = external(dense(), location="m.data", offset="4")
    again = proto.graph.initializer.add()
    again.CopyFrom(proto.graph.initializer[0])
    again.name = "equal"
    load(saved(tmp_path / "m.onnx", proto))
    again.external_data[1].value = "0"
    with pytest.raises(ModelFormatError, match="of which others have 60"):
        load(saved(tmp_path / "m.onnx", proto))


def test_external_data_needs_a_folder():
    refused(external(dense(), location="m.data"), "is in another file; expected a folder to find it in")


def test_memory_of_a_process_is_refused(tmp_path):
    path = saved(tmp_path / "m.onnx", external(dense(), location="*/_ORT_MEM_ADDR_/*", offset="4096"))
    with pytest.raises(UnsupportedModelError, match="in the memory of a process"):
        load(path)


TENSORS = {
    "two fields": {"float_data": [1.0] * 15},
    "too short": {"raw_data": bytes(59)},
    "too long": {"raw_data": bytes(61)},
    "nothing": {"raw_data": b""},
    "negative": {"dims": [-5, -3]},
    "zero": {"dims": [0, 3]},
    "too large": {"dims": [2**40, 2**40]},
    "overflowing": {"dims": [2**62, 4]},
    "many dimensions": {"dims": [1] * 1000},
    "another field": {"raw_data": b"", "int64_data": [1] * 15},
    "strings": {"data_type": 8},
    "external and here": {"data_location": 1},
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensors_that_contradict_themselves_are_refused(case):
    refused(dense(**TENSORS[case]), "initializer 'w' ")


def test_numbers_too_large_for_their_type_are_refused():
    proto = dense(data_type=10, int32_data=[2**16] * 15)
    proto.graph.initializer[0].ClearField("raw_data")
    refused(proto, "has numbers that float16 cannot hold")


@pytest.mark.parametrize("number", [0, 14, 15, 17, 22, 23, 99])
def test_types_that_numpy_has_not_are_refused(number):
    refused(dense(data_type=number), "has the data type", UnsupportedModelError)


def test_weights_of_integers_are_refused():
    chain = Chain(5)
    chain.then("MatMul", np.ones((5, 3), np.int64))
    refused(chain.proto(), "no constant numbers of floats", UnsupportedModelError)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3e38])
def test_every_number_is_a_weight(value):
    kernel = KERNEL.copy()
    kernel[1, 1] = value
    chain = Chain(5)
    chain.then("MatMul", kernel)
    assert from_proto(chain.proto()).layers[0].kernel.tobytes() == kernel.tobytes()


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
    "a cycle": (inputs_of(1, "v2"), r"node 'n1' \(Relu\) uses 'v2', which nothing before it makes"),
    "an input of itself": (inputs_of(1, "v1"), "uses 'v1', which nothing before it makes"),
    "a missing input": (inputs_of(1, "nowhere"), "uses 'nowhere', which nothing before it makes"),
    "an initializer twice": (copied("initializer"), "has two initializers 'c0'"),
    "an input twice": (copied("input"), "two inputs of the same name"),
    "two makers": (extra("Relu", "x", outputs=["v0"]), r"node 'extra' \(Relu\) makes 'v0', which is there already"),
    "a maker of an initializer": (extra("Relu", "x", outputs=["c0"]), "makes 'c0', which is there already"),
    "no output": (output(), "has the outputs"),
    "an output made nowhere": (output("z"), "has the outputs"),
    "an output twice": (output("v2", "v2"), "has the outputs"),
    "a node without outputs": (extra("Relu", "x", outputs=[]), "has no output"),
    "an empty output": (extra("Relu", "x", outputs=[""]), "has no output"),
    "an attribute twice": (
        lambda proto: proto.graph.node[0].attribute.extend([helper.make_attribute("alpha", 1.0)] * 2),
        "has the attribute 'alpha' twice",
    ),
    "an attribute of another type": (
        lambda proto: proto.graph.node[0].attribute.append(helper.make_attribute("alpha", 1)),
        "has the attribute alpha 1; expected float",
    ),
    "no opset": (opset(), "the version of each set of operations once"),
    "an opset twice": (opset(("", 20), ("", 20)), "the version of each set of operations once"),
    "an opset twice by another name": (opset(("", 20), ("ai.onnx", 13)), "the version of each set of operations once"),
    "too few inputs": (inputs_of(0, "x"), "has 1 inputs; expected 2 to 3"),
    "too many inputs": (inputs_of(1, "v0", "v0"), "has 2 inputs; expected 1 to 1"),
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


BRANCH = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("v0", 1, None)])
UNSUPPORTED = {
    "a future opset": (opset(("", 99)), "needs version 99 of the operations of ONNX; fastnn knows 7 to 28"),
    "an ancient opset": (opset(("", 6)), "needs version 6"),
    "functions": (
        lambda proto: proto.functions.append(onnx.FunctionProto(name="f", domain="d")),
        "has functions of its own",
    ),
    "sparse initializers": (lambda proto: proto.graph.sparse_initializer.add(), "sparse initializers"),
    "a domain of its own": (
        lambda proto: setattr(proto.graph.node[1], "domain", "com.microsoft"),
        r"node 'n1' \(Relu\) is of the domain 'com.microsoft'",
    ),
    "a subgraph": (
        lambda proto: proto.graph.node.insert(
            1, helper.make_node("If", ["c0"], ["z"], "if", then_branch=BRANCH, else_branch=BRANCH)
        ),
        r"node 'if' \(If\) has the attribute '(then|else)_branch', a graph",
    ),
    "a reference": (
        lambda proto: proto.graph.node[0].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="a", type=1)),
        "has the attribute 'alpha'",
    ),
    "an unknown operation": (
        lambda proto: setattr(proto.graph.node[1], "op_type", "Conv"),
        r"node 'n1' \(Conv\), opset 20, is no operation that fastnn has",
    ),
    "an unknown attribute": (
        lambda proto: proto.graph.node[1].attribute.append(helper.make_attribute("strange", 1)),
        "has the attribute 'strange', which fastnn does not know",
    ),
    "two inputs": (
        lambda proto: proto.graph.input.append(helper.make_tensor_value_info("more", 1, [1, 5])),
        "has the inputs 'x', 'more'; expected one",
    ),
    "no input": (lambda proto: proto.graph.initializer.append(tensor("x", KERNEL.T[:1])), "has the inputs none"),
    "two outputs": (output("v1", "v2"), "has the outputs 'v1', 'v2'; expected one"),
    "an input of strings": (
        lambda proto: setattr(proto.graph.input[0].type.tensor_type, "elem_type", 8),
        "which is no tensor of numbers",
    ),
    "an input that is a sequence": (
        lambda proto: proto.graph.input[0].type.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))),
        "which is no tensor of numbers",
    ),
    "an output of constants": (output("c0"), "does not depend on the input"),
    "a constant of a sparse tensor": (
        lambda proto: proto.graph.node.insert(0, onnx.NodeProto(
            op_type="Constant", output=["z"], attribute=[onnx.AttributeProto(name="sparse_value", type=11)])),
        "has the attribute 'sparse_value'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_fastnn_cannot_do_is_named(case):
    change, match = UNSUPPORTED[case]
    refused(changed(change), match, UnsupportedModelError)


COLUMN = uniform(2, 6, "float32")
NODES = {
    "a residual": ([("Gemm", "x", np.eye(6, dtype="f4")), ("Add", "#0", "x")], r"'v0' is used by node 'n2' \(Add\) too"),
    "the rows squared": ([("MatMul", "x", "x")], "is used by it twice"),
    "transA": ([("Gemm", "x", np.eye(6, dtype="f4"), {"transA": 1})], "transA, or the rows on the right"),
    "rows on the right": ([("MatMul", np.eye(6, dtype="f4"), "x")], "has the rows on the right of the product"),
    "a bias for each row": ([("Gemm", "x", np.eye(6, dtype="f4"), COLUMN[:, None])], "one number for each unit"),
    "an Add for each row": ([("Add", "x", COLUMN[:, None])], "expected one number for each unit"),
    "a kernel of three axes": ([("MatMul", "x", np.ones((1, 6, 6), "f4"))], "expected a matrix"),
    "softmax of the rows": ([("Softmax", "x", {"axis": 0})], "works on axis 0; expected the last"),
    "a mean of the rows": ([("ReduceMean", "x", np.int64([0])), ("Sub", "x", "#0")], "over the axes"),
    "integers": ([("Cast", "x", {"to": 6})], "makes integers of the numbers"),
    "a cast to nothing": ([("Cast", "x")], "makes integers of the numbers"),
    "a sine": ([("Sin", "x")], r"node 'n1' \(Sin\), opset 20, is no operation that fastnn has"),
    "an unknown function": ([("Abs", "x"), ("Tanh", "#0")], "compute nothing that fastnn has an activation for"),
    "another gelu": (
        [("Div", "x", 1.5), ("Erf", "#0"), ("Add", "#1", 1), ("Mul", "x", "#2"), ("Mul", "#3", 0.5)],
        "compute nothing that fastnn has an activation for",
    ),
    "a threshold": ([("ThresholdedRelu", "x")], "has a threshold other than 0"),
    "training": ([("BatchNormalization", "x", *[COLUMN] * 4, {"training_mode": 1})], "is in training mode"),
    "dropout in training": ([("Dropout", "x", np.float32(0.5), np.bool_(True))], "is in training mode"),
    "transposed rows": ([("Transpose", "x", {"perm": [1, 0]})], "puts the axes"),
    "rows no longer rows": ([("Reshape", "x", np.int64([-1, 3]))], "makes the shape"),
    "flattened batches": ([("Flatten", "x", {"axis": 0})], "flattens from axis 0"),
    "a slice": ([("Slice", "x", np.int64([0]), np.int64([3]), np.int64([1]))], "is no operation"),
    "slopes that are no numbers": ([("PRelu", "x", "x")], "is used by it twice"),
    "joined": ([("Sigmoid", "x"), ("Concat", "x", "#0", {"axis": 1})], "compute nothing"),
    "a sum too long": ([("Add", "x", 1.0), *(("Mul", f"#{i}", f"#{i}") for i in range(9)), ("Mul", "#9", "x")], "compute nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", NODES)
def test_nodes_that_fastnn_has_not_are_named(case):
    nodes, match = NODES[case]
    refused(between(written(*nodes)), match, UnsupportedModelError)


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
    squared = [("Mul", np.ones((1000, 1), "f4"), np.ones((1, 1000), "f4"))]
    for nodes in (doubled, squared):
        chain = Chain(5)
        written(*nodes, ("MatMul", "x", f"#{len(nodes) - 1}"))(chain)
        refused(chain.proto(), "makes more numbers of constants than the whole file has", LimitError)


def test_names_that_break_lines_are_shown_escaped():
    proto = between(of_one("Conv"))
    proto.graph.node[1].name = "a\nb\u202e" + "c" * 10_000
    refused(proto, r"node 'a\\nb\\u202ec+", UnsupportedModelError)


def test_a_chain_of_two_thousand_nodes_is_a_model():
    chain = Chain(1)
    for _ in range(1000):
        chain.then("Mul", np.float32(2.0))
        chain.then("Tanh")
    assert len(from_proto(chain.proto()).layers) == 2000


LIMITED = """
import resource, sys
from fastnn.importers.onnx_file import load
import onnx
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load(sys.argv[1])
except ValueError:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["nodes", "weights"])
def test_memory_stays_within_twice_the_file_and_64_megabytes(kind, tmp_path):
    if kind == "nodes":
        proto = dense()
        proto.graph.node.extend([onnx.NodeProto(input=["", ""])] * 60_000)
    else:
        chain = Chain(2000)
        chain.then("MatMul", np.ones((2000, 3000), "f4"))
        proto = chain.proto()
    path = saved(tmp_path / "m.onnx", proto)
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 <= 2 * path.stat().st_size + 2**26


def test_without_onnx_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.onnx", dense())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"reading .onnx files needs onnx: pip install 'fastnn\[onnx\]'"):
        onnx_file.load(path)

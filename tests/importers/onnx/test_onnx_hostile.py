"""Broken and hostile .onnx files: one sentence each, no other file opened, memory as the file's size allows."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from arrays import uniform
from fastnn import LimitError, ModelFormatError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

from fastnn.importers.onnx.file import from_proto  # noqa: E402
from fastnn.importers.onnx.tensors import Tensors  # noqa: E402
from onnx_graphs import KERNEL, Chain, between, dense, of_one, refused, saved  # noqa: E402
from opened import load_onnx as load  # noqa: E402


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
    # protobuf gives such a text as bytes
    "a name that is not UTF-8": between(of_one("Relu")).SerializeToString().replace(b"Relu", b"Rel\xff"),
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
    parts, size = [], 0  # from the innermost on
    for _ in range(levels):  # a graph in an attribute of a node of a graph
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            parts.append(tag + varint(size))
            size += len(parts[-1])
    return b"\x08\x09\x42\x04\x0a\x00\x10\x14\x3a" + varint(size) + b"".join(reversed(parts))


@pytest.mark.parametrize("levels", [1, 30, 100, 1000, 99_000, 100_000])
def test_graphs_in_graphs_are_refused(levels, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(nested(levels))
    with pytest.raises(ModelFormatError):
        load(path)


@pytest.mark.parametrize("part", ["node", "initializer", "input", "metadata_props", "dims", "inputs"])
@pytest.mark.slow
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
    proto.graph.node.extend([onnx.NodeProto()] * 50_001)
    refused(proto, "one of 50002 nodes is one too many", LimitError)


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


def test_truth_values_in_a_list_are_read_as_such():
    proto = dense(data_type=9, dims=[2], int32_data=[1, 0])
    proto.graph.initializer[0].ClearField("raw_data")
    assert Tensors(None).array(proto.graph.initializer[0], "w").tolist() == [True, False]


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


def test_a_chain_of_two_thousand_nodes_is_a_model():
    chain = Chain(1)
    for _ in range(1000):
        chain.then("Mul", np.float32(2.0))
        chain.then("Tanh")
    assert len(from_proto(chain.proto()).layers) == 2000


LIMITED = """
import resource, sys
import fastnn, onnx
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    fastnn.load_model(sys.argv[1])
except ValueError as error:
    print(error, file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["nodes", "weights", "one matrix again and again", "a long attribute"])
@pytest.mark.slow
def test_memory_stays_within_twice_the_file_and_64_megabytes(kind, tmp_path):
    if kind == "nodes":
        proto = dense()
        proto.graph.node.extend([onnx.NodeProto(input=["", ""])] * 49_000)
    elif kind == "a long attribute":
        proto = dense()
        proto.graph.node[0].attribute.add(name="long", type=onnx.AttributeProto.FLOATS).floats.extend([0.5] * 10**7)
    else:
        chain = Chain(2000)
        chain.then("MatMul", np.ones((2000, 2000 if kind != "weights" else 3000), "f4"))
        proto = chain.proto()
        if kind != "weights":
            first = proto.graph.node[0]
            nodes = [
                onnx.NodeProto(op_type="MatMul", input=[f"h{i}", first.input[1]], output=[f"h{i + 1}"])
                for i in range(100)
            ]
            nodes[0].input[0], nodes[-1].output[0] = first.input[0], first.output[0]
            del proto.graph.node[:]
            proto.graph.node.extend(nodes)
    path = saved(tmp_path / "m.onnx", proto)
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 <= 2 * path.stat().st_size + 2**26
    assert ("is one too many" in done.stderr) == (kind != "weights")


def test_without_onnx_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.onnx", dense())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"reading .onnx files needs onnx: pip install onnx"):
        load(path)

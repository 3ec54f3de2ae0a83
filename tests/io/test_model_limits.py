"""Limits of model files: no file makes fastnn use more memory or time than a valid one of its size."""

import json
import os
import sys

import pytest

import fastnn
from fastnn import LimitError, ModelFormatError
from model_bytes import (
    CONFIG,
    assemble,
    assert_refused_within_memory_and_time,
    bits,
    load,
    metadata,
    model_bytes,
    weights,
)


def many_layers(count):
    initializer = {"class_name": "GlorotUniform", "config": {"seed": None}}
    dense = {"units": 1, "activation": "linear", "use_bias": True}
    dense |= {"kernel_initializer": initializer, "bias_initializer": initializer}
    layers = [{"class_name": "Dense", "config": {"name": f"dense_{i}", **dense}} for i in range(count)]
    shapes = {f"layers.{i}.{n}": s for i in range(count) for n, s in (("kernel", (1, 1)), ("bias", (1,)))}
    return model_bytes(config={**CONFIG, "build_input_shape": [None, 1], "layers": layers}, tensors=weights(shapes))


@pytest.mark.slow
def test_4096_layers_are_read_and_written(path):
    model = load(path, many_layers(4096))
    model.save(path)
    assert bits(fastnn.load_model(path)) == bits(model)


def test_too_many_layers_tensors_or_values_are_refused(path):
    with pytest.raises(LimitError, match="reads at most|the most that fastnn reads"):
        load(path, many_layers(4097))
    relu = {"class_name": "Activation", "config": {"activation": "relu"}}
    with pytest.raises(LimitError, match="4097 layers"):
        load(path, model_bytes(config={**CONFIG, "layers": [relu] * 4097}, tensors={}))
    scalars = weights({f"t{i}": (1,) for i in range(8193)})
    with pytest.raises(LimitError, match="8193 tensors"):
        load(path, model_bytes(tensors=scalars))
    million = b",".join(b'"t%d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}' % i for i in range(10**6))
    with pytest.raises(LimitError, match=r"the header is \d+ bytes long; fastnn reads at most 4194304"):
        load(path, assemble(b"{" + million + b"}"))


@pytest.mark.parametrize("size", [2**33, 2**43, 2**62], ids=["8 GiB", "8 TiB", "4 EiB"])
def test_sparse_file_takes_no_memory(path, size):
    path.write_bytes(assemble(b"{}"))
    try:
        os.truncate(path, size)
    except OSError:
        pytest.skip("the file system has no files of this size")
    with pytest.raises(LimitError if size > 2**40 else ModelFormatError):
        fastnn.load_model(path)


GREEDY = {
    "empty objects": b'{"a":[' + b"{}," * 1_390_000 + b"{}]}",
    "numbers": b'{"a":[' + b"0," * 2_000_000 + b"0]}",
    "keys": b"{" + b",".join(b'"%d":0' % i for i in range(350_000)) + b"}",
    "keys, as many as allowed": b"{" + b",".join(b'"%020d":0' % i for i in range(89_000)) + b"}",
    "objects, as many as allowed": b'{"a":[' + b"{}," * 170_000 + b"{}]}",
    "arrays in arrays, as many as allowed": b'{"a":[' + b"[[[[]]]]," * 44_000 + b"[]]}",
    "objects in objects, as many as allowed": b'{"a":[' + b'{"":{"":{}}},' * 35_000 + b"{}]}",
    "texts, as many as allowed": b'{"a":[' + b'"twenty_characters___",' * 179_000 + b'""]}',
    "metadata, as much as allowed": b'{"__metadata__":{'
    + b",".join(b'"%020d":"%016d"' % (i, i) for i in range(89_000))
    + b"}}",
    "one long name": b'{"' + b"n" * 4_100_000 + b'":0}',
    "one long config": json.dumps({"__metadata__": metadata("[" + "0," * 170_000 + " " * 3_800_000 + "0]")}).encode(),
    "config full of keys": json.dumps(
        {"__metadata__": metadata("{" + ",".join(f'"{i:020d}":0' for i in range(89_000)) + "}")}
    ).encode(),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("header", GREEDY.values(), ids=GREEDY.keys())
@pytest.mark.slow
def test_hostile_header_stays_within_memory_and_time(path, header):
    assert_refused_within_memory_and_time(path, assemble(header))

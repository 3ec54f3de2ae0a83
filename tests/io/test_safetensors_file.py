"""Safetensors files of other programs: what they may hold, and what breaks the format's rules."""

import json
import os
import struct
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastnn
from arrays import same_bits
from fastnn.files import open_regular
from fastnn.importers import safetensors
from model_bytes import assert_refused_within_memory_and_time


def read(path):
    with open_regular(str(path)) as file:
        return safetensors.read(file)


def test_every_dtype_is_read_as_the_formats_own_package_wrote_it(tmp_path):
    dtypes = ["f2", "f4", "f8", "?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8"]
    tensors = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in dtypes} | {"scalar": np.array(3.0)}
    tensors["empty"] = np.empty((0, 3), "f4")
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found = read(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    assert all(same_bits(found[name], array) for name, array in tensors.items())


def header(entries):
    content = json.dumps(entries).encode() if isinstance(entries, dict) else entries
    return struct.pack("<Q", len(content)) + content


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


BAD_SAFETENSORS = {
    "too short": b"\x01\x00",
    "header beyond the file": struct.pack("<Q", 100) + b"{}",
    "endless header": struct.pack("<Q", 2**63),
    "no JSON": header(b"{"),
    "a list": header(b"[]"),
    "nested": header(b"[" * 100_000),
    "twice": header(b'{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{}}'),
    "unknown key": header({"w": entry() | {"more": 1}}) + bytes(4),
    "dtype": header({"w": entry("F8_E4M3")}) + bytes(4),
    "shape": header({"w": entry(shape=(-1,))}) + bytes(4),
    "float shape": header({"w": entry(shape=(1.0,))}) + bytes(4),
    "overflow": header({"w": entry(shape=(2**62, 2**62))}) + bytes(4),
    "endless overflow": header({"w": entry(shape=(2**62,) * 64)}) + bytes(4),
    "beyond the file": header({"w": entry()}) + bytes(3),
    "trailing bytes": header({"w": entry()}) + bytes(5),
    "a hole": header({"w": entry(offsets=(4, 8))}) + bytes(8),
    "metadata that are no texts": header({"w": entry(), "__metadata__": {"a": [1]}}) + bytes(4),
    "metadata that are a list": header({"w": entry(), "__metadata__": []}) + bytes(4),
    "half a surrogate pair": header(b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}') + bytes(4),
    "half a pair in metadata": header({"w": entry(), "__metadata__": {"a": "\ud800"}}) + bytes(4),
    "minus zero": header(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}') + bytes(4),
    "overlap": header({"v": entry(), "w": entry()}) + bytes(4),
}


@pytest.mark.parametrize("content", BAD_SAFETENSORS.values(), ids=BAD_SAFETENSORS)
def test_a_file_that_breaks_the_formats_rules_gets_one_sentence(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(fastnn.ModelFormatError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_sparse_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(header({"w": entry()}) + bytes(4))
    for size, error, said in (
        (2**39, fastnn.ModelFormatError, "bytes of data; expected 4"),
        (2**42, fastnn.LimitError, "reads at most"),
    ):
        os.truncate(path, size)
        with pytest.raises(error, match=said):
            read(path)


def filled(piece, size=2**22, begin=b"[", end=b"]"):
    """A header of that size that load_model takes for a state dict's, full of one thing."""
    start, stop = b'{"0.weight":{"dtype":' + begin, end + b"}}"
    return start + b",".join([piece] * ((size - len(start) - len(stop)) // (len(piece) + 1))) + stop


def many(form, count, value):
    return b",".join(form % i + value for i in range(count))


GREEDY = {
    "empty arrays": filled(b"[]"),
    "arrays in arrays": filled(b"[" * 900 + b"]" * 900),
    "empty objects": filled(b"{}"),
    "objects in objects": filled(b'{"":' * 300 + b"0" + b"}" * 300),
    "numbers": filled(b"300"),
    "texts": filled(b'"ab"'),
    "one text of four bytes a character": filled("\U0001f600".encode() + b"x" * (2**22 - 50), begin=b'"', end=b'"'),
    "keys": filled(many(b'"%x":', 360_000, b"{}"), begin=b"{", end=b"}"),
    "keys of arrays": filled(many(b'"%x":', 320_000, b"[0]"), begin=b"{", end=b"}"),
    "tensors": b'{"0.weight":{},' + many(b'"%x":', 70_000, b'{"dtype":"U8","shape":[],"data_offsets":[0,0]}') + b"}",
    "empty tensors, as many as allowed": b"{"
    + many(b'"%x.weight":', 16_300, b'{"dtype":"U8","shape":[0],"data_offsets":[0,0]}')
    + b"}",
    "arrays in arrays, 20 MB": filled(b"[" * 900 + b"]" * 900, size=20 * 10**6),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("content", GREEDY.values(), ids=GREEDY)
@pytest.mark.slow
def test_hostile_header_of_a_state_dict_stays_within_memory_and_time(tmp_path, content):
    assert_refused_within_memory_and_time(tmp_path / "x.safetensors", header(content))


def test_headers_are_read_up_to_the_limit(tmp_path):
    path = tmp_path / "x.safetensors"
    content = json.dumps({"w": entry()}).encode()
    path.write_bytes(header(content.ljust(2**22)) + bytes(4))
    assert read(path).keys() == {"w"}
    path.write_bytes(header(content.ljust(2**22 + 1)) + bytes(4))
    with pytest.raises(fastnn.LimitError, match="the header is 4194305 bytes long; fastnn reads at most 4194304"):
        read(path)


def test_state_dict_of_as_many_modules_as_a_model_has_layers(tmp_path):
    path = tmp_path / "x.safetensors"
    each = {"weight": np.ones((1, 1), "f4"), "bias": np.zeros(1, "f4")}
    save_file({f"model.net.{i}.{n}": array for i in range(4096) for n, array in each.items()}, path)
    assert len(fastnn.load_model(path, layers=["linear"] * 4096).layers) == 4096

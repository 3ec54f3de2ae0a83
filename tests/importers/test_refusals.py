"""Whatever a file calls its parts: the error is one sentence that can be printed and read."""

import json
import struct

import numpy as np
import pytest

import fastnn
import keras_files
import model_bytes
import onnx_graphs
import state_dicts
from fastnn.importers.refusals import one_sentence

NAMES = {
    "an escape sequence": "\x1b[2J",
    "lines": "a\nb\r\u2028c",
    "another direction": "\u202eabc",
    "half a surrogate pair": "\udc80",
    "long": "x" * 100_000,
}


def keras(name):
    content = json.dumps(keras_files.sequential(keras_files.given(), keras_files.dense(name=name, rotation=1)))
    return keras_files.keras_3(None, {}, **{"config.json": content})


def onnx(name):
    proto = onnx_graphs.between(onnx_graphs.of_one("Sin"))
    proto.graph.node[1].name = name
    return proto.SerializeToString()


def pickled(name):
    weight = state_dicts.tensor("0", "FloatStorage", 4, [2, 2], [2, 1])
    entries = [("0.weight", weight), ("0." + name, weight)]
    return state_dicts.archive(state_dicts.pickled(entries), {"0": bytes(16)})


def module(name):
    weight = state_dicts.tensor("0", "FloatStorage", 4, [2, 2], [2, 1])
    return state_dicts.archive(state_dicts.pickled([(name + ".strange", weight)]), {"0": bytes(16)})


def safetensors(name):
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    header = json.dumps({"0.weight": entry, "0." + name: {**entry, "data_offsets": [16, 32]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(32)


def own(name):
    return model_bytes.assemble({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4))


FILES = {make.__name__: make for make in (keras, onnx, pickled, module, safetensors, own)}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("kind", FILES)
def test_a_name_of_the_file_cannot_harm_the_sentence(path, kind, name):
    try:
        content = FILES[kind](name)
    except UnicodeEncodeError:
        pytest.skip("such a file has no such name")
    path.write_bytes(content)
    arguments = {"layers": ["relu"]} if kind in ("pickled", "module", "safetensors") else {}
    with pytest.raises(fastnn.ModelFormatError) as error:
        fastnn.load_model(path, **arguments)
    said = str(error.value)
    assert said.startswith(str(path)) or str(path) in said
    assert said.isprintable()
    assert len(said) < 1500


def test_names_of_modules_are_listed_until_the_line_is_full(path):
    tensors = {f"{i}.weight": np.ones((2, 2), "<f4") for i in range(1000)}
    path.write_bytes(state_dicts.state_dict_bytes(tensors))
    for arguments in ({}, {"layers": ["relu"]}, {"layers": {"a": "relu"}}):
        with pytest.raises(ValueError) as error:
            fastnn.load_model(path, **arguments)
        assert len(str(error.value)) < 1500


def test_a_long_sentence_keeps_its_beginning_and_its_end():
    said = one_sentence("begin" + 10_000 * "x" + "end")
    assert said.startswith("begin")
    assert said.endswith("end")
    assert one_sentence("short") == "short"

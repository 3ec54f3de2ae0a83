"""Fuzz the safetensors readers: whatever fastnn accepts, the safetensors package must read too, with equal values.

The first byte chooses the reader of fastnn. S: that of state dicts. Any other byte: that of fastnn's own models.
"""

import json
import struct

import numpy as np
import safetensors

import judge
from fastnn.files import open_regular
from fastnn.importers import safetensors as own_reader
from mutators import mutated_bytes, mutated_json

# Names of tensors, ordered as get_weights()
OF_UNITS = ("kernel", "bias", "alpha", "scale", "gamma", "shift", "beta", "moving_mean", "moving_variance")


def theirs(content):
    return {
        name: (entry["shape"], entry["dtype"], bytes(entry["data"])) for name, entry in safetensors.deserialize(content)
    }


def compare_state_dict(content):
    judge.PATH.write_bytes(content)
    try:
        with open_regular(str(judge.PATH)) as file:
            found = own_reader.read(file)
    except judge.fastnn.ModelFormatError:
        return
    wanted = theirs(content)
    assert found.keys() == wanted.keys()
    for name, (shape, dtype, data) in wanted.items():
        array = found[name]
        if dtype == "BF16":
            array = (array.view("<u4") >> 16).astype("<u2")
        assert list(array.shape) == shape, name
        assert array.tobytes() == data, name


def compare_model(content):
    model = judge.model_of(content)
    if model is None:
        return
    wanted = {name: entry for name, entry in theirs(content).items() if not name.startswith("training.")}
    names = sorted(wanted, key=lambda name: (int(name.split(".")[1]), OF_UNITS.index(name.split(".")[2])))
    weights = model.get_weights()
    assert len(weights) == len(names)
    for array, name in zip(weights, names, strict=True):
        shape, dtype, data = wanted[name]
        assert (list(array.shape), array.tobytes()) == (shape, data), name
        assert array.dtype == np.dtype({"F32": "<f4", "F64": "<f8"}[dtype])


def test_one_input(data):
    (compare_state_dict if data[:1] == b"S" else compare_model)(data[1:])


def mutated_header(data, generator):
    """Mutate the JSON header, or a text of JSON in it, and keep its length and the data consistent."""
    size = struct.unpack("<Q", data[1:9])[0]
    header, rest = data[9 : 9 + size], data[9 + size :]
    if generator.random() < 0.5 and b"config" in header:
        parsed = json.loads(header)
        metadata = parsed["__metadata__"]
        key = "training" if "training" in metadata and generator.random() < 0.5 else "config"
        metadata[key] = mutated_json(metadata[key], generator).decode()
        header = json.dumps(parsed).encode()
    else:
        header = mutated_json(header, generator)
    return data[:1] + struct.pack("<Q", len(header)) + header + rest


def mutate(data, max_size, seed):
    return mutated_bytes(data, max_size, seed, mutated_header)


if __name__ == "__main__":
    judge.run(test_one_input, mutate)

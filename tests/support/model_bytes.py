"""Model files assembled byte by byte, so that each can be wrong in exactly one way."""

import copy
import io
import json
import struct
import zipfile

import numpy as np

import fastnn
from fastnn import LimitError, ModelFormatError, UnsupportedModelError
from processes import run_python

CONFIG = {
    "name": "small",
    "dtype": "float32",
    "build_input_shape": [None, 3],
    "layers": [
        {"class_name": "Dense", "config": {"name": "hidden", "units": 4, "activation": "tanh", "use_bias": True}},
        {"class_name": "Activation", "config": {"name": "again", "activation": "relu"}},
        {"class_name": "Dense", "config": {"name": "last", "units": 2, "activation": "linear", "use_bias": True}},
    ],
}
SHAPES = {"layers.0.kernel": (3, 4), "layers.0.bias": (4,), "layers.2.kernel": (4, 2), "layers.2.bias": (2,)}


def weights(shapes=SHAPES, dtype="float32"):
    rng = np.random.default_rng(7)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def metadata(config=CONFIG, **changes):
    text = config if isinstance(config, str) else json.dumps(config)
    return {"format": "fastnn", "version": "1", "config": text, **changes}


def entries(tensors):
    header, end = {}, 0
    for name, tensor in tensors.items():
        dtype = {"float32": "F32", "float64": "F64"}[str(tensor.dtype)]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [end, end + tensor.nbytes]}
        end += tensor.nbytes
    return header


def assemble(header, data=b"", length=None):
    """Any header (bytes as they are, else as JSON), any data, and a length that may lie."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def model_bytes(edit=None, config=CONFIG, tensors=None, data=None, meta=None):
    """The valid small model, but for what the arguments change."""
    tensors = weights() if tensors is None else tensors
    header = {"__metadata__": metadata(config) if meta is None else meta, **entries(tensors)}
    if edit:
        edit(header)
    return assemble(header, b"".join(t.tobytes() for t in tensors.values()) if data is None else data)


def one_missing(name):
    return model_bytes(tensors={each: tensor for each, tensor in weights().items() if each != name})


def header_bytes(old, new):
    """The valid small model with a piece of its header's text replaced, which a dict could not express."""
    content = model_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = content[8 : 8 + size]
    assert old in header
    return assemble(header.replace(old, new, 1), content[8 + size :])


def with_entry(**changes):
    return model_bytes(lambda header: header["layers.0.kernel"].update(changes))


def without(name, key):
    return model_bytes(lambda header: header[name].pop(key))


def with_config(edit):
    config = copy.deepcopy(CONFIG)
    edit(config)
    return model_bytes(config=config)


def with_columns(columns, **more):
    return with_config(lambda config: config.update(columns=columns, **more))


def with_layer(index, **changes):
    return with_config(lambda config: config["layers"][index]["config"].update(changes))


def with_keras(keras):
    return with_config(lambda config: config["layers"][1].update(keras=keras))


def reshaped(**shapes):
    return model_bytes(tensors=weights({**SHAPES, **{name.replace("_", "."): s for name, s in shapes.items()}}))


def zip_of(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"content")
    return stream.getvalue()


DATA = b"".join(t.tobytes() for t in weights().values())
F, U, L = ModelFormatError, UnsupportedModelError, LimitError


def load(path, content):
    path.write_bytes(content)
    return fastnn.load_model(path)


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def small_model(units=4):
    layers = fastnn.layers
    return fastnn.models.Sequential([fastnn.Input((3,)), layers.Dense(units, activation="tanh"), layers.Dense(2)])


def assert_refused_within_memory_and_time(path, content):
    """What docs/evidence/reliability.md promises of a file that is no model; reads /proc."""
    path.write_bytes(content)
    code = """
        import re, sys, time, fastnn

        def peak():  # not ru_maxrss, which begins with the parent's
            return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

        before, start = peak(), time.process_time()
        try:
            fastnn.load_model(sys.argv[1])
        except fastnn.ModelFormatError as error:
            print(peak() - before, time.process_time() - start)
    """
    kibibytes, seconds = run_python(code, path).split()
    assert int(kibibytes) * 1024 <= 2 * len(content) + (64 << 20)
    assert float(seconds) < 5

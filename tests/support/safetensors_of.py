"""A safetensors file as metadata and arrays, and back."""

import json

import numpy as np

from model_bytes import assemble, entries

_DTYPES = {"F32": "<f4", "F64": "<f8"}


def parts(path):
    """The metadata and the tensors of a file."""
    content = path.read_bytes()
    data = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:data])
    meta, tensors = header.pop("__metadata__"), {}
    for name, entry in header.items():
        begin, end = (data + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[begin:end], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return meta, tensors


def written(meta, tensors):
    """The bytes of a file with them."""
    header = {"__metadata__": meta, **entries(tensors)}
    return assemble(header, b"".join(np.ascontiguousarray(array).tobytes() for array in tensors.values()))

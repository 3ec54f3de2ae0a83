"""Files as torch.save() writes them, made without torch: whole ones, and such as no torch would write."""

import io
import struct
import zipfile
from itertools import pairwise

import numpy as np

from arrays import uniform

STORAGES = {"<f4": "FloatStorage", "<f8": "DoubleStorage", "<f2": "HalfStorage", "<i8": "LongStorage"}


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def integer(value):
    return b"J" + struct.pack("<i", value) if value < 2**31 else b"\x8a\x09" + value.to_bytes(9, "little")


def numbers(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def tensor(key, storage, size, shape, strides, offset=0, view=b""):
    """The pickle's opcodes of one tensor, a view of a storage; view: of a view of the storage, before PyTorch 1.6."""
    kind = text("storage") + f"ctorch\n{storage}\n".encode()
    pid = b"(" + kind + text(key) + text("cpu") + integer(size) + view + b"tQ"
    rest = integer(offset) + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + rest + b"tR"


def pickled(entries):
    """A pickle of an OrderedDict of (name, opcodes of a value)."""
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + b"".join(text(n) + value for n, value in entries) + b"u."


def archive(pickle, storages, root="sd/", **options):
    """The bytes of a file: the pickle, and the storages by their keys."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        file.writestr(f"{root}data.pkl", pickle)
        file.writestr(f"{root}byteorder", "little")
        for key, data in storages.items():
            file.writestr(f"{root}data/{key}", data)
    return buffer.getvalue()


MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
MACHINE = b"\x80\x02}(" + text("protocol_version") + b"M\xe9\x03" + text("little_endian") + b"\x88u."


def in_a_row(pickle, storages, *, version=b"\x80\x02M\xe9\x03.", machine=MACHINE, keys=None):
    """The bytes of a file of PyTorch before 1.6; storages: (count, data) by their keys."""
    keys = b"\x80\x02](" + b"".join(map(text, storages)) + b"e." if keys is None else keys
    numbers = b"".join(struct.pack("<Q", count) + data for count, data in storages.values())
    return MAGIC + version + machine + pickle + keys + numbers


def state_dict_bytes(tensors, before_1_6=False):
    """The bytes of a file of these arrays, each in a storage of its own; uint16 is bfloat16."""
    entries, storages = [], {}
    for i, (name, array) in enumerate(tensors.items()):
        storage = "BFloat16Storage" if array.dtype == np.uint16 else STORAGES[array.dtype.str]
        strides = [stride // array.itemsize for stride in array.strides]
        entries.append((name, tensor(str(i), storage, array.size, array.shape, strides)))
        storages[str(i)] = (array.size, array.tobytes("A"))
    if before_1_6:
        return in_a_row(pickled(entries), storages)
    return archive(pickled(entries), {key: data for key, (_, data) in storages.items()})


def weights(*sizes, dtype="<f4", step=2):
    """Linear modules in a row, named as nn.Sequential does."""
    found = {}
    for i, (inputs, units) in enumerate(pairwise(sizes)):
        found[f"{step * i}.weight"] = uniform(i, (units, inputs)).astype(dtype)
        found[f"{step * i}.bias"] = uniform(9 + i, units).astype(dtype)
    return found


def batch_norm(units, seed):
    """A BatchNorm1d's tensors."""
    return {
        "weight": uniform(seed, units) + 1.5,
        "bias": uniform(seed + 1, units),
        "running_mean": uniform(seed + 2, units),
        "running_var": uniform(seed + 3, units) + 1.25,
        "num_batches_tracked": np.array(7),
    }


def saved(path, content):
    path.write_bytes(content)
    return path

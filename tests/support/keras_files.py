"""Keras' files, made by hand: the forms that other releases write, and broken ones."""

import io
import json
import zipfile

import numpy as np
import pytest

from arrays import uniform

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

KERNEL, BIAS = uniform(1, (4, 3), "float32"), uniform(2, 3, "float32")
ROWS = uniform(3, (5, 4), "float32")


def layer(class_name, name, **config):
    """A layer as a config describes it."""
    return {"class_name": class_name, "config": {"name": name, **config}}


def dense(name="d", units=3, **config):
    return layer("Dense", name, **{"units": units, "activation": "linear", "use_bias": True, **config})


def given(inputs=4, name="x", **config):
    return layer("InputLayer", name, **{"batch_shape": [None, inputs], "dtype": "float32", **config})


def sequential(*layers, name="made"):
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def functional(*layers, ends=None, name="made", node=None, class_name="Functional"):
    """Layers in a row; node: makes the record of what a layer takes, in Keras 3's form unless given."""
    node = node or tensor_node
    names = [each["config"]["name"] for each in layers]
    records = [
        {**each, "name": own, "inbound_nodes": [] if before is None else [node(before)]}
        for each, own, before in zip(layers, names, [None, *names], strict=False)
    ]
    first, last = ends or ([names[0], 0, 0], [names[-1], 0, 0])
    return {
        "class_name": class_name,
        "config": {"name": name, "layers": records, "input_layers": first, "output_layers": last},
    }


def tensor_node(*names, **arguments):
    """What Keras 3 writes for a layer that takes the outputs of others."""
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": [name, 0, 0]}}
        for name in names
    ]
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": arguments}


def hdf5(weights, attributes=None, **options):
    """The bytes of an HDF5 file of datasets by their paths, and attributes by (path, name)."""
    content = io.BytesIO()
    with h5py.File(content, "w", **options) as file:
        for path, numbers in weights.items():
            file[path] = numbers
        for (path, name), value in (attributes or {}).items():
            (file[path] if path else file).attrs[name] = value
    return content.getvalue()


def keras_3(config, weights, version="3.15.1", attributes=None, kind=zipfile.ZIP_STORED, root="layers", **members):
    """The bytes of a .keras file; weights: by their path in `root`, "dense/vars/0"."""
    content = {
        "metadata.json": json.dumps({"keras_version": version}),
        "config.json": json.dumps(config),
        "model.weights.h5": hdf5({f"{root}/{path}": numbers for path, numbers in weights.items()}, attributes),
        **members,
    }
    return zipped({name: data for name, data in content.items() if data is not None}, kind)


def zipped(members, kind=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def legacy(config, weights, version="2.15.0", attributes=None, **options):
    """The bytes of a .h5 file; weights: by their path in model_weights/, "d/d/kernel:0"."""
    texts = {("", "model_config"): json.dumps(config)}
    if version is not None:
        texts["", "keras_version"] = version
    paths = {f"model_weights/{path}": numbers for path, numbers in weights.items()}
    return hdf5(paths or {"model_weights/x": np.zeros(1)}, texts | (attributes or {}), **options)


def one_dense(**config):
    """A .keras file of one Dense."""
    return keras_3(sequential(given(), dense(**config)), {"dense/vars/0": KERNEL, "dense/vars/1": BIAS})


def saved(path, content):
    path.write_bytes(content)
    return path

"""The seeds of each target: files of tests/data, and files that modules of tests/support construct."""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))

import json  # noqa: E402

import numpy as np  # noqa: E402

import keras_files  # noqa: E402
import model_bytes  # noqa: E402
import onnx_graphs  # noqa: E402
import state_dicts  # noqa: E402

MOST_BYTES = 1 << 15  # larger files of tests/data are skipped


def stored(*patterns):
    """Return the contents of the files of tests/data that match the patterns."""
    paths = [path for pattern in patterns for path in sorted((HERE.parent / "data").glob(pattern))]
    return [path.read_bytes() for path in paths if path.stat().st_size <= MOST_BYTES]


KERAS = {"BatchNormalization": {"keras": {"class_name": "BatchNormalization", "config": {"scale": False}}}}


def own_models():
    config = {
        "name": "all",
        "dtype": "float64",
        "build_input_shape": [None, 3],
        "layers": [
            {"class_name": name, "config": {"name": name.lower(), **config}, **KERAS.get(name, {})}
            for name, config in (
                ("Affine", {}),
                ("PReLU", {}),
                ("Dense", {"units": 3, "activation": {"name": "leaky_relu", "negative_slope": 0.2}, "use_bias": False}),
                ("LayerNormalization", {"epsilon": 0.001}),
                ("BatchNormalization", {"epsilon": 0.001, "center": True, "scale": False}),
                ("Activation", {"activation": {"name": "clip", "minimum": -1, "maximum": 1}}),
            )
        ],
    }
    shapes = {"layers.0.scale": (3,), "layers.0.shift": (3,), "layers.1.alpha": (3,), "layers.2.kernel": (3, 3)}
    shapes |= {"layers.3.gamma": (3,), "layers.3.beta": (3,)}
    shapes |= {f"layers.4.{name}": (3,) for name in ("beta", "moving_mean", "moving_variance")}
    yield model_bytes.model_bytes()
    yield model_bytes.model_bytes(config=config, tensors=model_bytes.weights(shapes, "float64"))
    yield trained_model()
    number = {"name": "age", "type": "float_normalized", "fill": 1.5, "indicator": False, "mean": 1.5, "variance": 2.0}
    yield model_bytes.with_columns(
        [number, {"name": "city", "type": "string_categorical", "values": ["Oslo"], "gap": False}]
    )
    scaled = {"name": "rate", "type": "float_rescaled", "fill": 0, "indicator": True, "scale": 2.0, "offset": 1}
    yield model_bytes.with_columns([scaled, {"name": "paid", "type": "boolean", "fill": 0.5, "indicator": False}])
    yield model_bytes.with_columns([{"name": "zip", "type": "integer_categorical", "values": [-7], "gap": True}])


def trained_model():
    """Return a model file with a part for training."""
    optimizer = {"class_name": "SGD", "config": {"learning_rate": 0.5, "momentum": 0.5}}
    state = {"iterations": 3, "accumulated": 0, "seed": 1}
    history = {"names": ["loss"], "seed": 1, "params": {"epochs": 2}}
    settings = {"compile": {"optimizer": optimizer, "loss": "mse"}, "state": state, "history": history}
    tensors = model_bytes.weights()
    for name, array in model_bytes.weights().items():
        tensors[name.replace("layers", "training.momentum")] = array
    tensors |= {"training.history.loss": np.ones(2), "training.epochs": np.arange(2.0)}
    meta = model_bytes.metadata(version="2", training=json.dumps(settings))
    return model_bytes.model_bytes(tensors=tensors, meta=meta)


def headers():
    """Yield the JSON headers of own_models(), with the config behind a NUL as header.cpp expects it, and whole."""
    for content in own_models():
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        config = header["__metadata__"]["config"]
        header["__metadata__"]["config"] = "$"
        yield json.dumps(header).replace('"$"', "$").encode() + b"\0" + config.encode()
        yield content[8 : 8 + size]


def choices(size=64):
    generator = np.random.default_rng(1)
    return [generator.bytes(size) for _ in range(200)]


def state_dict_files():
    yield state_dicts.state_dict_bytes(state_dicts.weights(3, 4, 2))
    yield state_dicts.state_dict_bytes(state_dicts.weights(3, 4, 2), before_1_6=True)
    yield state_dicts.state_dict_bytes({"weight": np.ones((2, 2), "<u2"), "bias": np.ones(2, "<f8")}, before_1_6=True)
    yield state_dicts.state_dict_bytes({"weight": np.ones((2, 2), "<f8"), "bias": np.ones(2, "<f2")})
    norm = {f"1.{name}": np.ones(4, "<f4") for name in ("weight", "bias", "running_mean", "running_var")}
    yield state_dicts.state_dict_bytes(state_dicts.weights(3, 4) | norm)
    yield from stored("*.pt", "*.state_dict.safetensors")


def state_dict():
    """Yield the seeds of state_dict_target.py, which explains the first two bytes."""
    tensors = [
        state_dicts.tensor(key, "FloatStorage", size, shape, strides)
        for key, size, shape, strides in (
            ("0", 12, (4, 3), (3, 1)),
            ("1", 4, (4,), (1,)),
            ("2", 8, (2, 4), (4, 1)),
            ("1", 4, (2,), (1,)),
        )
    ]
    for layers in range(8):
        yield from (bytes([layers]) + b"F" + content for content in state_dict_files())
        modules = ("fc1", "fc2") if layers == 7 else ("0", "2")
        names = [f"{module}.{tensor}" for module in modules for tensor in ("weight", "bias")]
        yield bytes([layers]) + b"P" + state_dicts.pickled(zip(names, tensors, strict=True))


def onnx():
    names = ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Softplus", "Erf", "Identity", "Dropout", "Flatten")
    bodies = [[(name, "x")] for name in names]
    bodies += [[("Mul", "x", 2.0), ("Add", "#0", 1.0)], [("Softmax", "x")], [("Clip", "x", -1.0, 1.0)]]
    units = np.arange(6)
    bodies += [
        [("Slice", "x", units[5:], units[:1] - 9, units[1:2], units[:1] - 1), ("Gather", "#0", units, {"axis": 1})]
    ]
    bodies += [[("Max", "x", -units / 8), ("Min", "#0", units / 8)]]
    for nodes in bodies:
        yield onnx_graphs.between(onnx_graphs.written(*nodes)).SerializeToString()
    yield onnx_graphs.dense().SerializeToString()
    sizes, kernel = np.array([5, 5]), np.ones((5, 5), "f4")
    graphs = [
        ([5], [("MatMul", kernel, "x"), ("Softmax", "#0")]),
        ([1, 5], [("Reshape", "x", sizes[:1]), ("MatMul", "#0", kernel), ("Unsqueeze", "#1", sizes[:1] - 5)]),
        (None, [("Expand", np.float32(1), sizes), ("ReduceL2", "#0"), ("Div", kernel, "#1"), ("MatMul", "x", "#2")]),
        (None, [("ArgMax", "x", {"axis": 1})]),
    ]
    for shape, nodes in graphs:
        chain = onnx_graphs.Chain(5, shape=shape)
        onnx_graphs.written(*nodes)(chain)
        yield chain.proto().SerializeToString()
        yield onnx_graphs.called(chain.proto()).SerializeToString()
    yield from stored("*.onnx")


def keras():
    """Yield the seeds of keras_target.py, which explains the first byte."""
    made = keras_files
    layers = [
        made.layer("BatchNormalization", "batch_normalization", axis=-1, epsilon=1e-3, scale=True, center=True),
        made.layer("LayerNormalization", "layer_normalization", axis=[-1], epsilon=1e-3, scale=True, center=True),
        made.layer("Activation", "a", activation="tanh"),
        made.layer("LeakyReLU", "l", negative_slope=0.2),
        made.layer("Softmax", "s", axis=-1),
        made.layer("Dropout", "o", rate=0.5),
        made.layer("Rescaling", "r", scale=2.0, offset=1.0),
        made.layer("Flatten", "f"),
    ]
    for config in (
        made.sequential(made.given(), made.dense()),
        made.functional(made.given(), made.dense()),
        *(made.sequential(made.given(), made.dense(), each) for each in layers),
        made.functional(made.given(), made.sequential(made.given(), made.dense()), made.dense("e")),
    ):
        yield b"C" + json.dumps(config).encode()
        yield b"L" + json.dumps(config).encode()
    weights = {"layers/dense/vars/0": made.KERNEL, "layers/dense/vars/1": made.BIAS}
    yield b"W" + made.hdf5(weights)
    yield b"K" + made.one_dense()
    yield b"H" + made.legacy(
        made.sequential(made.given(), made.dense()), {"d/kernel": made.KERNEL, "d/bias": made.BIAS}
    )
    yield from (b"K" + content for content in stored("*.keras", "*.h5"))
    yield b"A" + made.hdf5(weights)
    kernel = {"d/d/kernel:0": made.KERNEL, "d/d/bias:0": made.BIAS}
    yield b"A" + made.hdf5(kernel, {("", "layer_names"): np.array([b"d"])})


def safetensors():
    yield from (b"M" + content for content in own_models())
    numbers = {"0.weight": np.ones((2, 3), "<f4"), "0.bias": np.ones(2, "<f8")}
    yield b"S" + model_bytes.assemble(model_bytes.entries(numbers), b"".join(t.tobytes() for t in numbers.values()))
    for dtype, size in (("BF16", 2), ("F16", 2), ("I64", 8), ("BOOL", 1), ("U8", 1)):
        entry = {"x": {"dtype": dtype, "shape": [2, 0], "data_offsets": [0, 0]}}
        entry["y"] = {"dtype": dtype, "shape": [], "data_offsets": [0, size]}
        yield b"S" + model_bytes.assemble(entry, bytes(size))
    yield from (b"S" + content for content in stored("*.safetensors"))


SEEDS = {
    "forward": choices,
    "graphs": lambda: choices(200),
    "header": headers,
    "keras": keras,
    "model_file": own_models,
    "onnx": onnx,
    "safetensors": safetensors,
    "state_dict": state_dict,
}


def write(target, folder):
    """Write the seeds of a target to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, content in enumerate(SEEDS[target]()):
        (folder / f"seed-{i:03}").write_bytes(content)


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))

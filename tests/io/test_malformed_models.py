"""Malformed model files: each is refused by a sentence that names the file and the fault."""

import gzip
import json
import pickle

import numpy as np
import pytest

from fastnn import ModelFormatError
from model_bytes import (
    CONFIG,
    DATA,
    F,
    L,
    U,
    assemble,
    header_bytes,
    load,
    metadata,
    model_bytes,
    one_missing,
    reshaped,
    with_config,
    with_entry,
    with_keras,
    with_layer,
    without,
    zip_of,
)

DENSE = {"class_name": "Dense", "config": {"name": "more", "units": 2, "activation": "linear", "use_bias": True}}

MALFORMED = {
    # the length and the container
    "empty file": (b"", F, "0 bytes long"),
    "seven bytes": (b"\0" * 7, F, "7 bytes long"),
    "header length 0": (assemble(b"", DATA), F, "not one JSON object"),
    "header length one too large": (assemble(b"{}", length=3), F, "only 2 bytes follow"),
    "header length 2^63": (assemble(b"{}", length=2**63), L, str(2**63)),
    "header length 2^64 - 1": (assemble(b"{}", length=2**64 - 1), L, str(2**64 - 1)),
    "header length above the format's limit": (assemble(b"{}", length=100_000_001), L, "100000001"),
    "header not UTF-8": (header_bytes(b"small", b"sm\xffll"), F, "expected valid JSON in UTF-8"),
    "header with a surrogate": (header_bytes(b"small", b"\xed\xa0\x80"), F, "expected valid JSON in UTF-8"),
    "header with an overlong form": (header_bytes(b"small", b"\xc0\xaf"), F, "expected valid JSON in UTF-8"),
    "lone escaped surrogate": (header_bytes(b"small", b"\\ud800"), F, "expected valid JSON"),
    "NUL escaped in a name": (header_bytes(b"layers.0.kernel", b"layers.0.ker\\u0000nel"), F, "NUL"),
    "NUL byte and more after the header": (assemble(b"{}\0{}"), F, "NUL"),
    "header cut short": (assemble(b"{"), F, "not one JSON object"),
    "header is an array": (assemble(b"[]"), F, "not one JSON object"),
    "header is a string": (assemble(b'"x"'), F, "not one JSON object"),
    "header is a number": (assemble(b"5"), F, "not one JSON object"),
    "header is null": (assemble(b"null"), F, "not one JSON object"),
    "header is empty": (assemble({}), F, "no 'format'"),
    "space before the header": (header_bytes(b"{", b" {"), F, "not one JSON object"),
    "BOM before the header": (header_bytes(b"{", b"\xef\xbb\xbf{"), F, "not one JSON object"),
    "line feed after the header": (assemble(b"{}\n"), F, "not one JSON object"),
    "second object after the header": (assemble(b"{} {}"), F, "expected valid JSON"),
    "comment in the header": (assemble(b"{/**/}"), F, "expected valid JSON"),
    "100,000 nested arrays": (assemble(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), F, "nested values"),
    "eight levels": (assemble(b'{"a":' + b"[" * 7 + b"]" * 7 + b"}"), F, "at most 7 levels of nested values"),
    "100,000 nested objects": (assemble(b'{"a":' * 100_000 + b"0" + b"}" * 100_000), F, "nested values"),
    # the tensors' entries
    "tensor twice": (header_bytes(b"layers.2.bias", b"layers.0.bias"), F, "'layers.0.bias' twice"),
    "tensor twice, one escaped": (header_bytes(b"layers.2.bias", b"layer\\u0073.0.bias"), F, "'layers.0.bias' twice"),
    "key twice in an entry": (header_bytes(b'"dtype": "F32"', b'"dtype": "F32", "dtype": "F32"'), F, "'dtype' twice"),
    "unknown key in an entry": (with_entry(strides=[4, 1]), F, "unknown key 'strides'"),
    "no dtype": (without("layers.0.kernel", "dtype"), F, "received no 'dtype'"),
    "no shape": (without("layers.0.kernel", "shape"), F, "received no 'shape'"),
    "no data_offsets": (without("layers.0.kernel", "data_offsets"), F, "received no 'data_offsets'"),
    "entry is an array": (model_bytes(lambda header: header.update({"layers.0.kernel": []})), F, "an array"),
    "dtype is a number": (with_entry(dtype=32), F, "a whole number; expected a string"),
    **{f"dtype {d}": (with_entry(dtype=d), U, f"'{d}'") for d in ("f32", "F4", "F16", "BF16", "BOOL", "I64", "")},
    "shape negative": (with_entry(shape=[-3, 4]), F, "a negative whole number"),
    "shape a float": (with_entry(shape=[3.0, 4]), F, "not a whole number"),
    "shape with an exponent": (header_bytes(b"[3, 4]", b"[1e3, 4]"), F, "not a whole number"),
    "shape above 2^64": (with_entry(shape=[2**64, 1]), F, "not a whole number"),
    "shape of strings": (with_entry(shape=["3", "4"]), F, "a string"),
    "shape nested": (with_entry(shape=[[3, 4]]), F, "an array"),
    "shape not an array": (with_entry(shape=12), F, "a whole number; expected an array"),
    "shape with 0": (with_entry(shape=[0, 4]), F, "'layers.0.kernel' has shape (0, 4); expected sizes of at least 1"),
    "rank 0": (with_entry(shape=[], data_offsets=[0, 4]), F, "begins at byte 48; expected 4"),
    "rank 1 kernel": (with_entry(shape=[12]), F, "'layers.0.kernel' has shape (12,); expected (3, 4)"),
    "rank 3 kernel": (with_entry(shape=[1, 3, 4]), F, "'layers.0.kernel' has shape (1, 3, 4); expected (3, 4)"),
    "10,000 dimensions": (with_entry(shape=[1] * 10_000), F, "10000 numbers"),
    "shape product above 2^64": (with_entry(shape=[2**63, 2]), F, "2^63 bytes or more"),
    "shape product of 2^64 + 48": (with_entry(shape=[2**60 + 3, 4]), F, "2^63 bytes or more"),
    "product x itemsize above 2^64": (with_entry(shape=[2**62]), F, "2^63 bytes or more"),
    "enormous shape, tiny data": (with_entry(shape=[2**31, 2**30]), F, "(2147483648, 1073741824)"),
    "offsets reversed": (with_entry(data_offsets=[48, 0]), F, "the end before the beginning"),
    "three offsets": (with_entry(data_offsets=[0, 48, 64]), F, "3 data_offsets"),
    "offsets beyond the file": (model_bytes(data=DATA[:40]), F, "cut short"),
    "tensors overlap": (with_entry(data_offsets=[16, 64]), F, "begins at byte"),
    "hole between tensors": (
        model_bytes(lambda header: header["layers.2.bias"].update(data_offsets=[100, 108]), data=DATA + b"1234"),
        F,
        "'layers.2.bias' begins at byte 100; expected 96",
    ),
    "bytes after the data": (model_bytes() + zip_of("hidden"), F, "more after the tensors"),
    "last byte missing": (model_bytes()[:-1], F, "cut short"),
    "length unlike the shape": (with_entry(shape=[3, 3]), F, "48 bytes; expected 36"),
    "tensor of no bytes": (
        model_bytes(lambda header: header.update(x={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})),
        F,
        "'x' has shape (0,)",
    ),
    "tensor name of 1 MB": (model_bytes(tensors={"n" * 10**6: np.zeros(1, "f4")}), L, "(1000000 bytes)"),
    "tensor name with odd characters": (
        model_bytes(tensors={"/../\n\u202e\x1b[2J": np.zeros(1, "f4")}),
        F,
        r"'/../\u{a}\u{202e}\u{1b}[2J'",
    ),
    # __metadata__
    "metadata not an object": (model_bytes(meta=[]), F, "__metadata__ is an array"),
    "metadata not text": (model_bytes(meta=metadata(version=1)), F, "a whole number for the key 'version'"),
    "no metadata": (model_bytes(lambda header: header.pop("__metadata__")), F, "no 'format'"),
    "another tool's metadata": (model_bytes(meta={"format": "pt"}), F, "the format 'pt'; expected 'fastnn'"),
    "no version": (model_bytes(meta={"format": "fastnn", "config": "{}"}), F, "no 'version'"),
    "no config": (model_bytes(meta={"format": "fastnn", "version": "1"}), F, "no 'config'"),
    "unknown metadata": (model_bytes(meta=metadata(author="me")), U, "unknown key 'author'"),
    **{f"version {v!r}": (model_bytes(meta=metadata(version=v)), U, f"'{v}'") for v in ("3", "0", "1.0", "")},
    # the config
    "config not JSON": (model_bytes(config="{"), F, "the config: expected valid JSON"),
    "config with NaN": (model_bytes(config='{"name": NaN}'), F, "the config: expected valid JSON"),
    "config with a key twice": (model_bytes(config='{"name": "a", "name": "b"}'), F, "'name' twice"),
    "config with more after a NUL": (model_bytes(config=json.dumps(CONFIG) + "\0x"), F, "NUL"),
    "config is an array": (model_bytes(config="[]"), F, "the config: expected an object; received an array"),
    "config nested deeply": (model_bytes(config="[" * 10_000 + "]" * 10_000), F, "nested values"),
    "no dtype in the config": (with_config(lambda c: c.pop("dtype")), F, "no 'dtype'"),
    "config's dtype unknown": (with_config(lambda c: c.update(dtype="float16")), U, "'float16'"),
    "config's dtype not the tensors'": (
        with_config(lambda c: c.update(dtype="float64")),
        F,
        "has dtype F32; expected F64",
    ),
    "unknown key in the config": (with_config(lambda c: c.update(optimizer="adam")), U, "unknown key 'optimizer'"),
    **{
        f"build_input_shape {shape}": (
            with_config(lambda c, s=shape: c.update(build_input_shape=s)),
            F,
            "build_input_shape",
        )
        for shape in (
            None,
            3,
            [3],
            [None],
            [1, 3],
            [None, 0],
            [None, -3],
            [None, 3.0],
            [None, True],
            [None, 2**31],
            [None, 2, 2],
        )
    },
    "no layers": (with_config(lambda c: c.update(layers=[])), F, "at least one layer"),
    "layers not an array": (with_config(lambda c: c.update(layers={})), F, "an object as 'layers'"),
    "layer not an object": (with_config(lambda c: c.update(layers=[1])), F, "layer 0: expected an object; received"),
    "unknown layer": (
        with_config(lambda c: c["layers"][1].update(class_name="Conv2D")),
        U,
        "layer 1 has the class_name 'Conv2D'",
    ),
    "unknown key beside a layer": (
        with_config(lambda c: c["layers"][0].update(module="os")),
        U,
        "unknown key 'module'",
    ),
    "layer without config": (with_config(lambda c: c["layers"][0].pop("config")), F, "received no 'config'"),
    "unknown key in a layer": (with_layer(0, kernel_regularizer=None), U, "received the unknown key"),
    "no units": (with_config(lambda c: c["layers"][0]["config"].pop("units")), F, "received no 'units'"),
    **{f"units {u!r}": (with_layer(0, units=u), F, "'units'") for u in (0, -1, 4.0, "4", True, None, 2**31, 2**64)},
    "units of 2^31 - 1": (with_layer(0, units=2**31 - 1), F, f"expected (3, {2**31 - 1})"),
    "use_bias not true or false": (with_layer(0, use_bias=1), F, "expected true or false"),
    "name not text": (with_layer(0, name=None), F, "null as 'name'"),
    "name empty": (with_layer(0, name=""), F, "layer 0 has an empty 'name'"),
    "name of the model empty": (with_config(lambda c: c.update(name="")), F, "the config has an empty 'name'"),
    "name twice": (with_layer(2, name="hidden"), F, "layer 2 has the name 'hidden' of a layer before it"),
    "names for some layers": (
        with_config(lambda c: c["layers"][1]["config"].pop("name")),
        F,
        "names for 2 of 3 layers; expected one for each or none",
    ),
    # initializers
    **{
        f"initializer {initializer!r}": (with_layer(0, kernel_initializer=initializer), error, fragment)
        for initializer, error, fragment in (
            ("zeros", F, "layer 0: its kernel_initializer: expected an object; received a string"),
            (None, F, "expected an object; received null"),
            ({"class_name": "Zeros"}, F, "received no 'config'"),
            ({"config": {}}, F, "received no 'class_name'"),
            ({"class_name": 1, "config": {}}, F, "a whole number as 'class_name'"),
            ({"class_name": "HeNormall", "config": {}}, U, "did you mean 'HeNormal'?"),
            ({"class_name": "zeros", "config": {}}, U, "did you mean 'Zeros'?"),
            ({"class_name": "Zeros", "config": {}, "module": "m"}, U, "unknown key 'module'"),
            ({"class_name": "Zeros", "config": None}, F, "kernel_initializer's config: expected an object; received"),
            ({"class_name": "Zeros", "config": {"seed": 1}}, U, "unexpected keyword argument 'seed'"),
            ({"class_name": "GlorotUniform", "config": {"seed": 1, "scale": 1}}, U, "keyword argument 'scale'"),
            ({"class_name": "Constant", "config": {"value": "1"}}, U, "expected value to be a number"),
            *(
                ({"class_name": "GlorotUniform", "config": {"seed": seed}}, U, "expected seed to be an integer")
                for seed in (-1, 2**32, 1.0, "1", True)
            ),
        )
    },
    "bias_initializer unknown": (
        with_layer(2, bias_initializer={"class_name": "Twos", "config": {}}),
        U,
        "received {'class_name': 'Twos', 'config': {}}",
    ),
    # what Keras calls a layer
    **{
        f"keras {keras!r}": (with_keras(keras), error, fragment)
        for keras, error, fragment in (
            ("ReLU", F, "layer 1: its keras: expected an object; received a string"),
            ({"class_name": "ReLU"}, F, "layer 1: its keras: expected the keys class_name, config; received no"),
            ({"class_name": "ReLU", "config": []}, F, "layer 1: its keras's config: expected an object"),
            ({"class_name": "ReLU", "config": {}, "module": "os"}, U, "unknown key 'module'"),
            ({"class_name": "Relu", "config": {}}, U, "did you mean 'ReLU'?"),
            ({"class_name": "ReLU", "config": {"max": 6}}, U, "layer 1: ReLU() got an unexpected keyword argument"),
            ({"class_name": "ReLU", "config": {"max_value": "6"}}, U, "layer 1: expected max_value to be a number"),
            ({"class_name": "ReLU", "config": {"max_value": 6}}, F, "layer 1: expected its keras to compute the same"),
            ({"class_name": "Dropout", "config": {"rate": 0.5}}, F, "layer 1: expected its keras to compute the same"),
            ({"class_name": "ReLU", "config": {"input_dim": 9}}, F, "layer 1: expected its keras to compute the same"),
            ({"class_name": "ReLU", "config": {"name": "b"}}, F, "layer 1: expected its keras to compute the same"),
        )
    },
    "unknown activation": (with_layer(0, activation="swish2"), U, "swish2"),
    "activation in the wrong case": (with_layer(0, activation="Tanh"), U, "Tanh"),
    "activation with odd characters": (with_layer(0, activation="\n\u202e"), U, r"\u{a}\u{202e}"),
    "activation an object without name": (with_layer(0, activation={"class_name": "LeakyReLU"}), F, "no 'name'"),
    "activation a number": (with_layer(0, activation=3), F, "a whole number as 'activation'"),
    "activation without its parameter": (with_layer(0, activation="leaky_relu"), F, "the name and its negative_slope"),
    "activation with another's parameter": (
        with_layer(0, activation={"name": "relu", "negative_slope": 0.1}),
        U,
        "the unknown key 'negative_slope'",
    ),
    "parameter a string": (
        with_layer(0, activation={"name": "leaky_relu", "negative_slope": "0.1"}),
        F,
        "a string as 'negative_slope'; expected a number",
    ),
    "parameter without bound": (
        with_layer(0, activation={"name": "leaky_relu", "negative_slope": None}),
        F,
        "null as 'negative_slope'; expected a number",
    ),
    "clip upside down": (
        with_layer(0, activation={"name": "clip", "minimum": 1, "maximum": 0}),
        F,
        "minimum: expected at most the maximum",
    ),
    "a layer's function as an activation": (with_layer(0, activation="prelu"), U, "received 'prelu'"),
    # config and tensors together
    "inputs do not chain": (
        reshaped(layers_2_kernel=(5, 2)),
        F,
        "tensor 'layers.2.kernel' has shape (5, 2); expected (4, 2), the units of layer 1 by those of layer 2",
    ),
    "kernel transposed": (reshaped(layers_0_kernel=(4, 3)), F, "the model's inputs by the units of layer 0"),
    "bias of the wrong length": (reshaped(layers_0_bias=(5,)), F, "shape (5,); expected (4,), the units of layer 0"),
    "bias of rank 2": (reshaped(layers_0_bias=(1, 4)), F, "has shape (1, 4); expected (4,)"),
    "tensor of no layer": (reshaped(x=(1,)), F, "tensor 'x' does not belong"),
    "bias without use_bias": (with_layer(0, use_bias=False), F, "'layers.0.bias' does not belong"),
    "kernel of an activation": (reshaped(layers_1_kernel=(4, 4)), F, "'layers.1.kernel' does not belong"),
    "layer without its tensors": (with_config(lambda c: c["layers"].append(DENSE)), F, "'layers.3.bias' is missing"),
    "one tensor missing": (one_missing("layers.2.bias"), F, "'layers.2.bias' is missing; expected shape (2,)"),
    "tensors without their layer": (with_config(lambda c: c["layers"].pop()), F, "does not belong"),
    # other kinds of file
    "text": (b"weights: 1 2 3 4 5 6\n", F, "looks like text"),
    "JSON": (json.dumps(CONFIG).encode(), F, "config without weights"),
    "zip": (zip_of("a.txt"), F, "looks like a zip archive"),
    "Keras": (zip_of("metadata.json"), U, "holds metadata.json"),
    "npz": (zip_of("a.npy"), F, "looks like a NumPy archive"),
    "gzip": (gzip.compress(model_bytes()), F, "looks like a gzip file"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, F, "expected a file of Keras"),
    "npy": (b"\x93NUMPY\x01\0" + b"\0" * 100, F, "looks like a NumPy array"),
    "GGUF": (b"GGUF\3\0\0\0" + b"\0" * 100, F, "looks like a GGUF model"),
    "PyTorch": (zip_of("model/data.pkl"), F, "is not what torch.save() writes"),
    "pickle": (pickle.dumps({"w": [1.0]}), U, "never unpickles"),
    "random bytes": (np.random.default_rng(3).bytes(4096), F, "looks like no model file"),
    "header longer than fastnn reads": (b"\0\0\0\1\0\0\0\0" + bytes(100), L, "the header is"),
}


@pytest.mark.parametrize(("content", "error", "fragment"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_file_is_refused_by_name(path, content, error, fragment):
    with pytest.raises(ModelFormatError) as caught:
        load(path, content)
    message = str(caught.value)
    assert caught.type is error, message
    assert message.startswith(f"{path}: ")
    assert fragment in message
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400


def test_every_shorter_file_is_refused(path):
    content = model_bytes()
    for size in range(len(content)):
        with pytest.raises(ModelFormatError):
            load(path, content[:size])


def test_a_changed_header_byte_is_refused_or_gives_a_whole_model(path):
    content = bytearray(model_bytes())
    for i in range(len(content) - len(DATA)):
        for bit in range(8):
            content[i] ^= 1 << bit
            try:
                assert len(load(path, bytes(content)).get_weights()) == 4
            except ModelFormatError as error:
                assert str(error).isprintable()
            content[i] ^= 1 << bit

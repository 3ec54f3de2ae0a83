"""Files that are no models, or models that fastnn does not read: each is told what it is and what to do."""

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import pathlib
import pickle
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.files import open_regular
from fastnn.saving import native


def saved(function, *arguments):
    content = io.BytesIO()
    function(content, *arguments)
    return content.getvalue()


def zipped(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, "x")
    return content.getvalue()


def tarred(name):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        file.addfile(tarfile.TarInfo(name))
    return content.getvalue()


NODE = b"\n\x1a\n\x05input\x12\x0bPlaceholder*\x04\n\x00\x12\x00"
ONE_NODE = b"\n\x21\n\x01c\x12\x05Const*\x15\n\x05value\x12\x0cB\n\x08\x01"
CHECKPOINT = b"\x00\x00\x06\x08\x01\x1a\x02\x08\x01\x00\x07\x16x/.ATTRIBUTES"
HTML = "\n <!DOCTYPE HTML>\n<html><head><title>Mod\u00e8le</title>".encode()
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
KERAS = "save it from Keras as one file, model.save('model.keras'), or convert it to ONNX"
TREES = "it holds trees"
FILES = {
    "TFLite": (b"\x1c\0\0\0TFL3\x14\0 \0" + bytes(50), "a TensorFlow Lite model", KERAS),
    "SavedModel": (b"\x08\x01\x12\xa8\x12\n\x0e\x12\x0c\n\x02NoOp", "a SavedModel", KERAS),
    "frozen graph": (20 * NODE, "a graph of TensorFlow", KERAS),
    "graph of a constant": (ONE_NODE, "a graph of TensorFlow", KERAS),
    "meta graph": (b'\n\xe0\x07\x12\xc0\x07\n:\n\x03Add\x12\x06\n\x01x"\x01T:\x0b\n\x01T\x12\x04type', ".meta", KERAS),
    "checkpoint": (CHECKPOINT + bytes(99), "a checkpoint of TensorFlow (.index)", KERAS),
    "checkpoint's list": (b'model_checkpoint_path: "m.ckpt"\n', "checkpoints", KERAS),
    "XGBoost": (b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0", "an XGBoost model (.ubj)", TREES),
    "XGBoost, JSON": (b'{"learner":{"attributes":{}}}', "an XGBoost model (JSON)", TREES),
    "LightGBM": (b"tree\nversion=v4\nnum_class=1\n", "a LightGBM model", TREES),
    "CatBoost": (b"CBM1" + bytes(50), "a CatBoost model", TREES),
    "pickle": (pickle.dumps({"w": [1.0]}), "a pickle", "never unpickles"),
    "pickle of joblib": (zlib.compress(pickle.dumps([1.0]), 3), "joblib compressed", "joblib.load(path)"),
    "gzip": (gzip.compress(b"x"), "a gzip file", "unpack it"),
    "bzip2": (bz2.compress(b"x"), "a bzip2 file", "unpack it"),
    "xz": (lzma.compress(b"x"), "an xz file", "unpack it"),
    "zip": (zipped("a.txt"), "a zip archive", "unpack it"),
    "PyTorch 0.1": (tarred("sys_info"), "as PyTorch 0.1 wrote", "save it again with torch.save"),
    "Git LFS": (LFS, "a Git LFS pointer", "git lfs pull"),
    "HTML": (HTML, "a web page (HTML)", "download the file itself"),
    "XML": (b'<?xml version="1.0"?>\n<PMML>', "an XML file", "another format"),
    "npy": (saved(np.save, np.ones(3)), "a NumPy array (.npy)", "model.set_weights(arrays)"),
    "npz": (saved(np.savez, np.ones(3)), "a NumPy archive (.npz)", "model.set_weights(arrays)"),
    "MATLAB": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file", "model.set_weights(arrays)"),
    "Parquet": (b"PAR1" + bytes(50), "a Parquet table", "model.predict"),
    "CSV": (b"a,b\n1,2\n3,4\n", "a table of text (CSV)", "fastnn predict MODEL DATA"),
    "CSV with semicolons": (b"a;b\n1;2\n", "a table of text (CSV)", "fastnn predict MODEL DATA"),
    "GGUF": (b"GGUF\3\0\0\0" + bytes(50), "a GGUF model", "dense networks"),
    "ORT": (b"\x18\0\0\0ORTM" + bytes(50), "ONNX Runtime's own format", "load the .onnx file"),
    "Keras' config": (
        json.dumps({"module": "keras", "class_name": "Sequential"}).encode(),
        "config",
        "layers='model.json'",
    ),
    "text": (b"weights: 1 2 3\n", "text", "save the model as such"),
    "JSON of others": (b'{"in_shape": [null, 1], "layers": []}', "text", "save the model as such"),
    "JSON with a brace at 8": (b'{"abcd":{"x": 1, "y": 2}, "z": 3}', "text", "save the model as such"),
    "other bytes": (bytes(range(200, 256)), "no model file", "save the model as such"),
}
KINDS = (".safetensors", ".keras", ".h5", ".onnx", ".pt", ".pth", ".nnet")


@pytest.mark.parametrize(("content", "what", "advice"), FILES.values(), ids=FILES)
def test_a_foreign_file_is_told_what_it_is_and_what_to_do(path, content, what, advice):
    path.write_bytes(content)
    with pytest.raises(fastnn.ModelFormatError) as raised:
        fastnn.load_model(path)
    said = str(raised.value)
    assert said.startswith(f"{path}: looks like ")
    assert what in said
    assert said.index("expected a model of") < said.index(advice)
    assert all(kind in said for kind in KINDS)
    assert said.isprintable()


@pytest.mark.parametrize(("content", "what", "advice"), FILES.values(), ids=FILES)
def test_the_core_expects_its_own_files_alone(path, content, what, advice):
    path.write_bytes(content)
    with open_regular(str(path)) as file, pytest.raises(fastnn.ModelFormatError) as raised:
        native.read(file)
    said = str(raised.value)
    assert "expected a model file of fastnn (.safetensors); " in said
    assert what in said


READ_IN_PYTHON = {
    "onnx": b"\x08\x0a\x12\x07pytorch",
    "keras": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "keras, zip": zipped("metadata.json"),
    "torch": zipped("sd/data.pkl"),
    "torch, before 1.6": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    "nnet": b"// Neural Network File Format by Kyle Julian, Stanford 2016\n1,1,1,1,\n",
}


@pytest.mark.parametrize(("kind", "content"), READ_IN_PYTHON.items())
def test_the_core_says_how_to_convert_what_python_reads(path, kind, content):
    assert _core.format_of(content) == kind.partition(",")[0]
    path.write_bytes(content)
    with (
        open_regular(str(path)) as file,
        pytest.raises(fastnn.ModelFormatError, match="convert it first: fastnn convert"),
    ):
        native.read(file)


def test_no_length_of_a_header_looks_like_another_format():
    """It may begin like zlib's data, like text or a tar archive."""
    for length in (*range(0x100, 0x10000), *(int.from_bytes(content[:4], "little") for content, *_ in FILES.values())):
        beginning = length.to_bytes(8, "little") + b'{"__metadata__":{"format":"fastnn"}' + 300 * b"ustar"
        assert _core.format_of(beginning) == "fastnn"


def test_a_state_dict_is_expected_where_one_is_read(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(
        fastnn.ModelFormatError, match=r"expected a PyTorch state dict .*; convert it first: fastnn convert"
    ):
        fastnn.from_torch_state_dict(path, ["relu"])


@pytest.mark.parametrize("load", [fastnn.load_model, lambda given: fastnn.from_torch_state_dict(given, ["relu"])])
class TestWhatIsNoFile:
    def test_a_saved_model_is_a_folder(self, tmp_path, load):
        (tmp_path / "saved_model.pb").touch()
        with pytest.raises(fastnn.UnsupportedModelError, match="SavedModel of TensorFlow; .*model.save"):
            load(tmp_path)

    def test_any_other_folder_asks_for_its_file(self, tmp_path, load):
        with pytest.raises(IsADirectoryError, match="expected the file of a model, such as one in it") as raised:
            load(tmp_path)
        assert raised.value.errno == errno.EISDIR

    @pytest.mark.parametrize("name", ["m.ckpt", "m.ckpt.data-00000-of-00001"])
    def test_a_checkpoint_of_tensorflow_is_several_files(self, tmp_path, load, name):
        for each in ("m.ckpt.index", "m.ckpt.data-00000-of-00001"):
            (tmp_path / each).write_bytes(bytes(100))
        with pytest.raises(fastnn.UnsupportedModelError, match="is a checkpoint of TensorFlow, weights alone; "):
            load(tmp_path / name)

    @pytest.mark.parametrize("url", ["https://example.org/m.onnx", "HTTP://example.org/m", "hf://user/model"])
    def test_a_url_is_to_be_downloaded(self, load, url):
        with pytest.raises(FileNotFoundError, match="opens no URLs: download it first") as raised:
            load(url)
        assert raised.value.filename == url

    @pytest.mark.parametrize(("given", "what"), [(b"PK\3\4\0\0", "bytes"), (io.BytesIO(b"x"), "an open file")])
    def test_what_is_no_path_is_a_type_error(self, load, given, what):
        with pytest.raises(TypeError, match=f"expected the path of a model's file; received {what}; write its bytes"):
            load(given)

    def test_a_path_in_bytes_is_a_path(self, load, tmp_path):
        with pytest.raises(FileNotFoundError):
            load(os.fsencode(pathlib.Path(tmp_path, "missing")))

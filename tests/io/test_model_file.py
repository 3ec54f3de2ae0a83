"""Model files: what fastnn writes anyone can read, and a save is all or nothing."""

import copy
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy as safetensors_numpy
from safetensors import safe_open

import fastnn
from fastnn import ModelFormatError
from model_bytes import (
    CONFIG,
    DATA,
    SHAPES,
    assemble,
    bits,
    entries,
    header_bytes,
    load,
    metadata,
    model_bytes,
    small_model,
    weights,
    with_config,
    with_layer,
)
from processes import run_python


@pytest.mark.parametrize(
    "content",
    [
        model_bytes(tensors=dict(reversed(weights().items()))),
        model_bytes(tensors=dict(sorted(weights().items()))),
        assemble(json.dumps({"__metadata__": metadata(), **entries(weights())}).encode() + b" " * 13, DATA),
        assemble(json.dumps({"__metadata__": metadata(), **entries(weights())}).encode().ljust(0x010280), DATA),
        header_bytes(b'"layers.0.bias"', b'"layers\\u002e0.bias"'),
        header_bytes(b": ", b":\n"),
        with_layer(0, kernel_initializer={"class_name": "GlorotUniform", "config": {"seed": 2**32 - 1}}),
        with_layer(0, bias_initializer={"class_name": "GlorotUniform", "config": {"seed": None}}),
        with_layer(0, kernel_initializer={"class_name": "Zeros", "config": {}}),
        with_layer(0, name="small"),
        with_config(lambda c: [c.pop("name"), *(layer["config"].pop("name") for layer in c["layers"])]),
    ],
    ids=[
        "reversed",
        "sorted",
        "unaligned data",
        "length like a pickle's first bytes",
        "escaped name",
        "line feeds",
        "largest seed",
        "seed null",
        "zeros",
        "layer named as the model",
        "no names",
    ],
)
def test_valid_variants_give_the_same_weights(path, content):
    expected = weights()
    loaded = load(path, content).get_weights()
    assert [w.tobytes() for w in loaded] == [expected[name].tobytes() for name in SHAPES]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_file_of_the_safetensors_package_is_read_bit_for_bit(path, dtype):
    tensors = weights(dtype=dtype)
    special = [np.nan, -np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max, 3e38]
    tensors["layers.2.kernel"].flat[:] = special
    safetensors_numpy.save_file(tensors, path, metadata=metadata({**CONFIG, "dtype": dtype}))
    model = fastnn.load_model(path)
    assert bits(model) == [tensors[name].tobytes() for name in SHAPES]
    assert all(w.dtype == dtype for w in model.get_weights())
    again = path.with_name("again.safetensors")
    model.save(again)
    assert bits(fastnn.load_model(again)) == bits(model)


def test_saved_file_is_read_by_the_safetensors_package(path):
    model = small_model()
    model.save(path)
    with safe_open(path, framework="numpy") as file:
        assert set(file.metadata()) == {"format", "version", "config"}
        assert json.loads(file.metadata()["config"]) == json.loads(json.dumps(model.get_config()))
        names = ["layers.0.kernel", "layers.0.bias", "layers.1.kernel", "layers.1.bias"]
        assert sorted(file.keys()) == sorted(names)
        for name, expected in zip(names, model.get_weights(), strict=True):
            np.testing.assert_array_equal(file.get_tensor(name), expected, strict=True)
    assert struct.unpack("<Q", path.read_bytes()[:8])[0] % 8 == 0


def test_model_survives_saving_and_loading(path):
    model = small_model()
    model.save(path)
    loaded = fastnn.load_model(path)
    assert loaded.get_config() == model.get_config()
    assert loaded.fingerprint() == model.fingerprint()
    assert bits(loaded) == bits(model)


def test_same_model_gives_the_same_bytes(path):
    model = small_model()
    model.save(path)
    first = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == first
    fastnn.load_model(path).save(path)
    assert path.read_bytes() == first


def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))  # relative: such a path has 108 bytes at most
        code = """if True:
            import os, sys, fastnn
            os.dup2(os.pipe()[0], 0)  # /dev/stdin: a pipe to which nobody writes
            try:
                fastnn.load_model(sys.argv[1])
            except (OSError, fastnn.ModelFormatError) as error:
                print(type(error).__name__)
        """
        kinds = (tmp_path / "fifo", tmp_path / "socket", "/dev/zero", "/dev/stdin")
        found = [run_python(code, kind).strip() for kind in kinds]
    assert found == ["ModelFormatError", "OSError", "ModelFormatError", "ModelFormatError"]


def test_system_errors_are_oserrors_with_errno_and_filename(tmp_path, path):
    with pytest.raises(IsADirectoryError):
        fastnn.load_model(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        fastnn.load_model(path)
    assert os.fspath(caught.value.filename) == str(path)
    with pytest.raises(OSError, match="name"):
        fastnn.load_model("n" * 5000)
    with pytest.raises(ValueError, match=r"(?i)nul"):
        fastnn.load_model("model\0.safetensors")
    with pytest.raises(ValueError, match=r"(?i)nul"):
        small_model().save(tmp_path / "model\0.safetensors")
    with pytest.raises(FileNotFoundError):
        small_model().save(tmp_path / "missing" / "model.safetensors")
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        small_model().save(folder)


@pytest.mark.parametrize("thing", [None, 3, True, ["model.safetensors"], {}, object], ids=repr)
def test_what_is_no_path_is_a_type_error(thing):
    for call in (fastnn.load_model, small_model().save):
        with pytest.raises(TypeError, match="expected str, bytes or os.PathLike object"):
            call(thing)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_missing_permission_is_permissionerror(tmp_path, path):
    small_model().save(path)
    path.chmod(0)
    with pytest.raises(PermissionError):
        fastnn.load_model(path)
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        small_model().save(tmp_path / "other.safetensors")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("stem", ["modèle ☃", "a\nb\x1b", os.fsdecode(b"caf\xe9")], ids=ascii)
def test_any_file_name_can_be_saved_loaded_and_shown(tmp_path, stem):
    name = stem + ".safetensors"
    try:
        small_model().save(tmp_path / name)
    except OSError:
        pytest.skip("the file system has no such names")
    assert os.listdir(tmp_path) == [name]
    assert fastnn.load_model(tmp_path / name).get_weights()
    with pytest.raises(ModelFormatError) as caught:
        load(tmp_path / name, b"")
    assert str(caught.value).isprintable()


def test_pickled_files_are_never_executed(tmp_path, path):
    canary = tmp_path / "canary"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(canary),)

    contents = [pickle.dumps(Attack(), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model/data.pkl", contents[2])
    for content in [*contents, archive.getvalue()]:
        for suffix in (".safetensors", ".pt", ".pkl", ".joblib"):
            with pytest.raises(ModelFormatError):
                load(path.with_suffix(suffix), content)
    assert not canary.exists()
    pickle.loads(contents[-1])
    assert canary.exists()  # so the attack is a real one


def test_file_changing_while_it_is_read_is_whole_or_refused(path):
    shape = {"layers.0.kernel": (1000, 1000), "layers.0.bias": (1000,)}
    config = {**CONFIG, "build_input_shape": [None, 1000], "layers": [copy.deepcopy(CONFIG["layers"][0])]}
    config["layers"][0]["config"]["units"] = 1000
    content = model_bytes(config=config, tensors=weights(shape))
    path.write_bytes(content)
    code = """if True:
        import os, sys
        size = int(sys.argv[2])
        while os.path.exists(sys.argv[1]):
            for length in (size, size // 2, size, size + 1000):
                os.truncate(sys.argv[1], length)
    """
    changer = subprocess.Popen([sys.executable, "-c", code, str(path), str(len(content))], stderr=subprocess.DEVNULL)
    outcomes = set()
    for _ in range(200):
        try:
            outcomes.add([w.shape for w in fastnn.load_model(path).get_weights()] == list(shape.values()))
        except ModelFormatError as error:
            assert "became" in str(error) or "bytes of data" in str(error)
    path.unlink()
    changer.wait()
    assert outcomes <= {True}


def test_file_exchanged_while_it_is_read_is_one_of_the_two(tmp_path, path):
    models = [small_model(units) for units in (3000, 5000)]
    for i, model in enumerate(models):
        model.save(tmp_path / f"{i}.safetensors")
    models[0].save(path)
    code = """if True:
        import os, sys
        folder, path = sys.argv[1:]
        while os.path.exists(path):
            for name in ("0", "1"):
                os.link(f"{folder}/{name}.safetensors", f"{folder}/next")
                os.replace(f"{folder}/next", path)
    """
    changer = subprocess.Popen([sys.executable, "-c", code, tmp_path, path], stderr=subprocess.DEVNULL)
    try:
        found = {fastnn.load_model(path).fingerprint() for _ in range(200)}
    finally:
        changer.kill()
        changer.wait()
    assert found <= {model.fingerprint() for model in models}

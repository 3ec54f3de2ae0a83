"""State dicts of PyTorch: .pt and .safetensors files and dicts, whose weights become a model."""

import json
import os
import struct
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastnn
from conftest import same_bits, uniform
from fastnn import from_torch_state_dict
from fastnn.importers.torch_pickle import read
from state_dicts import archive, integer, pickled, state_dict_bytes, tensor, text

MODELS = Path(__file__).with_name("models")
# As the modules were: Linear, ReLU, BatchNorm1d, Dropout, Linear, Tanh, Linear; and Linear, ReLU, Linear, ReLU, Linear.
TRAINED = {"torch_digits": ["relu", "linear", "tanh", "linear"], "torch_diabetes": ["relu", "relu", "linear"]}


def weights(*sizes, dtype="<f4", step=2):
    """Linear modules in a row, named as nn.Sequential does."""
    found = {}
    for i, (inputs, units) in enumerate(pairwise(sizes)):
        found[f"{step * i}.weight"] = uniform(i, (units, inputs)).astype(dtype)
        found[f"{step * i}.bias"] = uniform(9 + i, units).astype(dtype)
    return found


def saved(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
@pytest.mark.parametrize("trained", TRAINED)
def test_trained_models_give_torchs_own_answers(trained, kind):
    model = from_torch_state_dict(MODELS / f"{trained}.state_dict.{kind}", TRAINED[trained])
    expected = np.load(MODELS / f"{trained}.expected.npz")
    off = np.abs(model.predict(expected["x"]) - expected["y"]).max(axis=1)
    assert (off <= 8 * np.spacing(np.abs(expected["y"]).max(axis=1))).all()


def test_file_and_dict_and_wrapped_dict_are_the_same_model(tmp_path):
    tensors = weights(5, 7, 3)
    path = saved(tmp_path / "sd.pt", state_dict_bytes(tensors))
    save_file(tensors, tmp_path / "sd.safetensors")
    sources = [path, str(path), tmp_path / "sd.safetensors", tensors, {"state_dict": tensors, "epoch": 3}]
    models = [from_torch_state_dict(source, ["tanh", "linear"]) for source in sources]
    assert len({model.fingerprint() for model in models}) == 1
    x = uniform(1, (4, 5), "float32")
    hidden = np.tanh(x @ tensors["0.weight"].T + tensors["0.bias"])
    np.testing.assert_allclose(models[0].predict(x), hidden @ tensors["2.weight"].T + tensors["2.bias"], rtol=1e-5)


@pytest.mark.parametrize(("dtype", "expected"), [("<f8", "float64"), ("<f4", "float32"), ("<f2", "float32")])
def test_weights_keep_their_values(tmp_path, dtype, expected):
    tensors = weights(3, 2, dtype=dtype)
    model = from_torch_state_dict(saved(tmp_path / "sd.pt", state_dict_bytes(tensors)), ["linear"])
    assert model.dtype == expected
    assert same_bits(model.layers[0].kernel, np.ascontiguousarray(tensors["0.weight"].T.astype(expected)))


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    wide = weights(3, 2)
    halves = {name: (array.view("<u4") >> 16).astype(np.uint16) for name, array in wide.items()}
    expected = {name: (array.view("<u4") & 0xFFFF0000).view("<f4") for name, array in wide.items()}
    path = saved(tmp_path / "sd.pt", state_dict_bytes(halves))
    data = b"".join(array.tobytes() for array in halves.values())
    ends = np.cumsum([0, *(array.nbytes for array in halves.values())]).tolist()
    header = json.dumps({
        name: {"dtype": "BF16", "shape": array.shape, "data_offsets": ends[i : i + 2]}
        for i, (name, array) in enumerate(halves.items())
    }).encode()  # fmt: skip
    other = saved(tmp_path / "sd.safetensors", struct.pack("<Q", len(header)) + header + data)
    wanted = from_torch_state_dict(expected, ["relu"]).fingerprint()
    assert [from_torch_state_dict(each, ["relu"]).fingerprint() for each in (path, other)] == [wanted, wanted]


def test_views_and_shared_storages_are_read_by_their_strides(tmp_path):
    numbers = np.arange(12, dtype="<f4")
    entries = [
        ("0.weight", tensor("a", "FloatStorage", 12, [2, 3], [1, 4])),
        ("0.bias", tensor("a", "FloatStorage", 12, [2], [5], offset=3)),
    ]
    found = read(str(saved(tmp_path / "sd.pt", archive(pickled(entries), {"a": numbers.tobytes()}))))
    assert found["0.weight"].tolist() == [[0, 4, 8], [1, 5, 9]]
    assert found["0.bias"].tolist() == [3, 8]


def batch_norm(units, seed):
    return {
        "weight": uniform(seed, units) + 1.5,
        "bias": uniform(seed + 1, units),
        "running_mean": uniform(seed + 2, units),
        "running_var": uniform(seed + 3, units) + 1.25,
        "num_batches_tracked": np.array(7),
    }


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("order", ["first", "before", "after"])
def test_batch_normalisation_is_folded_into_the_dense_beside_it(order, affine):
    norm = batch_norm(4 if order == "first" else 3, 20)
    if not affine:
        del norm["weight"], norm["bias"]
    named = {f"1.{name}": array for name, array in norm.items()}
    linear = weights(4, 3, 2, dtype="<f8", step=2)
    if order == "first":  # norm, linear, tanh, linear
        tensors = {k.replace("1.", "0.", 1): v for k, v in named.items()}
        tensors |= {f"{int(k[0]) + 1}{k[1:]}": v for k, v in linear.items()}
        layers = ["linear", "tanh", "linear"]
    else:  # linear, [tanh,] norm, [tanh,] linear
        tensors = linear | named
        layers = ["tanh", "linear", "linear"] if order == "before" else ["linear", "tanh", "linear"]
    model = from_torch_state_dict(tensors, layers, eps=1e-3)
    assert [layer.units for layer in model.layers] == [3, 2]

    x = uniform(1, (5, 4))

    def normalise(y):
        y = (y - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3)
        return y * norm.get("weight", 1) + norm.get("bias", 0)

    y = normalise(x) if order == "first" else x
    y = y @ linear["0.weight"].T + linear["0.bias"]
    y = {"first": np.tanh, "before": lambda y: normalise(np.tanh(y)), "after": lambda y: np.tanh(normalise(y))}[order](
        y
    )
    y = y @ linear["2.weight"].T + linear["2.bias"]
    np.testing.assert_allclose(model.predict(x), y, rtol=1e-12)


def test_batch_normalisation_without_a_dense_beside_it_is_a_layer_of_its_own():
    tensors = weights(4, 3, dtype="<f8") | {f"2.{name}": array for name, array in batch_norm(3, 20).items()}
    model = from_torch_state_dict(tensors, ["relu", "relu"])
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Affine", "Activation"]
    x = uniform(21, (9, 4))
    hidden = np.maximum(x @ tensors["0.weight"].T + tensors["0.bias"], 0)
    deviation = np.sqrt(tensors["2.running_var"] + 1e-5)
    expected = (hidden - tensors["2.running_mean"]) / deviation * tensors["2.weight"] + tensors["2.bias"]
    assert np.allclose(model.predict(x), np.maximum(expected, 0), rtol=1e-13, atol=1e-13)


def test_modules_come_in_the_order_of_their_numbers(tmp_path):
    sizes = list(range(2, 15))
    save_file(weights(*sizes), tmp_path / "sd.safetensors")  # by name, "10" stands before "2"
    model = from_torch_state_dict(tmp_path / "sd.safetensors", ["relu"] * 12)
    assert [layer.units for layer in model.layers] == sizes[1:]


@pytest.mark.parametrize(("first", "last"), [("out", "fc"), ("out1", "fc1")])
def test_named_modules_of_a_safetensors_file_need_names_for_their_order(tmp_path, first, last):
    tensors = {f"{first if name[0] == '0' else last}{name[1:]}": array for name, array in weights(3, 4, 2).items()}
    save_file(tensors, tmp_path / "sd.safetensors")
    with pytest.raises(ValueError, match=f"keeps no order of the modules '{last}', '{first}'"):
        from_torch_state_dict(tmp_path / "sd.safetensors", ["relu", "linear"])
    model = from_torch_state_dict(tmp_path / "sd.safetensors", {first: "relu", last: "linear"})
    assert [layer.activation for layer in model.layers] == ["relu", "linear"]


def test_a_conversion_draws_no_weights():
    def drawn():
        fastnn.utils.set_random_seed(1)
        return fastnn.Sequential([fastnn.layers.Dense(3, input_shape=(2,))]).get_weights()[0]

    expected = drawn()
    fastnn.utils.set_random_seed(1)
    from_torch_state_dict(weights(3, 2), ["relu"])
    assert same_bits(fastnn.Sequential([fastnn.layers.Dense(3, input_shape=(2,))]).get_weights()[0], expected)


WRONG_LAYERS = [
    (["relu"], "expected layers to be 2 names of activations, after '0', '2'; received 1 names"),
    ("relu", "received 'relu'"),
    ({"0": "relu"}, "expected layers to name the modules '0', '2'; received '0'"),
    (["relu", "nonsense"], "nonsense"),
]


@pytest.mark.parametrize(("layers", "words"), WRONG_LAYERS)
def test_wrong_layers_are_told(layers, words):
    with pytest.raises(ValueError, match=words):
        from_torch_state_dict(weights(3, 4, 2), layers)


MISFITS = {
    "widths": (weights(3, 4) | {"1.weight": np.ones((2, 5), "f")}, "1 has 5 inputs; expected 4"),
    "bias": ({"0.weight": np.ones((2, 5)), "0.bias": np.ones(3)}, "0: expected a weight"),
    "convolution": ({"0.weight": np.ones((2, 5, 3, 3))}, "expected the tensors of a Linear or a BatchNorm1d"),
    "another tensor": (weights(3, 4) | {"0.weight_g": np.ones(4)}, "weight_g"),
    "ragged lists": ({"0.weight": [[1], [1, 2]]}, "0.weight: expected a dense tensor"),
    "no tensor": ({"0.weight": "text"}, "0.weight is no tensor"),
    "no name": ({3: np.ones(3)}, "expected tensors by name"),
    "nothing": ({}, "it is empty"),
}


@pytest.mark.parametrize(("tensors", "words"), MISFITS.values(), ids=MISFITS)
def test_tensors_that_do_not_fit_are_named(tensors, words):
    with pytest.raises(fastnn.ModelFormatError, match=words):
        from_torch_state_dict(tensors, ["linear"] * len({str(name).rpartition(".")[0] for name in tensors}))


def test_a_pickle_that_runs_something_is_refused_and_nothing_runs(tmp_path):
    canary = tmp_path / "canary"
    for call in (b"cos\nsystem\n(" + text(f"touch {canary}") + b"tR", b"cbuiltins\nexec\n(" + text("1") + b"tR"):
        path = saved(tmp_path / "evil.pt", archive(pickled([("0.weight", call)]), {}))
        with pytest.raises(fastnn.UnsupportedModelError, match="which fastnn never runs; expected tensors alone"):
            from_torch_state_dict(path, ["relu"])
    assert not canary.exists()


def test_a_pickle_can_not_change_what_others_are_read_with(tmp_path):
    attributes = b"}" + text("__init__") + text("x") + b"s"
    for target in (b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"):
        evil = target + b"N" + attributes + b"\x86b"  # BUILD with a state of (None, attributes): setattr
        path = saved(tmp_path / "evil.pt", archive(pickled([("0.weight", evil)]), {}))
        with pytest.raises(fastnn.ModelFormatError):
            from_torch_state_dict(path, ["relu"])
        test_views_and_shared_storages_are_read_by_their_strides(tmp_path)


FOUR = {"0": np.ones(4, "<f4").tobytes()}


def one(*arguments, **options):
    return pickled([("0.weight", tensor(*arguments, **options))])


BAD_FILES = {
    "a whole module": archive(b"\x80\x02ctorch.nn.modules.linear\nLinear\n)R.", {}),
    "beyond its storage": archive(one("0", "FloatStorage", 4, [2, 2], [3, 2]), FOUR),
    "an offset beyond": archive(one("0", "FloatStorage", 4, [2], [1], offset=3), FOUR),
    "more numbers than stored": archive(one("0", "FloatStorage", 4, [10**6, 10**6], [0, 0]), FOUR),
    "negative strides": archive(one("0", "FloatStorage", 4, [4], [-1], offset=3), FOUR),
    "sizes that overflow": archive(one("0", "FloatStorage", 4, [2**40, 2**40], [1, 1]), FOUR),
    "a storage of another size": archive(one("0", "FloatStorage", 5, [2], [1]), FOUR),
    "no such storage": archive(one("1", "FloatStorage", 4, [2], [1]), FOUR),
    "a storage elsewhere": archive(one("../../x", "FloatStorage", 4, [2], [1]), FOUR),
    "compressed": archive(pickled([]), {}, compression=zipfile.ZIP_DEFLATED),
    "no data.pkl": archive(pickled([]), {}).replace(b"data.pkl", b"dada.pkl"),
    "two data.pkl": archive(pickled([]), {"data.pkl": b""}),
    "a list": archive(b"\x80\x02].", {}),
    "an empty pickle": archive(b"", {}),
    "an endless number": archive(b"\x80\x02\x8b\xff\xff\xff\x7f.", {}),
    "a pickle alone": b"\x80\x02}.",
    "text": b"not a state dict",
    "nothing": b"",
    "big-endian": archive(pickled([]), {}).replace(b"little", b"bigger"),
    "persistent id": archive(b"\x80\x02" + integer(3) + b"Q.", {}),
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_state_dict_gets_one_sentence(tmp_path, content):
    path = saved(tmp_path / "sd.pt", content)
    with pytest.raises(fastnn.ModelFormatError) as error:
        from_torch_state_dict(path, ["relu"])
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_damaged_file_is_refused_or_read_never_worse(tmp_path):
    whole = state_dict_bytes(weights(3, 4, 2))
    generator = np.random.default_rng(0)
    damaged = [whole[:length] for length in range(0, len(whole), 29)]
    for _ in range(1000):
        content = bytearray(whole)
        content[generator.integers(len(whole))] = generator.integers(256)
        damaged.append(bytes(content))
    refused = 0
    for content in damaged:
        try:
            from_torch_state_dict(saved(tmp_path / "sd.pt", content), ["relu", "linear"])
        except ValueError:  # ModelFormatError, or one that says that other modules are in it
            refused += 1
    assert refused > len(damaged) / 2


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path):
        with pytest.raises(fastnn.ModelFormatError, match="is no regular file"):
            from_torch_state_dict(path, ["relu"])
    with pytest.raises(FileNotFoundError):
        from_torch_state_dict(tmp_path / "missing", ["relu"])

"""State dicts of PyTorch: .pt and .safetensors files and dicts, whose weights become a model."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastnn
from arrays import same_bits, uniform
from compiled import ROOT
from fastnn import from_torch_state_dict
from state_dicts import batch_norm, saved, state_dict_bytes, weights

MODELS = ROOT / "tests/data"
# As the modules were: Linear, ReLU, BatchNorm1d, Dropout, Linear, Tanh, Linear; Linear, ReLU, Linear, ReLU, Linear; and
# Linear with an activation each, of which the last but two follows a LayerNorm.
TRAINED = {
    "torch_digits": ["relu", "linear", "tanh", "linear"],
    "torch_diabetes": ["relu", "relu", "linear"],
    "torch_activations": [
        {"name": "leaky_relu", "negative_slope": 0.01}, {"name": "elu", "alpha": 1.0}, "selu", "gelu", "silu",
        "softplus", "hard_tanh", "layer_norm", "sigmoid", "softmax",
    ],
}  # fmt: skip


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
        tensors = dict(sorted((linear | named).items()))
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


def test_fold_and_check_are_those_of_every_conversion():
    tensors = weights(4, 3, dtype="<f8") | {f"1.{name}": array for name, array in batch_norm(3, 20).items()}
    folded = from_torch_state_dict(tensors, ["linear", "relu"])
    x = uniform(1, (9, 4))
    model = from_torch_state_dict(tensors, ["linear", "relu"], fold=False, check=(x, folded.predict(x)))
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Affine", "Activation"]
    assert model.conversion.difference.absolute < 1e-13
    assert dict(folded.conversion.steps)["module '1'"] == "activation relu of layer 0"
    with pytest.raises(ValueError, match=r"expected check=\(x, y\)"):
        from_torch_state_dict(tensors, ["linear", "relu"], check=x)


def test_modules_come_in_the_order_of_their_numbers(tmp_path):
    sizes = list(range(2, 15))
    save_file(weights(*sizes), tmp_path / "sd.safetensors")  # by name, "10" stands before "2"
    model = from_torch_state_dict(tmp_path / "sd.safetensors", ["relu"] * 12)
    assert [layer.units for layer in model.layers] == sizes[1:]


@pytest.mark.parametrize(("first", "last"), [("out", "fc"), ("out1", "fc1")])
def test_named_modules_of_a_safetensors_file_need_names_for_their_order(tmp_path, first, last):
    tensors = {f"{first if name[0] == '0' else last}{name[1:]}": array for name, array in weights(3, 3, 3).items()}
    save_file(tensors, tmp_path / "sd.safetensors")
    with pytest.raises(ValueError, match=f"nothing says the order of the modules '{last}', '{first}'"):
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


MISFITS = {
    "widths": (weights(3, 4) | {"1.weight": np.ones((2, 5), "f")}, "module '1' has 5 inputs; expected 4"),
    "bias": ({"0.weight": np.ones((2, 5)), "0.bias": np.ones(3)}, "module '0': expected a kernel"),
    "convolution": ({"0.weight": np.ones((2, 5, 3, 3))}, "expected the tensors of a Linear, BatchNorm1d, LayerNorm"),
    "lengths": (
        weights(3, 4) | {"1.running_mean": np.ones(4), "1.running_var": np.ones(3)},
        "expected the tensors of a BatchNorm1d; received the shapes",
    ),
    "two lengths": (
        weights(3, 4) | {"1.weight": np.ones(4), "1.bias": np.ones(3)},
        r"with a bias is a LayerNorm's.* put LayerNormalization\(1e-05\) of",
    ),
    "a group's": (
        weights(3, 4) | {"1.weight": np.ones(4), "1.bias": np.ones(4)},
        r"with a bias is a LayerNorm's.* put LayerNormalization\(1e-05\) of",
    ),
    "no units": ({"0.weight": np.ones(0)}, "tensors of a PReLU"),
    "a lone weight": (weights(3, 4) | {"1.weight": np.ones(4)}, "without a bias is a PReLU's.* put PReLU"),
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


def test_a_tensor_that_lies_about_its_shape_is_what_its_numbers_are():
    class Lying:
        shape, ndim, dtype = (2, 3), 2, np.dtype("f4")

        def __array__(self, dtype=None, copy=None):
            return np.ones((7, 9), "f4")

    assert from_torch_state_dict({"0.weight": Lying()}, ["relu"]).input_shape == (None, 9)
    with pytest.raises(fastnn.ModelFormatError, match=r"received \(9, 7\) and \(2,\)"):
        from_torch_state_dict({"0.weight": Lying(), "0.bias": np.ones(2, "f4")}, ["relu"])


KINDS = {
    "quantized": lambda torch: torch.quantize_per_tensor(torch.eye(4, 3), 0.1, 0, torch.qint8),
    "sparse": lambda torch: torch.eye(4, 3).to_sparse(),
    "on no device": lambda torch: torch.empty(4, 3, device="meta"),
    "conjugated": lambda torch: torch.conj(torch.eye(4, 3) * 1j),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_torch_that_hold_no_plain_numbers_are_named(kind):
    torch = pytest.importorskip("torch")
    weight, module = KINDS[kind](torch), torch.nn.Linear(3, 4, bias=False)
    del module._parameters["weight"]
    module.weight = weight
    for call in (lambda: from_torch_state_dict({"0.weight": weight}, ["relu"]), lambda: fastnn.from_torch(module)):
        with pytest.raises(fastnn.UnsupportedModelError, match="weight: expected a dense tensor of numbers"):
            call()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_a_file_of_pytorch_before_1_6_gives_torchs_own_answers(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2)).to(getattr(torch, dtype))
    content = {"epoch": 3, "lr": 0.1, "state_dict": module.eval().state_dict()}
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    model = fastnn.load_model(tmp_path / "old.pth", layers=["linear", "tanh", "linear"])
    rows = torch.linspace(-2, 2, 40).reshape(10, 4)
    wanted = module.double()(rows.double()).detach().numpy()
    np.testing.assert_allclose(model.predict(rows.numpy()), wanted, atol=1e-6)


def test_numbers_beyond_float32_become_infinite_and_are_no_fault_of_the_conversion():
    tensors = {"weight": np.full((2, 2), 9e-41, "float32"), "bias": np.array([5.6e175, 6e151])}
    assert np.isinf(from_torch_state_dict(tensors, ["relu"]).layers[0].bias).all()

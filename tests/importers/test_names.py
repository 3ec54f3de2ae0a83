"""Layers that stay themselves keep the names of their source; a product keeps its own where others fold into it."""

import os

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from fastnn import Sequential, from_torch_state_dict, load_model
from fastnn.importers.fold import to_model
from fastnn.importers.steps import Function, Product, Scale, Slopes
from fastnn.layers import Activation, Dense, LayerNormalization
from state_dicts import weights


def names(model):
    return [layer.name for layer in model.layers]


STEPS = [
    Product("the first", uniform(1, (3, 4), "float32")),
    Scale("the scale", np.full(4, 2.0), np.zeros(4)),
    Function("the first", "relu"),
    Slopes("the slopes", np.full(4, 0.5)),
    Product("the last", uniform(2, (4, 2), "float32")),
]
NAMES = {"the first": "fc", "the scale": "norm", "the slopes": "bent", "the last": "out"}


@pytest.mark.parametrize(
    ("fold", "wanted"),
    [(True, ["fc", "bent", "out"]), (False, ["fc", "norm", "fc_1", "bent", "out"])],
)
def test_layers_are_named_as_their_steps_and_folded_ones_as_the_product(fold, wanted):
    model, _ = to_model(STEPS, fold=fold, names=NAMES)
    assert names(model) == wanted
    same, _ = to_model(STEPS, fold=fold)
    x = uniform(3, (7, 3), "float32")
    assert same_bits(model.predict(x), same.predict(x))
    assert model == same


@pytest.mark.parametrize("given", ["fc", "fc_1", "dense", "activation", "p_re_lu", "affine"])
def test_names_are_unique_whatever_they_are(given):
    """Automatic names are those of this process: dense, dense_1, …."""
    model, _ = to_model(STEPS, fold=False, names={"the first": given, "the last": f"{given}_1"})
    assert len(set(names(model))) == 5
    assert names(model)[0] == given
    assert names(model)[-1] == f"{given}_1"


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "x" * 2000])
def test_a_name_that_no_file_can_hold_is_not_taken(name, path):
    model, _ = to_model(STEPS, names=dict.fromkeys(NAMES, name))
    model.save(path)
    assert names(load_model(path)) == names(model)


def test_state_dicts_give_the_names_of_modules():
    tensors = {f"body.{key}": array for key, array in weights(3, 4, 2).items()}
    modules = list(dict.fromkeys(key.rpartition(".")[0] for key in tensors))
    model = from_torch_state_dict(tensors, ["linear", Activation("softmax", name="scores"), Dense(None, "relu")])
    assert names(model) == modules  # the softmax is the first Dense's
    tensors |= {"zzz.weight": np.ones(2, "f4"), "zzz.bias": np.zeros(2, "f4")}
    layers = ["relu", "relu", LayerNormalization(1e-5), Activation("softmax", name="scores")]
    assert names(from_torch_state_dict(tensors, layers)) == [*modules, "zzz", "scores"]


def test_an_exported_model_comes_back_with_its_names(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    layers = [
        Dense(4, "gelu", input_shape=(3,), name="first"),
        LayerNormalization(name="norm"),
        Activation("mish", name="bent"),
        Dense(2, "softmax", name="a/b"),
    ]
    model = Sequential(layers)
    model.export(str(tmp_path / "m.onnx"))
    loaded = load_model(tmp_path / "m.onnx")
    assert names(loaded) == ["first", "norm", "bent", "a/b"]
    assert loaded == model


@pytest.mark.filterwarnings("ignore")  # Keras' own
def test_keras_layers_keep_their_names():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    inner = keras.Sequential([keras.layers.Dense(4, name="fc"), keras.layers.BatchNormalization(name="norm")])
    layers = [keras.Input((3,)), keras.layers.Dense(4, "relu", name="fc"), inner, keras.layers.Softmax(name="scores")]
    model = keras.Sequential(layers)
    assert names(fastnn.from_keras(model)) == ["fc", "fc_1"]
    assert names(fastnn.from_keras(model, fold=False)) == ["fc", "fc_1", "norm", "scores"]


def test_modules_of_pytorch_keep_their_paths():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4))
    module = nn.Sequential()
    module.body, module.head = body, nn.Linear(4, 2)
    assert names(fastnn.from_torch(module, fold=False)) == ["body.0", "body.2", "head"]

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = body, nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.body(x))

    pytest.importorskip("onnx", reason="onnx is not installed")
    assert names(fastnn.from_torch(Own(), fold=False)) == ["body.0", "body.2", "head"]

"""The `layers` of a state dict: names and fastnn's own layers, each for the module of its kind, or refused."""

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn import from_torch_state_dict
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, Dropout, LayerNormalization, PReLU, ReLU
from state_dicts import batch_norm, saved, state_dict_bytes, weights


def test_layer_normalisation_and_prelu_are_told():
    tensors = weights(4, 3, dtype="<f8")
    tensors |= {
        "1.weight": uniform(5, 3),
        "1.bias": uniform(6, 3),
        "2.weight": uniform(7, 3),
        "3.weight": uniform(8, 1),
    }
    model = from_torch_state_dict(tensors, ["linear", "layer_norm", "prelu", "relu"], eps=0.1)
    assert [type(layer).__name__ for layer in model.layers] == [
        "Dense", "LayerNormalization", "PReLU", "PReLU", "Activation"
    ]  # fmt: skip
    x = uniform(1, (9, 4))
    y = x @ tensors["0.weight"].T + tensors["0.bias"]
    y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 0.1)
    y = y * tensors["1.weight"] + tensors["1.bias"]
    for alpha in (tensors["2.weight"], tensors["3.weight"]):
        y = np.where(y < 0, alpha * y, y)
    assert np.allclose(model.predict(x), np.maximum(y, 0), rtol=1e-13, atol=1e-13)


def all_kinds():
    """Tensors of Linear, BatchNorm1d, LayerNorm, PReLU and Linear without a bias."""
    tensors = weights(4, 3, dtype="<f8") | {f"1.{name}": array for name, array in batch_norm(3, 20).items()}
    tensors |= {"2.weight": uniform(5, 3), "2.bias": uniform(6, 3), "3.weight": uniform(7, 3)}
    return tensors | {"4.weight": uniform(8, (2, 3))}


def test_layers_take_the_modules_of_their_kind_and_activations_take_none(tmp_path):
    tensors = all_kinds()
    layers = [
        Dense(3, "tanh"), Affine(), Activation("relu"), LayerNormalization(0.1), PReLU(),
        Activation({"name": "leaky_relu", "negative_slope": 0.3}), Dense(None, "softmax", use_bias=False),
    ]  # fmt: skip
    x = uniform(1, (9, 4))
    y = np.tanh(x @ tensors["0.weight"].T + tensors["0.bias"])
    y = (y - tensors["1.running_mean"]) / np.sqrt(tensors["1.running_var"] + 1e-3)
    y = np.maximum(y * tensors["1.weight"] + tensors["1.bias"], 0)
    y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 0.1)
    y = y * tensors["2.weight"] + tensors["2.bias"]
    y = np.where(y < 0, tensors["3.weight"] * y, y)
    y = np.exp(np.where(y < 0, 0.3 * y, y) @ tensors["4.weight"].T)
    path = saved(tmp_path / "sd.pt", state_dict_bytes(tensors))
    models = [
        fastnn.load_model(path, layers=layers, eps=1e-3),
        from_torch_state_dict(tensors, layers, eps=1e-3, fold=False),
    ]
    of_keras = [Dense(3, "tanh"), BatchNormalization(epsilon=1e-3), Dropout(0.5), ReLU(), *layers[3:]]
    models.append(from_torch_state_dict(tensors, of_keras))
    for model in models:
        np.testing.assert_allclose(model.predict(x), y / y.sum(axis=1, keepdims=True), rtol=1e-12)
    assert all(not layer.built for layer in layers)  # the model has layers of its own
    assert [type(layer) for layer in models[1].layers] == [
        Dense, Affine, Activation, LayerNormalization, PReLU, Activation, Dense
    ]  # fmt: skip


def test_names_and_layers_stand_beside_each_other_in_a_list_and_in_a_dict():
    tensors = weights(4, 3) | {"1.weight": np.ones(3, "f4"), "1.bias": np.zeros(3, "f4")}
    for layers in (["tanh", LayerNormalization(1e-5), Activation("relu")], [Dense(None, "tanh"), "layer_norm", "relu"]):
        layers[2] = Activation("relu")
        given = [layers, dict(zip(("0", "1", "then"), layers, strict=True))]
        models = [from_torch_state_dict(tensors, each) for each in given]
        assert [layer.activation for layer in models[0].layers] == ["tanh", "linear", "relu"]
        assert models[0] == models[1]
        assert models[0].layers[1].parameters == {"epsilon": 1e-5}


def test_a_layer_normalisation_may_have_no_bias():
    model = from_torch_state_dict({"weight": np.ones(3, "f4")}, [LayerNormalization()])
    assert model.get_weights()[1].tolist() == [0, 0, 0]
    assert model.layers[0].parameters == {"epsilon": 0.001}


def test_a_dense_without_units_is_refused_elsewhere():
    Dense(None)
    for inputs in ([fastnn.Input((3,))], [Dense(2)], []):
        with pytest.raises(ValueError, match="only the `layers` of a state dict"):
            fastnn.Sequential([*inputs, Dense(None)])
    model = fastnn.Sequential()
    with pytest.raises(ValueError, match="; received units=None"):
        model.add(Dense(None))
    assert model.layers == []


WRONG_LAYERS = [
    (["relu"], "expected layers to have 2 names, or layers with weights, for the modules '0', '2'; received 1"),
    ([Dense(4), Activation("relu")], "for the modules '0', '2'; received 1"),
    ("relu", "received 'relu'"),
    (5, "expected layers to be a list of names and layers; received 5"),
    (Dense(4), "expected layers to be a list of names and layers; received <Dense"),
    ({"0": "relu"}, "expected layers to name the modules '0', '2'; received '0'"),
    ({"0": "relu", "2": Activation("relu")}, "received '0', and any Activation under another name"),
    (["relu", "nonsense"], "nonsense"),
    (["relu", "prelu"], "layers says 'prelu', but its tensors are those of a Linear"),
    (["relu", PReLU()], "module '2': layers says 'PReLU', but its tensors are those of a Linear"),
    ([Affine(), "relu"], "module '0': layers says 'Affine', but its tensors are those of a Linear"),
    (
        ["layer_norm+relu", "relu"],
        r"'layer_norm\+relu'; write LayerNormalization\(1e-5\), Activation\('relu'\) of",
    ),
    (
        [{"name": "prelu+elu"}, "relu"],
        r"'prelu\+elu'; write PReLU\(\), Activation\('elu'\) of fastnn.layers in its place",
    ),
    (["relu", {"name": "leaky_relu", "slope": 1}], "negative_slope"),
    (["relu", {"alpha": 1}], "dicts with a name and parameters, or layers; received {'alpha': 1}"),
    (["relu", None], "received None"),
    (["relu", fastnn.Input((3,))], r"or layers; received Input\(shape=\(3,\)\)"),
    (
        [Dense(5), "relu"],
        "module '0': layers says a Dense of 3 inputs, units=5, use_bias=True, but .* 3 inputs, units=4",
    ),
    ([Dense(4, use_bias=False), "relu"], "use_bias=False, but its tensors are those of .* use_bias=True"),
    ([Dense(4, input_shape=(7,)), "relu"], "layers says a Dense of 7 inputs"),
    ([type("Own", (Dense,), {})(4), "relu"], "expected layers to hold Dense, Affine, .* received <Own"),
]


@pytest.mark.parametrize(("layers", "words"), WRONG_LAYERS)
def test_wrong_layers_are_told(layers, words):
    with pytest.raises(ValueError, match=words):
        from_torch_state_dict(weights(3, 4, 2), layers)

"""Models of Keras' files are verified by formulas in NumPy, where no Keras is at hand."""

import numpy as np
import pytest

from arrays import uniform
from fastnn.importers import roundings
from fastnn.importers.keras import layers
from fastnn.importers.steps import Function, Nothing
from fastnn.importers.verification import DifferentAnswersError
from keras_files import BIAS, KERNEL, dense, given, keras_3, layer, legacy, saved, sequential
from opened import load_keras as load

UNITS = uniform(1, 3, "float32") + np.float32(2)
# Configs of each layer, and its weights.
CASES = {
    "BatchNormalization": [
        ({"axis": -1, "epsilon": 1e-2}, [UNITS] * 4),
        ({"scale": False, "center": False}, [UNITS] * 2),
    ],
    "LayerNormalization": [({"axis": [-1], "epsilon": 1e-2}, [UNITS] * 2)],
    "Normalization": [
        ({"axis": -1}, [UNITS, UNITS, np.float32(3)]),
        ({"mean": [2.0], "variance": [3.0], "invert": True}, []),
    ],
    "PReLU": [({"shared_axes": None}, [UNITS]), ({"shared_axes": [1]}, [UNITS[:1]])],
    "Rescaling": [({"scale": 2.0, "offset": -1.0}, []), ({"scale": [2.0, 3.0, 4.0], "offset": 1.0}, [])],
    "ReLU": [({"max_value": 6.0, "negative_slope": 0.1}, []), ({"max_value": 2.0}, []), ({}, [])],
    "LeakyReLU": [({"negative_slope": 0.1}, []), ({}, [])],
    "ELU": [({"alpha": 0.5}, [])],
    "Softmax": [({"axis": -1}, [])],
    "Reshape": [({"target_shape": [3]}, []), ({"target_shape": [-1]}, [])],
    "Activation": [({"activation": name}, []) for name in sorted(layers.ACTIVATIONS)],
}
OTHERS = ("Dense", "InputLayer", "Flatten")  # in all models here


def snake(kind):
    return {"PReLU": "p_re_lu"}.get(kind, "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).lstrip("_"))


def model_of(kind, config, weights, **options):
    body = sequential(given(4), dense(), layer("Flatten", "f"), layer(kind, "tried", **config))
    stored = {"dense/vars/0": KERNEL, "dense/vars/1": BIAS}
    return keras_3(body, stored | {f"{snake(kind)}/vars/{i}": each for i, each in enumerate(weights)})


@pytest.mark.parametrize("kind", [each for each in layers._TABLE if each not in OTHERS])
@pytest.mark.parametrize("fold", [True, False])
def test_every_layer_has_a_formula_that_verifies_it(tmp_path, kind, fold):
    for config, weights in CASES.get(kind, [({}, [])]):
        path = saved(tmp_path / "m.keras", model_of(kind, config, weights))
        report = load(path, fold=fold).conversion.verification
        assert str(report) == "verified on 37 rows by Keras' formulas in NumPy", config


@pytest.mark.parametrize("kind", [each for each in CASES if each not in ("Reshape", "Activation")])
def test_a_layer_translated_wrongly_is_refused_by_its_name(tmp_path, monkeypatch, kind):
    def wrong(layer):
        for names in (
            ["gamma", "beta", "moving_mean", "moving_variance"],
            ["gamma", "beta"],
            ["mean", "variance", "count"],
        ):
            with_weights = kind.endswith("Normalization") and len(names) == len(weights)
            if with_weights:
                layer.weights(*names)
        if kind == "PReLU":
            layer.weights("alpha")
        return [Function(layer.source, "gelu")]

    wrong.__kwdefaults__ = layers._TABLE[kind].__kwdefaults__
    config, weights = CASES[kind][0]
    path = saved(tmp_path / "m.keras", model_of(kind, config, weights))
    monkeypatch.setitem(layers._TABLE, kind, lambda layer, **more: wrong(layer))
    monkeypatch.setattr(layers._TABLE[kind], "__kwdefaults__", wrong.__kwdefaults__)
    with pytest.raises(DifferentAnswersError, match=rf"m.keras: layer 'tried' \({kind}\): the converted model"):
        load(path)
    assert load(path, verify=False).conversion.verification is None


def test_the_hard_sigmoid_of_keras_2_has_its_own_formula(tmp_path):
    config = sequential(given(4), dense(activation="hard_sigmoid"))
    for version in ("2.15.0", "3.15.1"):
        path = saved(tmp_path / "m.h5", legacy(config, {"d/d/kernel:0": KERNEL, "d/d/bias:0": BIAS}, version))
        assert load(path).conversion.verification.rows == 37


def test_a_layer_without_a_formula_is_told_and_loads(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.keras", model_of("Strange", {}, []))
    monkeypatch.setitem(layers._TABLE, "Strange", lambda layer: [Nothing(layer.source)])
    assert str(load(path).conversion.verification) == "not verified: fastnn has no formula of the layer Strange"


def test_a_large_model_is_verified_in_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(roundings, "MOST_WEIGHTS", 5)
    report = load(saved(tmp_path / "m.keras", model_of("ReLU", {}, []))).conversion.verification
    assert report.rows == 37

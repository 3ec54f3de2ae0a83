"""A trainer's forward pass has the bits of predict()."""

import numpy as np
import pytest

import training_cases as cases
from arrays import same_bits, uniform
from fastnn import _core
from fastnn.layers import Activation, BatchNormalization, Dense
from fastnn.models import Sequential, load_model
from sequentials import every_layer, network
from training import model_of, rows


def trainer_of(model):
    described = [(layer._description(layer._state), {}) for layer in model.layers]
    kind = _core.Trainer32 if model.dtype == "float32" else _core.Trainer64
    inputs = model.layers[0]._state.inputs
    return kind(inputs, described, ("mean_squared_error", {}), ("sgd", {}), 0)


def predictions(model, x):
    """By predict(), by evaluate() of a trainer, and by its forward() in training."""
    outputs = np.empty((len(x), model.layers[-1].units), model.dtype)
    trainer = trainer_of(model)
    assert not trainer.evaluate(x, None, None, outputs).any()
    return model.predict(x), outputs, trainer.forward(x)


@pytest.mark.parametrize("name", cases.ACTIVATION_NAMES)
def test_each_activation_predicts_in_training_as_in_predict(name, dtype, isa):
    model = network([13, 2, 100, 17, 3], [name] * 4, dtype)
    for count in (1, 3, 300):
        expected, *others = predictions(model, uniform(9, (count, 13), dtype) * 4)
        assert all(same_bits(each, expected) for each in others)


def test_each_layer_predicts_in_training_as_in_predict(dtype, isa):
    model = Sequential([each for each in every_layer(dtype).layers if each.activation != "step"], dtype=dtype)
    expected, *others = predictions(model, uniform(9, (300, 5), dtype) * 4)
    assert all(same_bits(each, expected) for each in others)


@pytest.mark.parametrize("units", [17, 40, 65, 150])
def test_rows_that_outgrow_a_cache_predict_in_training_as_a_few_of_them(units, dtype, isa):
    """AVX2's tiles compute so many rows at a time for all units (kernels/shapes.hpp, turns_of)."""
    model = network([600, units], ["relu"], dtype)
    x = uniform(9, (256, 600), dtype)
    expected = np.concatenate([model.predict(x[row : row + 5]) for row in range(0, 256, 5)])
    for count in (54, 97, 109, 121, 223, 256):
        assert same_bits(trainer_of(model).forward(x[:count]), expected[:count])


def test_evaluate_and_predict_agree_to_the_bit_after_fit():
    x, y = rows(700)
    model = model_of(x, metrics=["mae"])
    model.fit(x, y, epochs=2, verbose=0)
    errors = np.abs(model.predict(x) - y)
    mae = np.cumsum(errors)[-1] / 700
    mse = np.cumsum(errors**2)[-1] / 700
    assert model.evaluate(x, y, verbose=0) == [mse, mae]


def test_a_trained_batch_normalization_stays_a_layer_that_an_import_folds(tmp_path):
    """docs/numerics.md: folded weights round elsewhere, so only importers fold."""
    pytest.importorskip("onnx")
    x = uniform(1, (300, 5), "float32")
    model = Sequential([Dense(16), BatchNormalization(), Activation("relu"), Dense(16, "tanh"), BatchNormalization()])
    model.add(Dense(2))
    model.compile("adam", "mse")
    model.fit(x, uniform(3, (300, 2), "float32"), epochs=3, verbose=0, seed=1)
    expected, *others = predictions(model, x[:70])
    assert same_bits(others[0], expected)
    model.save(tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors") == model
    model.export(tmp_path / "folded.onnx")
    folded = load_model(tmp_path / "folded.onnx")
    assert [type(layer).__name__ for layer in folded.layers] == ["Dense"] * 3
    assert np.abs(folded.predict(x[:70]) - expected).max() < 100 * np.finfo("float32").eps * np.abs(expected).max()

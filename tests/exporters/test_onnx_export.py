"""Models as .onnx files: valid, computed alike by ONNX's own evaluator and ONNX Runtime, and read back as they were."""

import numpy as np
import pytest

import fastnn
from activations import with_parameters
from arrays import uniform
from fastnn import _core
from fastnn.exporters.onnx import to_proto
from fastnn.layers import Activation, Affine, BatchNormalization, Dense, Dropout, LayerNormalization, PReLU, ReLU
from fastnn.models import Sequential, load_model
from processes import full_disk

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")


@pytest.fixture
def onnx_path(tmp_path):
    return tmp_path / "model.onnx"


def random_model(layers, inputs, dtype):
    model = Sequential(layers, dtype=dtype)
    model.build((None, inputs))
    model.set_weights([uniform(i, w.shape) for i, w in enumerate(model.get_weights())])
    return model


def reference_answers(model, x):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(to_proto(model._describe())).run(None, {"x": x})[0]


# What ONNX's evaluator computes with numbers of float32, and what ONNX Runtime has for float32 alone.
APPROXIMATE = ("gelu", "gelu_tanh")
OF_FLOAT32 = ("softplus", "mish", "gelu")


def bound(y, dtype):
    """How far two ways of computing three layers of at most 7 inputs may be apart.

    Each sum is within 9 roundings of its terms, which are below 10; what follows multiplies that by less than 10, but
    for exponentials, whose answers grow with what they multiply it by.
    """
    return 400 * np.finfo(dtype).eps * np.maximum(1, np.abs(y).max())


def layers_of(kind):
    """A model's layers with this one between others."""
    own = {"PReLU": PReLU, "Affine": Affine, "LayerNormalization": LayerNormalization}
    if kind in own:
        return [Dense(7, "tanh"), own[kind](), Dense(4, "sigmoid", use_bias=False)]
    # Not relu in between: ONNX Runtime 1.32 refuses clip after it in float64, which its own optimizer cannot join.
    return [Dense(7, with_parameters(kind)), Dense(5, "sigmoid"), Activation(with_parameters(kind))]


KINDS = [*_core.activations, "PReLU", "Affine", "LayerNormalization"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_model_is_valid_computes_the_same_and_comes_back(kind, dtype, onnx_path):
    layers = layers_of(kind)
    model = random_model(layers, 6, dtype)
    model.export(onnx_path)
    onnx.checker.check_model(str(onnx_path), full_check=True)
    x = uniform(99, (20, 6), dtype)
    y, expected = model.predict(x), reference_answers(model, x)
    assert expected.dtype == y.dtype
    assert (np.abs(y - expected) <= bound(y, "float32" if kind in APPROXIMATE else dtype)).all()
    loaded = load_model(onnx_path, fold=False)
    assert (loaded == model) == (kind != "linear")  # an Activation("linear") is no layer
    assert (np.abs(loaded.predict(x) - y) <= bound(y, dtype)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_runtime_computes_the_same(kind, dtype):
    if dtype == "float64" and kind in OF_FLOAT32:
        pytest.skip(f"ONNX Runtime has no {kind} of float64")
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[frameworks]'")
    model = random_model(layers_of(kind), 6, dtype)
    session = runtime.InferenceSession(
        to_proto(model._describe()).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = uniform(99, (20, 6), dtype)
    y = model.predict(x)
    assert (np.abs(y - session.run(None, {"x": x})[0]) <= bound(y, "float32" if kind in APPROXIMATE else dtype)).all()


def test_layers_may_be_called_like_the_graphs_own_values(onnx_path):
    model = random_model(
        [Dense(3, "silu", name="x"), Affine(name="y"), Dense(2, "step", name="x/kernel")], 2, "float32"
    )
    model.export(onnx_path)
    onnx.checker.check_model(str(onnx_path), full_check=True)
    assert load_model(onnx_path, fold=False) == model


@pytest.mark.parametrize("option", [True, False])
def test_batch_normalization_and_layers_of_keras_are_exported_with_close_answers(option, dtype, onnx_path):
    layers = [Dense(7), BatchNormalization(center=option, scale=not option), ReLU(6), Dropout(0.5), Dense(2, "tanh")]
    model = random_model(layers, 6, dtype)
    model.set_weights([np.abs(weights) for weights in model.get_weights()])
    model.export(onnx_path)
    onnx.checker.check_model(str(onnx_path), full_check=True)
    x = uniform(99, (20, 6), dtype)
    y = model.predict(x)
    assert (np.abs(y - reference_answers(model, x)) <= bound(y, dtype)).all()
    for fold in (True, False):
        assert (np.abs(load_model(onnx_path, fold=fold).predict(x) - y) <= bound(y, dtype)).all()


@pytest.mark.parametrize("kind", ["PReLU", "Affine", "LayerNormalization", "step"])
@pytest.mark.parametrize("inputs", [1, 5])
def test_models_without_a_dense_come_back(kind, inputs, dtype, onnx_path):
    model = random_model(layers_of(kind)[1:2] if kind != "step" else [Activation("step")], inputs, dtype)
    model.export(onnx_path)
    assert load_model(onnx_path) == model


def test_an_affine_far_from_zero_comes_back(dtype, onnx_path):
    model = random_model([Affine(), Dense(3), Affine()], 4, dtype)
    model.set_weights([weights + 50 for weights in model.get_weights()])
    model.export(onnx_path)
    assert load_model(onnx_path, fold=False) == model


@pytest.mark.parametrize("number", range(40))
def test_random_models_come_back_with_their_fingerprints(number, dtype, onnx_path):
    generator = np.random.default_rng(number)
    names = [name for name in _core.activations if name != "linear"]
    layers = [
        Dense(int(generator.integers(1, 30)), with_parameters(str(generator.choice(names))), use_bias=bool(number % 3))
        for _ in range(int(generator.integers(1, 6)))
    ]
    model = random_model(layers, int(generator.integers(1, 30)), dtype)
    model.export(onnx_path)
    assert load_model(onnx_path) == model


def test_classes_and_infinite_bounds_are_kept(onnx_path):
    model = random_model([Dense(3, {"name": "clip", "minimum": 0.5, "maximum": None})], 2, "float32")
    model.classes = ["a", "b", "c"]
    model.export(onnx_path)
    assert load_model(onnx_path).classes == ("a", "b", "c")
    assert load_model(onnx_path) == model


def test_the_same_model_gives_the_same_bytes_and_a_failed_export_leaves_the_old_file(onnx_path):
    model = random_model([Dense(3, "relu")], 2, "float32")
    model.export(onnx_path)
    first = onnx_path.read_bytes()
    model.export(onnx_path)
    assert onnx_path.read_bytes() == first

    with full_disk(), pytest.raises(OSError, match="too large"):
        random_model([Dense(4, "relu")], 2, "float32").export(onnx_path)
    assert onnx_path.read_bytes() == first
    assert [each.name for each in onnx_path.parent.iterdir()] == ["model.onnx"]


def test_what_cannot_be_exported_gets_one_sentence(tmp_path):
    model = random_model([Dense(3, "relu")], 2, "float32")
    with pytest.raises(ValueError, match="expected filepath to end in .onnx"):
        model.export(tmp_path / "model.txt")
    with pytest.raises(ValueError, match="expected a model that knows its number of inputs"):
        Sequential([Dense(3)]).export(tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError):
        model.export(tmp_path / "missing" / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_error_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install onnx"):
        random_model([Dense(3, "relu")], 2, "float32").export(tmp_path / "model.onnx")
    (tmp_path / "model.onnx").write_bytes(b"\x08\x09\x12\x00")
    with pytest.raises(ImportError, match=r"pip install onnx"):
        fastnn.load_model(tmp_path / "model.onnx")

"""Keras models that are at hand become models that answer alike; saved, they become the same models."""

import os

import numpy as np
import pytest

from arrays import same_bits, uniform
from fastnn import UnsupportedModelError, _core, load_model
from fastnn.importers.keras.layers import _TABLE as TABLE
from fastnn.importers.keras.layers import ACTIVATIONS as NAMES
from fastnn.importers.keras.layers import AUGMENTATIONS
from fastnn.importers.keras.live import from_keras
from fastnn.importers.steps import Function
from fastnn.importers.verification import DifferentAnswersError
from opened import load_keras as load

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("h5py", reason="h5py is not installed")
pytest.importorskip("torch", reason="PyTorch, Keras' backend here, is not installed: pip install '.[frameworks]'")
keras = pytest.importorskip("keras", reason="Keras is not installed: pip install '.[frameworks]'")

if keras.backend.backend() == "torch":
    __import__("torch").set_num_threads(1)

layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras' own, of old file formats and of JAX or NumPy
ACTIVATIONS = sorted(NAMES - {"exponential"})  # its answers may be infinite after a few layers
CHAINS, ROWS = 300, 20


def random_layer(rng, width):
    """Any layer that fastnn knows, and the number of its outputs."""
    units = int(rng.integers(1, 33))
    return [
        lambda: (layers.Dense(units, activation=str(rng.choice(ACTIVATIONS)), use_bias=rng.random() < 0.8), units),
        lambda: (layers.Dense(units, activation=layers.LeakyReLU(negative_slope=rng.random())), units),
        lambda: (layers.Activation(str(rng.choice(ACTIVATIONS))), width),
        lambda: (layers.BatchNormalization(center=rng.random() < 0.8, scale=rng.random() < 0.8), width),
        lambda: (layers.LayerNormalization(center=rng.random() < 0.8, scale=rng.random() < 0.8), width),
        lambda: (layers.Normalization(invert=rng.random() < 0.3), width),
        lambda: (
            layers.Normalization(mean=list(rng.normal(size=width)), variance=list(rng.random(width) + 0.1)),
            width,
        ),
        lambda: (layers.Rescaling(rng.normal(), rng.normal()), width),
        lambda: (layers.ReLU(max_value=rng.choice([None, 6.0, 1.0]), negative_slope=rng.choice([0.0, 0.1])), width),
        lambda: (layers.LeakyReLU(), width),
        lambda: (layers.ELU(rng.random() + 0.1), width),
        lambda: (layers.PReLU(shared_axes=[1] if rng.random() < 0.3 else None), width),
        lambda: (layers.Softmax(), width),
        lambda: (layers.Dropout(0.5), width),
        lambda: (layers.Reshape((width, 1)), None),
    ][int(rng.integers(0, 15) if rng.random() < 0.6 else 0)]()


@pytest.fixture(autouse=True)
def same_weights_in_every_run():
    keras.utils.set_random_seed(1)


def test_the_activations_read_are_those_of_keras_that_fastnn_has():
    of_keras = {name for name in dir(keras.activations) if not name.startswith("_")}
    others, missing = NAMES - of_keras, of_keras & _core.activations.keys() - NAMES
    assert not others, f"importers/keras/layers.py reads {others}, which Keras does not have"
    assert not missing, f"importers/keras/layers.py does not read {missing}, which Keras and fastnn have"


def random_chain(seed):
    """A Sequential, or a Functional where seed is odd, some with a model within; its weights are random."""
    rng = np.random.default_rng(seed)
    inputs = width = int(rng.integers(1, 33))
    chain = []
    for _ in range(rng.integers(1, 7)):
        layer, after = random_layer(rng, width)
        chain += [layer] if after else [layer, layers.Flatten()]
        width = after or width
    if seed % 5 == 0:
        chain.append(keras.Sequential([keras.Input((width,)), layers.Dense(3, "tanh"), layers.BatchNormalization()]))
    if seed % 2:
        given = x = keras.Input((inputs,))
        for layer in chain:
            x = layer(x)
        model = keras.Model(given, x)
    else:
        model = keras.Sequential([keras.Input((inputs,)), *chain])
    model.set_weights([random_weight(rng, variable) for variable in model.weights])
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # what it computes with is a copy
    return model, rng.normal(size=(ROWS, inputs)).astype("f4")


def random_weight(rng, variable):
    if "variance" in variable.name:
        return rng.random(variable.shape) + 0.1
    if variable.name == "count":
        return np.array(1)
    return rng.normal(size=variable.shape) / (np.sqrt(variable.shape[0]) if len(variable.shape) == 2 else 1)


def answers(model, x):
    return keras.ops.convert_to_numpy(model(x))


def tolerance(model, x, y):
    """How far a row's answers may be from exact: as far as roundings that float32 cannot avoid move them.

    A float32 sum of n products is the exact sum of weights that are each changed by at most n * 2^-24 of itself, and a
    layer's roundings are those of its inputs. So the answers of models with such changes at random show how far
    roundings can move this model's. Both programs round: twice the largest of four, and 8 ulps for the last activation.
    """
    rng = np.random.default_rng(0)
    weights = model.get_weights()
    moved = np.zeros(len(x))
    for _ in range(4):
        changed = [each * (1 + rng.choice([-1, 1], each.shape) * 33 * 2.0**-24) for each in weights]
        model.set_weights([new.astype(old.dtype) for new, old in zip(changed, weights, strict=True)])
        rows = (x * (1 + rng.choice([-1, 1], x.shape) * 33 * 2.0**-24)).astype("f4")
        moved = np.maximum(moved, np.abs(answers(model, rows) - y).max(axis=1))
    model.set_weights(weights)
    return 2 * moved + 8 * np.spacing(np.abs(y).max(axis=1))


@pytest.mark.parametrize("part", range(10))
@pytest.mark.slow
def test_random_chains_agree(part, tmp_path):
    """A wrong slope, order or epsilon would be off by thousands of ulps."""
    for seed in range(part, CHAINS, 10):
        model, x = random_chain(seed)
        y = answers(model, x)
        for fold in (True, False):
            own = from_keras(model, fold=fold).predict(x)
            off = np.abs(own.astype("f8") - y).max(axis=1)
            assert (off <= tolerance(model, x, y)).all(), (
                seed,
                [type(each).__name__ for each in model.layers],
                off.max(),
            )
        if seed % 100 < 10:
            for kind in ("keras", "h5"):
                model.save(tmp_path / f"m.{kind}")
                assert same_bits(load(tmp_path / f"m.{kind}").predict(x), from_keras(model).predict(x)), (seed, kind)


def built(*chain, inputs=4):
    shape = inputs if isinstance(inputs, tuple) else (inputs,)
    return keras.Sequential([keras.Input(shape), *chain])


def test_layers_that_augment_images_in_training_alone_vanish():
    """They return their inputs, whatever their range."""
    arguments = {"RandomZoom": (0.2,), "RandomTranslation": (0.2, 0.2), "RandomRotation": (0.2,)} | dict.fromkeys(
        (
            "RandomBrightness",
            "RandomColorDegeneration",
            "RandomContrast",
            "RandomHue",
            "RandomSaturation",
            "RandomSharpness",
        ),
        (0.2,),
    )
    x = np.random.default_rng(0).normal(0, 300, (3, 8, 8, 3)).astype("f4")
    names = {*AUGMENTATIONS} & {*dir(layers)}
    for name in names:
        made = getattr(layers, name)(*arguments.get(name, ()))
        model = built(made, layers.Flatten(), inputs=x.shape[1:])
        assert same_bits(from_keras(model).predict(x.reshape(len(x), -1)), model.predict(x, verbose=0)), name
    assert len(names) > 20


def test_a_dense_on_steps_and_features_works_on_the_features_of_each():
    shared = layers.PReLU(shared_axes=[1], alpha_initializer="uniform")
    model = built(layers.Dense(8), layers.BatchNormalization(), shared, layers.LayerNormalization(), inputs=(5, 4))
    model.add(layers.Dense(2, "softmax"))
    model.set_weights([np.random.default_rng(i).random(each.shape) for i, each in enumerate(model.get_weights())])
    x = uniform(1, (3, 5, 4), "float32")
    own = from_keras(model, check=x)
    assert own.predict(x).shape == (3, 5, 2)
    assert own.conversion.difference.ulps < 16
    with pytest.raises(UnsupportedModelError, match="the same for all other axes"):
        from_keras(built(layers.PReLU(), inputs=(5, 4)))


def test_check_asks_keras_and_the_report_names_the_model():
    x = uniform(1, (9, 4), "float32")
    model = built(layers.Dense(3, "relu"), layers.Dropout(0.5), layers.Dense(2))
    converted = from_keras(model, check=x)
    assert converted.conversion.difference.rows == 9
    assert converted.conversion.difference.ulps <= 8
    assert converted.name == model.name
    given = from_keras(model, check=(x, answers(model, x)), name="mine")
    assert (given.name, given.conversion.difference.rows) == ("mine", 9)


def test_images_that_are_flattened_first_are_rows(tmp_path):
    images = uniform(1, (5, 3, 2), "float32")
    model = keras.Sequential([keras.Input((3, 2)), layers.Rescaling(0.5), layers.Flatten(), layers.Dense(2)])
    converted = from_keras(model, check=images)
    assert converted.conversion.difference.ulps <= 8
    assert converted.predict(images.reshape(5, 6)).shape == (5, 2)


def test_an_unbuilt_model_is_refused():
    with pytest.raises(ValueError, match="not built"):
        from_keras(keras.Sequential([layers.Dense(3)]))


def test_what_is_no_keras_model_is_a_type_error():
    for thing in (None, layers.Dense(3), "model.keras", keras.Model):
        with pytest.raises(TypeError, match=r"expected a model of Keras; received .*fastnn.load_model\(path\) reads"):
            from_keras(thing)


class Doubled(layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


class OwnModel(keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs)


def relu(x):
    return 2 * x


def changed_method():
    layer = layers.Dense(3)
    layer.call = lambda inputs: 2 * inputs
    return layer


@pytest.mark.parametrize("make", [
    lambda: built(Doubled(3)),
    lambda: OwnModel([keras.Input((4,)), layers.Dense(3)]),
    lambda: built(keras.Sequential([Doubled(3)])),
    lambda: built(layers.Dense(3, activation=relu)),
    lambda: built(layers.Dense(3, activation=lambda x: 2 * x)),
    lambda: built(changed_method()),
], ids=["layer", "model", "layer within", "a function named relu", "a lambda", "method"])  # fmt: skip
def test_computing_of_ones_own_is_refused(make):
    with pytest.raises(UnsupportedModelError, match="no subclass|of the class|a function of its own"):
        from_keras(make())


def test_a_registered_class_of_ones_own_is_refused_from_files_too(tmp_path):
    @keras.saving.register_keras_serializable("my")
    class Dense(layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    model = built(Dense(3, name="own"))
    with pytest.raises(UnsupportedModelError, match="Dense"):
        from_keras(model)
    for kind in ("keras", "h5"):
        model.save(tmp_path / f"m.{kind}")
        with pytest.raises(UnsupportedModelError, match="Dense.*'own'|my>Dense"):
            load(tmp_path / f"m.{kind}")


def test_quantized_and_adapted_weights_are_refused():
    adapted = built(layers.Dense(3))
    adapted.layers[0].enable_lora(2)
    with pytest.raises(UnsupportedModelError, match="lora_rank"):
        from_keras(adapted)
    quantized = built(layers.Dense(3))
    quantized.quantize("int8")
    with pytest.raises(UnsupportedModelError, match="quantiz"):
        from_keras(quantized)


def test_shared_layers_and_branches_are_refused():
    given, shared = keras.Input((4,)), layers.Dense(4, name="shared")
    with pytest.raises(UnsupportedModelError, match="'shared'"):
        from_keras(keras.Model(given, shared(shared(given))))
    hidden = layers.Dense(3, name="hidden")(given)
    with pytest.raises(UnsupportedModelError):
        from_keras(keras.Model(given, layers.Add()([hidden, layers.Dense(3)(hidden)])))
    with pytest.raises(UnsupportedModelError, match="several outputs"):
        from_keras(keras.Model(given, [hidden, layers.Dense(3)(hidden)]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "float64"])
def test_weights_of_each_dtype_are_the_same_from_both_files_and_from_the_model(dtype, tmp_path):
    model = built(layers.Dense(3, "tanh", dtype=dtype), layers.Dense(2, dtype=dtype))
    x = uniform(1, (9, 4), "float32")
    converted = from_keras(model)
    for kind in ("keras", "h5"):
        model.save(tmp_path / f"m.{kind}")
        assert same_bits(load(tmp_path / f"m.{kind}").predict(x), converted.predict(x))
    kernel = keras.ops.convert_to_numpy(keras.ops.cast(model.layers[0].kernel, "float64"))
    assert (converted.layers[0].kernel == kernel).all()


def test_saved_weights_and_the_config_beside_them_are_the_model(tmp_path):
    model = built(layers.Dense(8, "tanh"), layers.Dropout(0.1), layers.Dense(2, "softmax"))
    model.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json())
    x = uniform(1, (9, 4), "float32")
    for given in (["tanh", "softmax"], tmp_path / "model.json"):
        assert same_bits(load_model(tmp_path / "m.weights.h5", layers=given).predict(x), from_keras(model).predict(x))


@pytest.mark.parametrize("policy", ["float64", "mixed_float16"])
def test_what_a_policy_rounds_or_overflows_is_no_difference(policy):
    keras.config.set_dtype_policy(policy)
    try:
        parts = [layers.Rescaling(100.0), layers.Dense(64, "relu"), layers.LayerNormalization(), layers.Dense(3)]
        model = keras.Sequential([keras.Input((10,)), *parts])
        steep = keras.Sequential([keras.Input((10,)), layers.Dense(64, "exponential"), layers.LayerNormalization()])
    finally:
        keras.config.set_dtype_policy("float32")
    assert from_keras(model).conversion.verification.rows >= 10
    from_keras(steep)


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16", "mixed_bfloat16"])
def test_a_model_is_verified_by_its_own_answers(monkeypatch, dtype):
    first = keras.Input((2, 3), dtype="uint8" if dtype == "float32" else None)
    keras.config.set_dtype_policy(dtype)
    try:
        parts = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(30, "gelu"), layers.LeakyReLU(0.2)]
        model = keras.Sequential([first, *parts, layers.Dense(2)])
    finally:
        keras.config.set_dtype_policy("float32")
    assert str(from_keras(model).conversion.verification) == "verified on 37 rows by Keras"
    assert from_keras(model, verify=False).conversion.verification is None
    monkeypatch.setitem(TABLE, "LeakyReLU", lambda layer, *, negative_slope=0.3: [Function(layer.source, "tanh")])
    with pytest.raises(DifferentAnswersError, match=r"^layer '\w+' \(LeakyReLU\): .* where Keras says"):
        from_keras(model)

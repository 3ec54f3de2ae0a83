"""Names of Keras' models: layers by name, weights, JSON, files of weights, arguments that change nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from arrays import same_bits
from fastnn import ModelFormatError, constraints, initializers, load_model, regularizers
from fastnn.layers import Activation, BatchNormalization, Dense, Dropout, Input, ReLU
from fastnn.models import Sequential, clone_model, model_from_json
from keras_in_float64 import keras_in_float64

X = np.float32([[1, 2], [-3, 0.5], [0, 0]])


def small(activation="tanh"):
    return Sequential(
        [Dense(3, activation, input_dim=2, name="hidden"), Dropout(0.5, name="drop"), Dense(1, name="out")]
    )


@pytest.fixture
def weights_path(tmp_path):
    return tmp_path / "model.weights.safetensors"


def test_a_layer_is_found_by_name_and_by_index():
    model = small()
    assert model.get_layer("drop") is model.get_layer(name="drop") is model.get_layer(index=1) is model.layers[1]
    assert model.get_layer(index=-1) is model.layers[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, r"expected get_layer\(name\), a string, or get_layer\(index=i\)"),
        ({"name": "out", "index": 0}, r"expected get_layer\(name\), a string, or get_layer\(index=i\)"),
        ({"name": 0}, r"expected get_layer\(name\), a string, or get_layer\(index=i\)"),
        ({"index": 3}, "Was asked to retrieve layer at index 3 but model only has 3 layers."),
        ({"index": -4}, "Was asked to retrieve layer at index -4 but model only has 3 layers."),
        ({"name": "hiden"}, r"No such layer: 'hiden'; did you mean 'hidden'\? Existing layers are: "),
        ({"name": "banana"}, r"No such layer: 'banana'. Existing layers are: \['hidden', 'drop', 'out'\]$"),
    ],
    ids=str,
)
def test_a_layer_that_is_not_there_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        small().get_layer(**arguments)


def test_weights_are_those_of_get_weights_and_read_only():
    model = small()
    assert Sequential([Dense(3)]).weights == []
    assert all(same_bits(a, b) for a, b in zip(model.weights, model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0][0, 0] = 1


def test_variables_are_the_weights():
    model = small()
    model.layers[0].trainable = False
    for thing in (model, *model.layers):
        for words in ("variables", "trainable_variables", "non_trainable_variables"):
            weights = getattr(thing, words.replace("variables", "weights"))
            assert all(map(same_bits, getattr(thing, words), weights))
            assert len(getattr(thing, words)) == len(weights)


def test_a_clone_has_the_architecture_and_new_weights():
    model = small()
    clone = clone_model(model)
    assert clone.get_config() == model.get_config()
    assert clone != model
    clone.set_weights(model.get_weights())
    assert clone == model
    with pytest.raises(ValueError, match="expected a Sequential of fastnn; received 3"):
        clone_model(3)


@pytest.mark.parametrize("module", [constraints, initializers, regularizers], ids=lambda each: each.__name__)
def test_classes_have_keras_names_in_small_letters(module):
    with keras_in_float64() as keras:
        of_keras = getattr(keras, module.__name__.removeprefix("fastnn."))
        small_names = {name: value for name, value in vars(of_keras).items() if name[0].islower()}
    missing = {"orthogonal_regularizer", "stft", "deserialize"}
    classes = {name: each for name, each in small_names.items() if isinstance(each, type) and name not in missing}
    assert len(classes) > 2
    for name, each in classes.items():
        assert getattr(module, name).__name__ == each.__name__


def test_the_class_of_an_initializer_stands_for_one():
    assert Dense(1, kernel_initializer=initializers.zeros).get_config()["kernel_initializer"]["class_name"] == "Zeros"


def test_models_share_layers_and_train_them():
    """An autoencoder is its encoder's and its decoder's layers; nested models and functional calls are told so."""
    encoder, decoder = Sequential([Dense(2, input_dim=4)]), Sequential([Dense(4, input_dim=2)])
    both = Sequential([*encoder.layers, *decoder.layers])
    before = encoder.get_weights()[0]
    rows = np.random.default_rng(0).random((64, 4))
    both.compile("adam", "mse")
    both.fit(rows, rows, verbose=0)
    assert not same_bits(encoder.get_weights()[0], before)
    assert same_bits(decoder.predict(encoder.predict(rows)), both.predict(rows))
    with pytest.raises(TypeError, match=r"share their layers, as in Sequential\(\[\*encoder.layers"):
        Sequential([encoder, decoder])
    with pytest.raises(TypeError, match=r"expected layers in a list, as in .*received a call of <Dense name=calling"):
        Dense(1, name="calling")(rows)


def test_json_text_gives_the_architecture_back():
    model = Sequential([Input((2,), batch_size=8), Dense(3, "swish"), BatchNormalization(), ReLU(6)], dtype="float64")
    assert json.loads(model.to_json())["class_name"] == "Sequential"
    again = model_from_json(model.to_json())
    assert again.get_config() == model.get_config()
    assert again.built


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"class_name": "Model", "config": {}}', None, "[" * 10**5],
    ids=lambda text: str(text)[:40],
)
def test_other_text_is_no_model(text):
    with pytest.raises(ValueError, match=r"^expected JSON text as Sequential.to_json\(\) returns it; received "):
        model_from_json(text)


def test_weights_are_saved_and_loaded_into_a_model_of_other_names_and_activations(weights_path):
    model = small()
    model.save_weights(weights_path)
    for other in (small("relu"), Sequential([Dense(3), Activation("relu"), Dense(1)])):
        other.load_weights(weights_path)
        assert all(same_bits(a, b) for a, b in zip(other.get_weights(), model.get_weights(), strict=True))
    same = small()
    before = same.predict(X)
    same.load_weights(str(weights_path))
    assert same == model
    assert not same_bits(same.predict(X), before)


def test_a_file_of_weights_is_a_model_file_and_the_other_way_round(weights_path, path):
    model, other = small(), small()
    model.save_weights(weights_path)
    assert load_model(weights_path) == model
    model.save(path)
    other.load_weights(path)
    assert other == model


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Dense(4, input_dim=2), Dense(1)]),
        lambda: Sequential([Dense(3, input_dim=3), Dense(1)]),
        lambda: Sequential([Dense(3, use_bias=False, input_dim=2), Dense(1)]),
        lambda: Sequential([Dense(3, input_dim=2)]),
        lambda: Sequential([Dense(3), Dense(1), Dense(1)]),
        lambda: Sequential([Dense(3), BatchNormalization(), Dense(1)]),
        lambda: Sequential(),
    ],
)
def test_weights_of_another_model_are_refused_and_change_nothing(make, weights_path):
    small().save_weights(weights_path)
    model = make()
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r": expected a model of \d inputs with the weights .*; received 2 inputs and "
    ):
        model.load_weights(weights_path)
    assert all(same_bits(a, b) for a, b in zip(model.get_weights(), before, strict=True))


def test_files_of_weights_have_one_extension_and_are_checked(tmp_path, weights_path):
    for name in ("model.weights.h5", "model.safetensors", "model"):
        with pytest.raises(ValueError, match="expected filepath to end in .weights.safetensors"):
            small().save_weights(tmp_path / name)
    small().save_weights(weights_path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        small().save_weights(weights_path, overwrite=False)
    weights_path.write_bytes(weights_path.read_bytes()[:-1])
    with pytest.raises(ModelFormatError, match="cut short"):
        small().load_weights(weights_path)


def test_predict_takes_keras_arguments_in_keras_order():
    model = small()
    assert same_bits(model.predict(X, 2, "auto", None, None), model(X))
    for wrong in ({"steps": 1}, {"callbacks": [print]}):
        with pytest.raises(ValueError, match="^expected steps=None and callbacks=None, since all rows "):
            model.predict(X, **wrong)


def test_load_model_takes_keras_arguments(path):
    model = small()
    model.save(path)
    for options in ({"compile": False}, {"compile": True, "safe_mode": True, "custom_objects": None}):
        assert load_model(path, **options) == model
    with pytest.raises(ValueError, match="^expected no custom_objects, since fastnn runs its own layers alone"):
        load_model(path, custom_objects={"f": len})


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "3"])
def test_a_batch_size_is_a_positive_integer(batch_size):
    with pytest.raises(ValueError, match="Received an invalid value for `batch_size`"):
        Input((3,), batch_size=batch_size)


@pytest.mark.parametrize("name", ["keras_digits.h5", "torch_digits.state_dict.pt", "torch_digits.dynamo.onnx"])
def test_files_of_others_are_told_what_loads_them(name):
    path = Path(__file__).parents[1] / "data" / name
    with pytest.raises(ModelFormatError, match=r"expected a file that save_weights\(\) .* load_model\(path"):
        small().load_weights(path)


def test_weights_alone_of_keras_are_told_what_loads_them(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "model.weights.h5"
    h5py.File(path, "w").close()
    with pytest.raises(ValueError, match="model.weights.h5: .* received a file of Keras; .* holds weights alone$"):
        small().load_weights(path)


@pytest.mark.parametrize("of_keras", [{"module": "keras"}, {"keras_version": "2.15.0"}], ids=["3", "2"])
def test_json_of_keras_is_told_what_reads_it(of_keras):
    text = json.dumps({"class_name": "Sequential", "config": {"layers": []}} | of_keras)
    with pytest.raises(ValueError, match=r"received that of Keras; load_model\('model.weights.h5', layers="):
        model_from_json(text)


NOISE = {"kernel": list(range(1000))}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (3, "; received int$"),
        (NOISE, "; received no layers$"),
        (NOISE | {"layers": 3}, "; received layers of type int$"),
        ({"layers": [], "dtpe": NOISE}, r"; received also 'dtpe'; did you mean 'dtype'\?$"),
        ({"layers": [NOISE | {"module": "keras"}], "trainable": True}, r"'trainable'; fastnn.from_keras\(model\) conv"),
        ({"layers": [NOISE | {"class_name": "LSTM"}]}, "; received 'LSTM'. Expected one of Dense, "),
        ({"layers": [NOISE | {"class_name": "Dense"}]}, "; received the keys 'kernel', 'class_name'$"),
        ({"layers": [NOISE | {"class_name": "Dense", "module": "keras"}]}, "a Dense of Keras; fastnn.from_keras"),
        ({"layers": [{"class_name": "Dense", "config": 3}]}, "; received a Dense with a config of type int$"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_config_is_told_by_what_is_wrong_not_as_a_whole(config, words):
    with pytest.raises(ValueError, match=words) as error:
        Sequential.from_config(config)
    assert len(str(error.value)) < 300

"""What a model is apart from itself: config, fingerprint, equality, copies, pickles; and its first weights."""

import copy
import json
import pickle
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from arrays import same_bits
from fastnn.initializers import GlorotUniform, Zeros
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential
from fastnn.utils import set_random_seed
from sequentials import network, small

X = np.float32([[1, 2], [-3, 0.5], [0, 0]])


# -- config


@pytest.mark.parametrize("built", [True, False])
def test_config_is_json_and_makes_the_same_architecture(built):
    layers = [Dense(3, "relu", use_bias=False, name="a"), Activation("tanh", name="b"), Dense(1, name="c")]
    model = Sequential(layers, name="m", dtype="float64")
    if built:
        model.build((None, 2))
    config = json.loads(json.dumps(model.get_config()))
    again = Sequential.from_config(config)
    assert again.get_config() == model.get_config()
    assert again.built is built
    assert [w.shape for w in again.get_weights()] == [w.shape for w in model.get_weights()]


def test_config_keeps_initialisers_and_their_seeds():
    layer = Dense(3, kernel_initializer=GlorotUniform(seed=np.int64(5)), bias_initializer="glorot_uniform")
    config = json.loads(json.dumps(Sequential([Input((2,)), layer]).get_config()))
    first, second = Sequential.from_config(config), Sequential.from_config(config)
    assert_array_equal(first.layers[0].kernel, layer.kernel, strict=True)
    assert not same_bits(first.layers[0].bias, second.layers[0].bias)


def test_an_unknown_layer_in_a_config_is_refused():
    with pytest.raises(
        ValueError,
        match="received 'Lambda'. Expected one of Dense, Activation, .*, Normalization.$",
    ):
        Sequential.from_config({"name": "m", "layers": [{"class_name": "Lambda", "config": {}}]})


ONE_DENSE = {"class_name": "Dense", "config": {"units": 1}}


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        [ONE_DENSE],
        {"layers": [ONE_DENSE], "optimizer": "adam"},
        {"layers": None},
        {"layers": {"0": ONE_DENSE}},
        {"layers": ["Dense"]},
        {"layers": [{"config": {"units": 1}}]},
        {"layers": [{"class_name": "Dense"}]},
        {"layers": [{"class_name": ["Dense"], "config": {"units": 1}}]},
        {"layers": [{"class_name": "Dense", "config": None}]},
        {"layers": [{"class_name": "Dense", "config": {}}]},
        {"layers": [{"class_name": "Dense", "config": {"units": 1, "unit": 2}}]},
        {"layers": [ONE_DENSE], "build_input_shape": 5},
        {"layers": [ONE_DENSE], "build_input_shape": None},
        {"layers": [ONE_DENSE], "name": 3},
        {"layers": [ONE_DENSE], "dtype": "half"},
    ],
    ids=repr,
)
def test_a_config_that_is_none_is_refused_in_one_sentence(config):
    with pytest.raises((ValueError, TypeError), match=r"^\w[^\n]{20,}$"):
        Sequential.from_config(config)


# -- fingerprint and equality


def test_equal_models_have_equal_fingerprints_whatever_their_names():
    a, b = small(), small()
    assert a.name != b.name
    assert a.fingerprint() == b.fingerprint()
    assert len(a.fingerprint()) == 64
    assert int(a.fingerprint(), 16) >= 0
    assert a == b
    assert a == a
    assert a != "model"
    assert Sequential() != Sequential()  # nothing to compare yet


def test_fingerprint_changes_with_each_single_weight():
    model = small()
    fingerprints = {model.fingerprint()}
    flat = [w.copy() for w in model.get_weights()]
    for array in flat:
        for i in range(array.size):
            before = array.flat[i]
            array.flat[i] = np.nextafter(before, np.float32(9))
            model.set_weights(flat)
            fingerprints.add(model.fingerprint())
            array.flat[i] = before
    assert len(fingerprints) == 1 + sum(w.size for w in flat)
    model.set_weights(flat)
    assert model == small()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: small(activation="sigmoid"), id="activation"),
        pytest.param(lambda: small("float64"), id="dtype"),
        pytest.param(lambda: network([2, 3, 1], ["tanh", "linear"], "float32", use_bias=False), id="no-bias"),
        pytest.param(lambda: Sequential(small().layers[:1]), id="fewer-layers"),
        pytest.param(lambda: Sequential([*small().layers, Activation("linear")]), id="more-layers"),
    ],
)
def test_fingerprint_changes_with_the_architecture(other):
    assert other().fingerprint() != small().fingerprint()
    assert other() != small()


# -- copies

COPIES = {"deepcopy": copy.deepcopy}
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    COPIES[f"pickle{protocol}"] = lambda model, protocol=protocol: pickle.loads(pickle.dumps(model, protocol))


@pytest.fixture(params=COPIES.values(), ids=COPIES)
def copied(request):
    return request.param


def test_a_copy_is_equal_and_gives_the_same_bits(copied, dtype):
    model = small(dtype)
    answer = model(X)  # copied with and without a built network
    assert copied(model) == model
    assert same_bits(copied(model)(X), answer)
    assert same_bits(copied(copied(small(dtype)))(X), answer)


def test_a_copy_is_independent_in_both_directions(copied):
    model = small()
    other, answer = copied(model), model(X)
    other.set_weights([w + 1 for w in other.get_weights()])
    assert same_bits(model(X), answer)
    assert not same_bits(other(X), answer)
    other = copied(model)
    model.layers[0].set_weights([w + 1 for w in model.layers[0].get_weights()])
    model.pop()
    assert same_bits(other(X), answer)


def test_layers_of_a_copy_still_tell_their_model(copied):
    other = copied(small())
    before = other(X)
    other.layers[0].set_weights([w + 1 for w in other.layers[0].get_weights()])
    assert not same_bits(other(X), before)


def test_weights_of_a_copy_are_read_only_too(copied):
    for array in copied(small()).layers[0].weights:
        assert not array.flags.writeable


def test_a_shallow_copy_has_a_list_of_layers_of_its_own():
    model = small()
    other = copy.copy(model)
    other.pop()
    assert len(model.layers) == 2


def test_a_subclass_is_copied_pickled_and_configured_as_itself(copied):
    model = Classifier([Dense(3, input_shape=(2,))])
    assert type(copied(model)) is type(Classifier.from_config(model.get_config())) is Classifier
    assert copied(model).best(X).tolist() == model.best(X).tolist()


class Classifier(Sequential):
    def best(self, x):
        return self.predict(x).argmax(axis=-1)


def test_an_unbuilt_model_is_copied_unbuilt(copied):
    other = copied(Sequential([Dense(3)], name="m"))
    assert (other.name, other.built) == ("m", False)
    assert other(X).shape == (3, 3)


def test_models_have_weak_references_and_leave_no_cycles():
    model = small()
    model(X)
    layer, reference = model.layers[0], weakref.ref(model)
    del model
    assert reference() is None  # at once, without the garbage collector
    layer.set_weights([w + 1 for w in layer.get_weights()])  # its model is gone: no matter


def test_sizeof_counts_the_weights():
    small_size, large_size = (Sequential([Dense(n, input_shape=(1,))]).__sizeof__() for n in (1, 1001))
    assert large_size - small_size == 1000 * 2 * 4


# -- first weights


@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (3, 5), (300, 200)])
def test_kernels_are_glorot_uniform_and_biases_zero(inputs, units):
    set_random_seed(0)
    model = Sequential([Dense(units, input_shape=(inputs,))], dtype="float64")
    kernel, bias = model.get_weights()
    limit = np.sqrt(6 / (inputs + units))
    assert np.abs(kernel).max() <= limit
    if kernel.size > 1000:  # the largest of n uniform numbers: below 0.99 limit with probability 0.99^n < 1e-4
        assert kernel.max() > 0.99 * limit
        assert kernel.min() < -0.99 * limit
        # the mean of n numbers of standard deviation limit / sqrt(3): within 4 of its own
        assert abs(kernel.mean()) < 4 * limit / np.sqrt(3 * kernel.size)
    assert_array_equal(bias, np.zeros(units), strict=True)


def drawn(**arguments):
    return Sequential([Dense(4, input_shape=(3,), **arguments)]).layers[0].kernel


def test_set_random_seed_repeats_weights_and_numpys_own_numbers():
    first, second = [], []
    for draws in (first, second):
        set_random_seed(7)
        draws += [drawn(), drawn(), np.random.rand(3)]  # noqa: NPY002 set_random_seed seeds it
    assert all(map(same_bits, first, second))
    assert not same_bits(first[0], first[1])
    set_random_seed(8)
    assert not same_bits(drawn(), first[0])


def test_an_integer_seed_gives_the_same_draw_each_time_and_disturbs_no_other():
    set_random_seed(7)
    seeded = GlorotUniform(seed=3)
    first, second = drawn(kernel_initializer=seeded), drawn(kernel_initializer=seeded)
    assert_array_equal(first, second, strict=True)
    assert_array_equal(first, drawn(kernel_initializer=GlorotUniform(3)), strict=True)
    assert not same_bits(first, drawn(kernel_initializer=GlorotUniform(4)))
    after = drawn()
    set_random_seed(7)
    assert_array_equal(after, drawn(), strict=True)


@pytest.mark.parametrize("zeros", ["zeros", Zeros(), {"class_name": "Zeros"}], ids=["name", "object", "dict"])
def test_zeros_are_zeros(zeros):
    assert_array_equal(drawn(kernel_initializer=zeros), np.zeros((3, 4), "float32"), strict=True)


@pytest.mark.parametrize("seed", [-1, 2**32, 2.5, True, "4"], ids=repr)
@pytest.mark.parametrize("take", [set_random_seed, GlorotUniform], ids=["set_random_seed", "GlorotUniform"])
def test_seeds_that_are_no_integers_of_32_bits_are_refused(take, seed):
    with pytest.raises(ValueError, match=r"expected seed to be an integer from 0 to 2\*\*32 - 1; received seed="):
        take(seed)


@pytest.mark.parametrize("initializer", ["he_norml", np.zeros, None, {"class_name": "One"}], ids=str)
def test_an_unknown_initializer_lists_the_names(initializer):
    with pytest.raises(
        ValueError, match="^expected an initializer; received .* Expected .*'glorot_uniform', .*, 'zeros'.$"
    ):
        Dense(3, kernel_initializer=initializer)


def test_models_that_share_a_layer_share_none_in_their_copies():
    shared = Dense(3, input_shape=(2,))
    models = [Sequential([shared]), Sequential([shared])]
    for first, second in (copy.deepcopy(models), pickle.loads(pickle.dumps(models))):
        first.layers[0].set_weights([np.ones((2, 3)), np.zeros(3)])
        assert second == models[1]
        assert first != second


def test_a_model_without_layers_has_no_fingerprint_and_no_file(tmp_path):
    model = Sequential([Input((3,))])
    for call in (model.fingerprint, lambda: model.save(tmp_path / "m.safetensors"), lambda: model.predict([1, 2, 3])):
        with pytest.raises(ValueError, match="expected a model with at least 1 layer"):
            call()
    assert not list(tmp_path.iterdir())

"""Sequential and its layers, as a Keras user knows them: putting together, weights, looks."""

import copy
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from arrays import same_bits
from fastnn.layers import Activation, Dense, Input
from fastnn.models import Sequential
from sequentials import small

X = np.float32([[1, 2], [-3, 0.5], [0, 0]])


def number(name):
    """dense → 0, dense_7 → 7."""
    return int(match[1]) if (match := re.search(r"_(\d+)$", name)) else 0


# -- putting together


def test_add_and_the_list_of_layers_build_the_same_model():
    layers = [Dense(3, input_shape=(2,)), Activation("relu"), Dense(1)]
    added = Sequential()
    for layer in layers:
        added.add(layer)
    assert added.layers == layers == Sequential(layers).layers
    assert (added.input_shape, added.output_shape) == ((None, 2), (None, 1))
    assert same_bits(added(X), Sequential(layers)(X))


def test_pop_returns_the_last_layer_and_the_next_answer_is_without_it():
    model = small()
    hidden, output = model.representations(X)
    last = model.layers[-1]
    assert same_bits(model(X), output)
    assert model.pop() is last
    assert same_bits(model(X), hidden)
    model.add(last)
    assert same_bits(model(X), output)


def test_popping_every_layer_forgets_the_input_that_a_layer_declared_but_not_an_input():
    model = Sequential([Dense(3, input_shape=(2,))])
    model.pop()
    model.add(Dense(3, input_shape=(5,)))
    assert model.input_shape == (None, 5)

    model = Sequential([Input((2,)), Dense(3)])
    model.pop()
    assert model.input_shape == (None, 2)


CHANGES = {
    "append": lambda layers: layers.append(Dense(1)),
    "extend": lambda layers: layers.extend([Dense(1)]),
    "insert": lambda layers: layers.insert(0, Dense(1)),
    "remove": lambda layers: layers.remove(layers[0]),
    "pop": lambda layers: layers.pop(),
    "clear": lambda layers: layers.clear(),
    "sort": lambda layers: layers.sort(key=id),
    "reverse": lambda layers: layers.reverse(),
    "set": lambda layers: layers.__setitem__(0, Dense(1)),
    "delete": lambda layers: layers.__delitem__(0),
    "+=": lambda layers: layers.__iadd__([Dense(1)]),
    "*=": lambda layers: layers.__imul__(2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_list_of_layers_is_refused_not_lost(change):
    model = small()
    with pytest.raises(TypeError, match=r"^model.layers cannot be changed; use model.add\(layer\), or model.pop\(\)$"):
        change(model.layers)
    assert len(model.layers) == 2


def test_what_is_made_of_the_list_of_layers_is_a_list():
    layers = small().layers
    for made in (layers[:], layers + [], copy.copy(layers), pickle.loads(pickle.dumps(layers))):  # noqa: RUF005
        assert type(made) is list
        assert len(made) == 2


def test_layers_without_a_declared_input_build_on_the_first_call():
    model = Sequential([Dense(3), Dense(1)])
    assert not model.built
    assert model.get_weights() == []
    assert model.layers[0].kernel is model.layers[0].bias is None
    assert model(X).shape == (3, 1)
    assert model.built
    assert [w.shape for w in model.get_weights()] == [(2, 3), (3,), (3, 1), (1,)]
    with pytest.raises(ValueError, match="expected input with 2 columns"):
        model(np.zeros((1, 3)))


@pytest.mark.parametrize("build", [lambda m: m.build((None, 2)), lambda m: m.build([7, np.int64(2)])])
def test_build_makes_the_weights(build):
    model = Sequential([Dense(3), Dense(1)])
    build(model)
    assert model.built
    assert model.count_params() == 2 * 3 + 3 + 3 + 1
    build(model)  # again is no change
    with pytest.raises(ValueError, match="has 2 inputs"):
        model.build((None, 3))


@pytest.mark.parametrize(
    "x", [["a", "b"], [[1, 2j]], [None, 1], np.zeros(2, "M8[s]")], ids=["str", "complex", "object", "datetime"]
)
def test_a_refused_first_call_leaves_the_model_unbuilt(x):
    model = Sequential([Dense(3)])
    with pytest.raises(TypeError):
        model(x)
    assert not model.built


def test_a_refused_layer_leaves_the_model_as_it_was():
    model = Sequential()
    with pytest.raises(ValueError, match="float64"):
        model.add(small("float64").layers[0])
    model.add(Dense(3, input_shape=(5,)))
    assert model.input_shape == (None, 5)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        pytest.param(lambda: Sequential([3]), TypeError, "Only layers of fastnn.layers .*; received 3", id="number"),
        pytest.param(lambda: Sequential(["relu"]), TypeError, "Only layers", id="string"),
        pytest.param(lambda: Sequential([Dense(1, name="a")] * 2), ValueError, "Name 'a' is already", id="same-name"),
        pytest.param(lambda: Sequential([Dense(2), Input((2,))]), ValueError, "only be the first", id="late-input"),
        pytest.param(lambda: Sequential([Input((2,)), Input((2,))]), ValueError, "only be the first", id="two-inputs"),
        pytest.param(
            lambda: Sequential([Input((2,)), Dense(3), Dense(3, input_shape=(4,))]),
            ValueError,
            "declares 4 inputs, but it follows 3 outputs",
            id="sizes",
        ),
        pytest.param(lambda: Sequential().pop(), ValueError, "at least 1 layer", id="pop-empty"),
        pytest.param(lambda: Sequential()(X), ValueError, "at least 1 layer", id="call-empty"),
        pytest.param(lambda: Sequential([Dense(2)]).input_shape, ValueError, "number of inputs", id="unbuilt-shape"),
        pytest.param(lambda: Sequential([Dense(2)]).fingerprint(), ValueError, "number of inputs", id="unbuilt-hash"),
        pytest.param(lambda: Sequential([Dense(2)]).count_params(), ValueError, "isn't built", id="unbuilt-count"),
    ],
)
def test_what_makes_no_model_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_names_are_automatic_as_in_keras():
    first, activation, second = Dense(1), Activation("relu"), Dense(1)
    assert re.fullmatch(r"dense(_\d+)?", first.name)
    assert re.fullmatch(r"activation(_\d+)?", activation.name)
    assert re.fullmatch(r"sequential(_\d+)?", Sequential().name)
    assert number(second.name) == number(first.name) + 1
    assert Dense(1, name="mine").name == "mine"
    assert number(Dense(1).name) == number(second.name) + 1  # a given name takes no number
    with pytest.raises(ValueError, match="expected name to be a string"):
        Dense(1, name="")


def test_repr_is_keras_own():
    assert repr(Sequential([Dense(1, name="a")], name="m")) == "<Sequential name=m, built=False>"
    assert repr(Dense(1, name="a")) == "<Dense name=a, built=False>"
    assert repr(Sequential([Dense(1, name="a", input_shape=(2,))]).layers) == "[<Dense name=a, built=True>]"


# -- weights


def test_get_weights_gives_copies_and_weights_read_only_views():
    model = small()
    before = model(X)
    for array in model.get_weights() + model.layers[0].get_weights():
        array[...] = 7
    assert same_bits(model(X), before)
    for array in [*model.layers[0].weights, model.layers[0].kernel, model.layers[0].bias]:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7


def test_set_weights_copies_what_it_is_given():
    model, kernel = small(), np.ones((2, 3))
    model.layers[0].set_weights([kernel, np.zeros(3)])
    kernel[...] = 7
    assert_array_equal(model.layers[0].kernel, np.ones((2, 3), "float32"), strict=True)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("given", ["float16", "float32", "float64", "int8", ">f8", "bool"])
def test_set_weights_converts_every_real_dtype_once(given, order, dtype):
    model = small(dtype)
    weights = [np.asarray(w * 4, given, order=order) for w in model.get_weights()]
    model.set_weights(weights)
    for got, wanted in zip(model.get_weights(), weights, strict=True):
        assert_array_equal(got, wanted.astype(dtype), strict=True)


@pytest.mark.parametrize("how", ["warn", "raise"])  # a warning is an error here
def test_set_weights_beyond_float32_are_infinity_or_zero_whatever_numpys_error_state(how):
    model = Sequential([Dense(2, input_shape=(1,))])
    with np.errstate(all=how):
        model.set_weights([[[1e300, -1e300]], [1e-300, -1e-300]])
    for got, wanted in zip(model.get_weights(), ([[np.inf, -np.inf]], [0.0, -0.0]), strict=True):
        assert same_bits(got, np.array(wanted, "float32"))


BAD_WEIGHTS = [
    pytest.param(
        lambda w: w[:1],
        ValueError,
        r"You called `set_weights\(weights\)` on layer '{model}' with a weight list of length 1, "
        "but the layer was expecting 4 weights.",
        id="length",
    ),
    pytest.param(
        lambda w: [*w[:2], np.zeros((3, 2)), w[3]],
        ValueError,
        r"Layer {last} weight shape \(3, 1\) is not compatible with provided weight shape \(3, 2\).",
        id="shape",
    ),
    pytest.param(lambda w: [*w[:3], ["a"]], TypeError, "expected weights of real numbers", id="strings"),
    pytest.param(lambda w: [*w[:3], [1j]], TypeError, "received dtype complex128", id="complex"),
]


@pytest.mark.parametrize(("change", "error", "words"), BAD_WEIGHTS)
def test_wrong_weights_are_refused_in_keras_words_and_nothing_changes(change, error, words):
    model = small()
    before, answer = model.get_weights(), model(X)
    with pytest.raises(error, match=words.format(model=model.name, last=model.layers[-1].name)):
        model.set_weights(change([w + 1 for w in before]))
    assert all(map(same_bits, model.get_weights(), before))
    assert same_bits(model(X), answer)


def test_set_weights_of_a_layer_changes_its_models_next_answer():
    model = small()
    before = model(X)
    layer = model.layers[0]
    layer.set_weights([w * 2 for w in layer.get_weights()])
    assert not same_bits(model(X), before)
    layer.set_weights([w / 2 for w in layer.get_weights()])
    assert same_bits(model(X), before)


def test_a_layer_shared_by_two_models_changes_both():
    shared = Dense(3, input_shape=(2,))
    models = [Sequential([shared]), Sequential([shared, Activation("tanh")])]
    before = [model(X) for model in models]
    shared.set_weights([np.ones((2, 3)), np.zeros(3)])
    for model, old in zip(models, before, strict=True):
        assert not same_bits(model(X), old)
        assert_array_equal(model.representations(X)[0], np.repeat(X.sum(axis=1), 3).reshape(3, 3), strict=True)


def test_count_params_of_model_and_layers():
    model = Sequential([Input((5,)), Dense(4), Activation("relu"), Dense(3, use_bias=False)])
    assert [layer.count_params() for layer in model.layers] == [24, 0, 12]
    assert model.count_params() == 36


# -- looks


def test_summary_of_a_built_model_is_keras_table(capsys):
    layers = [Dense(100, name="hidden"), Activation("relu", name="bend"), Dense(1, name="out")]
    Sequential([Input((784,)), *layers], name="m").summary()
    assert capsys.readouterr().out == (
        'Model: "m"\n'
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓\n"
        "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩\n"
        "│ hidden (Dense)                  │ (None, 100)            │        78,500 │\n"
        "├─────────────────────────────────┼────────────────────────┼───────────────┤\n"
        "│ bend (Activation)               │ (None, 100)            │             0 │\n"
        "├─────────────────────────────────┼────────────────────────┼───────────────┤\n"
        "│ out (Dense)                     │ (None, 1)              │           101 │\n"
        "└─────────────────────────────────┴────────────────────────┴───────────────┘\n"
        " Total params: 78,601 (307.04 KB)\n"
        " Trainable params: 78,601 (307.04 KB)\n"
        " Non-trainable params: 0 (0.00 B)\n"
    )


def test_summary_of_an_unbuilt_model_says_so_and_goes_to_print_fn():
    lines = []
    Sequential([Dense(4, name="a")], name="m").summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "│ a (Dense)                       │ ?                      │   0 (unbuilt) │" in text
    assert " Total params: 0 (0.00 B)" in text


def test_summary_shows_what_is_trainable_and_takes_keras_arguments(capsys):
    layers = [Dense(3, name="a", trainable=False), Activation("relu", name="b"), Dense(1, name="c")]
    arguments = {"line_length": 80, "positions": [0.3, 0.6, 1.0], "print_fn": None, "expand_nested": True}
    Sequential([Input((2,)), *layers], name="m").summary(**arguments, show_trainable=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2] for line in lines if "(None" in line] == ["N", "-", "Y"]
    assert "┃       Param # ┃ Trainable ┃" in lines[2]


def test_summary_widens_for_long_names():
    lines = []
    Sequential([Dense(4, name="n" * 50)], name="m").summary(print_fn=lines.append)
    rows = "\n".join(lines).splitlines()[1:-3]
    assert len({len(row) for row in rows}) == 1
    assert "n" * 50 + " (Dense)" in rows[3]

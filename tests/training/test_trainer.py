"""_core.Trainer64 and 32 beside the truth, tests/support/training_reference.py; the same bits everywhere."""

import functools

import numpy as np
import pytest

import fastnn
import training_cases as cases
import training_reference as reference
from fastnn import _core

MSE = ("mean_squared_error", {})
TRAINERS = {"float32": _core.Trainer32, "float64": _core.Trainer64}


def as_dtype(layers, dtype):
    return [((*d[:4], {name: w.astype(dtype) for name, w in d[4].items()}), options) for d, options in layers]


def trained(layers, loss, optimizer, x, y, weights=None, dtype="float64", **calls):
    """Train both; return the trainer of the core, that of the reference, and the losses of each."""
    settings = {"batch_size": 4, "order": None, "rate": 0.01} | calls
    order, size = settings["order"], settings["batch_size"]
    steps = -(-len(x if order is None else order) // size)
    rates = np.linspace(settings["rate"], settings["rate"] / 2, steps)
    ours = TRAINERS[dtype](x.shape[1], as_dtype(layers, dtype), loss, optimizer, 3)
    rows = (x.astype(dtype), y.astype(dtype), None if weights is None else weights.astype(dtype))
    losses, layer = ours.train(*rows, order, size, rates, None)
    assert layer is None
    truth = reference.Trainer(x.shape[1], layers, loss, optimizer, 3)
    return ours, truth, losses, truth.train(x, y, weights, order, size, rates)


def assert_same(*arguments, tolerance=1e-9, **named):
    """float64 differs from the truth by rounding: some 1e-15, times what some steps make of it."""
    ours, truth, losses, expected = trained(*arguments, **named)
    np.testing.assert_allclose(losses, expected, rtol=tolerance, atol=tolerance)
    for number, layer in enumerate(truth.layers):
        for name, w in ours.weights(number).items():
            np.testing.assert_allclose(w, layer.weights[name], rtol=tolerance, atol=tolerance, err_msg=name)


def two_layers(last="linear", **options):
    return [(cases.dense(4, 5, "tanh"), options), (cases.dense(5, 3, last, seed=1), {})]


def test_the_defaults_of_optimizers_are_those_of_the_reference():
    assert {name: parameters for name, (parameters, _) in _core.optimizers.items()} == reference.DEFAULTS


@pytest.mark.parametrize("optimizer", cases.OPTIMIZERS, ids=cases.case_id)
def test_each_optimizer_steps_as_the_reference(optimizer):
    assert_same(two_layers(), MSE, optimizer, *cases.data(41, 4, 3))


@pytest.mark.parametrize("settings", cases.COMMON, ids=cases.case_id)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_settings_of_all_optimizers_are_those_of_the_reference(optimizer, settings):
    assert_same(two_layers(), MSE, (optimizer, settings), *cases.data(41, 4, 3))


@pytest.mark.parametrize("case", cases.LOSSES, ids=cases.loss_id)
def test_each_loss_is_that_of_the_reference(case):
    name, parameters, last, targets = case
    assert_same(two_layers(last), (name, parameters), ("adam", {}), *cases.data(41, 4, 3, targets))


@pytest.mark.parametrize("name", cases.ACTIVATION_NAMES)
def test_each_activation_passes_gradients_as_the_reference(name):
    layers = [(cases.dense(4, 37, name), {}), (cases.activation(37, name), {}), (cases.dense(37, 3, seed=1), {})]
    assert_same(layers, MSE, ("adam", {}), *cases.data(41, 4, 3))


@pytest.mark.parametrize("kind", cases.LAYERS[1:])
@pytest.mark.parametrize("trainable", [True, False])
def test_each_layer_trains_as_the_reference(kind, trainable):
    options = {"trainable": trainable, "activity": (0.01, 0.1)}
    if kind == "BatchNormalization":
        options["momentum"] = 0.9
    layers = [(cases.dense(4, 19), {}), (cases.of_units(kind, 19), options), (cases.dense(19, 3, seed=1), {})]
    assert_same(layers, MSE, ("adam", {}), *cases.data(40, 4, 3))


@pytest.mark.parametrize("kind", ["dropout", "alpha_dropout", "gaussian_noise"])
def test_noise_is_that_of_the_reference(kind):
    noisy = (cases.activation(70, "linear"), {"noise": (kind, 0.3, 5)})
    layers = [(cases.dense(4, 70, "tanh"), {}), noisy, (cases.dense(70, 3, seed=1), {})]
    assert_same(layers, MSE, ("adam", {}), *cases.data(41, 4, 3))


@pytest.mark.parametrize("overwriting", [{}, {"ema_overwrite_frequency": 2}], ids=["", "overwritten"])
@pytest.mark.parametrize("constraint", cases.CONSTRAINTS, ids=cases.case_id)
def test_constraints_regularizers_and_multipliers_are_those_of_the_reference(constraint, overwriting):
    options = {
        "constraints": {"kernel": constraint},
        "regularizers": {"kernel": (0.01, 0.02), "bias": (0, 0.03)},
        "multipliers": {"bias": 0.1, "kernel": 6.0},
        "decays": {"bias": False},
    }
    settings = {"ema_momentum": 0.9, "weight_decay": 0.1} | overwriting
    assert_same(two_layers(**options), MSE, ("adam", settings), *cases.data(41, 4, 3))


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 255, 256, 257, 511, 512, 513])
def test_batches_of_any_size_train_as_the_reference(rows, dtype):
    x, y, weights = cases.data(rows, 20, 10, cases.one_hot)
    layers = [(cases.dense(20, 33, "relu"), {}), (cases.dense(33, 10, "softmax", seed=1), {})]
    order = np.random.default_rng(1).permutation(np.tile(np.arange(rows), 3)).astype(np.int64)
    # float32: sums of `rows` products, each rounded; the gradient is smaller than the activations, which are about 1.
    tolerance = 1e-10 if dtype == "float64" else (rows + 33 + 20) * 2**-23
    named = {"order": order, "batch_size": rows, "dtype": dtype, "tolerance": tolerance}
    loss = ("categorical_crossentropy", {})
    assert_same(layers, loss, ("sgd", {"momentum": 0.9}), x, y, weights, **named)


# Kernels are transposed in groups of 4 to 8 panels; few inputs or few units are packed otherwise (packing.hpp).
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 40), (40, 3), (5, 17), (17, 5), (129, 20), (300, 9)])
def test_gradients_pass_back_through_kernels_of_any_shape(shape, isa):
    inputs, units = shape
    x, y, weights = cases.data(20, 4, 2)
    layers = [(cases.dense(4, inputs, "tanh"), {}), (cases.dense(inputs, units, "tanh", seed=1), {})]
    layers.append((cases.dense(units, 2, "linear", seed=2), {}))
    assert_same(layers, MSE, ("sgd", {}), x, y, weights)


def everything():
    """A network with all layers, and settings that touch all the code of a step."""
    layers = [
        (cases.dense(20, 40, "gelu"), {"regularizers": {"kernel": (1e-3, 1e-2)}}),
        (cases.of_units("BatchNormalization", 40), {"momentum": 0.9}),
        (cases.activation(40, "linear"), {"noise": ("dropout", 0.2, 9)}),
        (cases.dense(40, 70, "tanh", seed=2), {"constraints": {"kernel": ("max_norm", {"max_value": 1.0})}}),
        (cases.of_units("PReLU", 70), {"multipliers": {"alpha": 2.0}}),
        (cases.dense(70, 10, "softmax", seed=1), {}),
    ]
    return layers, ("adam", {"global_clipnorm": 0.5, "weight_decay": 0.01})


def bits(dtype, rows=700, batch_size=300, layout=np.ascontiguousarray):
    layers, optimizer = everything()
    x, y, weights = (each.astype(dtype) for each in cases.data(rows, 20, 10, cases.one_hot))
    trainer = TRAINERS[dtype](20, as_dtype(layers, dtype), ("categorical_crossentropy", {}), optimizer, 7)
    losses, _ = trainer.train(layout(x), y, weights, None, batch_size, np.full(-(-rows // batch_size), 0.01), None)
    arrays = [w for number in range(len(layers)) for w in trainer.weights(number).values()]
    return losses.tobytes() + b"".join(w.tobytes() for w in arrays)


def test_every_instruction_set_gives_the_same_bits(isa, dtype):
    assert bits(dtype) == portable_bits(dtype)


@functools.cache
def portable_bits(dtype):
    return in_portable_code(bits, dtype)


def in_portable_code(function, *arguments):
    before = fastnn.isa()
    fastnn.set_isa("portable")
    try:
        return function(*arguments)
    finally:
        fastnn.set_isa(before)


# The numbers of rows and weights decide whether the kernel or the deltas are transposed (Stages::propagate). The tiles
# of kernels/propagate.hpp: 1 or 2 chains, 1 to 3 vectors of rows, powers of two of inputs, whole panels and parts.
@pytest.mark.parametrize("rows", [7, 16, 24, 30, 48, 64, 79])
@pytest.mark.parametrize("shape", [(17, 20), (31, 100), (33, 129), (64, 37), (65, 20), (79, 5), (130, 129)])
def test_deltas_have_the_same_bits_whichever_way_they_go_back(shape, rows, dtype, isa):
    assert bits_behind_a_kernel(shape, rows, dtype) == portable_bits_behind_a_kernel(shape, rows, dtype)


@pytest.mark.parametrize("count", [2, 5])
def test_threads_share_the_way_back_of_deltas_without_a_change_of_bits(count, dtype, isa, threads):
    shape, rows = (500, 500), 48
    threads(count)
    assert bits_behind_a_kernel(shape, rows, dtype) == portable_bits_behind_a_kernel(shape, rows, dtype)


def bits_behind_a_kernel(shape, rows, dtype):
    inputs, units = shape
    x, y, weights = (each.astype(dtype) for each in cases.data(rows, 4, 2))
    layers = [(cases.dense(4, inputs, "tanh"), {}), (cases.dense(inputs, units, "tanh", seed=1), {})]
    layers.append((cases.dense(units, 2, "linear", seed=2), {}))
    trainer = TRAINERS[dtype](4, as_dtype(layers, dtype), MSE, ("sgd", {}), 0)
    trainer.train(x, y, weights, None, rows, np.array([0.1]), None)
    return b"".join(w.tobytes() for w in trainer.weights(0).values())


@functools.cache
def portable_bits_behind_a_kernel(*arguments):
    return in_portable_code(bits_behind_a_kernel, *arguments)


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.repeat(x, 3, axis=1)[:, ::3],
        lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    ],
    ids=["fortran", "every second row", "every third column", "backwards"],
)
def test_the_layout_of_rows_does_not_change_bits(layout, dtype):
    assert bits(dtype, layout=layout) == portable_bits(dtype)

"""The numerics contract (docs/numerics.md), bit for bit, on every instruction set."""

import itertools

import numpy as np
import pytest

import fastnn
from activations import ACTIVATIONS
from arrays import same_bits, uniform
from fastnn import _core
from fastnn.layers import Dense
from fastnn.models import Sequential
from reference import dense_bound, forward
from sequentials import activation_model, network

# One below, at and one above: the numbers of chains (4, 17, 65 units), panels (8 or 16 units), tiles of 8 and 12 units.
UNITS = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129]
INPUTS = [1, 2, 3, 4, 7, 15, 16, 17, 64, 128, 129, 257]
# Tiles of up to 8 rows, vectors of 2 to 16 rows, tiles of up to 3 vectors.
ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 25, 33, 47, 48, 49, 97]
BATCHES = [1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 100, 257]


def dense(inputs, units, dtype, seed=1):
    return network([inputs, units], ["linear"], dtype, seed)


def reference_network(model, x):
    """The same forward pass by the scalar fma of the C library, layer by layer."""
    outputs = []
    for layer in model.layers:
        kernel, bias = layer.kernel, layer.bias if layer.use_bias else np.zeros(layer.units, model.dtype)
        x = activation_model(layer.activation, layer.units, model.dtype).predict(_core.reference_dense(kernel, bias, x))
        outputs.append(x)
    return outputs


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray], ids=["rows", "columns"])
@pytest.mark.parametrize("sizes", [[1, 1], [36, 1], [64, 2], [7, 3], [13, 7], [2, 8, 1], [4, 20, 3]], ids=str)
def test_blocks_of_several_tiles_give_the_bits_of_few_rows(sizes, layout, dtype, isa):
    """A block of a narrow network has up to 8 tiles: 96 to 384 rows of float32 (core/forward.cpp)."""
    model = network(sizes, ["tanh"] * (len(sizes) - 2) + ["linear"], dtype)
    x = uniform(1, (769, sizes[0]), dtype)
    few = np.concatenate([model.predict(x[row : row + 5]) for row in range(0, 769, 5)])
    for rows in (95, 97, 191, 193, 383, 384, 385, 769):
        assert same_bits(model.predict(layout(x[:rows])), few[:rows])


@pytest.mark.parametrize("sizes", [[36, 2, 2], [40, 3, 4]], ids=str)
def test_heads_before_other_layers_give_the_bits_of_few_rows(sizes, dtype, isa):
    """From some rows on they write vectors of rows (kernels/dots.hpp)."""
    model = network(sizes, ["relu", "sigmoid"], dtype)
    x = uniform(1, (97, sizes[0]), dtype)
    few = np.concatenate([model.predict(x[row : row + 5]) for row in range(0, 97, 5)])
    for rows in range(12, 98):
        assert same_bits(model.predict(x[:rows]), few[:rows])


@pytest.mark.parametrize(
    "sizes", [[2048, 4], [2049, 3], [2049, 4], [1024, 7], [1025, 6], [680, 12], [681, 11]], ids=str
)
def test_weights_that_tiles_share_give_the_bits_of_few_rows(sizes, isa):
    """From some rows on, and for at most so many inputs, tiles share weights in another order (kernels/fours.hpp)."""
    model = network(sizes, ["linear"], "float32")
    x = uniform(1, (73, sizes[0]), "float32")
    few = np.concatenate([model.predict(x[row : row + 3]) for row in range(0, 73, 3)])
    for rows in (8, 9, 23, 24, 26, 47, 48, 53, 73):
        assert same_bits(model.predict(x[:rows]), few[:rows])


def test_weights_of_a_far_cache_level_give_the_bits_of_single_rows(isa):
    """Layers of 2 MiB ask for weights ahead in the last tile of some rows (kernels/dense.hpp)."""
    model = network([1024, 520], ["relu"], "float32")
    x = uniform(1, (41, 1024), "float32")
    single = np.concatenate([model.predict(row[None]) for row in x])
    for rows in (9, 16, 23, 41):
        assert same_bits(model.predict(x[:rows]), single[:rows])


def test_a_wide_head_keeps_blocks_for_several_threads(isa):
    model = network([20000, 2], ["linear"], "float32")
    model.predict(np.zeros((1, 20000), np.float32))
    assert model._network.blocks(256) > 4


@pytest.mark.parametrize("units", UNITS)
def test_dense_equals_the_scalar_fma_reference_around_every_edge_of_tiles(units, dtype):
    before = fastnn.isa()
    try:
        for inputs, rows in itertools.product(INPUTS, ROWS):
            model, x = dense(inputs, units, dtype), uniform(9, (rows, inputs), dtype)
            expected = _core.reference_dense(model.layers[0].kernel, model.layers[0].bias, x)
            for name in fastnn.isas():
                fastnn.set_isa(name)
                assert same_bits(model.predict(x), expected), f"{name}, {inputs} inputs, {rows} rows"
    finally:
        fastnn.set_isa(before)


def test_dense_equals_the_scalar_fma_reference_on_every_magnitude(dtype, isa):
    exponents = uniform(3, (65, 40)) * (120 if dtype == "float32" else 1000)
    with np.errstate(over="ignore", under="ignore"):
        x = (np.exp2(exponents) * uniform(4, (65, 40))).astype(dtype)
        kernel = (np.exp2(uniform(5, (40, 70)) * 60) * uniform(6, (40, 70))).astype(dtype)
    for units in (1, 10, 40, 70):
        model = Sequential([Dense(units, input_shape=(40,))], dtype=dtype)
        model.set_weights([kernel[:, :units], np.zeros(units)])
        sums = _core.reference_dense(*model.get_weights(), x)
        one_nan = activation_model("linear", units, dtype).predict(sums)  # of infinities subtracted
        assert same_bits(model.predict(x), one_nan)


def test_a_network_equals_its_layers_run_one_by_one(dtype, isa):
    model = network([13, 100, 64, 17, 10, 5], ["relu", "tanh", "sigmoid", "step", "softmax"], dtype)
    for rows in (1, 5, 8, 100):
        x = uniform(8, (rows, 13), dtype)
        expected = reference_network(model, x)
        for got, want in zip(model.representations(x), expected, strict=True):
            assert same_bits(got, want)
        assert same_bits(model.predict(x), expected[-1])


def random_network(number, dtype):
    generator = np.random.default_rng(number)
    depth = int(generator.integers(1, 7))
    sizes = [int(np.exp(generator.uniform(0, np.log(301)))) for _ in range(depth + 1)]
    activations = [str(generator.choice(list(ACTIVATIONS))) for _ in range(depth)]
    return network(sizes, activations, dtype, seed=number, use_bias=bool(generator.integers(2)))


@pytest.mark.parametrize("block", [0, 1, 2, *(pytest.param(block, marks=pytest.mark.slow) for block in range(3, 10))])
def test_rows_keep_their_bits_for_every_batch_position_and_instruction_set(block, dtype):
    before = fastnn.isa()
    try:
        for number in range(block * 20, block * 20 + 20):
            model = random_network(number, dtype)
            x = uniform(number, (max(BATCHES), model.input_shape[1]), dtype)
            fastnn.set_isa(fastnn.isas()[-1])
            expected = model.predict(x)
            for name, rows in itertools.product(fastnn.isas(), BATCHES):
                fastnn.set_isa(name)
                first = (number * 37) % (max(BATCHES) - rows + 1)
                got = model.predict(x[first : first + rows])
                assert same_bits(got, expected[first : first + rows]), f"network {number}, {name}, {rows} rows"
    finally:
        fastnn.set_isa(before)


def test_rows_keep_their_bits_for_every_memory_layout(dtype, isa):
    model = network([11, 40, 3], ["tanh", "softmax"], dtype)
    x = uniform(2, (50, 11), dtype)
    expected = model.predict(x)
    wide = np.zeros((100, 33), dtype)
    wide[::2, ::3] = x
    for layout in (np.asfortranarray(x), wide[::2, ::3], x[::-1].copy()[::-1], x[:, ::-1].copy()[:, ::-1]):
        assert same_bits(model.predict(layout), expected)


@pytest.mark.parametrize("units", [1, 7, 8, 17, 65, 300])
def test_dense_is_within_the_bound_that_its_roundings_allow(units, dtype, isa):
    for inputs in (1, 7, 100, 784):
        model, x = dense(inputs, units, dtype), uniform(5, (33, inputs), dtype)
        kernel, bias = model.get_weights()
        error = np.abs(model.predict(x) - forward([(kernel, bias, "linear")], x)[0])
        bound = dense_bound(kernel, bias, x, dtype)
        if dtype == "float64":
            bound *= 2  # NumPy's own sums round as often
        worst = np.unravel_index(np.argmax(error / bound), error.shape)
        assert (error <= bound).all(), f"{isa}, {inputs} inputs, {worst}: {error[worst]} > {bound[worst]}"


def test_padding_never_meets_infinity_or_changes_a_negative_zero(dtype, isa):
    # A step that is not there must not add +0 to a chain that rounded to -0, nor multiply an infinity by 0.
    tiny = np.finfo(dtype).smallest_subnormal
    for inputs, units, rows in itertools.product((1, 2, 5, 16, 17), (1, 3, 8, 17, 70), (1, 4, 9, 97)):
        model = Sequential([Dense(units, input_shape=(inputs,))], dtype=dtype)
        model.set_weights([np.full((inputs, units), -tiny), np.full(units, -0.0)])
        x = np.full((rows, inputs), tiny, dtype)
        assert same_bits(model.predict(x), _core.reference_dense(*model.get_weights(), x))
        model.set_weights([np.ones((inputs, units)), np.zeros(units)])
        assert np.isposinf(model.predict(np.full((rows, inputs), np.inf))).all()


def test_zero_times_infinity_is_nan(isa):
    model = Sequential([Dense(3, input_shape=(2,))])
    model.set_weights([np.zeros((2, 3)), np.zeros(3)])
    assert np.isnan(model.predict([[np.inf, 1]])).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-310, 1e-42, 3e38, -3e38])
def test_a_special_value_in_one_row_touches_no_other_row(activation, value, dtype, isa):
    model = network([5, 20, 4], [activation, "linear"], dtype)
    for rows, row in ((1, 0), (3, 1), (100, 50)):
        x = uniform(7, (rows, 5), dtype)
        clean = model.predict(x)
        with np.errstate(over="ignore"):
            x[row, 2] = value
        got = model.predict(x)
        others = np.arange(rows) != row
        assert same_bits(got[others], clean[others])
        if np.isnan(value):
            assert np.isnan(got[row]).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_leaves_as_one_bit_pattern(activation, dtype, isa):
    bits, quiet = (np.uint32, 0x7FC00000) if dtype == "float32" else (np.uint64, 0x7FF8000000000000)
    nans = np.array([quiet + 1, quiet | 1 << (31 if dtype == "float32" else 63), quiet - 1], bits).view(dtype)
    model = network([1, 9, 2], [activation, "linear"], dtype)
    for rows in (1, 20):
        x = np.resize(nans, (rows, 1))
        for y in (*model.representations(x), activation_model(activation, 1, dtype).predict(x)):
            assert (y.view(bits) == quiet).all()


def test_subnormal_sums_are_kept(dtype, isa):
    tiny = np.finfo(dtype).smallest_subnormal
    model = Sequential([Dense(2, use_bias=False, input_shape=(2,))], dtype=dtype)
    model.set_weights([[[1, 3], [1, -1]]])
    assert same_bits(model.predict(np.full((1, 2), tiny, dtype)), np.array([[2 * tiny, 2 * tiny]], dtype))

"""Columns and bounds as import steps: folded, they compute what NumPy does."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import ModelFormatError
from fastnn.importers.fold import to_model
from fastnn.importers.steps import Bounds, Columns, Function, Normalize, Product, Scale, Slopes

INDEX = np.array([4, 0, 3])


def product(seed, inputs, units, dtype):
    return Product(f"product {seed}", uniform(seed, (inputs, units), dtype), uniform(seed + 1, units, dtype))


def scale(seed, units):
    return Scale(f"scale {seed}", uniform(seed, units) + 2, uniform(seed + 1, units))


def columns(index=INDEX, width=5, name="columns"):
    return Columns(name, np.asarray(index), width)


def computed(steps, x):
    """Return the answers of steps, in float64."""
    y = x.astype(np.float64)
    for step in steps:
        match step:
            case Product():
                y = y @ step.kernel.astype(np.float64) + (0 if step.bias is None else step.bias)
            case Scale():
                y = y * step.scale + step.shift
            case Columns():
                y = y[..., step.index]
            case Slopes():
                y = np.where(y < 0, step.alpha * y, y)
            case Bounds():
                y = np.minimum(np.maximum(y, step.low), step.high)
            case Function(activation="softmax"):
                y = np.exp(y - y.max(axis=-1, keepdims=True))
                y /= y.sum(axis=-1, keepdims=True)
            case Function(activation="tanh"):
                y = np.tanh(y)
            case Normalize():
                centred = y - y.mean(axis=-1, keepdims=True)
                root = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + step.epsilon)
                y = centred / root * step.gamma + step.beta
    return y


def check(steps, inputs, dtype, bound, fold=True):
    """Compare with NumPy; return the layers' types."""
    model, _ = to_model(steps, inputs=inputs, fold=fold)
    assert model.dtype == dtype
    x = uniform(9, (50, inputs), dtype)
    for rows in (x, x.reshape(10, 5, inputs)):  # (rows, steps, inputs) too
        y = computed(steps, rows)
        assert np.abs(model.predict(rows) - y).max() <= bound * np.finfo(dtype).eps
    return [type(layer).__name__ for layer in model.layers]


def normalize(units):
    return Normalize("normalize", uniform(5, units) + 2, uniform(6, units), 1e-3)


SLOPES, TANH, SOFTMAX = Slopes("slopes", uniform(3, 5)), Function("tanh", "tanh"), Function("softmax", "softmax")


def places(dtype):
    """Return steps of 6 inputs or of 5, and the layers that they become."""
    first, second, third = product(1, 6, 5, dtype), product(3, 3, 4, dtype), product(5, 5, 4, dtype)
    return {
        "behind a product": (6, [first, columns()], ["Dense"]),
        "behind element-wise steps": (
            6,
            [first, TANH, scale(1, 5), SLOPES, columns(), TANH],
            ["Dense", "Affine", "PReLU", "Activation"],
        ),
        "behind a scale, in front of a product": (6, [first, TANH, scale(1, 5), columns(), second], ["Dense"] * 2),
        "in front of a product": (5, [columns(), second], ["Dense"]),
        "of the inputs": (5, [columns()], ["Dense"]),
        "between scales": (5, [scale(1, 5), columns(), scale(2, 3), second], ["Dense"]),
        "in front of slopes": (5, [columns(), Slopes("slopes", uniform(3, 3)), second], ["Dense", "PReLU", "Dense"]),
        "twice": (5, [columns(), scale(1, 3), columns([2, 1], 3), scale(2, 2), product(5, 2, 4, dtype)], ["Dense"]),
        "twice behind a product": (6, [first, columns(), TANH, columns([2, 1], 3)], ["Dense"]),
        "a unit twice": (5, [columns([1, 1, 0]), scale(2, 3), second], ["Dense", "Dense"]),
        "a unit twice behind a product": (6, [first, columns([1, 1, 0]), scale(2, 3), second], ["Dense"] * 2),
        "behind a softmax": (6, [first, SOFTMAX, columns(), scale(2, 3), second], ["Dense", "Dense"]),
        "behind normalization": (
            6,
            [first, normalize(5), columns(), normalize(3)],
            ["Dense", "LayerNormalization", "Dense", "LayerNormalization"],
        ),
        "all, in another order": (5, [columns([4, 3, 2, 1, 0]), third], ["Dense"]),
        "all, as they are": (5, [columns(range(5)), third], ["Dense"]),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", places("float32"))
def test_columns_fold_into_the_product_beside_them(place, dtype):
    inputs, steps, layers = places(dtype)[place]
    if place == "of the inputs" and dtype == "float64":
        steps = [*steps, product(5, 3, 4, dtype)]  # the kernels say the dtype
    # Chains of at most three products, of numbers below 4 and at most 6 terms.
    assert check(steps, inputs, dtype, bound=200) == layers
    check(steps, inputs, dtype, bound=200, fold=False)


def test_scales_stay_layers_in_front_of_columns_if_nothing_is_to_be_folded():
    steps = [scale(1, 5), columns(), scale(2, 3), product(3, 3, 4, "float32")]
    assert check(steps, 5, "float32", bound=200, fold=False) == ["Affine", "Affine", "Dense"]


def test_a_large_shift_alone_is_one_layer():
    steps = [product(1, 6, 5, "float32"), TANH, Scale("shift", np.ones(5), np.full(5, 90.0))]
    assert check(steps, 6, "float32", bound=400) == ["Dense", "Affine"]


def test_columns_of_another_width_are_refused():
    for steps in ([product(1, 6, 4, "float32"), columns()], [columns(), product(1, 4, 4, "float32")]):
        with pytest.raises(ModelFormatError, match=r"has [45] inputs; expected [34], the outputs of the step before"):
            to_model(steps)


def test_the_report_says_where_the_columns_went():
    (_, first), *_ = to_model([columns(), product(3, 3, 4, "float32")])[1]
    assert first.startswith("columns of what layer 0 takes, with weights of 0 for the rest: a row that is NaN")
    assert to_model([product(1, 6, 5, "float32"), columns()])[1][1] == ("columns", "columns of layer 0")


def test_bounds_and_columns_behind_a_product_are_one_chain():
    steps = [
        product(1, 6, 5, "float64"),
        Bounds("bounds", -np.arange(1, 6) / 4, np.arange(1, 6) / 8),
        columns(),
        product(3, 3, 4, "float64"),
    ]
    assert check(steps, 6, "float64", bound=200) == ["Dense", "Affine", "Activation", "Dense"]


LARGE = np.array([[1e20, 1e20], [1e20, 2e20]], "f4")
OVERFLOWING = {
    "before": [Scale("scale", np.array(1e30), np.zeros(())), Product("product", LARGE)],
    "after": [Product("product", LARGE), Scale("scale", np.array(1e25), np.zeros(()))],
}


@pytest.mark.parametrize("steps", OVERFLOWING.values(), ids=OVERFLOWING)
def test_a_scale_whose_products_overflow_stays_a_layer(steps):
    """Folded, the weights would be infinite, though the two layers answer small rows."""
    x = np.array([[1e-35, 3e-35], [-2e-35, 0.0]], "f4")
    folded, report = to_model(steps, inputs=2)
    separate, _ = to_model(steps, inputs=2, fold=False)
    assert ("scale", f"layer {0 if steps[0].source == 'scale' else 1}: Affine") in report
    np.testing.assert_array_equal(folded.predict(x), separate.predict(x))
    assert all(np.isfinite(array).all() for array in folded.get_weights())


def test_numbers_that_overflow_alone_still_fold_into_ones_that_do_not():
    steps = [Product("product", np.full((1, 1), 1e-15, "f4")), Scale("scale", np.array(1e40), np.zeros(()))]
    model, _ = to_model(steps)
    assert len(model.layers) == 1
    np.testing.assert_allclose(model.predict([[1.0]]), [[1e25]], rtol=1e-6)

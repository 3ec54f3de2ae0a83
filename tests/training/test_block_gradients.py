"""A step in two halves has the bits of a step in one call: gradients of blocks of rows are added in order anywhere."""

import numpy as np
import pytest

import training_cases as cases
from arrays import same_bits
from fastnn import _core

TRAINERS = {"float32": _core.Trainer32, "float64": _core.Trainer64}
MSE = ("mean_squared_error", {})
BLOCK = 256


def trainer_of(dtype, optimizer=("adam", {}), loss=MSE, last="linear", layers=None):
    given = layers or [
        (
            cases.dense(6, 33, "gelu"),
            {"regularizers": {"kernel": (1e-4, 1e-3)}, "activity": (0.01, 0.1), "noise": ("dropout", 0.2, None)},
        ),
        (cases.of_units("BatchNormalization", 33), {"trainable": False}),
        (cases.of_units("LayerNormalization", 33), {"noise": ("gaussian_noise", 0.1, 5)}),
        (cases.of_units("PReLU", 33), {}),
        (cases.dense(33, 17, "softmax"), {"constraints": {"kernel": ("max_norm", {"max_value": 0.9})}}),
        (cases.dense(17, 3, last, seed=1), {}),
    ]
    layers = [((*d[:4], {name: w.astype(dtype) for name, w in d[4].items()}), options) for d, options in given]
    return TRAINERS[dtype](6, layers, loss, optimizer, 7)


def rows_of(count, dtype, targets=cases.normal, units=3):
    return [part.astype(dtype) for part in cases.data(count, 6, units, targets)]


def step_by_workers(trainer, worker, data, cuts, outputs=None):
    """One step of `trainer` by gradients that `worker`, of the same weights, computes for rows between cuts."""
    x, y, weights = data
    rows = len(x)
    gradients, loss, activity = [], 0.0, 0.0
    for first, end in zip([0, *cuts], [*cuts, rows], strict=True):
        place = (first, rows, trainer.batches())
        part = None if outputs is None else outputs[first:end]
        blocks = worker.block_gradients(x[first:end], y[first:end], weights[first:end], part, *place)
        gradients.extend(blocks[0])
        for each in blocks[1]:
            loss += each
        for each in blocks[2]:
            activity += each
        assert blocks[3] is None
    total = gradients[0].copy()
    for each in gradients[1:]:
        total += each
    loss = loss / rows + activity / rows + trainer.penalty()
    trainer.apply(total, 0.01)
    return loss


def all_bits(trainer, layers=6):
    return b"".join(w.tobytes() for layer in range(layers) for _, w in sorted(trainer.weights(layer).items()))


def assert_two_halves_are_a_step(dtype, data, cuts=(512,), **settings):
    whole, halves = trainer_of(dtype, **settings), trainer_of(dtype, **settings)
    rows, units = len(data[0]), 3
    for _ in range(4):  # some optimizers accumulate three batches
        expected, outputs = np.empty((rows, units), dtype), np.empty((rows, units), dtype)
        losses, _ = whole.train(*data, None, rows, np.array([0.01]), expected)
        worker = trainer_of(dtype, loss=settings.get("loss", MSE), last=settings.get("last", "linear"))
        for layer in range(6):
            worker.set_weights(layer, halves.weights(layer))
        assert step_by_workers(halves, worker, data, cuts, outputs) == losses[0]
        assert same_bits(outputs, expected)
        assert all_bits(halves) == all_bits(whole)
    assert halves.iterations() == whole.iterations()


@pytest.mark.parametrize(("rows", "cuts"), [(1, []), (256, []), (257, [256]), (1000, [256, 768]), (1024, [512])])
def test_any_number_of_rows_in_any_parts(rows, cuts, dtype, isa):
    assert_two_halves_are_a_step(dtype, rows_of(rows, dtype), cuts)


@pytest.mark.parametrize(
    "optimizer", [*cases.OPTIMIZERS, *(("adam", each) for each in cases.COMMON)], ids=cases.case_id
)
def test_each_optimizer(optimizer, dtype):
    assert_two_halves_are_a_step(dtype, rows_of(700, dtype), optimizer=optimizer)


@pytest.mark.parametrize("case", cases.LOSSES, ids=cases.loss_id)
def test_each_loss(case, dtype):
    name, parameters, last, targets = case
    assert_two_halves_are_a_step(dtype, rows_of(700, dtype, targets), loss=(name, parameters), last=last)


def test_gradients_of_blocks_change_nothing(dtype):
    trainer, data = trainer_of(dtype), rows_of(700, dtype)
    before = all_bits(trainer), trainer.batches()
    first, second = (trainer.block_gradients(*data, None, 0, 700, 0) for _ in range(2))
    assert all(same_bits(one, other) for one, other in zip(first[:3], second[:3], strict=True))
    assert (all_bits(trainer), trainer.batches()) == before


def test_losses_end_with_the_first_block_that_is_not_finite(dtype):
    trainer, data = trainer_of(dtype), rows_of(700, dtype)
    data[0][300, 2] = np.inf
    gradients, losses, activities, layer = trainer.block_gradients(*data, None, 0, 700, 0)
    assert (len(gradients), len(losses), len(activities), layer) == (1, 512, 2, 0)
    data[0][300, 2], data[1][300, 1] = 0, np.inf
    assert trainer.block_gradients(*data, None, 0, 700, 0)[3] == -1


def test_what_needs_all_rows_at_once_is_refused(dtype):
    layers = [(cases.dense(6, 3), {}), (cases.of_units("BatchNormalization", 3), {})]
    trainer, data = trainer_of(dtype, layers=layers), rows_of(300, dtype)
    expected = "expected layers that train blocks of rows by themselves; a trainable BatchNormalization does not"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        trainer.block_gradients(*data, None, 0, 300, 0)


@pytest.mark.parametrize("place", [(1, 700), (0, 299), (256, 400), (0, 700), (512, 600)])
def test_parts_that_are_no_whole_blocks_are_refused(place, dtype):
    with pytest.raises(ValueError, match="expected whole blocks of 256 rows of a batch of .*; received 300 from row"):
        trainer_of(dtype).block_gradients(*rows_of(300, dtype), None, *place, 0)


def test_sums_of_another_size_are_refused(dtype):
    with pytest.raises(ValueError, match=r"expected the sum of the gradients of block_gradients\(\)"):
        trainer_of(dtype).apply(np.zeros(3, dtype), 0.01)

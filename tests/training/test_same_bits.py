"""The bits of a training do not show threads, calls, dtypes or interruptions (docs/numerics.md, "Training")."""

import signal
import threading

import numpy as np
import pytest

import fastnn
import training_cases as cases
from arrays import same_bits, uniform
from fastnn import _core
from fastnn.layers import Dense, Dropout
from fastnn.models import Sequential

TRAINERS = {"float32": _core.Trainer32, "float64": _core.Trainer64}
MSE = ("mean_squared_error", {})


def described(layers, dtype):
    return [((*d[:4], {name: w.astype(dtype) for name, w in d[4].items()}), options) for d, options in layers]


def trainer_of(dtype="float64", inputs=20, hidden=33, optimizer=("adam", {}), seed=7):
    layers = [
        (cases.dense(inputs, hidden, "gelu"), {"regularizers": {"kernel": (1e-4, 1e-3)}}),
        (cases.of_units("BatchNormalization", hidden), {"momentum": 0.9}),
        (cases.activation(hidden, "linear"), {"noise": ("dropout", 0.2, None)}),
        (cases.dense(hidden, 3, seed=1), {}),
    ]
    return TRAINERS[dtype](inputs, described(layers, dtype), MSE, optimizer, seed)


def rows(count, dtype="float64", inputs=20):
    x, y, weights = cases.data(count, inputs, 3)
    return x.astype(dtype), y.astype(dtype), weights.astype(dtype)


def trained(trainer, data, batch_size=32, order=None):
    count = len(data[0] if order is None else order)
    rates = np.full(-(-count // batch_size), 0.01)
    return trainer.train(*data, order, batch_size, rates, None)[0]


def weights_of(trainer):
    return [w for layer in range(4) for _, w in sorted(trainer.weights(layer).items())]


def all_bits(trainer):
    return b"".join(w.tobytes() for w in weights_of(trainer))


@pytest.mark.parametrize("batch_size", [300, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("optimizer", [("adam", {}), ("sgd", {"momentum": 0.9, "global_clipnorm": 0.1})])
def test_threads_do_not_change_bits(optimizer, batch_size, dtype, isa, threads):
    data = rows(1000, dtype, 300)  # so many units and rows that threads share layers and gradients
    results = []
    for count in (1, 2, 8):
        threads(count)
        trainer = trainer_of(dtype, 300, 400, optimizer)
        results.append(trained(trainer, data, batch_size).tobytes() + all_bits(trainer))
    assert len(set(results)) == 1


def test_set_isa_while_another_thread_trains_changes_no_bit(dtype):
    data, before = rows(320, dtype), fastnn.isa()
    alone = trainer_of(dtype, hidden=65)  # of a hidden width whose deltas go another way with AVX-512
    for _ in range(20):
        trained(alone, data)
    other = trainer_of(dtype, hidden=65)

    def train():
        for _ in range(20):
            trained(other, data)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        while thread.is_alive():
            for isa in fastnn.isas():
                fastnn.set_isa(isa)
    finally:
        thread.join()
        fastnn.set_isa(before)
    assert all_bits(other) == all_bits(alone)


def test_steps_are_the_same_in_one_call_and_in_many(dtype):
    data = rows(330, dtype)
    one, many = trainer_of(dtype), trainer_of(dtype)
    losses = trained(one, data)
    each = [trained(many, [part[at : at + 32] for part in data]) for at in range(0, 330, 32)]
    assert same_bits(np.concatenate(each), losses)
    assert all_bits(many) == all_bits(one)


def test_an_order_gives_the_bits_of_rows_in_that_order(dtype):
    data, order = rows(330, dtype), np.random.default_rng(0).permutation(330).astype(np.int64)
    one, other = trainer_of(dtype), trainer_of(dtype)
    assert same_bits(trained(one, data, order=order), trained(other, [part[order] for part in data]))
    assert all_bits(one) == all_bits(other)


def test_evaluation_between_steps_changes_nothing():
    data = rows(330)
    one, other = trainer_of(), trainer_of()
    for _ in range(2):
        trained(one, data)
        trained(other, data)
        other.evaluate(data[0], data[1], None, np.empty((330, 3)))
        other.gradients(data[0], data[1], None)
        other.penalty()
    assert all_bits(one) == all_bits(other)


@pytest.mark.parametrize("given", ["float16", "int8", "float64", "fortran"])
def test_rows_of_any_dtype_and_layout_train_as_their_copies(given, dtype):
    x = (uniform(1, (100, 5)) * 8).round()
    y = x @ np.ones((5, 1))
    given = np.asfortranarray(x.astype(dtype)) if given == "fortran" else x.astype(given)

    def bits(rows):
        model = Sequential([Dense(7, "tanh", input_shape=(5,)), Dropout(0.2, seed=3), Dense(1)], dtype=dtype)
        model.set_weights([uniform(i, w.shape) / 2 for i, w in enumerate(model.get_weights())])
        model.compile("adam", "mse")
        model.fit(rows, y, epochs=2, shuffle=False, verbose=0)
        return b"".join(w.tobytes() for w in model.get_weights())

    assert bits(given) == bits(np.ascontiguousarray(x.astype(dtype)))


@pytest.mark.parametrize(
    "optimizer", [*cases.OPTIMIZERS, *(("adam", each) for each in cases.COMMON)], ids=cases.case_id
)
def test_a_trainer_goes_on_from_a_state_at_every_step(optimizer, dtype):
    x, y, weights = rows(8 * 7, dtype)
    one = trainer_of(dtype, optimizer=optimizer)
    for at in range(0, len(x), 8):
        other = trainer_of(dtype, optimizer=optimizer)
        for layer in range(4):
            other.set_weights(layer, one.weights(layer))
        other.set_state(one.state())
        part = [each[at : at + 8] for each in (x, y, weights)]
        assert same_bits(trained(one, part, 8), trained(other, part, 8))
        assert all_bits(one) == all_bits(other)


def test_two_trainers_in_two_threads_get_the_bits_they_get_alone(dtype, threads, frequent_switches):
    threads(2)
    data = rows(600, dtype, 300)

    def run(seed):
        trainer = trainer_of(dtype, 300, 200, seed=seed)
        for _ in range(3):
            trained(trainer, data, 200)
        return all_bits(trainer)

    alone = [run(0), run(1)]
    together = [None, None]

    def run_beside(seed):
        together[seed] = run(seed)

    beside = [threading.Thread(target=run_beside, args=(seed,)) for seed in (0, 1)]
    for thread in beside:
        thread.start()
    for thread in beside:
        thread.join()
    assert together == alone
    assert alone[0] != alone[1]


def test_a_trainer_used_by_two_threads_at_once_says_so():
    data = rows(20_000)
    trainer, expected = trainer_of(), trainer_of()
    trained(expected, data)
    thread = threading.Thread(target=trained, args=(trainer, data))
    thread.start()
    errors = []
    while thread.is_alive():
        try:
            trainer.iterations()
        except RuntimeError as error:
            errors.append(str(error))
    thread.join()
    assert set(errors) == {"expected one call of a trainer at a time; received a second from another thread"}
    assert all_bits(trainer) == all_bits(expected)


def test_ctrl_c_leaves_whole_steps():
    data = rows(400_000)
    trainer = trainer_of()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            trained(trainer, data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    steps = trainer.iterations()
    assert 0 < steps < 400_000 // 32
    whole = trainer_of()
    trained(whole, [part[: 32 * steps] for part in data])
    assert all_bits(trainer) == all_bits(whole)
    trained(trainer, [part[32 * steps : 32 * steps + 64] for part in data])  # and goes on
    assert trainer.iterations() == steps + 2

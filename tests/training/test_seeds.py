"""Where the random numbers of training come from, and how a run is repeated."""

import pickle

import pytest

import fastnn
from fastnn.layers import Dense, Dropout
from fastnn.models import Sequential
from fastnn.models.trainer_owner import drawn_seed
from training import BatchCalls, LastCalls, rows, same


def dropping():
    model = Sequential([Dropout(0.5, input_shape=(3,)), Dense(1, kernel_initializer="ones")])
    model.compile("adam", "mse")
    return model


def test_dropout_without_fit_draws_its_seed():
    def losses(seed):
        x, y = rows()
        fastnn.utils.set_random_seed(seed)
        model = dropping()
        model.test_on_batch(x, y)
        first = model.train_on_batch(x, y)
        other = dropping()
        other._set_training_state(model._training_state())
        second = model.train_on_batch(x, y)
        assert other.train_on_batch(x, y) == second
        return first, second

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_history_has_the_seed_that_repeats_a_run_with_dropout():
    x, y = rows()
    first, again, other = dropping(), dropping(), dropping()
    seed = first.fit(x, y, epochs=2, verbose=0).seed
    assert again.fit(x, y, epochs=2, verbose=0, seed=seed).seed == seed
    other.fit(x, y, epochs=2, verbose=0)
    assert same(first, again)
    assert not same(first, other)


def test_evaluation_draws_nothing():
    x, y = rows()
    model = dropping()
    fastnn.utils.set_random_seed(1)
    first = drawn_seed()
    fastnn.utils.set_random_seed(1)
    model.evaluate(x, y, verbose=0)
    model.test_on_batch(x, y)
    assert drawn_seed() == first


def test_resumed_run_drops_the_units_that_the_whole_one_drops():
    x, y = rows(40)
    whole, stopped, resumed, states = dropping(), dropping(), dropping(), []
    whole.fit(x, y, batch_size=10, epochs=3, verbose=0, seed=3)

    def save(callback, name, number):
        if name == "train_batch_end" and number == 2:
            states.append(pickle.dumps(callback.model._training_state()))
            raise KeyboardInterrupt

    def restore(callback, name, number):
        if name == "train_begin":
            callback.model._set_training_state(pickle.loads(states[0]))

    with pytest.raises(KeyboardInterrupt):
        stopped.fit(x, y, batch_size=10, epochs=3, verbose=0, seed=3, callbacks=[BatchCalls(save)])
    resumed.fit(x, y, batch_size=10, epochs=3, verbose=0, callbacks=[LastCalls(restore)])
    assert same(whole, resumed)

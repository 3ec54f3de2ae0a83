"""The state of training goes with a model: into copies and pickles, into another model, to any step of a run."""

import copy
import pickle

import pytest

from training import BatchCalls, LastCalls, model_of, rows, same


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_where_the_model_stood(copied):
    x, y = rows()
    model = model_of(x, optimizer="adam", metrics=["mae"])
    model.fit(x, y, verbose=0, seed=1)
    other = copied(model)
    assert same(model, other)
    histories = [each.fit(x, y, verbose=0, seed=2, epochs=2).history for each in (model, other)]
    assert histories[0] == histories[1]
    assert same(model, other)
    assert model.optimizer is not other.optimizer


def test_training_state_goes_on_in_another_model():
    x, y = rows()
    model, other = (model_of(x, optimizer="adam") for _ in range(2))
    model.fit(x, y, verbose=0, seed=1, epochs=2)
    other._set_training_state(pickle.loads(pickle.dumps(model._training_state())))
    for each in (model, other):
        each.fit(x, y, verbose=0, seed=2)
    assert same(model, other)


@pytest.mark.parametrize("stopped_at", range(8))
def test_a_run_resumes_at_any_step(stopped_at):
    x, y = rows(40)
    whole = model_of(x, optimizer="adam", metrics=["mae"])
    expected = whole.fit(x, y, batch_size=10, epochs=3, verbose=0, seed=3, validation_data=(x, y))
    states = []

    def save(callback, name, number):
        if name == "train_batch_end":
            callback.batches = getattr(callback, "batches", -1) + 1
            if callback.batches == stopped_at:
                states.append(pickle.dumps(callback.model._training_state()))
                raise KeyboardInterrupt

    def restore(callback, name, number):
        if name == "train_begin":
            callback.model._set_training_state(pickle.loads(states[0]))

    stopped = model_of(x, optimizer="adam", metrics=["mae"])
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(
            x, y, batch_size=10, epochs=3, verbose=0, seed=3, validation_data=(x, y), callbacks=[BatchCalls(save)]
        )
    resumed = model_of(x, optimizer="adam", metrics=["mae"])
    history = resumed.fit(
        x, y, batch_size=10, epochs=3, verbose=0, seed=9, validation_data=(x, y), callbacks=[LastCalls(restore)]
    )
    assert same(whole, resumed)
    assert history.history == expected.history
    assert history.epoch == expected.epoch
    assert history.seed == 3

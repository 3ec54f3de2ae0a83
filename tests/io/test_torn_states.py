"""While one thread changes a model, the others see it as it was or as it is: nothing between."""

import copy
import pickle

import numpy as np
import pytest

from calls import together
from fastnn import load_model
from sequentials import network

pytestmark = pytest.mark.usefixtures("frequent_switches")

TIMES = 60
SIZES = [5, 40, 30, 20]
X = np.ones((1, SIZES[0]), "float32")


def model_of_three_layers():
    return network(SIZES, ["relu", "linear", "linear"], "float32")


def filled(model, number):
    return [np.full(w.shape, number, w.dtype) for w in model.get_weights()]


def number_in(weights):
    """The one number that fills all arrays."""
    numbers = {float(number) for array in weights for number in np.unique(array)}
    assert len(numbers) == 1, f"torn: {numbers}"
    return numbers.pop()


def fingerprint(model, folder):
    return model.fingerprint()


def answer(model, folder):
    return model.predict(X).tobytes()


def weights(model, folder):
    return number_in(model.get_weights())


def weights_of_pickle(model, folder):
    return number_in(pickle.loads(pickle.dumps(model)).get_weights())


def weights_of_copy(model, folder):
    return number_in(copy.copy(model).get_weights())


def weights_of_deepcopy(model, folder):
    return number_in(copy.deepcopy(model).get_weights())


def weights_of_file(model, folder):
    model.save(folder / "model.safetensors")
    return number_in(load_model(folder / "model.safetensors").get_weights())


@pytest.mark.parametrize(
    "look",
    [weights, fingerprint, answer, weights_of_pickle, weights_of_copy, weights_of_deepcopy, weights_of_file],
    ids=lambda look: look.__name__,
)
def test_set_weights_is_seen_whole_or_not_at_all(look, tmp_path):
    model = model_of_three_layers()
    states = [filled(model, 1), filled(model, 2)]
    whole = set()
    for state in states:
        model.set_weights(state)
        whole.add(look(model, tmp_path))
    assert len(whole) == 2
    threads = 4
    looking = set(range(1, threads))

    def work(thread):
        if thread == 0:
            while looking:
                for state in states:
                    model.set_weights(state)
            return set()
        folder = tmp_path / str(thread)
        folder.mkdir()
        try:
            return {look(model, folder) for _ in range(TIMES)}
        finally:
            looking.discard(thread)

    for seen in together(work, threads):
        assert seen <= whole


def test_set_weights_while_layers_come_and_go_is_done_whole_or_refused():
    model = model_of_three_layers()
    states = [filled(model, 1), filled(model, 2)]
    model.set_weights(states[0])
    changing = {1, 2}

    def work(thread):
        if thread == 0:  # come and go
            while changing:
                model.add(model.pop())
            return True
        if thread == 3:  # look
            while changing:
                number_in(model.get_weights())
            return True
        refused = 0
        try:
            for i in range(5 * TIMES):
                try:
                    model.set_weights(states[i % 2])
                except ValueError as error:
                    assert "with a weight list of length 6" in str(error)
                    refused += 1
        finally:
            changing.discard(thread)
        return refused <= 5 * TIMES

    assert all(together(work, 4))
    assert len(model.layers) == 3
    number_in(model.get_weights())
    model.set_weights(states[1])
    assert number_in(model.get_weights()) == 2

"""Processes forked while another thread trains: the child answers or says why it cannot, and never waits for ever."""

import os

import pytest

from processes import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# A child that hangs is ended by SIGALRM, and so an error here.
MODEL = """
import copy, os, signal, threading, time
import numpy as np
from fastnn.layers import Dense
from fastnn.models import Sequential

model = Sequential([Dense(500, "relu", input_shape=(300,)), Dense(500, "relu"), Dense(1)])
model.compile("sgd", "mse")
x = np.random.default_rng(0).normal(size=(20_000, 300)).astype("float32")
y = x[:, :1]

def statuses_of_children(call):
    thread = threading.Thread(target=train)
    thread.start()
    statuses = []
    while thread.is_alive():
        time.sleep(0.02)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(call())
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return statuses
"""
QUIET = ("-W", "ignore::DeprecationWarning")  # Python's own, of forks beside threads


def test_child_forked_in_a_step_of_another_thread_says_that_its_weights_are_lost():
    run_python(
        MODEL
        + """
model.train_on_batch(x[:100], y[:100])

def train():
    for _ in range(4):
        model.train_on_batch(x, y)

def call():
    refused = 0
    for read in (lambda: model.predict(x[:1]), model.get_weights, lambda: copy.deepcopy(model)):
        try:
            read()
        except RuntimeError as error:
            refused += "another thread trained it when this process was forked" in str(error)
    return refused

statuses = statuses_of_children(call)
assert set(statuses) <= {0, 3} and 3 in statuses, statuses
model.predict(x[:1])
""",
        options=QUIET,
    )


def test_child_forked_during_fit_predicts_with_the_weights_before_it():
    run_python(
        MODEL
        + """
before = model.predict(x[:10])

def train():
    model.fit(x, y, epochs=2, batch_size=5000, verbose=0)

def call():
    return int(not np.array_equal(model.predict(x[:10]), before))

assert 0 in statuses_of_children(call)
""",
        options=QUIET,
    )

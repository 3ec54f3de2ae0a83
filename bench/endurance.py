"""What fastnn alone is asked: two models at once, thousands of steps with dead units, thousands of fits."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from timeit import Timer

import numpy as np

from fastnn.layers import Dense, Input
from fastnn.models import Sequential
from tasks import TASKS

STATM = "/proc/self/statm"
PARTS, STEPS = 10, 300  # of the run with dead units


def pair_timers(task, make):
    """Return timers of two models' training: one after the other, and in two Python threads."""
    trains = [make(task, shuffle=True)[0] for _ in range(2)]
    pool = ThreadPoolExecutor(2)
    names = {"trains": trains, "epochs": task.epochs, "pool": pool}
    return {
        "one after the other": Timer("for train in trains: train(epochs)", globals=names),
        "two threads": Timer("list(pool.map(lambda train: train(epochs), trains))", globals=names),
    }


def _lecture(steps):
    """Return a compiled model, and the x and y of so many batches of 32 rows."""
    task = TASKS["lecture"]
    x = np.resize(task.x, (steps * task.batch, task.sizes[0]))
    model = Sequential([Input((x.shape[1],)), Dense(100, "relu"), Dense(100, "relu"), Dense(1)])
    model.set_weights([array for pair in task.weights for array in pair])
    model.compile("adam", "mse")
    return model, x, np.resize(task.y, (len(x), 1))


def dead_units(rounds, clock):
    """Return {"dead": …, "alive": …}: seconds per step of each 300 of 3,000 steps, an array (rounds, 10).

    A first epoch fills Adam's moments. Then half of the units of both hidden layers get a bias so low that they are 0
    for all rows, and so are their gradients. Their moments shrink by a factor each step: without care they are
    subnormal numbers after about 800 steps, with which a CPU takes many times as long. The other model keeps its units.
    """
    times = {"dead": [], "alive": []}
    for _ in range(rounds):
        models = {kind: _lecture(STEPS) for kind in times}
        for kind, (model, x, y) in models.items():
            model.fit(x, y, verbose=0)
            if kind == "dead":
                weights = model.get_weights()
                for bias in weights[1:4:2]:
                    bias[::2] = -1e4
                model.set_weights(weights)
            times[kind].append([])
        for _ in range(PARTS):
            for kind, (model, x, y) in models.items():
                start = clock()
                model.fit(x, y, verbose=0)
                times[kind][-1].append((clock() - start) / STEPS)
    return {kind: np.array(each) for kind, each in times.items()}


def resident_bytes():
    return int(Path(STATM).read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory_of_fits(fits):
    """Return [(fits, resident bytes)] after each tenth of so many fits, each of a new model."""
    found = []
    for i in range(1, fits + 1):
        model, x, y = _lecture(2)
        model.fit(x, y, epochs=2, validation_split=0.5, verbose=0)
        if i * 10 % fits < 10:
            found.append((i, resident_bytes()))
    return found

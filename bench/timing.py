"""Time several calls in turns, so that other load on the machine affects all of them equally."""

import datetime
import os
import platform
import random
import sys
import time
from pathlib import Path

import numpy as np


def interleaved(timers, seconds, fewest=3, most=31, least=5e-3, clock=time.perf_counter):
    """Return name -> array of seconds per call, one element per round.

    timers: name -> timeit.Timer. A round measures all timers once, in a new random order: as many calls as take `least`
    seconds. Those of less than 0.1 s are called once before, to fill the caches. There are as many rounds as fit into
    `seconds`, but at least `fewest` and at most `most`.
    """
    for timer in timers.values():
        timer.timer = clock
    once = {name: timer.timeit(1) for name, timer in timers.items()}
    short = {name for name, each in once.items() if each < 0.1}
    once |= {name: min(timers[name].repeat(5, 1)) for name in short}
    calls = {name: max(1, int(least / each)) for name, each in once.items()}
    a_round = sum((calls[name] + (name in short)) * each for name, each in once.items())
    rounds = min(most, max(fewest, int(seconds / a_round)))
    times, order = {name: [] for name in timers}, list(timers)
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            if name in short:
                timers[name].timeit(1)
            times[name].append(timers[name].timeit(calls[name]) / calls[name])
    return {name: np.array(each) for name, each in times.items()}


def environment():
    """Return what the measurements depend on, as name -> text."""
    import fastnn
    from fastnn import _core

    return {
        "CPU": f"{cpu_model()}, {os.cpu_count()} CPUs",
        "instruction set": fastnn.isa(),
        "system": f"{platform.system()} {platform.machine()}",
        "fastnn": f"{fastnn.__version__}, {_core.compiler}",
        "Python": sys.version.split()[0],
        "date": datetime.date.today().isoformat(),
    }


def pinned():
    """Keep this thread, and all that it starts, on the last of its CPUs. Return that CPU as text."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned"
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    return f"pinned to CPU {cpu}"


def cpu_model():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def above_neighbours(work, seconds):
    """Return each time divided by the time that its two neighbours predict by linear interpolation over the work.

    work is increasing, and seconds has the same length. The first and the last have one neighbour only and get 1.
    """
    work, seconds = np.asarray(work, float), np.asarray(seconds)
    share = (work[1:-1] - work[:-2]) / (work[2:] - work[:-2])
    line = seconds[:-2] + share * (seconds[2:] - seconds[:-2])
    return np.concatenate([[1.0], seconds[1:-1] / line, [1.0]])

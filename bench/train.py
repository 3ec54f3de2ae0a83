"""Compare how long fastnn and its peers take to train: microseconds a step of Adam, float32, one pinned thread.

    python bench/train.py --markdown table.md          # about five minutes
    python bench/train.py --random 20 --seed 1         # other networks: tasks.py says how they are drawn
    python bench/train.py --quick                      # less than one minute: small networks, fewer rounds
    python bench/train.py --threads 1,2                # fastnn alone, with these numbers of threads
    python bench/train.py --threads-pair               # two models in two Python threads, and one after the other
    python bench/train.py --dead-units                 # 3,000 steps with units whose gradients are zero
    python bench/train.py --fits 10000                 # the memory of a process that makes and fits models

Every library trains whole epochs, shuffled, by the call that its users make; a step is an epoch divided by its batches.
Libraries that are not installed are named and left out. Before it is timed, each trains ten batches in order; its
weights must be those of NumPy in float64. Exit code 2 means wrong weights or a bad command line.
"""

import engines  # noqa: F401  isort: skip  (first: it limits the threads of all libraries)

import argparse
import json
import os
import sys
import time
from pathlib import Path
from timeit import Timer

import endurance
import fastnn
import timing
import training_report
from arguments import between, exit_code, new_file, numbers, one_of
from fastnn import _core
from tasks import CHECKED_STEPS, TASKS, off_course, random_tasks
from trainers import TRAINERS, installed


class TrainerError(Exception):
    """A library fails or trains to other weights."""


def checked(name, task):
    """Raise TrainerError unless a library trains some batches in order to the right weights."""
    few = task.first(CHECKED_STEPS)
    try:
        train, weights = TRAINERS[name][0](few, shuffle=False)
        train(1)
    except Exception as error:
        raise TrainerError(f"{name} does not train {task.title}: {error}") from error
    if wrong := off_course(few, weights()):
        raise TrainerError(f"{name} trains {task.title} to wrong weights: {wrong}")


def timer(name, task):
    train, _ = TRAINERS[name][0](task, shuffle=True)
    return Timer("train(epochs)", globals={"train": train, "epochs": task.epochs})


def steps_of(task, timers, effort):
    """Return name -> seconds per step of each round."""
    times = timing.interleaved(timers, **effort)
    return {name: each / (task.epochs * task.steps) for name, each in times.items()}


def compared(options, task):
    for name in options.present:
        checked(name, task)
    return steps_of(task, {name: timer(name, task) for name in options.present}, options.effort)


def by_threads(options, task):
    """Return the times of fastnn with each number of threads."""
    train, _ = TRAINERS["fastnn"][0](task, shuffle=True)
    names = {"train": train, "epochs": task.epochs, "set_num_threads": fastnn.set_num_threads}
    timers = {f"{n}": Timer("train(epochs)", f"set_num_threads({n})", globals=names) for n in options.threads}
    times = steps_of(task, timers, options.effort)
    fastnn.set_num_threads(1)
    return times


def in_pairs(options, task):
    return steps_of(task, endurance.pair_timers(task, TRAINERS["fastnn"][0]), options.effort)


def cells(options, measure):
    """Return a cell for each task, with the times of measure(options, task). Prints progress to stderr."""
    found = []
    for task in options.tasks:
        print(f"{task.title}, batch {task.batch}", file=sys.stderr)
        times = measure(options, task)
        found.append(
            {
                "network": task.title,
                "rows": task.batch,
                "weights": task.parameters,
                "flops": task.flops,
                "peak": _core.fma_rate("float32", 0.05),
                "seconds": times,
            }
        )
    return found


def measured(options):
    """Run what the options ask for; training_report.py turns the results into tables."""
    results = {"environment": timing.environment(), "quick": options.quick, "cpu time": options.cpu_time}
    if options.threads:
        return results | {"threads": cells(options, by_threads)}
    if options.threads_pair:
        return results | {"pairs": cells(options, in_pairs)}
    results["environment"]["threads"] = f"1, {timing.pinned()}"
    if options.dead_units:
        return results | {"dead units": endurance.dead_units(1 if options.quick else 7, options.effort["clock"])}
    if options.fits:
        return results | {"memory": endurance.memory_of_fits(options.fits)}
    results["libraries"] = {name: installed()[name] for name in options.engines}
    options.present = [name for name, version in results["libraries"].items() if version is not None]
    return results | {"steps": cells(options, compared)}


def parsed(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=one_of(list(TASKS)), metavar="NAME,…")
    parser.add_argument("--engines", type=one_of(list(TRAINERS)), default=list(TRAINERS), metavar="NAME,…")
    parser.add_argument("--random", type=between(int, 1, 1000), metavar="N", help="N random networks instead")
    parser.add_argument("--seed", type=between(int, 0, 2**32 - 1), default=0, metavar="S", help="of --random")
    parser.add_argument("--seconds", type=between(float, 0.001, 3600), default=15, metavar="S", help="for a network")
    parser.add_argument("--quick", action="store_true", help="take less than a minute")
    parser.add_argument("--cpu-time", action="store_true", help="measure CPU time, for a machine with other load")
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--threads", type=numbers(_core.most_threads), metavar="N,…", help="fastnn with so many threads")
    alone.add_argument("--threads-pair", action="store_true", help="two models at once, and one after the other")
    alone.add_argument("--dead-units", action="store_true", help="a step among the first and the last of 3,000")
    alone.add_argument("--fits", type=between(int, 10, 10**7), metavar="N", help="memory over N new models' fits")
    for kind in ("markdown", "json"):
        parser.add_argument(f"--{kind}", type=new_file, metavar="FILE")
    options = parser.parse_args(argv)
    if options.random and options.networks:
        parser.error("--random trains other networks than --networks; leave one of them out")
    if options.cpu_time and (options.threads or options.threads_pair):
        parser.error("--cpu-time adds up the times of all threads; leave it out with --threads and --threads-pair")
    if options.fits and not Path(endurance.STATM).exists():
        parser.error(f"--fits reads the memory from {endurance.STATM}, which only Linux has")
    options.engines = list(dict.fromkeys(["fastnn", *options.engines]))
    small = [name for name, task in TASKS.items() if task.parameters <= training_report.SMALL]
    names = options.networks or (small if options.quick else list(TASKS))
    tasks = random_tasks(options.random, options.seed) if options.random else [TASKS[name] for name in names]
    options.tasks = [task.first(16) for task in tasks] if options.quick else tasks
    options.effort = {"seconds": 0.4, "most": 7, "least": 1e-3} if options.quick else {"seconds": options.seconds}
    options.effort["clock"] = time.process_time if options.cpu_time else time.perf_counter
    return options


def main(argv=None):
    options = parsed(argv)
    start = time.perf_counter()
    try:
        results = measured(options)
    except TrainerError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    if hasattr(os, "getloadavg"):
        results["environment"]["load"] = " ".join(f"{each:.1f}" for each in os.getloadavg())
    results["environment"]["took"] = f"{time.perf_counter() - start:.0f} s"
    text = training_report.markdown(results)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, default=list) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("train.py", main))
